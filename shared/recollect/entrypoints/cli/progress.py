"""How far a file has been read, for whoever watches."""

import sys
import time
from collections.abc import Callable, Iterator

import click

from recollect.entrypoints.cli.output import is_watched
from recollect.entrypoints.cli.transcripts import Transcript
from recollect.usecases.transcripts import BadLine, Conversation

MEGABYTE = 1_000_000
SHORTEST = 0.001
"""Seconds; no rate is told of less."""


def watched(
    transcript: Transcript, label: str, *, clock: Callable[[], float] = time.monotonic
) -> Iterator[Conversation | BadLine]:
    """Return what the file says, and show on a terminal how much of it has been dealt with."""
    start = clock()
    with click.progressbar(
        length=transcript.size,
        label=label,
        file=sys.stderr,
        hidden=not is_watched(),
        item_show_func=lambda told: told,
    ) as bar:
        for item in transcript:
            yield item
            done = transcript.bytes_read
            rate = _megabytes(round(done / max(clock() - start, SHORTEST)))
            told = f"{_megabytes(done)} of {_megabytes(transcript.size)}, {rate}/s"
            bar.update(done - bar.pos, told)


def _megabytes(size: int) -> str:
    return f"{size / MEGABYTE:.1f} MB"
