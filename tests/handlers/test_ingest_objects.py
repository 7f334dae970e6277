"""Objects, from the notification to the memories, through the functions as they are deployed."""

import gzip
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from recollect import bootstrap
from recollect.adapters.local.object_store import file_version
from recollect.bootstrap import letters
from recollect.bootstrap.erasure import erase_subject
from recollect.domain.jobs import Job
from recollect.domain.keys import Access
from recollect.domain.object_keys import ObjectKey
from recollect.domain.requests import IngestRequest
from recollect.domain.subjects import Subject, SubjectKind
from recollect.entrypoints import functions
from recollect.entrypoints.cli.main import main
from recollect.entrypoints.inbox import AT_REST, Inbox
from recollect.entrypoints.invocation import Handler
from recollect.entrypoints.object_events import notification
from recollect.entrypoints.worker import Clock, LocalWorker, feeds, hand
from recollect.ports.letters import QueueName
from tests.callers import Deployment, listed, new_id, now, ok
from tests.handlers.commands import NOWHERE

ALWAYS = Clock(now, lambda: False)
MODIFIED = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Bucket:
    """A folder that stands for a bucket, and the functions that read it."""

    folder: Path
    project: str
    client: httpx.Client
    handlers: Mapping[str, Handler]

    def put(self, path: str, data: str | bytes) -> str:
        """Write a file below the project's folder; return what S3 would say of it."""
        key = f"projects/{self.project}/{path}"
        file = self.folder / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data if isinstance(data, bytes) else data.encode())
        status = file.stat()
        told = notification(
            self.folder, key, size=status.st_size, version=file_version(status), at=MODIFIED
        )
        return json.dumps(told)

    def accept(self, *bodies: str) -> list[str]:
        """Hand notifications to the function; return those that it wants to have again."""
        return hand(self.handlers["ingest_objects"], bodies, ALWAYS)

    def work(self) -> None:
        """Do all that waits."""
        driven = feeds(bootstrap.local_wake_ups(), self.handlers)
        LocalWorker(driven, bootstrap.maintain(), now).settle(seconds=30)

    def jobs(self) -> list[Job]:
        jobs = bootstrap.local_store().jobs.recent(self.project, limit=200)
        return [job for job in jobs if isinstance(job.request, IngestRequest)]

    def reports(self) -> list[dict[str, Any]]:
        """Return the reports once there are as many as jobs."""
        for _ in range(50):
            files = sorted((self.folder / "reports").rglob("*.json"))
            if len(files) == len(self.jobs()):
                return [json.loads(file.read_text()) for file in files]
            for job in self.jobs():
                hand(self.handlers["worker"], [_wake_up(job)], ALWAYS)
            self.work()
        raise AssertionError(self.jobs())


def _wake_up(job: Job) -> str:
    return json.dumps({"project": job.project, "job_id": job.id})


@pytest.fixture(scope="module")
def handlers() -> Mapping[str, Handler]:
    return functions.load_handlers([*functions.QUEUE_FUNCTIONS, functions.INGEST_OBJECTS])


@pytest.fixture
def bucket(
    deployment: Deployment, handlers: Mapping[str, Handler], tmp_path: Path
) -> Iterator[Bucket]:
    project = f"project {new_id()}"
    _, secret = bootstrap.create_key()(project, "test")
    with deployment.client(secret) as client:
        yield Bucket(tmp_path, project, client, handlers)


def lines(*values: object) -> str:
    return "".join(f"{json.dumps(value)}\n" for value in values)


def said(content: str) -> dict[str, str]:
    return {"role": "user", "content": content}


def buried(body: str) -> list[str]:
    """Return why a message was buried."""
    found = letters.local_graveyard(lambda _: False).letters(QueueName.OBJECTS, limit=1_000)
    return [letter.reason for letter in found if letter.message == body]


def test_an_object_becomes_memories_and_a_report(bucket: Bucket) -> None:
    data = gzip.compress(lines(said("I like tea"), "no message", said("I paint")).encode())
    told = bucket.put("verbatim/users/maya/a chat+.jsonl.gz", data)

    assert bucket.accept(told, told) == []
    [report] = bucket.reports()

    assert sorted(listed(bucket.client, user_id="maya")) == ["I like tea", "I paint"]
    assert report["object"]["key"].endswith("/a chat+.jsonl.gz")
    assert report["problems"] == [{"place": "line 2", "reason": "must be an object"}]
    event = ok(bucket.client.get(f"/v1/event/{report['event_id']}/"))
    assert (event["status"], event["event_type"]) == ("SUCCEEDED", "INGEST")
    assert (bucket.folder / event["metadata"]["report"]).exists()
    assert event["metadata"]["conversations"] == report["conversations"]


