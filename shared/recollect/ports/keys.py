"""API keys and the projects they open."""

from collections.abc import Sequence
from typing import Protocol

from recollect.domain.keys import ApiKey


class Keys(Protocol):
    """Stores what is known of API keys, under the hash of the key."""

    def find(self, key_hash: str) -> ApiKey | None:
        """Return the key with this hash, revoked or not, or None."""
        ...

    def create(self, project: str, key: ApiKey, key_hash: str) -> None:
        """Store a new key, and the project if it is new."""
        ...

    def list(self, project: str) -> "list[ApiKey]":
        """Return the project's keys, oldest first."""
        ...

    def replace(self, project: str, before: ApiKey, after: ApiKey) -> None:
        """Store a key's new state; do nothing if the project has no such key.

        Raises `LostRaceError` if the key is not as it was before any more.
        """
        ...

    def projects(self) -> Sequence[str]:
        """Return every project that has, or had, a key, by name."""
        ...
