"""Peak memory and rate of `recollect import` of a large JSON Lines file, as a process of its own.

`python -m benchmarks.ingest_gigabyte [MEGABYTES]`; a thousand unless told otherwise. Prints JSON.
"""

import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

MEGABYTE: Final = 1_000_000
MEGABYTES: Final = 1_000
MOST_MEGABYTES_HELD: Final = 500
"""What the whole process may take at most, whatever the file's size."""

USERS: Final = 500
TURNS: Final = 20
"""Of a conversation."""
WORDS_OF_A_TURN: Final = (20, 380)
VOCABULARY: Final = 20_000
"""Words; as in any language some are frequent: the n-th is used a n-th as often as the first."""
LETTERS: Final = "etaoinshrdlucmfwypvbgkqjxz"
FIRST: Final = 1_700_000_000
SECONDS_APART: Final = 3600
LIMIT_SECONDS: Final = 6 * 3600


def measure(megabytes: int) -> dict[str, Any]:
    """Generate the file, import it, and return what that took."""
    with tempfile.TemporaryDirectory() as folder:
        file, data = Path(folder) / "chats.jsonl", Path(folder) / "memories.db"
        messages = generate(file, megabytes * MEGABYTE)
        start = time.perf_counter()
        report = _import(file, data)
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * _unit() / MEGABYTE
        return {
            "file_mb": round(file.stat().st_size / MEGABYTE, 1),
            "messages": messages,
            "imported": report["imported"],
            "failed": report["failed"],
            "seconds": round(seconds, 1),
            "mb_per_second": round(file.stat().st_size / MEGABYTE / seconds, 2),
            "messages_per_second": round(messages / seconds),
            "peak_mb": round(peak),
            "is_below_500_mb": peak < MOST_MEGABYTES_HELD,
            "data_file_mb": round(data.stat().st_size / MEGABYTE),
        }


def generate(file: Path, size: int) -> int:
    """Write conversations of made-up words until the file has this size; return the messages."""
    chance = random.Random(8)
    words = ["".join(chance.choices(LETTERS, k=chance.randint(2, 9))) for _ in range(VOCABULARY)]
    weights = list(accumulate(1 / rank for rank in range(1, VOCABULARY + 1)))
    messages = 0
    with file.open("w", encoding="utf-8") as out:
        while out.tell() < size:
            chat = _chat(chance, partial(chance.choices, words, cum_weights=weights), messages)
            out.write(json.dumps(chat) + "\n")
            messages += TURNS
    return messages


def _chat(
    chance: random.Random, some_words: Callable[..., list[str]], number: int
) -> dict[str, Any]:
    turns = [
        {
            "role": ("user", "assistant")[turn % 2],
            "content": " ".join(some_words(k=chance.randint(*WORDS_OF_A_TURN))),
        }
        for turn in range(TURNS)
    ]
    return {
        "user_id": f"user-{chance.randrange(USERS)}",
        "timestamp": FIRST + number * SECONDS_APART,
        "messages": turns,
    }


def _import(file: Path, data: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "recollect.entrypoints.cli.main", "import", str(file)]
    done = subprocess.run(  # noqa: S603 - our own command
        [*command, "--data", str(data), "--json"],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "shared")},
        stdout=subprocess.PIPE,
        timeout=LIMIT_SECONDS,
        check=True,
    )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _unit() -> int:
    """Return how many bytes the system counts memory in."""
    return 1 if sys.platform == "darwin" else 1024


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else MEGABYTES), indent=2))
