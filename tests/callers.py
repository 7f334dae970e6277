"""How tests call the service over HTTP: in this process, or over a socket."""

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from recollect import bootstrap
from recollect.entrypoints import functions
from recollect.entrypoints.http import HttpApp
from recollect.entrypoints.invocation import GatewayTransport, Handler, LambdaContext
from recollect.entrypoints.server import LocalGateway, bind, serve
from recollect.entrypoints.worker import LocalWorker, feeds

ADD, SEARCH, LIST = "/v3/memories/add/", "/v3/memories/search/", "/v3/memories/"
ADDRESS = "http://127.0.0.1:8080"
TIMEOUT_SECONDS = 30.0


class EnoughError(Exception):
    """What `on_ready` raises to stop the server."""


@dataclass(frozen=True)
class Deployment:
    """The functions as they would be deployed, and who makes keys for them."""

    handlers: Mapping[str, Handler]
    new_key: Callable[[], str]
    """Makes a project of its own and returns a key of it."""

    @classmethod
    def fresh(cls) -> "Deployment":
        """Load the functions once more over the data file that the environment names."""
        handlers = functions.load_handlers((*functions.HTTP_FUNCTIONS, *functions.QUEUE_FUNCTIONS))
        create_key = bootstrap.create_key()
        return cls(handlers, lambda: create_key(f"project-{new_id()}", "test")[1])

    def settle(self) -> None:
        """Work on the jobs that wait, and do what there is news of."""
        driven = feeds(bootstrap.local_wake_ups(), self.handlers)
        LocalWorker(driven, bootstrap.maintain(), now).settle()

    def client(self, key: str) -> httpx.Client:
        """Return a client that calls the handlers in this process."""
        transport = GatewayTransport(self.handlers, functions.routes(), now=now, new_id=new_id)
        return httpx.Client(transport=transport, base_url=ADDRESS, headers=credentials(key))


@dataclass(frozen=True)
class LiveService:
    """A service that answers on a loopback port, with its worker."""

    address: str
    new_key: Callable[[], str]


@contextmanager
def served(deployment: Deployment) -> Iterator[LiveService]:
    """Serve on a free loopback port in threads while the block runs."""
    listener = bind("127.0.0.1", 0)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    ready, enough = threading.Event(), threading.Event()

    def on_ready() -> None:
        ready.set()
        enough.wait()
        raise EnoughError

    def run() -> None:
        gateway = LocalGateway(deployment.handlers, functions.routes(), now=now, new_id=new_id)
        with suppress(EnoughError):
            serve(gateway, socket=listener, on_ready=on_ready)

    thread = threading.Thread(target=run, name="server")
    driven = feeds(bootstrap.local_wake_ups(), deployment.handlers)
    with LocalWorker(driven, bootstrap.maintain(), now):
        thread.start()
        try:
            assert ready.wait(TIMEOUT_SECONDS)
            yield LiveService(address, deployment.new_key)
        finally:
            enough.set()
            thread.join(TIMEOUT_SECONDS)
    assert not thread.is_alive()


def resolved(app: HttpApp, event: dict[str, Any]) -> dict[str, Any]:
    """Return what one router answers to an event."""
    context: Any = LambdaContext("test", "request", now() + timedelta(seconds=30), now)
    return app.resolve(event, context)


def credentials(key: str) -> dict[str, str]:
    return {"Authorization": f"Token {key}"}


def refusal_of(response: httpx.Response) -> str:
    """Return why a request was refused, which every client must find under its own name."""
    body = response.json()
    assert response.headers["content-type"] == "application/json"
    assert set(body) == {"detail", "error", "message"}
    assert body["detail"] == body["error"] == body["message"] != ""
    return str(body["detail"])


def refused(response: httpx.Response, status: int = 400) -> str:
    """Return why a request was refused with this status."""
    assert response.status_code == status, response.text[:300]
    return refusal_of(response)


def ok(response: httpx.Response) -> Any:  # noqa: ANN401 - JSON
    """Return the JSON of what was done."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    return response.json()


def remembered(client: httpx.Client, text: str, **fields: object) -> str:
    """Add one message verbatim and return its memory's id."""
    body = {"messages": text, "infer": False, **fields}
    response = client.post("/v3/memories/add/", json=body)
    assert response.status_code == 200, response.text
    [result] = response.json()["results"]
    return str(result["id"])


def listed(client: httpx.Client, **filters: object) -> list[str]:
    """Return the texts of what the filters let through, last created first."""
    response = client.post("/v3/memories/", json={"filters": filters})
    assert response.status_code == 200, response.text
    return [memory["memory"] for memory in response.json()["results"]]


def total(client: httpx.Client) -> int:
    """Return how many memories of users, agents, apps and runs the caller's project has."""
    kinds = ("user_id", "agent_id", "app_id", "run_id")
    body = {"filters": {"OR": [{kind: "*"} for kind in kinds]}, "show_expired": True}
    response = client.post("/v3/memories/", json=body)
    assert response.status_code == 200, response.text
    return int(response.json()["count"])


def now() -> datetime:
    return datetime.now(UTC)


def yesterday() -> str:
    """A last day that is over; maintenance removes what expired long before."""
    return (now() - timedelta(days=1)).date().isoformat()


AN_ID = "0b5a1c9e-5a4f-4c39-9a56-3e7c02d4b1aa"
"""An id that nothing has; the same in every process, as the names of tests must be."""


def new_id() -> str:
    return str(uuid.uuid4())
