"""Vectors of memories, where those of one model are exchanged for those of another."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from recollect.domain.memory import Embedding


class Vectors(Protocol):
    """Exchanges the vectors of all memories for those of the configured embedder's model.

    `begin`, then `replace` each that another model made, then `drop_others` and `finish`. What
    breaks off is begun again, and goes on.
    """

    def begin(self) -> None:
        """Take note that vectors are being exchanged."""
        ...

    def replace(self, project: str, vectors: Mapping[str, tuple[int, Embedding]]) -> int:
        """Store vectors of memories (id -> version and vector) that are still at this version.

        Returns how many. The memory's version and its history stay as they are.
        """
        ...

    def drop_others(self, project: str, memory_ids: Sequence[str]) -> int:
        """Forget what other models made of memories that have a vector of the configured one.

        Returns of how many memories something was forgotten.
        """
        ...

    def finish(self) -> None:
        """Take note that all are exchanged.

        Raises `ConflictError` if some are not and could not be told apart any more.
        """
        ...
