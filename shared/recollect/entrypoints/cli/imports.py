"""`recollect import`."""

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import click

from recollect.domain.errors import InvalidRequestError, RecollectError
from recollect.domain.roles import SYSTEM_ROLES
from recollect.domain.subjects import Subject, SubjectKind
from recollect.entrypoints.answers import AddAnswer
from recollect.entrypoints.cli.client import Api, RefusedError
from recollect.entrypoints.cli.kinds_of_import import ImportCommand
from recollect.entrypoints.cli.options import (
    PathType,
    connected,
    infer_option,
    json_option,
    subjects,
)
from recollect.entrypoints.cli.output import (
    INTERRUPTED,
    MOST_SHOWN,
    examples,
    one_line,
    print_json,
    say,
)
from recollect.entrypoints.cli.progress import watched
from recollect.entrypoints.cli.transcripts import Transcript
from recollect.entrypoints.event_answers import JobAnswer
from recollect.usecases.transcripts import BadLine, Conversation, shared_metadata

REFUSES_THE_CONTENT: Final = frozenset({400, 413, 422})
"""Answers that concern what was sent, so that the next conversation may well be taken."""
MAX_TOLD: Final = 10_000
"""Failures that are told one by one, by --json; the others are counted."""


@dataclass
class Report:
    """What became of a file; memories are counted, and messages that are nobody's words."""

    imported: int = 0
    known: int = 0
    system: int = 0
    pending: int = 0
    failed: int = 0
    failures: list[dict[str, Any]] = field(default_factory=list)

    def fail(self, **failure: str | int) -> None:
        """Note what could not be imported, and why."""
        self.failed += 1
        if len(self.failures) < MAX_TOLD:
            self.failures.append(failure)


@dataclass(frozen=True)
class Importer:
    """Adds conversations so that doing it again adds nothing twice.

    `source` stands for the file: with another one, only what is word for word the same is still
    recognised. `clock_ahead` is how far the service's clock is ahead of this machine's.
    """

    api: Api
    source: str
    clock_ahead: timedelta = timedelta(0)
    infer: bool = False
    ids: Mapping[str, str] = field(default_factory=dict)
    default_user: str | None = None
    report: Report = field(default_factory=Report)

    def take(self, item: Conversation | BadLine) -> None:
        """Add one item of a file, and note what became of it.

        Raises `RefusedError` or `UnavailableError` if the rest would fare no better.
        """
        if isinstance(item, BadLine):
            self.report.fail(line=item.line, reason=item.reason)
        elif all(message.role in SYSTEM_ROLES for message in item.messages):
            self.report.system += len(item.messages)
        else:
            self._add(item)

    def _add(self, piece: Conversation) -> None:
        started = datetime.now(UTC) + self.clock_ahead
        body = self._body(piece)
        headers = {"Idempotency-Key": self._key(piece, body)}
        try:
            answer = self.api.call(
                AddAnswer, "POST", "/v3/memories/add/", body=body, headers=headers
            )
        except RefusedError as refusal:
            if refusal.status not in REFUSES_THE_CONTENT:
                raise
            self._add_singly(piece, refusal)
        else:
            self._count(answer, is_repeated=self._is_repeated(answer, started))

    def _add_singly(self, piece: Conversation, refusal: RefusedError) -> None:
        """Find out which message was refused, and add the others."""
        if len(piece.messages) == 1:
            self.report.fail(place=piece.key, reason=refusal.message)
            return
        for number, message in enumerate(piece.messages, 1):
            key = f"{piece.key} message {number}"
            said_at = message.said_at or piece.said_at
            self.take(replace(piece, key=key, messages=(message,), said_at=said_at))

    def _count(self, answer: AddAnswer, *, is_repeated: bool) -> None:
        if answer["status"] != "SUCCEEDED":
            self.report.pending += 1
        changes = sum(result["event"] != "NONE" for result in answer["results"])
        new = 0 if is_repeated else changes
        self.report.imported += new
        self.report.known += len(answer["results"]) - new

    def _is_repeated(self, answer: AddAnswer, started: datetime) -> bool:
        """Tell whether an earlier run did it: then the answer is that of the earlier job."""
        path = f"/v1/event/{quote(answer['event_id'], safe='')}/"
        job = self.api.call(JobAnswer, "GET", path)
        return datetime.fromisoformat(job["created_at"]) < started

    def _body(self, piece: Conversation) -> dict[str, Any]:
        ids = {**piece.ids, **self.ids}
        if not ids and self.default_user is not None:
            ids = {"user_id": self.default_user}
        turns = piece.messages
        messages = [
            {"role": turn.role, "content": turn.content, "name": turn.name} for turn in turns
        ]
        return {
            "messages": messages,
            **ids,
            "infer": self.infer,
            "metadata": shared_metadata(piece),
            "timestamp": piece.said_at.isoformat() if piece.said_at else None,
        }

    def _key(self, piece: Conversation, body: Mapping[str, Any]) -> str:
        parts = json.dumps([self.source, piece.key, body], sort_keys=True)
        return hashlib.sha256(parts.encode()).hexdigest()


