"""What commands tell of dead letters."""

import json
from collections.abc import Sequence
from typing import Any, Final

import click
from pydantic import ValidationError

from recollect.adapters.stored_requests import dump_request
from recollect.entrypoints.cli.output import moment, one_line, print_table, say
from recollect.entrypoints.messages import (
    DeliveryHasFailed,
    JobIsWaiting,
    MemoryIsUnreadable,
    Message,
)
from recollect.entrypoints.times import time_text
from recollect.ports.letters import Letter, QueueName

LONGEST_ROW: Final = 100
"""Characters of a reason in a list."""
TELLING: Final[dict[QueueName, tuple[type[Message], str]]] = {
    QueueName.GRAPH: (
        MemoryIsUnreadable,
        "tells of a memory that could not be read: 'recollect graph redrive' has it read again",
    ),
    QueueName.WEBHOOKS: (
        DeliveryHasFailed,
        "tells of a delivery that was given up, which is not made again",
    ),
}
"""Letters that are no message of their queue, but written for a person: what they tell."""


def telling(letter: Letter) -> str | None:
    """Return what a letter that is written for a person tells; None for a queue's own message."""
    if letter.queue not in TELLING:
        return None
    shape, text = TELLING[letter.queue]
    return text if _is_one(shape, letter.message) else None


def _is_one(shape: type[Message], message: str) -> bool:
    try:
        shape.model_validate_json(message)
    except ValidationError:
        return False
    return True


def job_told(letter: Letter) -> dict[str, Any] | None:
    """Return what a job that a letter tells of was to do, and what became of it."""
    from recollect.bootstrap import stores  # noqa: PLC0415

    if letter.queue is not QueueName.WORKER or not _is_one(JobIsWaiting, letter.message):
        return None
    news = JobIsWaiting.model_validate_json(letter.message)
    job = stores.store().jobs.get(news.project, news.job_id)
    if job is None:
        return None
    return {
        "id": job.id,
        "status": job.status,
        "error": job.error,
        "attempts": job.attempt,
        "asked_at": time_text(job.asked_at or job.created_at),
        "message_id": job.message_id,
        "request": dump_request(job.request),
    }


def told(letter: Letter) -> dict[str, Any]:
    """Return a letter without its message."""
    origin = letter.origin
    attributes = origin.attributes if origin else {}
    return {
        "id": letter.id,
        "queue": letter.queue,
        "at": time_text(letter.at),
        "reason": letter.reason,
        "message_id": origin.message_id if origin else None,
        "sent_at": time_text(origin.sent_at) if origin else None,
        "group": origin.group if origin else None,
        "attributes": {name: value for name, (_, value) in attributes.items()},
    }


def row(letter: Letter) -> tuple[str, ...]:
    """Return a letter's row in a list."""
    reason = one_line(letter.reason)
    short = reason if len(reason) <= LONGEST_ROW else f"{reason[:LONGEST_ROW]}..."
    return letter.queue, letter.id, moment(time_text(letter.at)), short


def print_letter(letter: Letter, job: dict[str, Any] | None) -> None:
    """Print a letter with its message, and the job that it tells of."""
    fields = told(letter)
    names = ("id", "queue", "at", "reason", "message_id", "sent_at", "group")
    rows = [(name, one_line(str(fields[name]))) for name in names if fields[name] is not None]
    sent = [(one_line(name), one_line(value)) for name, value in fields["attributes"].items()]
    print_table([*rows, *sent])
    click.echo(f"\nMessage\n{_shown(letter.message)}")
    if job is not None:
        click.echo(f"\nJob\n{_shown(json.dumps(job, ensure_ascii=False, indent=2))}")


def _shown(text: str) -> str:
    """Return a text line by line, for a terminal that takes no orders from it."""
    return "\n".join(
        line[: len(line) - len(line.lstrip(" "))] + one_line(line) for line in text.split("\n")
    )


def say_redriven(done: Sequence[Letter], left: Sequence[Letter]) -> None:
    """Tell which messages were given to their functions again, and why others were not."""
    if done:
        print_table([("queue", "id", "at", "reason"), *map(row, done)])
    for letter in left:
        say(f"{letter.id} {telling(letter) or 'cannot be handled now, and stays'}.")
    say(f"{len(done)} messages were given to their functions again.")
