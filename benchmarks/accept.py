"""What accepting an add for later takes: the add function's own time, in this process."""

import itertools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

from benchmarks import service
from benchmarks.corpus import sentences
from benchmarks.measuring import milliseconds
from recollect.bootstrap.chance import new_id, now
from recollect.entrypoints.functions import HTTP_FUNCTIONS, load_handlers, routes
from recollect.entrypoints.invocation import GatewayTransport

ADDS = 200
MESSAGES = 20


def measure() -> dict[str, Any]:
    """Return p50 and p95 of what `async_mode` adds of some messages take until they are answered.

    Nobody works on them meanwhile.
    """
    with tempfile.TemporaryDirectory() as folder:
        service.configure(Path(folder))
        transport = GatewayTransport(
            load_handlers(HTTP_FUNCTIONS), routes(), now=now, new_id=new_id
        )
        headers = {"Authorization": f"Token {service.new_key()}"}
        with httpx.Client(
            transport=transport, base_url="http://in.process", headers=headers
        ) as client:
            adds = _adds(client)
            next(adds)()
            return {"adds": ADDS, "messages": MESSAGES, **milliseconds(adds)}


def _adds(client: httpx.Client) -> Iterator[Callable[[], object]]:
    texts = sentences(ADDS)
    for number in range(1 + ADDS):
        messages = [{"role": "user", "content": text} for text in itertools.islice(texts, MESSAGES)]
        body = {"messages": messages, "user_id": f"user-{number % 10}", "async_mode": True}
        yield lambda body=body: client.post(  # type: ignore[misc]
            "/v3/memories/add/", json=body
        ).raise_for_status()