@click.command(
    "import",
    cls=ImportCommand,
    epilog=examples(
        "recollect import chats.jsonl",
        "recollect import support.txt --user maya --agent theo",
        "recollect import memories.jsonl.gz --project research",
        "recollect import mem0 --api-key m0-...",
    ),
)
@click.argument("file", type=PathType())
@subjects
@infer_option
@click.option(
    "--again",
    is_flag=True,
    help="Import also what an earlier run imported and what was deleted since.",
)
@json_option
@connected
def import_(
    api: Api, *, file: Path, ids: dict[str, str], infer: bool, again: bool, is_json: bool
) -> None:
    """Remember a chat log, or bring back memories.

    A FILE of 'recollect export' or of an export of mem0, and a running mem0, are imported with all
    that is known of each memory, and with other options: 'recollect import FILE --help' and
    'recollect import mem0 --help' tell which.

    A chat log is JSON or JSON Lines (messages with role and content, or objects with messages),
    plain text ("Name: what was said"), or in the LoCoMo layout (a user for each conversation). Each
    message is kept word for word; with --infer, the facts in it are kept.

    The memories belong to the user_id, agent_id, app_id and run_id in the file; --user, --agent,
    --app and --run go before them. Without any, the user is called as the file.

    An import that was interrupted goes on where it stopped when it is run again: nothing is kept
    twice. Lines that cannot be imported are listed, the rest is imported; then the exit status
    is 1.
    """
    transcript = Transcript(file)
    importer = Importer(
        api=api,
        source=str(uuid.uuid4()) if again else _fingerprint(file),
        clock_ahead=api.clock_ahead(),
        infer=infer,
        ids=ids,
        default_user=None if ids else _user_of(file),
    )
    try:
        for item in watched(transcript, "Importing"):
            importer.take(item)
    except KeyboardInterrupt:
        _say_interrupted(importer.report)
        click.get_current_context().exit(INTERRUPTED)
    except (RecollectError, RefusedError):
        _say_interrupted(importer.report)
        raise
    _tell(importer.report, is_json=is_json)


def _say_interrupted(report: Report) -> None:
    say(f"Interrupted: {_summary(report)} Run it again to go on.")


def _tell(report: Report, *, is_json: bool) -> None:
    if is_json:
        print_json(asdict(report))
    else:
        for failure in report.failures[:MOST_SHOWN]:
            where = f"line {failure['line']}" if "line" in failure else failure["place"]
            say(f"{one_line(str(where))}: {one_line(failure['reason'])}")
        if report.failed > MOST_SHOWN:
            say(f"... and {report.failed - MOST_SHOWN} more; --json tells {MAX_TOLD}.")
        click.echo(_summary(report))
    if report.failed:
        click.get_current_context().exit(1)


def _summary(report: Report) -> str:
    parts = [
        f"{report.imported} imported",
        f"{report.known} already known",
        f"{report.failed} failed",
    ]
    if report.system:
        parts.append(f"{report.system} system messages left out")
    if report.pending:
        parts.append(f"{report.pending} conversations still being worked on")
    return ", ".join(parts) + "."


def _user_of(file: Path) -> str:
    name = file.with_suffix("") if file.suffix.lower() == ".gz" else file
    try:
        return Subject.of(SubjectKind.USER, name.stem).name
    except InvalidRequestError as error:
        message = f"The file's name cannot be a user ({error}); give --user."
        raise click.UsageError(message) from error


def _fingerprint(file: Path) -> str:
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror or error}"
        raise InvalidRequestError(message) from error
