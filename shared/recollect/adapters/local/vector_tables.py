"""The vectors of the rows of a subject."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from recollect.adapters.local.growing import Growing, Mask, Ranking, Rows
from recollect.domain.memory import Vector
from recollect.domain.ranking import unit

NO_RANKING: Ranking = (np.empty(0, np.intp), np.empty(0, np.float32))


class VectorTables:
    """The unit vectors of rows, by their dimensions: embedding models may have changed."""

    def __init__(self) -> None:
        self._tables: dict[int, _Table] = {}

    @property
    def size_in_bytes(self) -> int:
        """About what it all takes in memory."""
        return sum(
            table.rows.size_in_bytes + table.vectors.size_in_bytes
            for table in self._tables.values()
        )

    def extend(self, blobs: Sequence[tuple[int, bytes | None]], room: int) -> None:
        """Append rows with their vectors (little-endian float16); new tables have room for some."""
        groups: dict[int, list[tuple[int, bytes]]] = defaultdict(list)
        for row, blob in blobs:
            if blob:
                groups[len(blob) // 2].append((row, blob))
        for dimensions, group in groups.items():
            if dimensions not in self._tables:
                self._tables[dimensions] = _Table(dimensions, room)
            self._tables[dimensions].extend(group)

    def cosines(self, vectors: Sequence[Vector]) -> list[Ranking]:
        """Return for each vector the cosines of all rows that have one of these dimensions."""
        rankings: list[Ranking] = [NO_RANKING] * len(vectors)
        for dimensions, table in self._tables.items():
            places = [
                place
                for place, vector in enumerate(vectors)
                if len(vector) == dimensions and _has_direction(vector)
            ]
            if not places:
                continue
            asked = unit(np.stack([vectors[place] for place in places]))
            # Each row is read once for all vectors. Unlike `@`, one thread a search: those of a
            # matrix product wait for each other, and on a busy machine that takes longer.
            products = np.vecdot(table.vectors.items[:, np.newaxis], asked)
            for place, column in zip(places, products.T, strict=True):
                rankings[place] = (table.rows.items, column)
        return rankings

    def of(self, rows: Rows, dimensions: int) -> Vector:
        """Return the vectors of rows; zeros where a row has none of these dimensions."""
        table = self._tables.get(dimensions)
        if table is None or not len(table.rows.items):
            return np.zeros((len(rows), dimensions), dtype=np.float32)
        known = table.rows.items
        at = np.minimum(np.searchsorted(known, rows), len(known) - 1)
        found: Vector = table.vectors.items[at]
        found[known[at] != rows] = 0.0
        return found


class _Table:
    """The vectors of the same dimensions, and their rows in ascending order."""

    def __init__(self, dimensions: int, room: int) -> None:
        self.rows = Growing(np.intp, room=room)
        self.vectors = Growing(np.float32, dimensions, room=room)

    def extend(self, blobs: Sequence[tuple[int, bytes]]) -> None:
        """Append the vectors of rows; what has no direction is near nothing."""
        stored = np.frombuffer(b"".join(blob for _, blob in blobs), dtype="<f2")
        vectors = unit(stored.reshape(len(blobs), -1).astype(np.float32))
        has_direction = _has_direction(vectors)
        self.rows.extend(np.array([row for row, _ in blobs], dtype=np.intp)[has_direction])
        self.vectors.extend(vectors[has_direction])


def _has_direction(vectors: Vector) -> Mask:
    """Tell of vectors whether they are not all zero, and all numbers: an embedder may be broken."""
    return np.asarray(vectors.any(axis=-1) & np.isfinite(vectors).all(axis=-1), dtype=np.bool_)
