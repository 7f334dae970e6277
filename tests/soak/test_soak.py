"""Everything that arrives as an event is remembered once, or buried with its reason: locally.

Workers are killed at random in between. `make soak` runs the long ones; `-s` prints the numbers.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from recollect import bootstrap
from recollect.adapters.local.letters import LocalGraveyard
from recollect.adapters.local.object_store import file_version
from recollect.adapters.local.store import LocalStore
from recollect.entrypoints.worker import sqs_event
from recollect.ports.letters import QueueName
from tests.handlers.commands import invoke, printed
from tests.soak import local_edition
from tests.soak.ending import Ending, read_report, report_key
from tests.soak.events import created, told
from tests.soak.killing import Program, survive
from tests.soak.load import Load, Sent, Stored, in_batches

MOST_LETTERS = 100_000


@pytest.mark.slow
def test_everything_is_remembered_once_whatever_is_killed(tmp_path: Path) -> None:
    soak(tmp_path, Load.of(1, messages=400, objects=12), kills=3, seconds=120)


@pytest.mark.soak
def test_ten_thousand_messages_and_two_hundred_objects(tmp_path: Path) -> None:
    soak(tmp_path, Load.of(2, messages=10_000, objects=200), kills=12, seconds=1_800)


def soak(folder: Path, load: Load, *, kills: int, seconds: float) -> None:
    """Have one data file's worker remember it all, and see that it did."""
    data, spool, bucket = folder / "soak.db", folder / "spool", folder / "bucket"
    spool.mkdir()
    versions = dict(store(bucket, load.objects))
    fill(spool, load, told([event(bucket, each, versions) for each in load.objects], load.chance))
    program = Program(local_edition.__name__, (str(data), str(spool)))

    survive(program, load, kills=kills, seconds=seconds)

    with bootstrap.local_edition(data) as opened:
        an_ending(opened, bucket, versions).check(load)
    [compared] = printed(invoke("verify", "--data", str(data), "--json"))["projects"]
    assert (compared["drift"], compared["pending"]) == (0, 0)


def an_ending(store: LocalStore, bucket: Path, versions: Mapping[str, str]) -> Ending:
    """Return what the data file has in the end."""

    def report_on(stored: Stored) -> Mapping[str, Any]:
        return read_report((bucket / report_key(stored, versions[stored.key])).read_bytes())

    graveyard = LocalGraveyard(store.database, lambda _: False)
    queues = (QueueName.INGEST, QueueName.OBJECTS, QueueName.WORKER)
    letters = {queue: graveyard.letters(queue, limit=MOST_LETTERS) for queue in queues}
    return Ending(store.listing, store.jobs, store.record, letters, report_on)


def fill(spool: Path, load: Load, events: Sequence[Mapping[str, Any]]) -> None:
    """Write batches of messages, and of what the bucket told, in no order."""
    notices = [Sent(f"notice {place}", json.dumps(event)) for place, event in enumerate(events)]
    batches = [
        *(("ingest_messages", batch) for batch in in_batches(load.deliveries(), load.chance)),
        *(("ingest_objects", batch) for batch in in_batches(notices, load.chance)),
    ]
    load.chance.shuffle(batches)
    for place, (function, batch) in enumerate(batches):
        # A batch has no message twice.
        unique = {sent.id: sent.body for sent in batch}
        records = sqs_event(list(unique.values()), now=datetime.now(UTC))["Records"]
        for record, message_id in zip(records, unique, strict=True):
            record["messageId"] = message_id
        named = {"function": function, "records": records}
        local_edition.put_batch(spool, f"{place:06}", named)


def store(bucket: Path, objects: Sequence[Stored]) -> Iterator[tuple[str, str]]:
    """Write objects as files; return the versions by the keys."""
    for stored in objects:
        path = bucket / stored.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(stored.data)
        yield stored.key, file_version(path.stat())
        if not stored.is_there:
            path.unlink()


def event(bucket: Path, stored: Stored, versions: Mapping[str, str]) -> dict[str, Any]:
    """Return what is told of a file."""
    version = versions[stored.key]
    return created(str(bucket), stored.key, size=len(stored.data), versionId=version)