def test_repeated_and_reordered_notifications_change_nothing(bucket: Bucket) -> None:
    told = [bucket.put(f"verbatim/users/u{n}/a.txt", f"Maya: {n}") for n in range(5)]

    assert bucket.accept(*told, *reversed(told)) == []
    assert len(bucket.reports()) == 5
    assert bucket.accept(*reversed(told)) == []
    bucket.work()

    assert len(bucket.reports()) == len(bucket.jobs()) == 5
    assert [listed(bucket.client, user_id=f"u{n}") for n in range(5)] == [
        [str(n)] for n in range(5)
    ]


def test_an_event_that_comes_again_after_the_erasure_is_let_go(bucket: Bucket) -> None:
    told = bucket.put("verbatim/users/maya/a.txt", "Maya: a")
    bucket.accept(told)
    assert len(bucket.reports()) == 1
    erase_subject()(Access(bucket.project), Subject(SubjectKind.USER, "maya"))

    assert bucket.accept(told) == []

    assert buried(told) == []
    bucket.work()
    assert listed(bucket.client, user_id="maya") == []


@pytest.mark.parametrize(
    "event_name", ["ObjectRemoved:Delete", "ObjectRemoved:DeleteMarkerCreated", "ObjectTagging:Put"]
)
def test_other_events_change_nothing(bucket: Bucket, event_name: str) -> None:
    told = json.loads(bucket.put("users/maya/a.txt", "Maya: a"))
    told["Records"][0]["eventName"] = event_name
    del told["Records"][0]["s3"]["object"]["size"]

    assert bucket.accept(json.dumps(told), json.dumps({"Event": "s3:TestEvent"})) == []

    assert bucket.jobs() == []
    assert buried(json.dumps(told)) == []


def test_a_folder_that_a_console_made_is_nothing(bucket: Bucket) -> None:
    key = f"projects/{bucket.project}/users/"
    told = json.dumps(notification(bucket.folder, key, size=0, version="1", at=MODIFIED))

    assert bucket.accept(told) == []

    assert (bucket.jobs(), buried(told)) == ([], [])


def a_record(**changes: object) -> dict[str, Any]:
    told = notification(Path("bucket"), "projects/nobody/a", size=1, version="1", at=MODIFIED)
    told["Records"][0]["s3"]["object"] |= changes
    return told


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("{", "is no ObjectNotification: body: Invalid JSON"),
        ("{}", "is refused: It is no notification of S3"),
        (json.dumps({"Event": "s3:Test"}), "is refused: It is no notification of S3"),
        (json.dumps({"Records": [{}]}), "is no ObjectNotification: Records.0.eventName"),
        (json.dumps(a_record()), "is refused: The key names no project that has an API key"),
        (json.dumps(a_record(key="reports/x.json")), "is refused: The key is not projects/"),
        (json.dumps(a_record(key="projects/a/%ff")), "is no ObjectNotification: Records.0.s3"),
        (
            json.dumps(a_record(versionId="null")),
            "is refused: The notification has neither a version nor an ETag",
        ),
    ],
)
def test_what_is_no_objects_notification_is_buried(bucket: Bucket, body: str, reason: str) -> None:
    good = bucket.put("users/maya/a.txt", "Maya: a")

    assert bucket.accept(body, good) == []

    assert all(told.startswith(reason) for told in buried(body))
    assert buried(body)
    assert len(bucket.jobs()) == 1


def test_a_bucket_without_versions_is_told_apart_by_tags(bucket: Bucket) -> None:
    told = json.loads(bucket.put("users/maya/a.txt", "Maya: a"))
    place = told["Records"][0]["s3"]["object"]
    place |= {"versionId": None, "eTag": "abc-2", "sequencer": "00AF"}

    assert bucket.accept(json.dumps(told)) == []

    [job] = bucket.jobs()
    assert isinstance(job.request, IngestRequest)
    assert job.request.version == "etag-abc-2-00AF"


