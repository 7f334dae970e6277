"""`recollect dlq`: look after the messages that nobody could handle."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from operator import attrgetter
from pathlib import Path
from typing import Concatenate, Final, ParamSpec, TypeVar

import click

from recollect.entrypoints.cli.editions import AWS, edition_option, json_option
from recollect.entrypoints.cli.letters import (
    job_told,
    print_letter,
    row,
    say_redriven,
    telling,
    told,
)
from recollect.entrypoints.cli.options import data_option
from recollect.entrypoints.cli.output import examples, print_json, print_table, say
from recollect.ports.letters import Graveyard, Letter, QueueName

P = ParamSpec("P")
R = TypeVar("R")

MOST: Final = 1_000
"""Letters of a queue that one command looks at."""

queue_option = click.option(
    "--queue",
    type=click.Choice([str(name) for name in QueueName]),
    help="Letters of this queue instead of all.",
)


def placed(command: Callable[Concatenate[str, Path, P], R]) -> Callable[P, R]:
    """Give a command the options that say where the letters are; it gets edition and data file."""

    @json_option
    @edition_option
    @data_option
    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        edition, data = str(kwargs.pop("edition")), kwargs.pop("data")
        return command(edition, Path(str(data)), *args, **kwargs)

    return run


@click.group()
def dlq() -> None:
    """Look after the messages that nobody could handle.

    A message that is not what its queue is for, or that failed too often, is buried with its
    reason, and kept for 14 days. On AWS the queues are those that the environment names as it
    does for the functions, such as RECOLLECT_INGEST_QUEUE_URL.
    """


@dlq.command("list", epilog=examples("recollect dlq list", "recollect dlq list --queue ingest"))
@queue_option
@click.option(
    "--limit",
    type=click.IntRange(1, MOST),
    default=20,
    show_default=True,
    help="Letters of each queue at most.",
)
@placed
def list_(edition: str, data: Path, *, queue: str | None, limit: int, is_json: bool) -> None:
    """List letters and their reasons, oldest first.

    While they are looked at, on AWS nobody else sees them: for some seconds.
    """
    with _graveyard(edition, data) as graveyard:
        found = [
            letter
            for name in _queues(graveyard, queue)
            for letter in graveyard.letters(name, limit=limit)
        ]
    found.sort(key=attrgetter("at"))
    if is_json:
        print_json({"letters": list(map(told, found))})
    elif found:
        print_table([("queue", "id", "at", "reason"), *map(row, found)])
    else:
        say("There are no dead letters.")


@dlq.command("show", epilog=examples("recollect dlq show 059f36b4-87a3-44ab-83d2-661970000001"))
@click.argument("letter_id")
@queue_option
@placed
def show(edition: str, data: Path, *, letter_id: str, queue: str | None, is_json: bool) -> None:
    """Show a letter: its reason, and its message as it was.

    If it tells of a job, what that was to do and what it failed of are shown as well.
    """
    with _graveyard(edition, data) as graveyard:
        found = (graveyard.find(name, letter_id) for name in _queues(graveyard, queue))
        letter = next(filter(None, found), None)
        if letter is None:
            raise _no_letter(letter_id)
        job = job_told(letter)
    if is_json:
        print_json({**told(letter), "message": letter.message, "job": job})
    else:
        print_letter(letter, job)


@dlq.command(
    "redrive",
    epilog=examples("recollect dlq redrive --all --queue worker", "recollect dlq redrive ID"),
)
@click.argument("letter_ids", nargs=-1)
@click.option("--all", "is_all", is_flag=True, help="All letters there are: 1,000 of each queue.")
@queue_option
@placed
def redrive(
    edition: str,
    data: Path,
    *,
    letter_ids: Sequence[str],
    is_all: bool,
    queue: str | None,
    is_json: bool,
) -> None:
    """Give messages to their functions again.

    A letter is gone once its message has been taken; what cannot be handled again is buried
    again, as a letter of its own. Nothing is done twice: each message is known as the one that it
    was, and what it asks to remember is as old as it was.
    """
    if is_all == bool(letter_ids):
        message = "Give the ids of letters, or --all."
        raise click.UsageError(message)

    def is_wanted(letter: Letter) -> bool:
        return is_all or letter.id in letter_ids

    with _graveyard(edition, data, to_redrive=True) as graveyard:
        done, left = _redriven(graveyard, _queues(graveyard, queue), is_wanted)
    if is_json:
        print_json({"redriven": list(map(told, done)), "left": list(map(told, left))})
    else:
        say_redriven(done, left)
    known = {letter.id for letter in (*done, *left)}
    missing = [each for each in letter_ids if each not in known]
    if missing:
        raise _no_letter(missing[0])


def _redriven(
    graveyard: Graveyard, queues: Sequence[QueueName], is_wanted: Callable[[Letter], bool]
) -> tuple[list[Letter], list[Letter]]:
    """Return the letters that were redriven, and those that are wanted and stay."""
    wanted: dict[str, Letter] = {}
    done: dict[str, Letter] = {}

    def is_sent(letter: Letter) -> bool:
        if is_wanted(letter):
            wanted[letter.id] = letter
        return is_wanted(letter) and not telling(letter)

    for name in queues:
        done.update((each.id, each) for each in graveyard.redrive(name, is_sent, limit=MOST))
    return list(done.values()), [each for each in wanted.values() if each.id not in done]


@contextmanager
def _graveyard(edition: str, data: Path, *, to_redrive: bool = False) -> Iterator[Graveyard]:
    # Half a second of imports that '--help' has no use for.
    from recollect import bootstrap  # noqa: PLC0415
    from recollect.bootstrap import letters  # noqa: PLC0415
    from recollect.entrypoints.cli.dlq_redrive import opened_to_redrive  # noqa: PLC0415

    if edition == AWS:
        with bootstrap.aws_edition():
            yield letters.sqs_graveyard()
    elif to_redrive:
        with opened_to_redrive(data) as send:
            yield letters.local_graveyard(send)
    else:
        with bootstrap.local_edition(data):
            yield letters.local_graveyard(lambda _: False)


def _queues(graveyard: Graveyard, queue: str | None) -> Sequence[QueueName]:
    if queue is None:
        return graveyard.queues
    if queue not in graveyard.queues:
        message = f"The queue {queue} is not configured"
        raise click.ClickException(message)
    return [QueueName(queue)]


def _no_letter(letter_id: str) -> click.ClickException:
    return click.ClickException(
        f"There is no letter {letter_id}, or somebody else is looking at it in this moment"
    )
