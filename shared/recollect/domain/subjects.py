"""Whom memories belong to: subjects, and the scopes they form together."""

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from recollect.domain.errors import InvalidRequestError

MAX_NAME_LENGTH = 256
"""Characters of a subject's name; longer ones are refused, not cut."""


class SubjectKind(StrEnum):
    """The four kinds of subject, the owner's order first to last."""

    USER = "user"
    AGENT = "agent"
    APP = "app"
    RUN = "run"


@dataclass(frozen=True, order=True)
class Subject:
    """A user, agent, app or run, known by the caller's own name for it."""

    kind: SubjectKind
    name: str

    @classmethod
    def of(cls, kind: SubjectKind, name: object) -> "Subject":
        """Return the subject for a name as a caller wrote it.

        Names are NFC-normalised and trimmed, so that two spellings of one name are one subject.
        Raises `InvalidRequestError` for anything but a printable text of 1 to 256 characters,
        and for `*`, which means "any" in filters.
        """
        field = f"{kind}_id"
        if not isinstance(name, str):
            message = f"{field} must be a string"
            raise InvalidRequestError(message)
        normal = unicodedata.normalize("NFC", name).strip()
        if not normal:
            message = f"{field} must not be empty"
            raise InvalidRequestError(message)
        if len(normal) > MAX_NAME_LENGTH:
            message = f"{field} must have at most {MAX_NAME_LENGTH} characters"
            raise InvalidRequestError(message)
        if normal == "*":
            message = f'{field} must not be "*"'
            raise InvalidRequestError(message)
        if any(unicodedata.category(character) in {"Cc", "Cs"} for character in normal):
            message = f"{field} must not contain control characters"
            raise InvalidRequestError(message)
        return cls(kind, normal)

    def is_named_like(self, text: str) -> bool:
        """Tell whether this text is part of its name, whatever the case of the letters."""
        return unicodedata.normalize("NFC", text).casefold() in self.name.casefold()

    @cached_property
    def key(self) -> str:
        """A hash that stands for the subject wherever its name must not appear."""
        return _digest([self.kind, self.name])


@dataclass(frozen=True)
class Scope:
    """A project and the exact set of subjects named in one add.

    The unit of uniqueness, of decisions and of ordering. `subjects` holds at least one subject,
    at most one of each kind, in the order of `SubjectKind`; build it with `Scope.of`.
    """

    project: str
    subjects: tuple[Subject, ...]

    @classmethod
    def of(cls, project: str, names: Mapping[SubjectKind, object]) -> "Scope":
        """Return the scope of these names; raise `InvalidRequestError` if there are none."""
        subjects = tuple(Subject.of(kind, names[kind]) for kind in SubjectKind if kind in names)
        if not subjects:
            message = "At least one of user_id, agent_id, app_id or run_id is required"
            raise InvalidRequestError(message)
        return cls(project, subjects)

    @cached_property
    def key(self) -> str:
        """A hash of the exact set of subjects; equal sets of one project are one scope."""
        return _digest(self.pairs)

    @property
    def pairs(self) -> list[list[str]]:
        """Kind and name of each subject, in order: what is hashed, and what is stored."""
        return [[subject.kind, subject.name] for subject in self.subjects]

    @property
    def owner(self) -> Subject:
        """The user, else the agent, else the app, else the run."""
        return self.subjects[0]

    def is_within(self, subject: Subject | None) -> bool:
        """Tell whether this subject belongs to it; None stands for any."""
        return subject is None or subject in self.subjects

    def name_of(self, kind: SubjectKind) -> str | None:
        """Return the name of the subject of this kind, if the scope has one."""
        return next((subject.name for subject in self.subjects if subject.kind == kind), None)


def _digest(value: object) -> str:
    canonical = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]
