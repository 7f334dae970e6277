"""What callers are told over HTTP while a part is down."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import httpx
import pytest

from recollect import bootstrap
from recollect.entrypoints.functions import HTTP_FUNCTIONS, load_handlers, routes
from recollect.entrypoints.invocation import GatewayTransport
from recollect.entrypoints.refusals import RETRY_AFTER_SECONDS
from recollect.usecases.manage_keys import CheckKey, CreateKey
from tests.callers import ADD, ADDRESS, LIST, SEARCH, credentials, new_id, now, refused
from tests.faults.cases import NOT_TO_BE_SAID
from tests.faults.operations import LARGE, TEXTS
from tests.faults.refusals import Fault
from tests.faults.world import World
from tests.service import Clock, UseCases

pytestmark = pytest.mark.engines

ONE = "/v1/memories/{id}/"
OF_ADA = {"filters": {"user_id": "ada"}}
QUESTION = {"query": "Where do I live?", **OF_ADA}
SAID_AT_LENGTH = [{"role": "user", "content": text} for text in LARGE]


@dataclass(frozen=True)
class Asked:
    """A request of a caller, and from which of the engine's requests on the engine is down."""

    method: str
    path: str
    body: object = None
    at: int = 1


def adding(messages: object, *, infer: bool = False, at: int = 1) -> Asked:
    body = {"messages": messages, "user_id": "ada", "infer": infer}
    return Asked("POST", ADD, body, at)


@dataclass(frozen=True)
class Caller:
    """A client of the deployed handlers, whose use cases reach an engine through its proxy."""

    world: World
    engine: str
    client: httpx.Client
    memory_id: str

    def told_of(self, asked: Asked) -> httpx.Response:
        """Return what is answered while the engine is down."""
        proxy, path = self.world.proxies[self.engine], asked.path.format(id=self.memory_id)
        with (
            self.world.at_work(),
            proxy.injecting(Fault.UNAVAILABLE, at=asked.at, lasts=True),
        ):
            return self.client.request(asked.method, path, json=asked.body)


Build = Callable[[str], Caller]


@pytest.fixture
def caller_of(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Build]:
    """Builds the caller of a service for which an engine can fail."""
    with ExitStack() as stack:

        def build(engine: str) -> Caller:
            service = world.service(Clock(), with_models=engine == "bedrock", through=[engine])
            _deploy(service, monkeypatch)
            scope = service.new_scope(user="ada")
            ports, secret = service.ports, lambda: f"m0-{new_id()}"
            create_key = CreateKey(ports.keys, ports.projects, now, new_id, secret)
            _, key = create_key(scope.project, "test")
            handlers = load_handlers(HTTP_FUNCTIONS)
            transport = GatewayTransport(handlers, routes(), now=now, new_id=new_id)
            client = stack.enter_context(
                httpx.Client(transport=transport, base_url=ADDRESS, headers=credentials(key))
            )
            return Caller(world, engine, client, service.remember(scope, TEXTS[0]).id)

        yield build


def _deploy(service: UseCases, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the handlers that are loaded next work with these use cases."""
    deployed = {
        "add_memories": service.add,
        "search_memories": service.search,
        "list_memories": service.list,
        "read_memory": service.read,
        "update_memory": service.update,
        "delete_memory": service.delete,
        "check_key": CheckKey(service.ports.keys, now),
    }
    for name, use_case in deployed.items():
        monkeypatch.setattr(bootstrap, name, partial(_given, use_case))


def _given(use_case: object) -> object:
    return use_case


@pytest.mark.parametrize(
    ("engine", "asked", "sentence"),
    [
        ("dynamodb", Asked("GET", "/v1/ping/"), "The table "),
        ("dynamodb", adding(TEXTS[1], at=2), "The table "),
        ("dynamodb", Asked("POST", SEARCH, QUESTION, at=2), "The table "),
        ("dynamodb", Asked("POST", LIST, OF_ADA, at=2), "The table "),
        ("dynamodb", Asked("PUT", ONE, {"text": TEXTS[2]}, at=2), "The table "),
        ("dynamodb", Asked("DELETE", ONE, at=2), "The table "),
        ("s3", adding(SAID_AT_LENGTH), "The bucket "),
        ("bedrock", adding(TEXTS[1]), "The embedding model "),
        ("bedrock", adding(TEXTS[1], infer=True), "The language model "),
        ("bedrock", Asked("POST", SEARCH, QUESTION), "The embedding model "),
        ("bedrock", Asked("PUT", ONE, {"text": TEXTS[2]}), "The embedding model "),
    ],
)
def test_a_part_that_is_down_is_named(
    caller_of: Build, engine: str, asked: Asked, sentence: str
) -> None:
    answer = caller_of(engine).told_of(asked)

    said = refused(answer, 503)
    assert said.startswith(sentence)
    assert answer.headers["Retry-After"] == str(RETRY_AFTER_SECONDS)
    assert not [word for word in NOT_TO_BE_SAID if word in said]


def test_without_an_index_searches_say_so(caller_of: Build) -> None:
    answer = caller_of("opensearch").told_of(Asked("POST", SEARCH, QUESTION))

    body = answer.json()
    assert answer.status_code == 200
    assert body["degraded"] == ["index"]
    assert [found["memory"] for found in body["results"]] == [TEXTS[0]]


@pytest.mark.parametrize("engine", ["opensearch", "sqs"])
def test_without_an_index_or_a_queue_memories_are_added(caller_of: Build, engine: str) -> None:
    answer = caller_of(engine).told_of(adding(TEXTS[1], infer=True))

    assert answer.status_code == 200
    assert [result["event"] for result in answer.json()["results"]] == ["ADD"]


@pytest.mark.parametrize("engine", ["s3", "sqs", "opensearch", "bedrock"])
def test_memories_are_read_from_the_table_alone(caller_of: Build, engine: str) -> None:
    caller = caller_of(engine)

    one = caller.told_of(Asked("GET", ONE))
    listed = caller.told_of(Asked("POST", LIST, OF_ADA))

    assert one.json()["memory"] == TEXTS[0]
    assert [memory["memory"] for memory in listed.json()["results"]] == [TEXTS[0]]
