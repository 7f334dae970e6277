"""The subjects whose arrays are in memory, the least recently searched given up first."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from recollect.adapters.local.resident import Resident

TOO_LARGE = (
    "a search takes %d MB and the arrays may keep %d (RECOLLECT_RESIDENT_MEGABYTES): the next one"
    " reads everything again"
)

_LOG = logging.getLogger(__name__)


class Residents:
    """Hands out the arrays of subjects; between searches they take at most `max_bytes`."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._residents: OrderedDict[tuple[str, str], Resident] = OrderedDict()
        self._sizes: dict[tuple[str, str], int] = {}
        self._total = 0

    @property
    def size_in_bytes(self) -> int:
        """About what all arrays take in memory."""
        return self._total

    @contextmanager
    def held(self, project: str, subject_keys: Iterable[str]) -> Iterator[list[Resident]]:
        """Yield the subjects' arrays, nobody else's until the block ends."""
        with ExitStack() as locks:
            # Everybody takes the locks in the same order, so that nobody waits in a circle.
            residents = [self._find(project, key) for key in sorted(subject_keys)]
            for resident in residents:
                locks.enter_context(resident.lock)
            try:
                yield residents
            finally:
                self._settle(residents)

    def _find(self, project: str, subject_key: str) -> Resident:
        key = (project, subject_key)
        with self._lock:
            if key not in self._residents:
                self._residents[key] = Resident(project, subject_key)
                self._sizes[key] = 0
            self._residents.move_to_end(key)
            return self._residents[key]

    def _settle(self, residents: Sequence[Resident]) -> None:
        with self._lock:
            for resident in residents:
                key = (resident.project, resident.subject_key)
                if self._residents.get(key) is resident:
                    size = resident.size_in_bytes
                    self._total += size - self._sizes[key]
                    self._sizes[key] = size
            while self._total > self._max_bytes:
                key, _ = self._residents.popitem(last=False)
                self._total -= self._sizes.pop(key)
        needed = sum(resident.size_in_bytes for resident in residents)
        if needed > self._max_bytes:
            _LOG.warning(TOO_LARGE, needed >> 20, self._max_bytes >> 20)
