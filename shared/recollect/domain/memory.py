"""Memories, where they came from and what happened to them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from recollect.domain.errors import InvalidRequestError
from recollect.domain.subjects import Scope

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
Vector: TypeAlias = NDArray[np.float32]
"""One text's embedding: one dimension, unit length (or all zero for a text without words)."""

MAX_TEXT_BYTES = 32 * 1024
"""UTF-8 bytes of one memory's text; what a record item and an embedding model can both take."""

MAX_METADATA_BYTES = 32 * 1024
"""Bytes of one memory's metadata as JSON."""


class MemoryKind(StrEnum):
    """What a memory says: a fact, what happened when, or how a task is done."""

    SEMANTIC = "semantic"
    EPISODIC = "episodic"
    PROCEDURAL = "procedural"


class HistoryAction(StrEnum):
    """What happened to a memory; the wire calls it event."""

    ADD = "ADD"
    UPDATE = "UPDATE"
    DELETE = "DELETE"


class Verdict(StrEnum):
    """How good somebody finds a memory."""

    POSITIVE = "POSITIVE"
    NEGATIVE = "NEGATIVE"
    VERY_NEGATIVE = "VERY_NEGATIVE"


@dataclass(frozen=True)
class Feedback:
    """What somebody thinks of a memory, and why."""

    verdict: Verdict
    reason: str | None = None


@dataclass(frozen=True)
class Embedding:
    """A text's vector with the model that made it, stored as little-endian float16."""

    model: str
    data: bytes

    @classmethod
    def of(cls, model: str, vector: Vector) -> "Embedding":
        """Return the vector in its stored form."""
        return cls(model, vector.astype("<f2").tobytes())

    def vector(self) -> Vector:
        """Return the vector; cosines differ by less than 0.001 from before it was stored."""
        return np.frombuffer(self.data, dtype="<f2").astype(np.float32)


@dataclass(frozen=True)
class Attachment:
    """What came with a message beside what was said: a text document, or a picture.

    `text` is the document's, or what is to be seen on the picture: empty until a model has looked.
    `url` is where the picture is: an https address, or a data URL, which is not kept afterwards.
    """

    kind: Literal["document", "image"]
    text: str = ""
    url: str = ""


@dataclass(frozen=True)
class Message:
    """One turn of a conversation as the caller sent it; `said_at` only if the turn has its own."""

    role: str
    content: str
    name: str | None = None
    said_at: datetime | None = None
    attachments: tuple[Attachment, ...] = ()

    @property
    def speaker(self) -> str:
        """Who says it: the name if there is one, else the role."""
        return self.name or self.role


@dataclass(frozen=True, kw_only=True)
class Memory:
    """One remembered text.

    `created_at` is when it was said, as shown to the caller (an add may backdate it);
    `recorded_at` is when the service learned it; `stated_at` is when the words that it has now were
    said, None if those are still the first. `version` starts at 1 and grows by one with
    every change. `turn` numbers verbatim memories within their scope; `message` is the place, among
    the messages of its episode, of the one that says it.

    `valid_from` and `valid_to` are when it is, was or will be so, or happens, as far as it was
    said; the end itself is outside. `salience` of 0..1 tells how much it matters. What it says is
    in the graph if `is_graphed`. `feedback` is the last that somebody gave.
    """

    id: str
    scope: Scope
    text: str
    created_at: datetime
    updated_at: datetime
    recorded_at: datetime
    stated_at: datetime | None = None
    version: int = 1
    kind: MemoryKind = MemoryKind.SEMANTIC
    metadata: Mapping[str, Json] = field(default_factory=dict)
    categories: tuple[str, ...] = ()
    role: str | None = None
    actor: str | None = None
    attributed_to: str | None = None
    expires_on: date | None = None
    is_immutable: bool = False
    episode_id: str
    message: int | None = None
    turn: int | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    salience: float | None = None
    is_graphed: bool = False
    feedback: Feedback | None = None
    embedding: Embedding | None = None

    @property
    def said_at(self) -> datetime:
        """When the words that it has now were said."""
        return self.stated_at or self.created_at

    def is_expired(self, now: datetime) -> bool:
        """Tell whether its last day (inclusive, UTC) is over."""
        return self.expires_on is not None and self.expires_on < now.astimezone(UTC).date()


