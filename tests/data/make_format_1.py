"""What is in format-1.db, a data file of the first release, and how it was written.

Later releases must read it: it is never written again. `python -m tests.data.make_format_1 FILE`
writes the same content in the format of the code beside it.
"""

import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from recollect.adapters.local.store import LocalStore
from recollect.adapters.local.wake_ups import LocalWakeUps
from recollect.adapters.stored import time_text
from recollect.domain.jobs import (
    Decision,
    Draft,
    Fact,
    IdempotencyKey,
    Job,
    JobStatus,
    Outcome,
    Turn,
)
from recollect.domain.keys import ApiKey, hash_key
from recollect.domain.memory import (
    Embedding,
    Episode,
    HistoryAction,
    HistoryEvent,
    Memory,
    MemoryKind,
    Message,
)
from recollect.domain.requests import AddRequest, DeleteAllRequest
from recollect.domain.subjects import Scope, Subject, SubjectKind
from recollect.ports.record import Change, MemoryWrite
from recollect.usecases.announce_changes import AnnounceChanges
from recollect.usecases.project_changes import ProjectChanges

FILE = Path(__file__).with_name("format-1.db")
EMBEDDING_MODEL = "test-4"
PROJECT = "format-1"
PROJECT_SECRET = bytes(range(32))
START = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
SECOND = timedelta(seconds=1)
KEY_HASH = hash_key("m0-" + "k" * 32)
KEY = ApiKey(id="key-1", project=PROJECT, name="laptop", created_at=START)
REVOKED_KEY_HASH = hash_key("m0-" + "r" * 32)
REVOKED_KEY = replace(
    KEY, id="key-2", name="Zoë", created_at=START + SECOND, revoked_at=START + 2 * SECOND
)

ADA = Scope(PROJECT, (Subject(SubjectKind.USER, "Ada Łoś"), Subject(SubjectKind.RUN, "r/1 🙂")))
GUIDE = Scope(PROJECT, (Subject(SubjectKind.AGENT, "guide"), Subject(SubjectKind.APP, "walks")))
TURNS = (
    Turn(0, "9ba9da4d-85c8-4650-acb9-9e5367a4085b"),
    Turn(1, "869cc588-e163-4f7e-92e4-2d7ef309cd36"),
    Turn(2, "16c85c5d-ce84-4192-ac72-e4914c690d19"),
)
NEXT_TURN = Turn(3, "ed442921-9d79-4a72-8fcf-28e00beca092")
"""The ids that the project's secret gives: part of the format, since neighbours are found so."""

MESSAGES = (
    Message("user", "I live in Lisbon.", "Ada"),
    Message("assistant", "A city of seven hills!"),
    Message("user", "Forget this: \u2028'\"\\ 🙂"),
)
ADD_REQUEST = AddRequest(
    scope=ADA,
    messages=MESSAGES,
    infer=False,
    metadata={"mood": ["fine", None, 1, 2.5, True, {"deep": "é"}]},
    said_at=START - timedelta(days=2),
    expires_on=date(2027, 1, 31),
    is_immutable=False,
)
LISBON = Memory(
    id=TURNS[0].memory_id,
    scope=ADA,
    text="I live in Lisbon.",
    created_at=START - timedelta(days=2),
    updated_at=START,
    recorded_at=START,
    version=1,
    kind=MemoryKind.EPISODIC,
    metadata={"mood": ["fine", None, 1, 2.5, True, {"deep": "é"}]},
    categories=("places", "home"),
    role="user",
    actor="Ada",
    attributed_to="user",
    expires_on=date(2027, 1, 31),
    is_immutable=False,
    episode_id="job-1",
    turn=0,
    embedding=Embedding(EMBEDDING_MODEL, bytes.fromhex("003c000000000000")),
)
HILLS = replace(
    LISBON,
    id=TURNS[1].memory_id,
    text="A city of seven hills!",
    created_at=LISBON.created_at + timedelta(microseconds=1),
    kind=MemoryKind.SEMANTIC,
    metadata={},
    categories=(),
    role="assistant",
    actor=None,
    attributed_to=None,
    expires_on=None,
    is_immutable=True,
    turn=1,
    embedding=Embedding(EMBEDDING_MODEL, bytes.fromhex("0000003c00000000")),
)
FORGOTTEN = replace(
    HILLS,
    id=TURNS[2].memory_id,
    text=MESSAGES[2].content,
    created_at=HILLS.created_at + timedelta(microseconds=1),
    turn=2,
    embedding=None,
)
PORTO = replace(
    LISBON,
    text="I live in Porto.",
    version=2,
    updated_at=START + SECOND,
    embedding=Embedding(EMBEDDING_MODEL, bytes.fromhex("9a3acd3800000000")),
)
EXPIRED = replace(
    HILLS,
    id="00000000-0000-4000-8000-00000000000e",
    scope=GUIDE,
    text="The path is closed.",
    created_at=START,
    kind=MemoryKind.PROCEDURAL,
    expires_on=date(2026, 3, 1),
    episode_id="job-2",
    turn=None,
    embedding=None,
)
WALK = replace(
    EXPIRED,
    id="00000000-0000-4000-8000-00000000000f",
    text="Walks start at the Porto station.",
    created_at=START + SECOND,
    expires_on=None,
)
"""Committed last; the index has not seen it."""

EPISODE = Episode(
    id="job-1", scope=ADA, messages=MESSAGES, first_turn=0, said_at=START, recorded_at=START
)

