"""The local edition's worker as a process, fed from a folder instead of SQS; made to be killed.

`python -m tests.soak.local_edition DATA_FILE SPOOL_FOLDER`. Each file of the folder is a batch for
a function; it is removed once the function has answered, so that a kill before that delivers it
again. It prints `ready`, and `done` when it has nothing left to do; it ends when its input does.
"""

import json
import os
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from recollect import bootstrap
from recollect.adapters.local.store import LocalStore
from recollect.entrypoints.functions import QUEUE_FUNCTIONS, load_handlers
from recollect.entrypoints.invocation import Handler
from recollect.entrypoints.worker import Clock, LocalWorker, feeds
from tests.soak.load import PROJECT

INGESTING = ("ingest_messages", "ingest_objects")
LOOK_EVERY_SECONDS = 0.05
MUCH_LATER = timedelta(days=1)


@dataclass(frozen=True)
class Spool:
    """Hands the batches in a folder to the functions that they name."""

    folder: Path
    functions: Mapping[str, Handler]

    def wait(self, stopping: threading.Event) -> bool:
        """Wait for a batch; tell whether there is one."""
        return any(self.folder.iterdir()) or stopping.wait(LOOK_EVERY_SECONDS)

    def drive(self, clock: Clock) -> int:
        """Hand the first batch over; keep what is to be delivered again."""
        first = min(self.folder.glob("*.json"), default=None)
        if first is None:
            return 0
        batch: dict[str, Any] = json.loads(first.read_text())
        answer = self.functions[batch["function"]]({"Records": batch["records"]}, clock.context())
        again = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        if again:
            batch["records"] = [each for each in batch["records"] if each["messageId"] in again]
            put_batch(self.folder, f"{first.stem}-again", batch)
        first.unlink()
        return 1


def put_batch(folder: Path, name: str, batch: Mapping[str, Any]) -> None:
    """Write a batch, whole or not at all."""
    draft = folder.parent / f"{name}.draft"
    draft.write_text(json.dumps(batch))
    draft.replace(folder / f"{name}.json")


def is_idle(store: LocalStore, spool: Path) -> bool:
    """Tell whether nothing waits: no batch, no job, nothing that the index has not seen."""
    later = now() + MUCH_LATER
    return (
        not any(spool.iterdir())
        and not store.jobs.abandoned(now=later, limit=1)
        and not store.outbox.stale(before=later, limit=1)
    )


def now() -> datetime:
    return datetime.now(UTC)


def run(data: Path, spool: Path) -> None:
    """Work until told to stop."""
    stopped = threading.Event()
    threading.Thread(target=hear, args=[stopped], daemon=True).start()
    with bootstrap.local_edition(data) as store:
        if not store.keys.list(PROJECT):
            bootstrap.create_key()(PROJECT, "soak")
        functions = load_handlers((*QUEUE_FUNCTIONS, *INGESTING))
        driven = [*feeds(bootstrap.local_wake_ups(), functions), Spool(spool, functions)]
        with LocalWorker(driven, bootstrap.maintain(), now):
            say("ready")
            is_told = False
            while not stopped.wait(LOOK_EVERY_SECONDS):
                if not is_told and is_idle(store, spool):
                    is_told = True
                    say("done")


def hear(stopped: threading.Event) -> None:
    """Say that standard input has ended."""
    sys.stdin.read()
    stopped.set()


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    os.environ["RECOLLECT_INGEST_PROJECT"] = PROJECT
    run(Path(sys.argv[1]), Path(sys.argv[2]))
