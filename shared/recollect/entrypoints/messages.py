"""What is said over queues: who has news, never the news."""

from pydantic import BaseModel


class SubjectsHaveNews(BaseModel):
    """Subjects, by their keys, with changes that the index has not confirmed."""

    project: str
    subject_keys: list[str]