@pytest.mark.parametrize("command", ["start", "serve"])
def test_an_inbox_must_be_there(tmp_path: Path, command: str) -> None:
    words = [command, "--port", "0", "--data", str(tmp_path / "data.db")]

    result = CliRunner().invoke(main, [*words, "--inbox", str(tmp_path / "inbox")], env=NOWHERE)

    assert result.exit_code == 2
    assert "There is no folder" in result.output
    assert not (tmp_path / "data.db").exists()


class Time:
    def __init__(self) -> None:
        self.now = MODIFIED

    def __call__(self) -> datetime:
        return self.now

    def passes(self, time: timedelta = AT_REST) -> None:
        self.now += time


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def clock(time: Time) -> Clock:
    return Clock(time, lambda: False)


@pytest.fixture
def inbox(bucket: Bucket) -> Inbox:
    return Inbox(bucket.folder, bucket.handlers["ingest_objects"])


def test_a_file_in_the_inbox_is_ingested_once_it_is_written(
    bucket: Bucket, inbox: Inbox, clock: Clock, time: Time
) -> None:
    bucket.put("verbatim/users/maya/a.txt", "Maya: half of")

    assert inbox.drive(clock) == 0
    time.passes()
    bucket.put("verbatim/users/maya/a.txt", "Maya: half of it is written")
    assert inbox.drive(clock) == 0
    time.passes(AT_REST / 2)
    assert inbox.drive(clock) == 0
    time.passes()
    assert inbox.drive(clock) == 1
    time.passes()
    assert inbox.drive(clock) == 0

    assert len(bucket.reports()) == 1
    assert listed(bucket.client, user_id="maya") == ["half of it is written"]


def test_an_inbox_that_is_opened_again_knows_what_was_reported(
    bucket: Bucket, inbox: Inbox, clock: Clock, time: Time
) -> None:
    told = json.loads(bucket.put("users/maya/a.txt", "Maya: a"))["Records"][0]["s3"]["object"]
    report = ObjectKey.of(f"projects/{bucket.project}/users/maya/a.txt").report(told["versionId"])
    (bucket.folder / report).parent.mkdir(parents=True)
    (bucket.folder / report).write_text("{}")

    inbox.drive(clock)
    time.passes()

    assert inbox.drive(clock) == 0
    assert inbox.drive(clock) == 0
    assert bucket.jobs() == []


def test_what_is_hidden_gone_or_no_file_is_not_in_the_inbox(
    bucket: Bucket, inbox: Inbox, clock: Clock, time: Time
) -> None:
    for path in ("users/.a.txt", ".git/a.txt", "users/maya/gone.txt"):
        bucket.put(path, "Maya: a")
    folder = bucket.folder / "projects" / bucket.project
    (folder / "nowhere").symlink_to(folder / "no such file")
    Path(os.fsdecode(bytes(folder) + b"/\xff.txt")).write_text("Maya: a")

    (bucket.folder / "elsewhere").mkdir()
    (bucket.folder / "elsewhere/secret.txt").write_text("A: not for everybody")
    (folder / "link.txt").symlink_to(bucket.folder / "elsewhere/secret.txt")
    (folder / "links").symlink_to(bucket.folder / "elsewhere")
    os.mkfifo(folder / "pipe.txt")

    inbox.drive(clock)
    (folder / "users/maya/gone.txt").unlink()
    time.passes()

    assert inbox.drive(clock) == 0


def test_a_file_that_could_not_be_accepted_is_told_of_again(
    bucket: Bucket, clock: Clock, time: Time
) -> None:
    calls: list[int] = []

    def fails_at_first(event: dict[str, Any], context: object) -> dict[str, Any]:
        calls.append(len(event["Records"]))
        if len(calls) == 1:
            failed = [{"itemIdentifier": each["messageId"]} for each in event["Records"][1:]]
            return {"batchItemFailures": failed}
        return bucket.handlers["ingest_objects"](event, context)

    inbox = Inbox(bucket.folder, fails_at_first)
    for n in range(3):
        bucket.put(f"users/maya/{n}.txt", "Maya: a")
    inbox.drive(clock)
    time.passes()

    inbox.drive(clock)
    inbox.drive(clock)
    inbox.drive(clock)

    assert calls == [3, 2]
