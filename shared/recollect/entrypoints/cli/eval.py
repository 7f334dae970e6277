"""`recollect eval`."""

import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

import click

from recollect import bootstrap
from recollect.bootstrap import evaluation
from recollect.entrypoints.cli.editions import AWS, edition_option
from recollect.entrypoints.cli.eval_files import (
    QuestionFile,
    made_folder,
    read_report,
    write_report,
)
from recollect.entrypoints.cli.eval_tables import comparison_tables, report_tables
from recollect.entrypoints.cli.local import now
from recollect.entrypoints.cli.options import PathType
from recollect.entrypoints.cli.output import INTERRUPTED, examples, say
from recollect.usecases.evaluation.comparing import compare
from recollect.usecases.evaluation.formats import ReadConversations
from recollect.usecases.evaluation.locomo import read_locomo
from recollect.usecases.evaluation.longmemeval import read_longmemeval
from recollect.usecases.evaluation.own_questions import read_own_questions
from recollect.usecases.evaluation.questions import chosen
from recollect.usecases.evaluation.report import Report, Setup
from recollect.usecases.evaluation.summing_up import report_of

TEXT: Final = "text"
"""Where speakers stand: in front of what they say, as `recollect import` has it of transcripts."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to be evaluated, and how."""

    kind: str
    read: ReadConversations
    file: Path
    limit: int | None
    only: Sequence[str]
    speakers: str
    is_answered: bool
    edition: str


@click.group("eval")
def eval_() -> None:
    """Measure how well searches find what answers questions.

    Conversations are remembered word for word in a project of their own, which nobody else sees
    and which is removed afterwards: on this machine in a data file that only the evaluation uses.
    Then each question is asked, and what is found is compared with the turns that are known to
    answer it. Embedder and language model are those that the environment names.
    """


def _evaluating(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        edition_option,
        click.option(
            "--output",
            "folder",
            type=PathType(),
            help="A folder for report.json, report.md and recall.svg.",
        ),
        click.option(
            "--answer",
            "is_answered",
            is_flag=True,
            help="Have the language model answer by what is found, and judge: two calls each.",
        ),
        click.option(
            "--speakers",
            type=click.Choice([TEXT, "name"]),
            default=TEXT,
            show_default=True,
            help="Where the speakers of turns stand: in the texts too, or only as their names.",
        ),
        click.option("--only", multiple=True, help="Ask questions of this category; repeatable."),
        click.option("--limit", type=click.IntRange(min=1), help="Ask the first so many."),
        click.argument("file", type=PathType()),
    ):
        command = option(command)
    return command


@eval_.command(epilog=examples("recollect eval locomo locomo10.json --output report"))
@_evaluating
def locomo(**options: object) -> None:
    """Evaluate on a file in the layout of LoCoMo: conversations of two friends."""
    _run("locomo", read_locomo, options)


@eval_.command(epilog=examples("recollect eval longmemeval longmemeval_s.json --limit 100"))
@_evaluating
def longmemeval(**options: object) -> None:
    """Evaluate on a file in the layout of LongMemEval: chats with an assistant."""
    _run("longmemeval", read_longmemeval, options)


@eval_.command(epilog=examples("recollect eval qa questions.jsonl --output report"))
@_evaluating
def qa(**options: object) -> None:
    """Evaluate on questions of your own: JSON Lines of turns, and questions with evidence.

    docs/evaluation.md has the format.
    """
    _run("qa", read_own_questions, options)


@eval_.command("compare", epilog=examples("recollect eval compare a/report.json b/report.json"))
@click.argument("before", type=PathType())
@click.argument("after", type=PathType())
def compare_(*, before: Path, after: Path) -> None:
    """Tell by how much the second evaluation is better, and how sure that is.

    Both must be of the same file. Questions that only one of them has are left out.
    """
    first, second = read_report(before), read_report(after)
    click.echo(comparison_tables(first, second, compare(first, second)), nl=False)


def _run(kind: str, read: ReadConversations, options: dict[str, object]) -> None:
    folder = options.pop("folder")
    wanted = Wanted(kind=kind, read=read, **options)  # type: ignore[arg-type] # click checks them
    if isinstance(folder, Path):
        made_folder(folder)
    try:
        with _stopped_by_sigterm():
            report = _report(wanted)
    except KeyboardInterrupt:
        say("Interrupted. What was remembered for the evaluation has been removed.")
        click.get_current_context().exit(INTERRUPTED)
    told = report_tables(report)
    if isinstance(folder, Path):
        write_report(folder, report, told)
    click.echo(told, nl=False)


def _report(wanted: Wanted) -> Report:
    file = QuestionFile(wanted.file, wanted.read)
    with _empty_project(wanted.edition) as project:
        judge = evaluation.answer_and_judge() if wanted.is_answered else None
        evaluate = evaluation.evaluate_retrieval(
            project, judge, has_speakers_in_texts=wanted.speakers == TEXT
        )
        setup = Setup(
            kind=wanted.kind,
            file=wanted.file.name,
            digest=file.digest,
            version=version("recollect"),
            edition=wanted.edition,
            embedder=bootstrap.embedding_model(),
            speakers=wanted.speakers,
            made_at=now(),
        )
        with file.watched() as (conversations, tell):
            asked = chosen(conversations, limit=wanted.limit, only=wanted.only)
            found = evaluate(asked, tell)
        return report_of(found, setup, judge.judging() if judge else None)


@contextmanager
def _empty_project(edition: str) -> Iterator[str]:
    if edition == AWS:
        with bootstrap.aws_edition(), evaluation.passing_project() as project:
            say(f"The evaluation is made in the project {project}, which is removed afterwards.")
            yield project
        return
    with (
        tempfile.TemporaryDirectory(prefix="recollect-evaluation-") as folder,
        bootstrap.local_edition(Path(folder) / "evaluation.db"),
    ):
        yield evaluation.new_project()


@contextmanager
def _stopped_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does, so that what it made is removed."""

    def stop(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
