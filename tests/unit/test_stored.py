"""Stored documents come back as they were, also from a file of an earlier release."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recollect.adapters import stored, stored_jobs
from recollect.adapters.local.store import LocalStore
from recollect.domain.errors import IdempotencyMismatchError, UnavailableError
from recollect.domain.filters import EVERYTHING, Unexpired, parse_filter, subject_is
from recollect.domain.guidance import Guidance
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
from recollect.domain.memory import (
    Attachment,
    Embedding,
    Episode,
    HistoryAction,
    HistoryEvent,
    Memory,
    MemoryKind,
    Message,
)
from recollect.domain.questions import Question
from recollect.domain.requests import AddRequest, DeleteAllRequest, EraseRequest, ExportRequest
from recollect.domain.subjects import Scope, Subject, SubjectKind
from recollect.domain.text import terms
from recollect.ports.record import TextTakenError, VersionMovedError
from recollect.testing.builders import (
    a_change,
    a_job,
    a_memory,
    a_scope,
    a_vector,
    adding,
    deleting,
    updating,
)
from recollect.usecases.candidates import FindCandidates
from tests.data import make_format_1 as format_1

PROJECT = "p"

texts = st.text(max_size=20)
maybe_text = st.none() | texts
numbers = st.integers(0, 2**63 - 1)
offsets = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=offsets)  # noqa: DTZ001
maybe_time = st.none() | times
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
json_objects = st.dictionaries(texts, json_values, max_size=3)
text_tuples = st.lists(texts, max_size=3).map(tuple)
scopes = (
    st.lists(
        st.builds(Subject, st.sampled_from(SubjectKind), texts),
        min_size=1,
        unique_by=lambda subject: subject.kind,
    )
    .map(tuple)
    .map(lambda subjects: Scope(PROJECT, subjects))
)
saliences = st.none() | st.floats(0, 1)
embeddings = st.none() | st.builds(Embedding, texts, st.binary(max_size=8))
memories = st.builds(
    Memory,
    id=texts,
    scope=scopes,
    text=texts,
    created_at=times,
    updated_at=times,
    recorded_at=times,
    stated_at=maybe_time,
    version=numbers,
    kind=st.sampled_from(MemoryKind),
    metadata=json_objects,
    categories=text_tuples,
    role=maybe_text,
    actor=maybe_text,
    attributed_to=maybe_text,
    expires_on=st.none() | st.dates(),
    is_immutable=st.booleans(),
    episode_id=texts,
    message=st.none() | numbers,
    turn=st.none() | numbers,
    valid_from=maybe_time,
    valid_to=maybe_time,
    salience=saliences,
    is_graphed=st.booleans(),
    embedding=embeddings,
)
events = st.builds(
    HistoryEvent,
    memory_id=texts,
    scope=scopes,
    version=numbers,
    action=st.sampled_from(HistoryAction),
    old_text=maybe_text,
    new_text=maybe_text,
    at=times,
    role=maybe_text,
    actor=maybe_text,
    cause=texts,
    prompt_version=maybe_text,
    valid_from=maybe_time,
)
attachments = st.builds(Attachment, st.sampled_from(["document", "image"]), texts, texts)
messages = st.lists(
    st.builds(
        Message,
        texts,
        texts,
        maybe_text,
        maybe_time,
        st.lists(attachments, max_size=2).map(tuple),
    ),
    max_size=3,
).map(tuple)
episodes = st.builds(
    Episode,
    id=texts,
    scope=scopes,
    messages=messages,
    first_turn=numbers,
    said_at=times,
    recorded_at=times,
    expires_at=maybe_time,
)
facts = st.builds(
    Fact,
    text=texts,
    role=texts,
    actor=maybe_text,
    attributed_to=maybe_text,
    kind=st.sampled_from(MemoryKind),
    categories=text_tuples,
    message=st.none() | numbers,
    said_at=maybe_time,
    valid_from=maybe_time,
    valid_to=maybe_time,
    salience=saliences,
    quote=maybe_text,
    prompt_version=maybe_text,
)
drafts = st.builds(Draft, facts, st.none() | st.builds(Turn, numbers, texts))
outcomes = st.builds(
    Outcome,
    decision=st.sampled_from(Decision),
    memory_id=texts,
    text=texts,
    previous_text=maybe_text,
    role=maybe_text,
    actor=maybe_text,
    attributed_to=maybe_text,
    categories=text_tuples,
    reason=maybe_text,
    message=st.none() | numbers,
)
guidances = st.builds(
    Guidance,
    instructions=texts,
    agent_instructions=texts,
    includes=texts,
    excludes=texts,
    categories=st.none() | st.dictionaries(texts.filter(str.strip), texts, min_size=1, max_size=3),
    extraction_prompt=texts,
    decision_prompt=texts,
)
requests = st.one_of(
    st.builds(DeleteAllRequest, project=st.just(PROJECT), filters=json_objects),
    st.builds(
        ExportRequest,
        project=st.just(PROJECT),
        filters=json_objects,
        schema=json_objects,
        instructions=texts,
    ),
    st.builds(
        AddRequest,
        scope=scopes,
        messages=messages,
        infer=st.booleans(),
        metadata=json_objects,
        said_at=maybe_time,
        reference_at=maybe_time,
        expires_on=st.none() | st.dates(),
        is_immutable=st.booleans(),
        kind=st.none() | st.sampled_from(MemoryKind),
        guidance=guidances,
    ),
)
jobs = st.builds(
    Job,
    id=texts,
    project=st.just(PROJECT),
    request=requests,
    status=st.sampled_from(JobStatus),
    created_at=times,
    read=numbers,
    plan=st.none() | st.lists(drafts, max_size=3).map(tuple),
    done=numbers,
    attempt=numbers,
    started_at=maybe_time,
    completed_at=maybe_time,
    outcomes=st.lists(outcomes, max_size=3).map(tuple),
    error=maybe_text,
    notes=json_objects,
    result=st.none() | json_objects,
)


# --- documents


@given(memories)
def test_a_memory_comes_back(memory: Memory) -> None:
    document = stored.load(stored.dump(stored.dump_memory(memory)))

    assert stored.load_memory(PROJECT, document, memory.embedding) == memory


@given(events)
def test_a_history_event_comes_back(event: HistoryEvent) -> None:
    assert (
        stored.load_event(event.scope.project, stored.load(stored.dump(stored.dump_event(event))))
        == event
    )


@given(episodes)
def test_an_episode_comes_back(episode: Episode) -> None:
    document = stored.load(stored.dump(stored.dump_episode(episode)))

    assert stored.load_episode(PROJECT, document) == episode


@given(jobs)
def test_a_job_comes_back(job: Job) -> None:
    assert stored_jobs.load_job(PROJECT, stored.load(stored.dump(stored_jobs.dump_job(job)))) == job


@given(st.lists(times, min_size=2))
def test_times_as_text_sort_as_they_do(some: list[datetime]) -> None:
    for earlier, later in pairwise(sorted(some)):
        assert stored.time_text(earlier) <= stored.time_text(later)
        assert stored.time_of(stored.time_text(later)) == later


@pytest.mark.parametrize(
    ("time", "day"),
    [
        (datetime(2026, 3, 1, 23, 59, tzinfo=UTC), "2026-03-01"),
        (datetime(2026, 3, 1, 23, 59, tzinfo=timezone(timedelta(hours=-1))), "2026-03-02"),
        (datetime(26, 3, 1, 0, 30, tzinfo=timezone(timedelta(hours=1))), "0026-02-28"),
    ],
)
def test_a_day_is_that_of_utc(time: datetime, day: str) -> None:
    assert stored.day_text(time) == day
    assert date.fromisoformat(day).isoformat() == day


def test_a_document_is_brought_up_to_date_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    first = json.dumps({"schema": 1, "text": "tea"})
    upcasts = {
        version: lambda old, version=version: {
            **old,
            "schema": version + 1,
            f"since_{version + 1}": True,
        }
        for version in (1, 2)
    }
    monkeypatch.setattr(stored, "SCHEMA_VERSION", 3)
    monkeypatch.setattr(stored, "_UPCASTS", upcasts)

    assert stored.load(first) == {"schema": 3, "text": "tea", "since_2": True, "since_3": True}
    assert json.loads(stored.dump({}))["schema"] == 3


def test_a_memory_of_the_second_schema_is_in_no_graph() -> None:
    memory = a_memory(a_scope(PROJECT))
    document = {**stored.dump_memory(memory), "schema": 2}
    del document["is_graphed"]

    assert stored.load_memory(PROJECT, stored.upcast(document), None) == memory


@pytest.mark.parametrize(
    ("plan", "done", "read"), [(None, 0, 0), ([], 3, 2), ([], 0, 0)], ids=["new", "begun", "kept"]
)
def test_a_job_that_was_planned_before_parts_were_has_been_read_or_is_read_anew(
    plan: list[object] | None, done: int, read: int
) -> None:
    messages = [["user", "I like tea", None], ["user", "I like coffee", None]]
    request = {"type": "add", "messages": messages}
    job = {"schema": 1, "request": request, "plan": plan, "done": done, "outcomes": []}

    document = stored.upcast(job)

    assert document["read"] == read
    assert (document["plan"] is None) == (read == 0)


def test_a_job_of_the_release_before_exports_has_no_result() -> None:
    job = a_job(a_scope(PROJECT))
    document = stored_jobs.dump_job(job)
    del document["result"]

    assert stored_jobs.load_job(PROJECT, document) == job


# --- a file that an earlier release wrote


@pytest.fixture(params=["the release before", "this release"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LocalStore]:
    path = tmp_path / "recollect.db"
    if request.param == "this release":
        format_1.write(path)
    else:
        shutil.copy(format_1.FILE, path)
    store = LocalStore(path, embedding_model=format_1.EMBEDDING_MODEL, resident_bytes=10**6)
    store.open()
    yield store
    store.database.close()


def test_its_memories_are_read(store: LocalStore) -> None:
    ids = [memory.id for memory in format_1.LIVING]

    found = store.record.get(format_1.PROJECT, [*ids, format_1.FORGOTTEN.id])

    assert found == {memory.id: memory for memory in format_1.LIVING}


def test_its_history_and_episodes_are_read(store: LocalStore) -> None:
    for memory_id, expected in format_1.HISTORY.items():
        assert store.record.history(format_1.PROJECT, memory_id) == expected
    episodes, after = store.episodes, format_1.START + format_1.SECOND
    assert episodes.get(format_1.PROJECT, ["job-1"], now=after) == {"job-1": format_1.EPISODE}
    assert episodes.recent(format_1.ADA, limit=9, now=after) == [format_1.EPISODE]


def test_its_episodes_are_removed_with_their_subjects(store: LocalStore) -> None:
    subjects, after = format_1.ADA.subjects, format_1.START + format_1.SECOND

    def is_left_without(*removed: Subject, before: datetime) -> bool:
        assert store.episodes.remove(format_1.PROJECT, removed, before=before) is None
        return bool(store.episodes.get(format_1.PROJECT, ["job-1"], now=after))

    assert is_left_without(subjects[0], before=format_1.START)
    for subject in format_1.GUIDE.subjects:
        assert is_left_without(*subjects, subject, before=after)
    assert not is_left_without(subjects[0], before=after)


def test_its_lists_are_read(store: LocalStore) -> None:
    living = format_1.LIVING
    of_ada = tuple(memory for memory in living if memory.scope == format_1.ADA)
    in_force = tuple(memory for memory in living if memory != format_1.EXPIRED)
    for matching, expected in [
        (EVERYTHING, living),
        (subject_is(format_1.ADA.owner), of_ada),
        (parse_filter({"metadata": {"mood": {"contains": "fine"}}}), (format_1.PORTO,)),
        (Unexpired(format_1.START + timedelta(days=1)), in_force),
    ]:
        page = store.listing.memories(format_1.PROJECT, matching, limit=9)
        assert (page.memories, page.count) == (expected, len(expected))


def test_its_subjects_are_read(store: LocalStore) -> None:
    entries = store.listing.subjects(format_1.PROJECT, list(SubjectKind), limit=9)

    subjects = {*format_1.ADA.subjects, *format_1.GUIDE.subjects}
    assert {entry.subject: entry.memories for entry in entries} == dict.fromkeys(subjects, 2)
    assert {entry.created_at for entry in entries} == {
        format_1.START,
        format_1.START + format_1.SECOND,
    }


def test_its_jobs_are_read(store: LocalStore) -> None:
    for job in (format_1.ADD_JOB, format_1.UNFINISHED_JOB, format_1.FAILED_JOB):
        assert store.jobs.get(format_1.PROJECT, job.id) == job
    abandoned = store.jobs.abandoned(now=format_1.LEASE_END, limit=9)
    assert abandoned == [(format_1.PROJECT, format_1.UNFINISHED_JOB.id)]


def test_its_idempotency_keys_hold(store: LocalStore) -> None:
    again, key = a_job(format_1.ADA), format_1.IDEMPOTENCY_KEY
    other = IdempotencyKey(key.key, "other")

    assert store.jobs.accept(again, key, lease_end=format_1.LEASE_END) == format_1.ADD_JOB
    with pytest.raises(IdempotencyMismatchError):
        store.jobs.accept(again, other, lease_end=format_1.LEASE_END)


def test_its_keys_are_read(store: LocalStore) -> None:
    assert store.keys.find(format_1.KEY_HASH) == format_1.KEY
    assert store.keys.find(format_1.REVOKED_KEY_HASH) == format_1.REVOKED_KEY
    assert store.keys.list(format_1.PROJECT) == [format_1.KEY, format_1.REVOKED_KEY]


def test_its_scopes_go_on(store: LocalStore) -> None:
    for scope, clock in format_1.CLOCKS.items():
        assert store.scopes.clock(scope) == clock
    assert store.scopes.reserve_turns(format_1.ADA, 1) == (format_1.NEXT_TURN,)


def test_its_texts_are_still_unique(store: LocalStore) -> None:
    known = store.scopes.find_texts(
        format_1.ADA, ["I live in Porto.", "I live in Lisbon."], now=format_1.START
    )
    assert known == {"I live in Porto.": format_1.PORTO.id}
    twin = a_memory(format_1.ADA, "I live in Porto.")
    with pytest.raises(TextTakenError):
        store.record.commit(format_1.PROJECT, a_change(adding(twin)))


def test_its_pending_changes_are_read(store: LocalStore) -> None:
    keys = [subject.key for subject in (*format_1.ADA.subjects, *format_1.GUIDE.subjects)]

    pending = store.outbox.pending(format_1.PROJECT, keys, limit=9)

    assert {(item.memory_id, item.version) for item in pending} == {(format_1.WALK.id, 1)}
    assert {item.subject_key for item in pending} == {
        subject.key for subject in format_1.GUIDE.subjects
    }


def test_it_is_searched_in_the_index_and_in_what_is_pending(store: LocalStore) -> None:
    find = FindCandidates(store.index, store.record, store.outbox, store.listing)
    project, nowhere = format_1.PROJECT, np.zeros(4, dtype=np.float32)
    porto = Question(nowhere, tuple(terms("Porto")))
    east = Question(a_vector(0, 1, 0, 0), ())

    [worded] = find(project, subject_is(format_1.ADA.owner), [porto], limit=1)
    [near] = find(project, EVERYTHING, [east], limit=1)
    [unseen] = find(project, subject_is(format_1.GUIDE.owner), [porto], limit=1)

    assert worded.memories == (format_1.PORTO,)
    assert near.memories == (format_1.HILLS,)
    assert format_1.WALK in unseen.memories


def test_its_memories_are_changed_and_deleted(store: LocalStore) -> None:
    project, walk = format_1.PROJECT, format_1.WALK
    change = updating(format_1.PORTO, text="I live in Lisbon.")

    store.record.commit(project, a_change(change, deleting(walk)))

    assert change.after is not None
    assert store.record.get(project, [walk.id, change.after.id]) == {change.after.id: change.after}
    assert [event.version for event in store.record.history(project, change.after.id)] == [1, 2, 3]
    with pytest.raises(VersionMovedError):
        store.record.commit(project, a_change(deleting(format_1.FORGOTTEN)))


def test_it_keeps_to_its_embedder(tmp_path: Path) -> None:
    path = tmp_path / "recollect.db"
    shutil.copy(format_1.FILE, path)

    with pytest.raises(UnavailableError, match=f"holds vectors of {format_1.EMBEDDING_MODEL}"):
        LocalStore(path, embedding_model="other-9", resident_bytes=10**6).open()


def test_a_deletion_of_a_subject_by_the_release_before_is_an_erasure() -> None:
    ada = Subject(SubjectKind.USER, "ada")
    document = stored_jobs.dump_job(a_job(a_scope(PROJECT)))
    document["request"] = {
        "type": "delete_all",
        "filters": {"user_id": "ada"},
        "subject": None,
        "ends_subject": True,
        "ends_project": False,
    }

    job = stored_jobs.load_job(PROJECT, document)

    assert job.request == EraseRequest.of(PROJECT, ada)
