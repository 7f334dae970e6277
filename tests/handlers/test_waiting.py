"""Events that are waited for: answered when the job has ended, and nobody else waits for that."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest

from recollect import bootstrap
from recollect.testing.builders import a_job, a_scope
from tests.callers import (
    ADD,
    AN_ID,
    SEARCH,
    Deployment,
    LiveService,
    credentials,
    new_id,
    now,
    ok,
    refused,
    served,
)

CROWD = 50
"""More than the threads that answer everything else."""
PATIENCE_SECONDS = 60


def queued(client: httpx.Client) -> str:
    """Have something remembered by a worker; return the event."""
    body = {"messages": "I like tea.", "user_id": "ada", "infer": False, "async_mode": True}
    return str(ok(client.post(ADD, json=body))["event_id"])


def test_the_end_of_a_job_is_waited_for(service: httpx.Client, deployment: Deployment) -> None:
    event = queued(service)

    with ThreadPoolExecutor(1) as threads:
        begin = time.monotonic()
        waiting = threads.submit(service.get, f"/v1/event/{event}/", params={"wait": 20})
        deployment.settle()
        answer = ok(waiting.result(PATIENCE_SECONDS))

    assert (answer["status"], len(answer["results"])) == ("SUCCEEDED", 1)
    assert time.monotonic() - begin < 20


def test_who_has_waited_is_told_how_far_it_is(service: httpx.Client) -> None:
    begin = time.monotonic()

    answer = ok(service.get(f"/v1/event/{queued(service)}/", params={"wait": "0.2"}))

    assert answer["status"] == "PENDING"
    assert time.monotonic() - begin >= 0.2


def test_what_has_ended_or_is_unknown_is_told_at_once(service: httpx.Client) -> None:
    body = {"messages": "I like tea.", "user_id": "ada", "infer": False}
    event = ok(service.post(ADD, json=body))["event_id"]
    begin = time.monotonic()

    assert ok(service.get(f"/v1/event/{event}/?wait=20"))["status"] == "SUCCEEDED"
    refused(service.get(f"/v1/event/{AN_ID}/?wait=20"), 404)

    assert time.monotonic() - begin < 10


@pytest.mark.parametrize("wait", ["-1", "20.1", "nan", "inf", "soon", ""])
def test_a_wait_that_cannot_be_is_refused(service: httpx.Client, wait: str) -> None:
    assert "wait" in refused(service.get(f"/v1/event/{new_id()}/", params={"wait": wait}))


@pytest.fixture
def live(deployment: Deployment) -> Iterator[LiveService]:
    with served(deployment) as service:
        yield service


def test_over_http_an_asynchronous_add_is_done_when_its_event_is(live: LiveService) -> None:
    headers = credentials(live.new_key())
    with httpx.Client(base_url=live.address, headers=headers, timeout=PATIENCE_SECONDS) as client:
        answers = [ok(client.get(f"/v1/event/{queued(client)}/?wait=20")) for _ in range(5)]

    assert {answer["status"] for answer in answers} == {"SUCCEEDED"}


def endless(client: httpx.Client) -> str:
    """Have somebody work on a job who does not end it; return the event."""
    project = ok(client.get("/v1/ping/"))["project_id"]
    job = a_job(a_scope(project))
    bootstrap.local_store().jobs.accept(job, None, lease_end=now() + timedelta(hours=1))
    return job.id


def test_however_many_wait_others_are_answered(live: LiveService) -> None:
    headers = credentials(live.new_key())
    limits = httpx.Limits(max_connections=None)
    with (
        httpx.Client(
            base_url=live.address, headers=headers, limits=limits, timeout=PATIENCE_SECONDS
        ) as client,
        ThreadPoolExecutor(CROWD) as threads,
    ):
        event = endless(client)
        waiting = [threads.submit(client.get, f"/v1/event/{event}/?wait=5") for _ in range(CROWD)]
        body = {"query": "tea", "filters": {"user_id": "ada"}}
        for _ in range(10):
            ok(client.post(SEARCH, json=body))
        still = [answer for answer in waiting if not answer.done()]
        statuses = {ok(answer.result(PATIENCE_SECONDS))["status"] for answer in waiting}

    assert len(still) == CROWD
    assert statuses == {"RUNNING"}
