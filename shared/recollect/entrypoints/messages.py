"""What is said over queues: who has news, never the news."""

from pydantic import BaseModel


class Message(BaseModel):
    """A message; `correlation_id` is the request that it comes from, if it comes from one."""

    correlation_id: str | None = None


class SubjectsHaveNews(Message):
    """Subjects, by their keys, with changes that the index has not confirmed."""

    project: str
    subject_keys: list[str]
