"""API keys: shown once, stored as hashes; and what each of them opens."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from recollect.domain.errors import ForbiddenError, InvalidRequestError
from recollect.domain.memory import Json
from recollect.domain.subjects import Scope, Subject, SubjectKind

KEY_PREFIX = "m0-"
"""mem0's tools refuse keys that do not start so."""
KEY_PATTERN = re.compile(r"m0-[A-Za-z0-9_-]{20,128}")
MAX_LIMIT = 1_000_000_000


class Role(StrEnum):
    """What a key's holder may do in the project: everything, or nothing but read."""

    OWNER = "OWNER"
    READER = "READER"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much may be used; None is without limit.

    Minutes and days are those of the clock, in UTC. Raises `InvalidRequestError` for a limit that
    is none.
    """

    requests_per_minute: int | None = None
    tokens_per_day: int | None = None
    """Tokens that language models read and write."""

    def __post_init__(self) -> None:
        """Refuse what would let nothing through, or cannot be counted to."""
        for name, limit in vars(self).items():
            if limit is not None and not 1 <= limit <= MAX_LIMIT:
                message = f"{name} must be between 1 and {MAX_LIMIT}, or null for no limit"
                raise InvalidRequestError(message)


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """What is known of a key; the key itself is not.

    With a `subject` it opens only what belongs to this subject. `member` is the e-mail address of
    the project's member that it was made for: it goes when the member does.
    """

    id: str
    project: str
    name: str
    created_at: datetime
    revoked_at: datetime | None = None
    expires_at: datetime | None = None
    role: Role = Role.OWNER
    subject: Subject | None = None
    limits: Limits = field(default_factory=Limits)
    member: str | None = None

    @property
    def is_limited(self) -> bool:
        """Tell whether it may be used only so much."""
        return self.limits != Limits()

    def is_good(self, now: datetime) -> bool:
        """Tell whether it opens anything: neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True)
class Access:
    """What a key lets its holder do: in which project, and whether for one subject only.

    Whatever a caller names passes through here, so that no filter, path or body widens it.
    """

    project: str
    subject: Subject | None = None

    def scope(self, names: Mapping[SubjectKind, object]) -> Scope:
        """Return the scope of these names, to which the key's own subject belongs in any case.

        Raises `ForbiddenError` for another subject of its kind, and `InvalidRequestError`.
        """
        if self.subject is None:
            return Scope.of(self.project, names)
        scope = Scope.of(self.project, {self.subject.kind: self.subject.name, **names})
        if not self.sees(scope):
            raise out_of_reach()
        return scope

    def narrowed(self, filters: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return filters, in the caller's language, that also keep to the key's subject."""
        if self.subject is None:
            return filters
        return {"AND": [filters, {f"{self.subject.kind}_id": self.subject.name}]}

    def sees(self, scope: Scope) -> bool:
        """Tell whether what is of this scope is within the key's reach."""
        return scope.project == self.project and scope.is_within(self.subject)

    def checked(self, subject: Subject) -> Subject:
        """Return a subject that is within the key's reach; raise `ForbiddenError` for others."""
        if self.subject not in {None, subject}:
            raise out_of_reach()
        return subject


def out_of_reach() -> ForbiddenError:
    """Return the refusal of what a key that is bound to a subject does not open."""
    return ForbiddenError("This API key is for one entity only, and does not open this")


def hash_key(secret: str) -> str:
    """Return the form in which a key is stored and looked up.

    Plain SHA-256 is enough: keys carry 192 bits of randomness, so there is nothing to guess.
    """
    return hashlib.sha256(secret.encode()).hexdigest()
