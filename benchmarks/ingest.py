"""How fast messages of a queue are remembered, and when what was accepted can be found.

Verbatim, one message at a time: in the local edition's data file, and by the AWS edition's
functions before engines, which share this machine's processors with what is measured.
"""

import itertools
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx

from benchmarks import service
from benchmarks.corpus import sentences
from benchmarks.measuring import milliseconds
from recollect import bootstrap
from recollect.bootstrap.chance import new_id, now
from recollect.entrypoints.functions import (
    HTTP_FUNCTIONS,
    QUEUE_FUNCTIONS,
    load_handlers,
    routes,
)
from recollect.entrypoints.invocation import GatewayTransport, Handler
from recollect.entrypoints.worker import MESSAGES_AT_ONCE, Clock, LocalWorker, feeds, hand
from recollect.ports.jobs import Jobs
from tests import aws_edition
from tests.soak import on_engines
from tests.soak.killing import Program, Worker
from tests.soak.test_soak_on_engines import an_environment, send

MESSAGES = 1_000
MESSAGES_ON_ENGINES = 300
USERS = 50
ADDS = 100
LOOK_EVERY_SECONDS = 0.002
MOST_SECONDS = 600.0
FORGETS_NOTHING = "0"
VERBATIM = {"infer": False}


def measure() -> dict[str, Any]:
    """Return both for both editions."""
    with an_environment():
        engines = {"messages_per_second": _rate_on_engines(), "found_after": _found_on_engines()}
    return {"adds": ADDS, "ways": {"local": _locally(), "DynamoDB, SQS and OpenSearch": engines}}


def _locally() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["RECOLLECT_INGEST_PROJECT"] = service.PROJECT
        service.configure(Path(folder))
        handlers = load_handlers((*HTTP_FUNCTIONS, *QUEUE_FUNCTIONS, "ingest_messages"))
        driven = feeds(bootstrap.local_wake_ups(), handlers)
        with LocalWorker(driven, bootstrap.maintain(), now):
            return {
                "messages_per_second": _rate_here(handlers["ingest_messages"]),
                "found_after": milliseconds(_finds(_client_here(handlers))),
            }


def _rate_here(function: Handler) -> float:
    bodies, start = _bodies(MESSAGES), time.perf_counter()
    clock = Clock(now, lambda: False)
    for first in range(0, len(bodies), MESSAGES_AT_ONCE):
        hand(function, bodies[first : first + MESSAGES_AT_ONCE], clock)
    _wait(lambda: not _unfinished(bootstrap.local_store().jobs))
    return round(len(bodies) / (time.perf_counter() - start), 1)


def _unfinished(jobs: Jobs) -> bool:
    return bool(jobs.abandoned(now=now() + on_engines.MUCH_LATER, limit=1))


def _client_here(handlers: dict[str, Handler]) -> httpx.Client:
    transport = GatewayTransport(handlers, routes(), now=now, new_id=new_id)
    return _client(service.new_key(), transport=transport, base_url="http://in.process")


def _rate_on_engines() -> float:
    bodies = _bodies(MESSAGES_ON_ENGINES)
    send(boto3.client("sqs"), os.environ[on_engines.INGEST_QUEUE], bodies)
    worker = Worker.started(Program(on_engines.__name__, ("0", FORGETS_NOTHING)))
    try:
        end = time.monotonic() + MOST_SECONDS
        worker.wait(worker.is_ready, end)
        start = time.perf_counter()
        worker.wait(worker.is_done, end)
        return round(len(bodies) / (time.perf_counter() - start), 1)
    finally:
        worker.kill()


def _found_on_engines() -> dict[str, float]:
    with aws_edition.running() as live:
        return milliseconds(_finds(_client(live.new_key(), base_url=live.address)))


def _client(key: str, **options: Any) -> httpx.Client:  # noqa: ANN401 - as httpx's
    return httpx.Client(headers={"Authorization": f"Token {key}"}, timeout=60, **options)


def _finds(client: httpx.Client) -> Iterator[Callable[[], object]]:
    """Return calls that wait until a search finds what was just accepted."""
    with client:
        for text in itertools.islice(sentences(2), ADDS):
            body = {"messages": text, "user_id": "ada", "async_mode": True, **VERBATIM}
            client.post("/v3/memories/add/", json=body).raise_for_status()
            yield lambda text=text: _wait(  # type: ignore[misc]
                lambda: _is_found(client, text)
            )


def _is_found(client: httpx.Client, text: str) -> bool:
    asked = {"query": text, "filters": {"user_id": "ada"}, "threshold": 0.0}
    answer = client.post("/v3/memories/search/", json=asked).raise_for_status()
    return text in [memory["memory"] for memory in answer.json()["results"]]


def _bodies(messages: int) -> list[str]:
    texts = itertools.islice(sentences(1), messages)
    return [
        json.dumps(
            {"version": 1, "user_id": f"user-{number % USERS}", "messages": text, **VERBATIM}
        )
        for number, text in enumerate(texts)
    ]


def _wait(is_done: Callable[[], bool]) -> None:
    end = time.monotonic() + MOST_SECONDS
    while not is_done():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(LOOK_EVERY_SECONDS)
