"""Searching a made data file, in a process of its own that has searched nothing before.

`python -m benchmarks.growth_searches FOLDER USER...` asks for these users in their turn; `*` is the
whole project. Prints times in milliseconds and memory in MB as JSON.
"""

import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks import growth_file, service
from benchmarks.corpus import questions
from benchmarks.measuring import peak_megabytes

SEED: Final = 7
SEARCHES: Final = 200
SEARCH_SECONDS: Final = 60
"""After this time no more warm searches are begun, so that slow ones are fewer."""
LEAST_SEARCHES: Final = 5
NOBODY: Final = "nobody"
"""A user without memories: a search of theirs loads the embedder, and no arrays."""
MEMORY_NOW: Final = Path("/proc/self/statm")
"""On Linux, the second number is the resident memory in pages."""


def measure(folder: Path, users: Sequence[str]) -> dict[str, Any]:
    """Return what the first searches of this process take, later ones, and the memory it has.

    Everything is measured that a caller in process waits for, the embedding of the question and
    the ranking included. `first_ms` is of the first search of a user, the median of all of them.
    """
    file_mb = growth_file.size_megabytes(folder)
    service.configure(folder)
    start_ms = _took(lambda: service.search(NOBODY, "warm"))
    before = resident_megabytes()
    firsts = [_took(partial(_found, user, "Who visited Oslo?")) for user in users]
    after = resident_megabytes()
    later = [_took(search) for search in _searches(users)]
    return {
        "file_mb": file_mb,
        "start_ms": start_ms,
        "first_ms": round(statistics.median(firsts), 3),
        "search": {"p50_ms": round(statistics.median(later), 3), "p95_ms": _p95(later)},
        "searches": len(later),
        # The system counts the peak a little late.
        "memory_mb": {"before": before, "after": after, "peak": max(after, peak_megabytes())},
    }


def resident_megabytes() -> float:
    """Return the memory that this process has now, in MB."""
    if MEMORY_NOW.exists():
        pages = int(MEMORY_NOW.read_text().split()[1])
        return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)
    command = ["/bin/ps", "-o", "rss=", "-p", str(os.getpid())]
    kibibytes = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - no shell
    return round(int(kibibytes) / 1024, 1)


def _took(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return round((time.perf_counter() - start) * 1000, 3)


def _found(user: str, question: str) -> list[str]:
    """Search, and refuse to measure searches that find nothing."""
    found = service.search(user, question)
    if not found:
        message = f"a search for {user} found nothing in the data file"
        raise RuntimeError(message)
    return found


def _searches(users: Sequence[str]) -> Iterator[Callable[[], object]]:
    """Yield searches for the users in their turn, as many as there is time for."""
    deadline = time.perf_counter() + SEARCH_SECONDS
    for number, question in enumerate(questions(SEED, SEARCHES)):
        if number >= LEAST_SEARCHES and time.perf_counter() > deadline:
            return
        yield partial(_found, users[number % len(users)], question)


def _p95(took: Sequence[float]) -> float:
    """Return what 19 of 20 take at most: of few, the longest, never more than any has taken."""
    return sorted(took)[math.ceil(0.95 * len(took)) - 1]


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), sys.argv[2:])))