_ACCEPTED = Job(
    id="job-1",
    project=PROJECT,
    request=ADD_REQUEST,
    status=JobStatus.RUNNING,
    created_at=START,
    plan=(
        Draft(Fact(text=LISBON.text, role="user", actor="Ada", categories=("home",)), TURNS[0]),
        Draft(Fact(text=HILLS.text, role="assistant", kind=MemoryKind.EPISODIC), TURNS[1]),
        Draft(Fact(text=FORGOTTEN.text, role="user", attributed_to="user")),
    ),
    started_at=START,
    notes={"extractor": "rules", "count": 3},
)
ADD_JOB = replace(
    _ACCEPTED,
    status=JobStatus.SUCCEEDED,
    read=3,
    done=3,
    completed_at=START + SECOND,
    outcomes=(
        Outcome(
            decision=Decision.ADD,
            memory_id=LISBON.id,
            text=LISBON.text,
            role="user",
            actor="Ada",
            attributed_to="user",
            categories=("home",),
        ),
        Outcome(decision=Decision.UPDATE, memory_id="a", text="new", previous_text="old"),
        Outcome(decision=Decision.DELETE, memory_id="b", text="no", previous_text="yes"),
        Outcome(decision=Decision.NONE, memory_id="c", text="same", reason="is known"),
    ),
)
IDEMPOTENCY_KEY = IdempotencyKey("import 1/ä", "body-hash")
UNFINISHED_JOB = Job(
    id="job-3",
    project=PROJECT,
    request=DeleteAllRequest(project=PROJECT, filters={"AND": [{"user_id": "ada"}]}),
    status=JobStatus.PENDING,
    created_at=START,
)
LEASE_END = START + 60 * SECOND
FAILED_JOB = replace(
    UNFINISHED_JOB,
    id="job-4",
    request=replace(ADD_REQUEST, infer=True, metadata={}, said_at=None, expires_on=None),
    status=JobStatus.FAILED,
    attempt=2,
    completed_at=START + SECOND,
    error="The model cannot be reached",
)


def _event(memory: Memory, action: HistoryAction, old: str | None) -> HistoryEvent:
    is_delete = action is HistoryAction.DELETE
    return HistoryEvent(
        memory_id=memory.id,
        scope=memory.scope,
        version=memory.version + is_delete,
        action=action,
        old_text=old,
        new_text=None if is_delete else memory.text,
        at=memory.updated_at,
        role=memory.role,
        actor=memory.actor,
        cause=memory.episode_id,
        prompt_version="facts-1",
    )


HISTORY = {
    LISBON.id: [
        _event(LISBON, HistoryAction.ADD, None),
        _event(PORTO, HistoryAction.UPDATE, LISBON.text),
    ],
    HILLS.id: [_event(HILLS, HistoryAction.ADD, None)],
    FORGOTTEN.id: [
        _event(FORGOTTEN, HistoryAction.ADD, None),
        _event(FORGOTTEN, HistoryAction.DELETE, FORGOTTEN.text),
    ],
    EXPIRED.id: [_event(EXPIRED, HistoryAction.ADD, None)],
    WALK.id: [_event(WALK, HistoryAction.ADD, None)],
}
LIVING = (WALK, EXPIRED, HILLS, PORTO)
"""As they are listed: last created first."""
CLOCKS = {ADA: 3, GUIDE: 2}


def write(path: Path) -> None:
    """Write the file, which must not be there yet, as one without companions."""
    store = LocalStore(path, embedding_model=EMBEDDING_MODEL, resident_bytes=1024 * 1024)
    store.open()
    with store.database.writing() as connection:
        connection.execute(
            "INSERT INTO projects VALUES (?, ?, ?)", (PROJECT, PROJECT_SECRET, time_text(START))
        )
    _write_keys(store)
    _write_memories(store)
    _write_jobs(store)
    store.database.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA page_size = 512")
        connection.execute("VACUUM")


def _write_keys(store: LocalStore) -> None:
    store.keys.create(PROJECT, KEY, KEY_HASH)
    good = replace(REVOKED_KEY, revoked_at=None)
    store.keys.create(PROJECT, good, REVOKED_KEY_HASH)
    store.keys.replace(PROJECT, good, REVOKED_KEY)


def _write_memories(store: LocalStore) -> None:
    store.scopes.reserve_turns(ADA, len(TURNS))
    store.jobs.accept(_ACCEPTED, IDEMPOTENCY_KEY, lease_end=LEASE_END)
    said = tuple(_step(None, memory) for memory in (LISBON, HILLS, FORGOTTEN))
    store.record.commit(PROJECT, Change(at=START, writes=said, episode=EPISODE, job=ADD_JOB))
    for write in (_step(LISBON, PORTO), _step(FORGOTTEN, None), _step(None, EXPIRED)):
        store.record.commit(PROJECT, Change(at=START + SECOND, writes=(write,)))
    keys = [subject.key for scope in (ADA, GUIDE) for subject in scope.subjects]
    announce = AnnounceChanges(
        store.webhooks, store.deliveries, store.record, LocalWakeUps(), lambda: START
    )
    ProjectChanges(store.outbox, store.record, store.index, announce)(PROJECT, keys)
    store.record.commit(PROJECT, Change(at=START + 2 * SECOND, writes=(_step(None, WALK),)))


def _step(before: Memory | None, after: Memory | None) -> MemoryWrite:
    memory = after or before
    if memory is None:
        raise ValueError(memory)
    version = memory.version if after else memory.version + 1
    return MemoryWrite(before=before, after=after, event=HISTORY[memory.id][version - 1])


def _write_jobs(store: LocalStore) -> None:
    for job in (UNFINISHED_JOB, FAILED_JOB):
        store.jobs.accept(job, None, lease_end=LEASE_END)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
