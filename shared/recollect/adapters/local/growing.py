"""Arrays that are appended to."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Rows = NDArray[np.intp]
Mask = NDArray[np.bool_]
"""Which rows."""
Scores = NDArray[np.floating]
Ranking = tuple[Rows, Scores]
"""Rows and how well each fits, in no order."""


class Growing:
    """An array that is appended to, in amortised constant time a row; with `room` for some."""

    def __init__(self, dtype: DTypeLike, *width: int, room: int = 0) -> None:
        self._items: NDArray[Any] = np.empty((room, *width), dtype=dtype)
        self._size = 0

    @property
    def items(self) -> NDArray[Any]:
        """The rows so far; what is written to them stays."""
        return self._items[: self._size]

    @property
    def size_in_bytes(self) -> int:
        """What the array takes, with the room it keeps."""
        return self._items.nbytes

    def extend(self, rows: NDArray[Any]) -> None:
        """Append rows."""
        size = self._size + len(rows)
        if size > len(self._items):
            capacity = max(size, 2 * self._size)
            grown = np.empty((capacity, *self._items.shape[1:]), dtype=self._items.dtype)
            grown[: self._size] = self.items
            self._items = grown
        self._items[self._size : size] = rows
        self._size = size
