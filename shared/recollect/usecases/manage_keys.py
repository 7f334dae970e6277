"""API keys: making, listing, rotating, revoking and checking them."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from recollect.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from recollect.domain.keys import KEY_PATTERN, ApiKey, Limits, Role, hash_key
from recollect.domain.members import checked_email
from recollect.domain.subjects import Subject
from recollect.ports.keys import Keys
from recollect.ports.projects import SettingsStore
from recollect.usecases.racing import until_first

MAX_NAME_LENGTH = 100
MAX_PROJECT_BYTES = 200
"""UTF-8 bytes; percent-encoded, three times as many are part of keys, which have 1,024 at most."""
DEFAULT_OVERLAP = timedelta(days=1)
MAX_OVERLAP = timedelta(days=30)

KeyChange: TypeAlias = Callable[[ApiKey], ApiKey]
"""Makes a key's new state of its old one; returns the same where it has nothing to change."""


@dataclass(frozen=True, kw_only=True)
class KeyGrant:
    """What a new key opens, for how long and how often; the whole project if nothing is said.

    Without a `role` a member's key has the role of the member, and any other key is an owner's.
    """

    role: Role | None = None
    subject: Subject | None = None
    expires_at: datetime | None = None
    limits: Limits = field(default_factory=Limits)
    member: str | None = None

    def by(self, maker: ApiKey) -> "KeyGrant":
        """Return what a key can grant another: no more time than it has, and its own member."""
        ends = [end for end in (self.expires_at, maker.expires_at) if end]
        return replace(self, expires_at=min(ends, default=None), member=self.member or maker.member)


WHOLE_PROJECT = KeyGrant()


@dataclass(frozen=True)
class CreateKey:
    """Make a key that opens a project; the project comes to be with its first key."""

    keys: Keys
    projects: SettingsStore
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    new_secret: Callable[[], str]

    def __call__(
        self, project: str, name: str, grant: KeyGrant = WHOLE_PROJECT
    ) -> tuple[ApiKey, str]:
        """Return the key's description and the key itself, which is never shown again.

        Raises `InvalidRequestError` for an empty or over-long name of the key or the project, an
        expiry in the past, somebody who is no member, and a role that is not the member's.
        """
        label, now = name.strip(), self.now()
        if not label or len(label) > MAX_NAME_LENGTH:
            message = f"name must have 1 to {MAX_NAME_LENGTH} characters"
            raise InvalidRequestError(message)
        if not 1 <= len(project.encode()) <= MAX_PROJECT_BYTES:
            message = f"A project's name must have 1 to {MAX_PROJECT_BYTES} bytes"
            raise InvalidRequestError(message)
        if grant.expires_at is not None and grant.expires_at <= now:
            message = "expires_at must lie in the future"
            raise InvalidRequestError(message)
        secret, member = self.new_secret(), _email_or_none(grant.member)
        key = ApiKey(
            id=self.new_id(),
            project=project,
            name=label,
            created_at=now,
            expires_at=grant.expires_at,
            role=self._role(project, member, grant.role),
            subject=grant.subject,
            limits=grant.limits,
            member=member,
        )
        self.keys.create(project, key, hash_key(secret))
        return key, secret

    def _role(self, project: str, member: str | None, asked: Role | None) -> Role:
        if member is None:
            return asked or Role.OWNER
        role = self.projects.get(project).members.get(member)
        if role is None:
            message = "member must be the e-mail address of a member of the project"
            raise InvalidRequestError(message)
        if asked not in {None, role}:
            message = f"A key of this member has the member's role, {role}"
            raise InvalidRequestError(message)
        return role


@dataclass(frozen=True)
class ListKeys:
    """List a project's keys."""

    keys: Keys

    def __call__(self, project: str) -> list[ApiKey]:
        """Return what is known of each, oldest first, revoked ones included."""
        return self.keys.list(project)


@dataclass(frozen=True)
class RevokeKey:
    """Make a key useless."""

    keys: Keys
    now: Callable[[], datetime]

    def __call__(self, project: str, key_id: str) -> ApiKey:
        """Return the revoked key; revoking twice changes nothing.

        Raises `NotFoundError`, and `ConflictError` if others keep changing the project's keys.
        """

        def revoke(key: ApiKey) -> ApiKey:
            is_meant = key.id == key_id and not key.revoked_at
            return replace(key, revoked_at=self.now()) if is_meant else key

        return _with_id(change_keys(self.keys, project, revoke), key_id)


@dataclass(frozen=True)
class RotateKey:
    """Make a key's successor, and let the key itself expire soon."""

    keys: Keys
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    new_secret: Callable[[], str]

    def __call__(
        self, project: str, key_id: str, overlap: timedelta = DEFAULT_OVERLAP
    ) -> tuple[ApiKey, str]:
        """Return the successor, which opens what the key does, and the successor's secret.

        The key itself is good until the overlap is over, or until it would have expired anyway.
        Raises `InvalidRequestError` for an overlap that is negative or too long, `NotFoundError`,
        and `ConflictError` for a key that is revoked, expired, or changed by others meanwhile.
        """
        if not timedelta(0) <= overlap <= MAX_OVERLAP:
            most = int(MAX_OVERLAP.total_seconds())
            message = f"overlap_seconds must be between 0 and {most}"
            raise InvalidRequestError(message)
        key, now = _with_id(self.keys.list(project), key_id), self.now()
        if not key.is_good(now):
            message = "The key was revoked or has expired; make another one instead"
            raise ConflictError(message)
        secret = self.new_secret()
        successor = replace(key, id=self.new_id(), created_at=now)
        # First the successor: one that nobody was told does less harm than a key without one.
        self.keys.create(project, successor, hash_key(secret))
        ends = now + overlap
        expires_at = min(ends, key.expires_at) if key.expires_at else ends
        self.keys.replace(project, key, replace(key, expires_at=expires_at))
        return successor, secret


@dataclass(frozen=True)
class CheckKey:
    """Tell which project a key opens."""

    keys: Keys
    now: Callable[[], datetime]

    def __call__(self, secret: str) -> ApiKey | None:
        """Return the key if it is known, not revoked and not expired, else None."""
        if not KEY_PATTERN.fullmatch(secret):
            return None
        key = self.keys.find(hash_key(secret))
        return key if key and key.is_good(self.now()) else None


def change_keys(keys: Keys, project: str, change: KeyChange) -> list[ApiKey]:
    """Change a project's keys as a rule says, those that are made meanwhile included.

    Returns all keys as they are then, oldest first; repeating it changes nothing more. Raises
    `ConflictError` if others keep changing them.
    """

    def attempt() -> list[ApiKey]:
        return [_changed(keys, key, change(key)) for key in keys.list(project)]

    return until_first(attempt, what="The project's keys are")


def _changed(keys: Keys, before: ApiKey, after: ApiKey) -> ApiKey:
    if after != before:
        keys.replace(before.project, before, after)
    return after


def _with_id(keys: list[ApiKey], key_id: str) -> ApiKey:
    key = next((key for key in keys if key.id == key_id), None)
    if key is None:
        message = "Key not found"
        raise NotFoundError(message)
    return key


def _email_or_none(text: str | None) -> str | None:
    return None if text is None else checked_email(text)


def has_key(keys: Keys, project: str) -> bool:
    """Tell whether a project has a key that is not revoked: nobody could read it without one."""
    return any(key.revoked_at is None for key in keys.list(project))
