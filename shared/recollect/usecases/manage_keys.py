"""API keys: making, listing, revoking and checking them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from recollect.domain.errors import InvalidRequestError, NotFoundError
from recollect.domain.keys import KEY_PATTERN, ApiKey, hash_key
from recollect.ports.keys import Keys

MAX_NAME_LENGTH = 100
MAX_PROJECT_BYTES = 200
"""UTF-8 bytes; percent-encoded, three times as many are part of keys, which have 1,024 at most."""


@dataclass(frozen=True)
class CreateKey:
    """Make a key that opens a project; the project comes to be with its first key."""

    keys: Keys
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    new_secret: Callable[[], str]

    def __call__(self, project: str, name: str) -> tuple[ApiKey, str]:
        """Return the key's description and the key itself, which is never shown again.

        Raises `InvalidRequestError` for an empty or over-long name of the key or the project.
        """
        label = name.strip()
        if not label or len(label) > MAX_NAME_LENGTH:
            message = f"name must have 1 to {MAX_NAME_LENGTH} characters"
            raise InvalidRequestError(message)
        if not 1 <= len(project.encode()) <= MAX_PROJECT_BYTES:
            message = f"A project's name must have 1 to {MAX_PROJECT_BYTES} bytes"
            raise InvalidRequestError(message)
        secret = self.new_secret()
        key = ApiKey(id=self.new_id(), project=project, name=label, created_at=self.now())
        self.keys.create(project, key, hash_key(secret))
        return key, secret


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
        """Return the revoked key; revoking twice changes nothing. Raises `NotFoundError`."""
        key = next((key for key in self.keys.list(project) if key.id == key_id), None)
        if key is None:
            message = "Key not found"
            raise NotFoundError(message)
        if key.revoked_at is not None:
            return key
        revoked = replace(key, revoked_at=self.now())
        self.keys.replace(project, revoked)
        return revoked


@dataclass(frozen=True)
class CheckKey:
    """Tell which project a key opens."""

    keys: Keys

    def __call__(self, secret: str) -> ApiKey | None:
        """Return the key if it is known and not revoked, else None."""
        if not KEY_PATTERN.fullmatch(secret):
            return None
        key = self.keys.find(hash_key(secret))
        return None if key is None or key.revoked_at else key
