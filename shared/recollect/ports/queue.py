"""Wake-ups after a commit."""

from collections.abc import Sequence
from typing import Protocol


class WakeUps(Protocol):
    """Tells the projector that subjects have news; losing one loses nothing but time."""

    def index(self, project: str, subject_keys: Sequence[str]) -> None:
        """Say that these subjects have changes that the index has not confirmed."""
        ...
