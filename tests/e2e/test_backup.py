"""`recollect backup` and `recollect restore`, beside a service that somebody uses."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import httpx

from tests.e2e.process import Running, finished, running
from tests.handlers.commands import invoke, printed

READY = "its first key is in"
WRITERS = 3
A_FEW = 10
PAUSE_SECONDS = 0.02
"""What every writer leaves to the commands, which share the machine."""


class Writers:
    """Add memories until they are stopped, and know which adds were answered."""

    def __init__(self, service: Running, key: str) -> None:
        self._service = service
        self._headers = {"Authorization": f"Token {key}"}
        self._numbers = count()
        self.stopping = threading.Event()
        self.answered: set[str] = set()

    def __call__(self) -> None:
        with httpx.Client(headers=self._headers, trust_env=False) as client:
            while not self.stopping.is_set():
                text = f"I have {next(self._numbers)} cats."
                body = {"messages": text, "user_id": "maya", "infer": False}
                url = f"{self._service.address}/v3/memories/add/"
                client.post(url, json=body).raise_for_status()
                self.answered.add(text)
                self.stopping.wait(PAUSE_SECONDS)


def texts(data: Path) -> set[str]:
    listed = invoke("list", "--user", "maya", "--all", "--json", "--data", str(data))
    return {memory["memory"] for memory in printed(listed)}


def test_a_backup_has_what_was_answered_before_it_and_is_not_restored_into_a_service(
    tmp_path: Path,
) -> None:
    copy, data = tmp_path / "copy.db", tmp_path / ".recollect" / "recollect.db"
    with running("serve", "--port", "0", home=tmp_path, until=READY) as service:
        writers = Writers(service, data.with_name(f"{data.name}.key").read_text().strip())
        with ThreadPoolExecutor(WRITERS) as threads:
            writing = [threads.submit(writers) for _ in range(WRITERS)]
            try:
                while len(writers.answered) < A_FEW:
                    assert not any(each.done() for each in writing)
                    writers.stopping.wait(0.01)
                before = set(writers.answered)
                told = finished("backup", str(copy), "--json", home=tmp_path)
                meanwhile = writers.answered - before
                refused = finished("restore", str(copy), home=tmp_path)
            finally:
                writers.stopping.set()
        assert [each.result() for each in writing] == [None] * WRITERS
        service.stop()

    assert told.returncode == 0, told.stderr
    assert meanwhile, "nobody waited for the copy"
    assert (refused.returncode, "is in use" in refused.stderr) == (1, True)
    copied = texts(copy)
    assert before <= copied <= writers.answered
    assert json.loads(told.stdout)["memories"] == len(copied)
    assert invoke("verify", "--data", str(copy)).exit_code == 0

    restored = invoke("restore", str(copy), "--data", str(data))

    assert restored.exit_code == 0, restored.stderr
    # What was accepted then and not done yet is carried on.
    there = texts(data)
    assert copied <= there <= writers.answered
    assert len(there - copied) <= WRITERS
