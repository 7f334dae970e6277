"""A service that ends in the middle of what it accepted: the next one finishes it, once."""

import signal
import sqlite3
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from recollect.usecases.work_on_jobs import RESUMED_LEASE
from tests.callers import ADD, TIMEOUT_SECONDS, credentials, ok
from tests.e2e.process import Running, running

ADDS, MESSAGES = 30, 40
SOON_SECONDS = 60
"""Much less than the lease of a job that a worker has begun."""
CROWD = 80
"""More than the service has threads for those who wait."""
ENDLESS = """UPDATE jobs SET status = 'RUNNING', lease_end = '9999-01-01T00:00:00.000000Z',
    body = json_set(body, '$.status', 'RUNNING')"""
UNFINISHED = "SELECT count(*) FROM jobs WHERE status IN ('PENDING', 'RUNNING')"


def client_of(service: Running, key: str) -> httpx.Client:
    return httpx.Client(
        base_url=service.address,
        headers=credentials(key),
        timeout=TIMEOUT_SECONDS,
        trust_env=False,
    )


def accept(client: httpx.Client, number: int) -> str:
    texts = [f"I like tea number {number}-{each}." for each in range(MESSAGES)]
    body = {
        "messages": [{"role": "user", "content": text} for text in texts],
        "user_id": f"user {number % 5}",
        "infer": False,
        "async_mode": True,
    }
    return str(ok(client.post(ADD, json=body))["event_id"])


def unfinished(home: Path) -> int:
    with closing(sqlite3.connect(home / "data.db")) as connection:
        return int(connection.execute(UNFINISHED).fetchone()[0])


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_what_was_accepted_is_remembered_once_though_the_service_ended(
    tmp_path: Path, end: signal.Signals
) -> None:
    words = ("serve", "--port", "0", "--data", str(tmp_path / "data.db"))
    with running(*words, home=tmp_path, until="Recollect serves") as service:
        key = (tmp_path / "data.db.key").read_text().strip()
        with client_of(service, key) as client, ThreadPoolExecutor(8) as threads:
            events = list(threads.map(lambda number: accept(client, number), range(ADDS)))
        service.process.send_signal(end)
        service.process.wait(SOON_SECONDS)
    left = unfinished(tmp_path)

    with running(*words, home=tmp_path, until="Recollect serves") as service:
        begin = time.monotonic()
        with client_of(service, key) as client:
            answers = [ok(client.get(f"/v1/event/{event}/?wait=20")) for event in events]
            took = time.monotonic() - begin
            filters = {"filters": {"user_id": "*"}}
            pages = [
                ok(client.post(f"/v3/memories/?page={page}&page_size=200", json=filters))
                for page in range(1, 1 + ADDS * MESSAGES // 200)
            ]

    assert left > 0 or end is signal.SIGINT
    assert took < SOON_SECONDS < RESUMED_LEASE.total_seconds()
    assert Counter(answer["status"] for answer in answers) == {"SUCCEEDED": ADDS}
    assert {pages[0]["count"], sum(len(page["results"]) for page in pages)} == {ADDS * MESSAGES}
    remembered = Counter(each["memory"] for page in pages for each in page["results"])
    assert set(remembered.values()) == {1}
    told = [result["id"] for answer in answers for result in answer["results"]]
    assert sorted(told) == sorted(each["id"] for page in pages for each in page["results"])
    assert {result["event"] for answer in answers for result in answer["results"]} == {"ADD"}


def test_who_waits_is_answered_when_the_service_ends(tmp_path: Path) -> None:
    words = ("serve", "--port", "0", "--data", str(tmp_path / "data.db"))
    with running(*words, home=tmp_path, until="Recollect serves") as service:
        key = (tmp_path / "data.db.key").read_text().strip()
        with client_of(service, key) as client, ThreadPoolExecutor(CROWD) as threads:
            path = f"/v1/event/{accept(client, 0)}/?wait=20"
            assert ok(client.get(path))["status"] == "SUCCEEDED"
            with closing(sqlite3.connect(tmp_path / "data.db")) as connection, connection:
                connection.execute(ENDLESS)
            waiting = [threads.submit(client.get, path) for _ in range(CROWD)]
            time.sleep(1)
            service.process.send_signal(signal.SIGTERM)
            begin = time.monotonic()
            statuses = [ok(answer.result())["status"] for answer in waiting]
            took = time.monotonic() - begin
            service.process.wait(SOON_SECONDS)

    assert statuses == ["RUNNING"] * CROWD
    assert took < 10
