"""What ingesting an object promises: every conversation once, a report, and never more at once."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import pytest

from recollect.adapters.local.jobs import LocalJobs
from recollect.adapters.local.object_store import FolderObjectStore, file_version
from recollect.adapters.local.record import LocalRecord
from recollect.domain.errors import (
    InvalidRequestError,
    ModelAnswerError,
    NotFoundError,
    UnavailableError,
)
from recollect.domain.filters import parse_filter
from recollect.domain.jobs import ERASED, Job, JobStatus
from recollect.domain.keys import Access
from recollect.domain.memory import Memory
from recollect.domain.object_keys import ObjectKey
from recollect.domain.requests import AddRequest, DeleteAllRequest, IngestRequest
from recollect.domain.subjects import Subject, SubjectKind
from recollect.ports.models import Conversation as Exchange
from recollect.ports.objects import ObjectVersion
from recollect.ports.record import Change
from recollect.testing.builders import NOON
from recollect.usecases import ingest_object, ingest_tally
from recollect.usecases.ingest_object import FIRST_WAIT, LONGEST_WAIT
from recollect.usecases.transcripts import conversations
from tests.service import Service

MODIFIED = NOON - timedelta(days=1)
EVERYBODY = {"OR": [{kind: "*"} for kind in ("user_id", "agent_id", "app_id", "run_id")]}
TURNS = 10
"""Of a worker: more than any of these objects needs."""


@pytest.fixture(autouse=True)
def _project(service: Service) -> None:
    service.open_project("acme")


@pytest.fixture
def bucket(tmp_path: Path) -> Path:
    return tmp_path / "bucket"


def put(bucket: Path, key: str, *lines: object, text: str = "") -> IngestRequest:
    """Put an object and return the request of it."""
    path = bucket / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text or "".join(f"{json.dumps(line)}\n" for line in lines))
    return IngestRequest(
        project="acme",
        bucket=str(bucket),
        key=key,
        version=file_version(path.stat()),
        size=path.stat().st_size,
        modified_at=MODIFIED,
    )


def said(content: str, **others: object) -> dict[str, object]:
    return {"role": "user", "content": content, **others}


def apart(count: int, **others: object) -> list[dict[str, object]]:
    """Return messages that are a conversation each."""
    return [said(f"text {n}", timestamp=n * 10_000, **others) for n in range(count)]


def worked_off(service: Service, job: Job) -> Job:
    """Work on what waits, as workers and maintenance do, until the job has ended."""
    for _ in range(TURNS):
        service.work_off()
        service.clock.forward(LONGEST_WAIT)
        service.maintain()
        now = service.ports.jobs.get(job.project, job.id)
        assert now
        if now.status not in {JobStatus.PENDING, JobStatus.RUNNING}:
            return now
    raise AssertionError(now)


def ingested(service: Service, request: IngestRequest) -> Job:
    return worked_off(service, service.ingest_object.accept(request))


def memories(service: Service) -> list[Memory]:
    found = service.list("acme", parse_filter(EVERYBODY), page_size=200).memories
    return sorted(found, key=lambda memory: memory.text)


def texts(service: Service) -> list[str]:
    return [memory.text for memory in memories(service)]


def report_of(job: Job) -> dict[str, Any]:
    assert isinstance(job.request, IngestRequest)
    assert isinstance(job.result, dict)
    report: dict[str, Any] = json.loads(
        Path(job.request.bucket, str(job.result["report"])).read_text()
    )
    return report


def test_an_object_is_remembered_and_reported(service: Service, bucket: Path) -> None:
    request = put(
        bucket,
        "projects/acme/verbatim/users/maya/chat.jsonl",
        said("I like tea", name="Maya", timestamp=1_700_000_000),
        {"agent_id": "theo", "messages": [said("I paint", metadata={"a": 1})]},
        "no message",
        {"role": "system", "content": "Be kind."},
    )

    job = ingested(service, request)

    tea, paint = memories(service)
    assert (tea.text, paint.text) == ("I like tea", "I paint")
    assert tea.scope.subjects == (Subject(SubjectKind.USER, "maya"),)
    assert tea.created_at.timestamp() == 1_700_000_000
    assert paint.scope.name_of(SubjectKind.AGENT) == "theo"
    assert paint.metadata == {"a": 1}
    report = report_of(job)
    assert job.result == {
        "report": f"reports/acme/verbatim/users/maya/chat.jsonl.{request.version}.json"
    }
    assert report["object"]["key"] == request.key
    assert report["event_id"] == job.id
    assert report["conversations"] == {"found": 2, "succeeded": 2, "failed": 0, "open": 0}
    assert (report["messages"], report["system_messages"], report["bad"]) == (2, 1, 1)
    assert report["memories"] == {"ADD": 2}
    assert report["problems"] == [{"place": "line 3", "reason": "must be an object"}]
    assert report["more_problems"] == 0
    assert job.notes["conversations"] == report["conversations"]
    assert "tea" not in json.dumps(report)


def test_facts_are_found_in_an_object(service: Service, bucket: Path) -> None:
    request = put(bucket, "projects/acme/users/maya/a.txt", text="Maya: Hello! My dog is Biscuit.")

    job = ingested(service, request)

    [memory] = memories(service)
    [add] = [
        each.request
        for each in service.ports.jobs.recent("acme", limit=10)
        if isinstance(each.request, AddRequest)
    ]
    assert "Biscuit" in memory.text
    assert (add.infer, add.reference_at, add.said_at) == (True, MODIFIED, None)
    assert job.asked_at == MODIFIED


def test_a_version_is_ingested_once(service: Service, bucket: Path) -> None:
    request = put(bucket, "projects/acme/verbatim/users/maya/a.txt", text="Maya: a")
    job = ingested(service, request)

    again = service.ingest_object.accept(request)

    assert again == job
    assert service.work_off() == 0
    changed = put(bucket, "projects/acme/verbatim/users/maya/a.txt", text="Maya: a, b")
    assert ingested(service, changed).id != job.id
    assert texts(service) == ["a", "a, b"]


def test_what_belongs_to_nobody_is_reported(service: Service, bucket: Path) -> None:
    request = put(
        bucket, "projects/acme/verbatim/a.jsonl", said("a"), said("b"), said("c", user_id="maya")
    )

    report = report_of(ingested(service, request))

    assert [memory.text for memory in memories(service)] == ["c"]
    assert report["bad"] == 2
    assert [problem["place"] for problem in report["problems"]] == [
        "lines 1-2 message 1",
        "lines 1-2 message 2",
    ]
    assert "user_id" in report["problems"][0]["reason"]


def test_one_refused_message_leaves_the_others(service: Service, bucket: Path) -> None:
    refused = [{"role": "u" * 65, "content": "b"}, said("c", name="n" * 257)]
    request = put(
        bucket,
        "projects/acme/verbatim/users/maya/a.jsonl",
        said("a", timestamp=1_700_000_000),
        {"role": "system", "content": "Be kind."},
        *refused,
    )

    report = report_of(ingested(service, request))

    assert texts(service) == ["a"]
    assert [problem["place"] for problem in report["problems"]] == [
        "lines 1-4 message 3",
        "lines 1-4 message 4",
    ]
    assert report["system_messages"] == 1


@dataclass(frozen=True)
class FailingExtractor:
    """Answers nothing that can be used."""

    def extract(self, _: Exchange) -> NoReturn:
        message = "the answer makes no sense " * 100
        raise ModelAnswerError(message)

    summarise = extract


def test_a_conversation_that_fails_is_reported(service: Service, bucket: Path) -> None:
    failing = service.having(extractor=FailingExtractor())
    request = put(bucket, "projects/acme/users/maya/a.jsonl", *apart(2))
    job = failing.ingest_object.accept(request)

    for _ in range(60):
        failing.work_off()
        failing.clock.forward(timedelta(hours=2))
        failing.maintain()
    done = failing.ports.jobs.get("acme", job.id)

    assert done
    assert done.status is JobStatus.SUCCEEDED
    report = report_of(done)
    assert report["conversations"] == {"found": 2, "succeeded": 0, "failed": 2, "open": 0}
    assert [problem["place"] for problem in report["problems"]] == ["line 1", "line 2"]
    assert all(len(problem["reason"]) <= 300 for problem in report["problems"])


def test_a_report_tells_of_so_many_problems(
    service: Service, bucket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_tally, "MOST_PROBLEMS", 3)
    request = put(bucket, "projects/acme/users/maya/a.jsonl", *[1] * 10)

    report = report_of(ingested(service, request))

    assert [problem["place"] for problem in report["problems"]] == ["line 1", "line 2", "line 3"]
    assert report["more_problems"] == 7


def test_a_job_that_is_gone_is_reported(service: Service, bucket: Path) -> None:
    @dataclass(frozen=True)
    class Forgetful(LocalJobs):
        def get(self, project: str, job_id: str) -> Job | None:
            found = super().get(project, job_id)
            return found if found and isinstance(found.request, IngestRequest) else None

    forgetful = service.having(jobs=Forgetful(service.store.database))
    request = put(bucket, "projects/acme/users/maya/a.jsonl", said("a"))

    report = report_of(ingested(forgetful, request))

    assert report["problems"] == [{"place": "conversation 1", "reason": "its job is gone"}]


def test_only_so_many_conversations_wait_at_once(
    service: Service, bucket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_object, "MOST_UNFINISHED", 3)
    request = put(bucket, "projects/acme/verbatim/users/maya/a.jsonl", *apart(10))
    job = service.ingest_object.accept(request)
    waiting = []

    for _ in range(TURNS):
        service.carry_on("acme", job.id)
        waiting.append(len(service.ports.wake_ups.jobs))
        service.work_off()

    assert max(waiting) <= 4
    assert len(texts(service)) == 10
    done = service.ports.jobs.get("acme", job.id)
    assert done
    assert report_of(done)["conversations"]["succeeded"] == 10


def test_a_job_waits_longer_while_nothing_is_done(service: Service, bucket: Path) -> None:
    request = put(bucket, "projects/acme/users/maya/a.jsonl", said("a"))
    job = service.ingest_object.accept(request)
    seen = []

    for wait in (FIRST_WAIT, FIRST_WAIT * 2, FIRST_WAIT * 4):
        rested = service.carry_on("acme", job.id)
        seen.append(rested.status if rested else None)
        assert ("acme", job.id) not in service.ports.jobs.abandoned(
            now=service.clock() + wait - timedelta(seconds=1), limit=100
        )
        assert ("acme", job.id) in service.ports.jobs.abandoned(
            now=service.clock() + wait, limit=100
        )

    assert seen == [JobStatus.PENDING] * 3


def test_a_worker_whose_time_is_up_leaves_the_rest_to_another(
    service: Service, bucket: Path
) -> None:
    request = put(bucket, "projects/acme/verbatim/users/maya/a.jsonl", *apart(20))
    looks = {"left": 0}

    def is_late() -> bool:
        looks["left"] -= 1
        return looks["left"] < 0

    hurried = service.having(is_late=is_late)
    job = hurried.ingest_object.accept(request)
    found = []

    for _ in range(30):
        looks["left"] = 4
        hurried.carry_on("acme", job.id)
        read = hurried.ports.jobs.get("acme", job.id)
        assert read
        assert "conversations" in read.notes
        found.append(read.read)

    assert found[0] < found[1] < found[2] < 20
    assert found[-1] == 20
    looks["left"] = 1_000_000
    done = worked_off(hurried, job)
    assert len(texts(service)) == 20
    assert report_of(done)["conversations"]["succeeded"] == 20


class CrashError(Exception):
    """The process died."""


@dataclass
class Crashes:
    """Tells when to crash: at each of so many calls once."""

    calls: int = 0
    at: int = -1

    def __call__(self) -> None:
        self.calls += 1
        if self.calls == self.at:
            raise CrashError


@dataclass(frozen=True)
class CrashingRecord(LocalRecord):
    crash: Callable[[], None] = lambda: None

    def commit(self, project: str, change: Change) -> None:
        self.crash()
        super().commit(project, change)
        self.crash()


@dataclass(frozen=True)
class CrashingJobs(LocalJobs):
    crash: Callable[[], None] = lambda: None

    def accept(self, *args: Any, **options: Any) -> Job:  # noqa: ANN401 - as the port
        self.crash()
        job = super().accept(*args, **options)
        self.crash()
        return job


@pytest.mark.parametrize("key", ["a.jsonl", "a.json"])
def test_a_crash_anywhere_loses_and_repeats_nothing(
    service: Service, bucket: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setattr(ingest_object, "TOGETHER", 3)
    monkeypatch.setattr(ingest_object, "MOST_UNFINISHED", 4)
    monkeypatch.setattr(conversations, "MAX_MESSAGES", 1)
    values = [
        *apart(3),
        {"messages": apart(4)[1:]},
        17,
        {"messages": [said(f"x {n}") for n in range(3)]},
    ]
    request = put(bucket, f"projects/acme/verbatim/users/maya/{key}", text=json.dumps(values))
    crashes = Crashes()
    database = service.store.database
    fragile = service.having(
        record=CrashingRecord(database, crash=crashes), jobs=CrashingJobs(database, crash=crashes)
    )
    job = service.ingest_object.accept(request)

    for _ in range(200):
        crashes.calls, crashes.at = 0, crashes.at + 1
        try:
            fragile.carry_on("acme", job.id)
        except CrashError:
            service.clock.forward(timedelta(minutes=6))
        service.work_off()

    done = service.ports.jobs.get("acme", job.id)
    assert done
    report = report_of(done)
    assert texts(service) == sorted(["text 0", "text 1", "text 2", "text 3", "x 0", "x 1", "x 2"])
    adds = [
        each
        for each in service.ports.jobs.recent("acme", limit=100)
        if isinstance(each.request, AddRequest)
    ]
    assert len(adds) == report["conversations"]["found"] == 9
    assert report["memories"] == {"ADD": 7, "NONE": 2}
    assert [problem["reason"] for problem in report["problems"]] == ["element 5: must be an object"]


def test_who_is_erased_after_a_crash_takes_nobody_else_along(
    service: Service, bucket: Path
) -> None:
    said_by = [said(f"text {n}", user_id=f"user {n}") for n in range(4)]
    request = put(bucket, "projects/acme/verbatim/a.jsonl", *said_by)
    job = service.ingest_object.accept(request)
    crashing = CrashingJobs(service.store.database, crash=Crashes(at=5))
    with pytest.raises(CrashError):
        service.having(jobs=crashing).carry_on("acme", job.id)

    service.erase(Access("acme"), Subject(SubjectKind.USER, "user 1"))
    done = worked_off(service, job)

    assert texts(service) == ["text 0", "text 2", "text 3"]
    report = report_of(done)
    assert report["conversations"] == {"found": 4, "succeeded": 3, "failed": 1, "open": 0}
    assert report["problems"] == [{"place": "conversation 2", "reason": ERASED}]


@dataclass(frozen=True)
class Outage(FolderObjectStore):
    down: list[str]

    def open(self, version: ObjectVersion, offset: int) -> BinaryIO:
        if self.down:
            message = "The bucket cannot be reached"
            raise UnavailableError(message)
        return super().open(version, offset)


def test_a_bucket_that_cannot_be_reached_is_tried_again(service: Service, bucket: Path) -> None:
    outage = Outage(["down"])
    broken = service.having(objects=outage)
    request = put(bucket, "projects/acme/verbatim/users/maya/a.txt", text="Maya: a")
    job = broken.ingest_object.accept(request)

    put_off = broken.carry_on("acme", job.id)
    outage.down.clear()

    assert put_off
    assert (put_off.status, put_off.error) == (JobStatus.PENDING, "The bucket cannot be reached")
    assert worked_off(broken, job).status is JobStatus.SUCCEEDED
    assert texts(service) == ["a"]


def test_a_version_that_is_gone_fails_for_good(service: Service, bucket: Path) -> None:
    request = put(bucket, "projects/acme/users/maya/a.txt", text="Maya: a")
    job = service.ingest_object.accept(replace(request, version="1-1"), message_id="m")

    failed = service.carry_on("acme", job.id)

    assert failed
    assert (failed.status, failed.message_id) == (JobStatus.FAILED, "m")
    assert "no such version" in str(failed.error)


def test_a_failed_object_goes_on_where_it_stopped(service: Service, bucket: Path) -> None:
    request = put(bucket, "projects/acme/verbatim/users/maya/a.txt", text="Maya: a")
    gone = Path(bucket, request.key).rename(bucket / "elsewhere")
    job = service.ingest_object.accept(request)
    service.carry_on("acme", job.id)

    gone.rename(bucket / request.key)
    again = service.ingest_object.accept(request)

    assert again.id == job.id
    assert worked_off(service, again).status is JobStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("key", "project"),
    [
        ("projects/acme/a.txt", "other"),
        ("projects/nobody/a.txt", "nobody"),
        ("reports/acme/a.txt", "acme"),
        ("projects/acme/users/*/a.txt", "acme"),
        ("projects/acme", "acme"),
        ("projects/acme/", "acme"),
        ("projects/acme/folder/", "acme"),
        ("projects//a.txt", ""),
    ],
)
def test_a_key_that_is_nobodys_is_refused(
    service: Service, bucket: Path, key: str, project: str
) -> None:
    request = IngestRequest(
        project=project, bucket=str(bucket), key=key, version="1", size=1, modified_at=MODIFIED
    )

    with pytest.raises(InvalidRequestError):
        service.ingest_object.accept(request)


@pytest.mark.parametrize(
    ("folders", "names", "infer"),
    [
        ("", {}, True),
        ("users/maya/", {SubjectKind.USER: "maya"}, True),
        ("agents/a/users/b/2026/runs/c/", {SubjectKind.AGENT: "a", SubjectKind.USER: "b"}, True),
        ("apps/a/verbatim/runs/r/", {SubjectKind.APP: "a", SubjectKind.RUN: "r"}, False),
        ("verbatim/notes/users/maya/", {}, False),
        ("users/", {}, True),
        ("users/a/users/b/", {SubjectKind.USER: "a"}, True),
    ],
)
def test_folders_say_whose_it_is(
    folders: str,
    names: dict[SubjectKind, str],
    infer: bool,  # noqa: FBT001 - a parameter
) -> None:
    key = ObjectKey.of(f"projects/acme/{folders}chat.txt")

    assert (key.project, key.names, key.infer) == ("acme", names, infer)
    assert key.report("7") == f"reports/acme/{folders}chat.txt.7.json"


@pytest.mark.parametrize("name", ["a" * 250, "/".join(["a" * 201] * 5)])
def test_a_report_has_a_name_that_can_be_one(name: str) -> None:
    report = ObjectKey.of(f"projects/acme/{name}").report("7")

    assert report.startswith("reports/acme/")
    assert len(report) == len("reports/acme/") + 64 + len(".json")
    assert report != ObjectKey.of(f"projects/acme/{name}").report("8")


def test_an_object_of_tomorrow_was_asked_for_today(service: Service, bucket: Path) -> None:
    request = put(bucket, "projects/acme/users/maya/a.txt", text="Maya: a")

    job = service.ingest_object.accept(replace(request, modified_at=NOON + timedelta(days=2)))

    assert isinstance(job.asked_at, datetime)
    assert job.asked_at < NOON + timedelta(days=1)


def test_other_work_is_not_for_it(service: Service) -> None:
    request = DeleteAllRequest(project="acme", filters={"user_id": "maya"})
    job = service.work.accept(request, None)

    with pytest.raises(TypeError):
        service.ingest_object.resume(job)


def test_what_is_outside_the_folder_is_no_object(bucket: Path) -> None:
    for key in ("../a.txt", "/etc/passwd", "", "projects"):
        with pytest.raises(NotFoundError):
            FolderObjectStore().open(ObjectVersion(str(bucket), key, "1-1"), 0)


def test_an_object_is_no_subjects_own_work(bucket: Path) -> None:
    request = put(bucket, "projects/acme/users/ada/notes.txt", text="Ada: I like tea.")

    assert request.is_within(None)
    assert not request.is_within(Subject(SubjectKind.USER, "ada"))
