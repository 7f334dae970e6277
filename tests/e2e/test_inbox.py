"""The local edition's inbox: files become memories, whatever becomes of the service."""

import json
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.callers import credentials, ok
from tests.e2e.process import PATIENCE_SECONDS, Running, running

FILES = 4
CHATS = 40
"""Conversations of a file."""
READY = "Recollect serves"
KILL_AFTER_SECONDS = 6.0
"""Some are remembered by then, and some are not, on most machines; the test holds on all."""

pytestmark = pytest.mark.slow


def put(inbox: Path, name: str, number: int) -> None:
    path = inbox / "projects" / "default" / "verbatim" / "users" / "ada" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    chats = ({"messages": [{"role": "user", "content": f"{number} {n}"}]} for n in range(CHATS))
    draft = path.with_name(f".{name}")
    draft.write_text("".join(f"{json.dumps(chat)}\n" for chat in chats))
    draft.replace(path)


def reports(inbox: Path, *, count: int) -> list[dict[str, Any]]:
    """Wait until there are so many reports, and return them."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        found = [file for file in (inbox / "reports").rglob("*.json") if file.name[0] != "."]
        if len(found) >= count:
            return [json.loads(file.read_text()) for file in found]
        time.sleep(0.2)
    raise AssertionError(sorted(inbox.rglob("*")))


def remembered(service: Running, key: str) -> Counter[str]:
    with httpx.Client(base_url=service.address, headers=credentials(key)) as client:
        body = {"filters": {"user_id": "ada"}}
        page = ok(client.post("/v3/memories/?page_size=200", json=body))
    assert page["count"] == len(page["results"])
    return Counter(memory["memory"] for memory in page["results"])


def test_files_are_ingested_once_though_the_service_is_killed(tmp_path: Path) -> None:
    inbox, data = tmp_path / "inbox", tmp_path / "data.db"
    words = ("serve", "--port", "0", "--data", str(data), "--inbox", str(inbox))
    for number in range(FILES):
        put(inbox, f"{number}.jsonl", number)

    with running(*words, home=tmp_path, until=READY) as service:
        time.sleep(KILL_AFTER_SECONDS)
        service.process.send_signal(signal.SIGKILL)
        service.process.wait(PATIENCE_SECONDS)
    with running(*words, home=tmp_path, until=READY) as service:
        told = reports(inbox, count=FILES)
        key = (tmp_path / "data.db.key").read_text().strip()
        found = remembered(service, key)
        assert service.stop() == 0

    assert found == Counter(f"{number} {n}" for number in range(FILES) for n in range(CHATS))
    assert [report["messages"] for report in told] == [CHATS] * FILES
    assert [report["problems"] for report in told] == [[]] * FILES
