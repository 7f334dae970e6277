"""What is said over queues: who has news, never the news."""

from typing import Annotated

from pydantic import BaseModel, Field

from recollect.usecases.manage_keys import MAX_PROJECT_BYTES


class Message(BaseModel):
    """A message; `correlation_id` is the request that it comes from, if it comes from one."""

    correlation_id: str | None = None


class JobIsWaiting(Message):
    """A job that waits for a worker; `again` if it is to be tried although it has failed."""

    project: str = Field(min_length=1, max_length=MAX_PROJECT_BYTES)
    job_id: str = Field(min_length=1, max_length=64)
    again: bool = False


class OwnerHasNews(Message):
    """An owner, by its key, whose graph has something left to do."""

    project: str = Field(min_length=1, max_length=MAX_PROJECT_BYTES)
    owner_key: str = Field(min_length=1, max_length=64)


class MemoryIsUnreadable(Message):
    """A version of a memory that could not be read for the graph: a letter to a person."""

    project: str
    owner_key: str
    memory_id: str
    version: int


class DeliveriesAreDue(Message):
    """Deliveries to a webhook that are due."""

    project: str = Field(min_length=1, max_length=MAX_PROJECT_BYTES)
    webhook_id: str = Field(min_length=1, max_length=64)
    delivery_ids: list[Annotated[str, Field(min_length=1, max_length=64)]]


class DeliveryHasFailed(Message):
    """A delivery that was tried too often: a letter to a person."""

    project: str
    webhook_id: str
    delivery_id: str


class SubjectsHaveNews(Message):
    """Subjects, by their keys, with changes that the index has not confirmed."""

    project: str = Field(min_length=1, max_length=MAX_PROJECT_BYTES)
    subject_keys: list[Annotated[str, Field(min_length=1, max_length=64)]]