@dataclass(frozen=True, kw_only=True)
class HistoryEvent:
    """One immutable entry of a memory's history; `version` is the memory's after it.

    `role` and `actor` say whose words caused it. From `valid_from` on, in the world, the new text
    holds and the old one does not; None if nothing is known but when it was recorded.
    """

    memory_id: str
    scope: Scope
    version: int
    action: HistoryAction
    old_text: str | None
    new_text: str | None
    at: datetime
    role: str | None = None
    actor: str | None = None
    cause: str
    """The id of the job that did it."""
    prompt_version: str | None = None
    valid_from: datetime | None = None

    @classmethod
    def of(
        cls,
        before: Memory | None,
        after: Memory | None,
        *,
        at: datetime,
        cause: str,
        by: tuple[str | None, str | None] | None = None,
        valid_from: datetime | None = None,
        prompt_version: str | None = None,
    ) -> "HistoryEvent":
        """Return the event that takes a memory from one state to the next.

        Nothing before is an ADD, nothing after a DELETE. `by` is the role and actor that caused
        it, the memory's own unless given. Raises `ValueError` if there is neither state.
        """
        memory = after or before
        if memory is None:
            message = "An event is of a memory: before, after or both"
            raise ValueError(message)
        role, actor = by or (memory.role, memory.actor)
        is_change = HistoryAction.UPDATE if after else HistoryAction.DELETE
        return cls(
            memory_id=memory.id,
            scope=memory.scope,
            version=after.version if after else memory.version + 1,
            action=is_change if before else HistoryAction.ADD,
            old_text=before.text if before else None,
            new_text=after.text if after else None,
            at=at,
            role=role,
            actor=actor,
            cause=cause,
            prompt_version=prompt_version,
            valid_from=valid_from,
        )

    @property
    def is_stripped(self) -> bool:
        """Tell whether it is without the texts that every event has."""
        return self.old_text is None and self.new_text is None

    def stripped(self) -> "HistoryEvent":
        """Return that it happened, without a word of what was said or who said it."""
        return replace(self, old_text=None, new_text=None, role=None, actor=None, valid_from=None)


@dataclass(frozen=True, kw_only=True)
class Episode:
    """The messages of one add, verbatim and in order; its id is the id of the add's job.

    It is kept until `expires_at`, if that is given.
    """

    id: str
    scope: Scope
    messages: tuple[Message, ...]
    first_turn: int
    said_at: datetime
    recorded_at: datetime
    expires_at: datetime | None = None


def checked_metadata(metadata: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return a memory's metadata; raise `InvalidRequestError` if it is too large."""
    if _bytes_of(json.dumps(metadata, ensure_ascii=False)) > MAX_METADATA_BYTES:
        message = f"metadata must have at most {MAX_METADATA_BYTES} bytes of JSON"
        raise InvalidRequestError(message)
    return metadata


def checked_text(text: str) -> str:
    """Return a memory's text trimmed; raise `InvalidRequestError` if it is empty or too long."""
    trimmed = text.strip()
    if not trimmed:
        message = "The text of a memory must not be empty"
        raise InvalidRequestError(message)
    if _bytes_of(trimmed) > MAX_TEXT_BYTES:
        message = f"The text of a memory must have at most {MAX_TEXT_BYTES} bytes"
        raise InvalidRequestError(message)
    return trimmed


def _bytes_of(text: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        message = "Text must not contain half of a surrogate pair"
        raise InvalidRequestError(message) from error
