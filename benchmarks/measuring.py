"""Timing and reporting, the same for every measurement."""

import json
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def milliseconds(calls: Iterable[Callable[[], object]]) -> dict[str, float]:
    """Return p50 and p95 of what the calls take, in milliseconds."""
    took = []
    for call in calls:
        start = time.perf_counter()
        call()
        took.append((time.perf_counter() - start) * 1000)
    return {
        "p50_ms": round(statistics.median(took), 3),
        "p95_ms": round(statistics.quantiles(took, n=20)[-1], 3),
    }


def rate(count: int, call: Callable[[], object]) -> float:
    """Return how many a second, when one call does `count`."""
    start = time.perf_counter()
    call()
    return round(count / (time.perf_counter() - start), 1)


def peak_megabytes() -> float:
    """Return the most memory this process has had, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)


def write(name: str, result: Mapping[str, Any]) -> None:
    """Keep a result as `results/NAME.json`."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    machine = {"python": platform.python_version(), "machine": platform.machine()}
    text = json.dumps({**machine, **result}, indent=2) + "\n"
    (RESULTS / f"{name}.json").write_text(text)


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
