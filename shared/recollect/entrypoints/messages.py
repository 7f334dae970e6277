"""What is said over queues: who has news, never the news."""

from typing import Annotated

from pydantic import BaseModel, Field

from recollect.usecases.manage_keys import MAX_PROJECT_BYTES


class Message(BaseModel):
    """A message; `correlation_id` is the request that it comes from, if it comes from one."""

    correlation_id: str | None = None


class SubjectsHaveNews(Message):
    """Subjects, by their keys, with changes that the index has not confirmed."""

    project: str = Field(min_length=1, max_length=MAX_PROJECT_BYTES)
    subject_keys: list[Annotated[str, Field(min_length=1, max_length=64)]]
