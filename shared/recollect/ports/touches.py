"""When searches showed memories, which decides how they fade."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol


class Touches(Protocol):
    """Keeps when each memory was last shown; a hint, of which a race may lose one."""

    def get(self, project: str, memory_ids: Sequence[str]) -> dict[str, tuple[datetime, ...]]:
        """Return the touches of those memories that have any, oldest first, by id."""
        ...

    def put(self, project: str, touches: Mapping[str, Sequence[datetime]]) -> None:
        """Keep these touches of memories instead of those before, for at least half a year."""
        ...
