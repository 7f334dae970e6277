"""What a stage or a custom domain puts before every path does not matter to mem0's clients."""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from mem0 import MemoryClient

from recollect.entrypoints import functions
from recollect.entrypoints.invocation import GatewayTransport, Handler, LambdaContext
from tests.callers import Deployment, credentials, new_id, now, refused, remembered

HOST = "http://127.0.0.1:8080"


def below(handler: Handler, prefix: str, stage: str) -> Handler:
    """Return a handler that is told of paths below a prefix, as a gateway would tell it."""

    def handle(event: Mapping[str, Any], context: LambdaContext) -> Any:  # noqa: ANN401 - a handler's
        path = f"{prefix}{event['rawPath']}"
        http = {**event["requestContext"]["http"], "path": path}
        request = {**event["requestContext"], "http": http, "stage": stage}
        return handler({**event, "rawPath": path, "requestContext": request}, context)

    return handle


@pytest.fixture(params=[("/prod", "prod"), ("/memory", "$default")], ids=["a stage", "a domain"])
def prefixed(deployment: Deployment, request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    prefix, stage = request.param
    handlers = {name: below(each, prefix, stage) for name, each in deployment.handlers.items()}
    transport = GatewayTransport(handlers, functions.routes(), now=now, new_id=new_id)
    key = credentials(deployment.new_key())
    with httpx.Client(transport=transport, base_url=HOST, headers=key) as client:
        client.headers["x-prefix"] = prefix
        yield client


@pytest.mark.parametrize("path", ["/v1/ping", "/v1/ping/", "//v1//ping//"])
def test_paths_are_found(prefixed: httpx.Client, path: str) -> None:
    assert prefixed.get(HOST + path).status_code == 200


def test_what_no_route_takes_is_a_404_of_our_own(prefixed: httpx.Client) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        assert refused(prefixed.request(method, "/v9/x/"), 404) == "There is no such route"


def test_a_name_may_have_slashes(prefixed: httpx.Client) -> None:
    remembered(prefixed, "likes tea", user_id="al ice/x")

    assert prefixed.delete("/v2/entities/user/al%20ice%2Fx/").status_code == 200
    assert prefixed.get("/v1/entities/").json()["results"] == []


def test_links_lead_back_below_the_prefix(prefixed: httpx.Client) -> None:
    for text in ("likes tea", "likes jam"):
        remembered(prefixed, text, user_id="ada")

    body = {"filters": {"user_id": "ada"}}
    page = prefixed.post("/v3/memories/?page_size=1", json=body).json()

    prefix = prefixed.headers["x-prefix"]
    assert page["next"].startswith(f"{HOST}{prefix}/v3/memories/?page=2")


def test_the_published_client_works(prefixed: httpx.Client) -> None:
    key = prefixed.headers["authorization"].split()[1]
    memory = MemoryClient(api_key=key, host=HOST, client=prefixed)

    memory.add("I keep bees", user_id="ada", infer=False)

    [found] = memory.search("bees", filters={"user_id": "ada"}, threshold=0.0)["results"]
    assert memory.get(found["id"])["memory"] == "I keep bees"
