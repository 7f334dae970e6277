"""What the proxy does to requests, so that no test passes because nothing went wrong."""

import http.client
import json
from collections.abc import Iterator, Mapping

import pytest

from tests.contract.stand_in import Answer, Body, StandIn
from tests.faults.fault_proxy import FaultProxy, fault_proxy, operation_of
from tests.faults.refusals import GARBLED, REFUSALS, Fault

ANSWER = json.dumps({"said": "what is asked for"}).encode()


class Engine(StandIn):
    """Counts what it does."""

    def __init__(self) -> None:
        super().__init__()
        self.done = 0

    def respond(self, path: str, headers: Mapping[str, str], body: Body) -> Answer:
        assert (path, headers["X-Amz-Target"], body) == ("/", "DynamoDB_1.GetItem", {"key": 1})
        self.done += 1
        return Answer(200, ANSWER)


@pytest.fixture
def engine() -> Iterator[Engine]:
    running = Engine()
    running.start()
    yield running
    running.stop()


@pytest.fixture
def proxy(engine: Engine) -> Iterator[FaultProxy]:
    with fault_proxy("dynamodb", engine.address) as running:
        yield running


def asked(proxy: FaultProxy) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.server_port, timeout=0.2)
    try:
        connection.request("POST", "/", b'{"key": 1}', {"X-Amz-Target": "DynamoDB_1.GetItem"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_without_a_fault_everything_is_passed_on(proxy: FaultProxy, engine: Engine) -> None:
    assert asked(proxy) == (200, ANSWER)
    assert engine.done == 1


@pytest.mark.parametrize(
    ("fault", "error", "done"),
    [
        (Fault.SILENT, TimeoutError, 0),
        (Fault.RESET, ConnectionResetError, 0),
        (Fault.LOST, ConnectionResetError, 1),
        (Fault.CUT, http.client.IncompleteRead, 1),
    ],
)
def test_no_whole_answer_comes(
    proxy: FaultProxy, engine: Engine, fault: Fault, error: type[Exception], done: int
) -> None:
    with proxy.injecting(fault, lasts=True), pytest.raises(error):
        asked(proxy)

    assert engine.done == done


@pytest.mark.parametrize("fault", REFUSALS["dynamodb"])
def test_a_refusal_comes_in_place_of_an_answer(
    proxy: FaultProxy, engine: Engine, fault: Fault
) -> None:
    reply = REFUSALS["dynamodb"][fault]

    with proxy.injecting(fault, lasts=True):
        assert asked(proxy) == (reply.status, reply.content)

    assert engine.done == 0


def test_an_answer_is_garbled_after_its_effect(proxy: FaultProxy, engine: Engine) -> None:
    with proxy.injecting(Fault.GARBLED, lasts=True):
        assert asked(proxy) == (200, GARBLED)

    assert engine.done == 1


@pytest.mark.parametrize(
    ("at", "lasts", "hits"),
    [(1, False, [1]), (2, False, [2]), (2, True, [2, 3]), (1, True, [1, 2, 3]), (4, True, [])],
)
def test_only_some_requests_go_wrong(
    proxy: FaultProxy, at: int, *, lasts: bool, hits: list[int]
) -> None:
    with proxy.injecting(Fault.GARBLED, at=at, lasts=lasts) as injection:
        answers = [asked(proxy)[1] for _ in range(3)]

    assert [number for number, answer in enumerate(answers, 1) if answer == GARBLED] == hits
    assert injection.asked == ["GetItem"] * 3
    assert injection.hits == len(hits)
    assert injection.hit == ("GetItem" if hits else None)


def test_only_requests_for_one_operation_may_be_meant(proxy: FaultProxy) -> None:
    with proxy.injecting(Fault.GARBLED, lasts=True, of="PutItem") as injection:
        assert asked(proxy) == (200, ANSWER)

    assert injection.asked == []


@pytest.mark.parametrize(
    ("method", "path", "target", "operation"),
    [
        ("POST", "/", "AmazonSQS.SendMessage", "SendMessage"),
        ("POST", "/an-alias/_msearch", "", "_msearch"),
        ("GET", "/_alias?x=/", "", "_alias"),
        ("POST", "/model/eu.cohere.embed-v4%3A0/invoke", "", "InvokeModel"),
        ("POST", "/model/a/converse", "", "Converse"),
        ("PUT", "/bucket/episodes/p/1", "", "PutObject"),
        ("GET", "/bucket/episodes/p/1", "", "GetObject"),
    ],
)
def test_requests_are_known_by_what_they_ask_for(
    method: str, path: str, target: str, operation: str
) -> None:
    headers = http.client.HTTPMessage()
    headers["X-Amz-Target"] = target

    assert operation_of(method, path, headers) == operation
