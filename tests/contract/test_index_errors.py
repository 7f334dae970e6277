"""What the index on OpenSearch makes of an engine that is overloaded, broken or gone."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from opensearchpy import OpenSearch

from recollect.adapters.aws import index_bulk, index_searches
from recollect.adapters.aws.index import OpenSearchIndex
from recollect.adapters.aws.index_builds import OpenSearchIndexBuilds
from recollect.adapters.aws.opensearch import MAX_RETRIES, Auth, opensearch_client
from recollect.domain.errors import UnavailableError
from recollect.domain.filters import subject_is
from recollect.ports.index import IndexQuery
from recollect.testing.builders import a_memory, a_scope, a_vector
from tests.contract.indexes import a_client, drop, refresh, some_settings
from tests.contract.opensearch_stub import (
    Behaviour,
    OpenSearchStub,
    Reply,
    Request,
    refusing,
    reset,
    running_stub,
    saying,
)
from tests.engines import endpoint

SCOPE = a_scope(user="ada")
PROJECT = SCOPE.project
MEMORIES = [a_memory(SCOPE, "likes tea", vector=(1, 0)) for _ in range(2)]
QUERY = IndexQuery(subject_is(SCOPE.owner), a_vector(1, 0), ("tea",), 10)
SETTINGS = some_settings()
TRIES = MAX_RETRIES + 1


@dataclass
class Asleep:
    """Sleeps through nothing, but remembers for how long."""

    seconds: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@dataclass
class Subject:
    """An index on a server that can misbehave."""

    stub: OpenSearchStub
    client: OpenSearch
    sleep: Asleep

    @property
    def index(self) -> OpenSearchIndex:
        return OpenSearchIndex(self.client, SETTINGS, self.sleep)

    @property
    def builds(self) -> OpenSearchIndexBuilds:
        return OpenSearchIndexBuilds(self.client, SETTINGS, self.sleep)


@contextmanager
def on(engine: str | None, *always: Behaviour, seconds: float = 10) -> Iterator[Subject]:
    with running_stub(engine, *always) as stub, a_client(stub.url, seconds=seconds) as client:
        yield Subject(stub, client, Asleep())


OPERATIONS: dict[str, Callable[[Subject], object]] = {
    "put": lambda on: on.index.put(PROJECT, MEMORIES),
    "remove": lambda on: on.index.remove(PROJECT, {MEMORIES[0].id: 2}),
    "propose": lambda on: on.index.propose(PROJECT, [QUERY]),
    "held": lambda on: on.index.held(PROJECT, after=None, limit=10),
    "prepare": lambda on: on.builds.prepare(),
    "begin": lambda on: on.builds.begin(),
    "fill": lambda on: on.builds.put(PROJECT, MEMORIES),
    "finish": lambda on: on.builds.finish(),
}
FAULTS: dict[str, tuple[Behaviour, str, int]] = {
    "400": (refusing(400, "parse_exception"), "answered 400 (parse_exception)", 1),
    "403": (saying(b'{"Message": "SECRET"}', 403), "answered 403", 1),
    "429": (refusing(429), "answered 429 (es_rejected_execution_exception)", TRIES),
    "500": (refusing(500), "answered 500 (es_rejected_execution_exception)", 1),
    "503": (saying(b"SECRET", 503), "answered 503", TRIES),
    "an odd error": (saying(b'{"error": {"SECRET": 1}}', 500), "answered 500", 1),
    "reset": (reset, "cannot be reached (ProtocolError)", TRIES),
    "not json": (saying(b"<html>SECRET</html>"), "in a form that is understood", 1),
    "cut off": (saying(b'{"responses": ["SECRET'), "in a form that is understood", 1),
    "a list": (saying(b'["SECRET"]'), "in a form that is understood", 1),
    "an error in a list": (saying(b'["SECRET"]', 500), "in a form that is understood", 1),
    "not utf-8": (saying(b"\xff\xfeSECRET"), "cannot be reached (UnicodeDecodeError)", TRIES),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_fault_is_said_without_what_the_engine_quotes(operation: str, fault: str) -> None:
    behaviour, said, tries = FAULTS[fault]
    with on(None, behaviour) as subject:
        with pytest.raises(UnavailableError) as caught:
            OPERATIONS[operation](subject)

        assert str(caught.value).startswith("The search index ")
        assert said in str(caught.value)
        assert "SECRET" not in str(caught.value)
        assert len(subject.stub.requests) == tries


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_engine_that_is_gone_is_unavailable(operation: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with (
        on(None) as subject,
        a_client(f"http://127.0.0.1:{port}") as client,
        pytest.raises(UnavailableError, match="cannot be reached"),
    ):
        OPERATIONS[operation](Subject(subject.stub, client, Asleep()))


@pytest.mark.parametrize("operation", ["put", "propose"])
def test_an_engine_that_hangs_is_given_up(operation: str) -> None:
    with on(None, seconds=0.1) as subject:
        subject.stub.next.extend([subject.stub.hang] * TRIES)
        with pytest.raises(UnavailableError, match="did not answer in time"):
            OPERATIONS[operation](subject)

        assert len(subject.stub.requests) == TRIES


def aliases(request: Request) -> Reply | None:
    """Answer that there is one index."""
    if not request.path.endswith("/_alias"):
        return None
    name = f"{SETTINGS.prefix}-test-9f86d081-000001"
    return Reply.of(200, {name: {"aliases": {f"{SETTINGS.prefix}-write": {}}}})


def bulk(*items: dict[str, Any]) -> Behaviour:
    """Return the behaviour that answers a bulk request so."""
    return lambda _: Reply.of(200, {"errors": True, "items": [{"index": each} for each in items]})


def refused(status: int, error_type: str = "es_rejected_execution_exception") -> dict[str, Any]:
    return {"status": status, "error": {"type": error_type, "reason": "SECRET"}}


DONE = {"status": 201, "result": "created"}


def memory_ids(request: Request) -> list[str]:
    """Return which memories a bulk request puts."""
    return [line["memory_id"] for line in request.lines if "memory_id" in line]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_an_overloaded_engine_did_not_take_is_repeated(status: int) -> None:
    first, second = (memory.id for memory in MEMORIES)
    with on(None, aliases) as subject:
        subject.stub.next.extend([saying(b"")])
        subject.stub.next.extend([bulk(DONE, refused(status)), bulk(refused(status)), bulk(DONE)])
        subject.index.put(PROJECT, MEMORIES)

        sent = [memory_ids(request) for request in subject.stub.requests[1:]]
    assert sent == [[first, second], [second], [second]]
    assert subject.sleep.seconds == list(index_bulk.PAUSES[:2])


def test_an_engine_that_stays_overloaded_is_given_up() -> None:
    with (
        on(None, aliases, bulk(refused(429))) as subject,
        pytest.raises(UnavailableError, match="too busy"),
    ):
        subject.index.put(PROJECT, MEMORIES[1:])
    assert subject.sleep.seconds == list(index_bulk.PAUSES)


def test_a_version_that_is_there_already_is_no_error() -> None:
    conflict = refused(409, "version_conflict_engine_exception")
    with on(None, aliases, bulk(conflict, conflict)) as subject:
        subject.index.put(PROJECT, MEMORIES)
        subject.index.remove(PROJECT, {memory.id: 2 for memory in MEMORIES})


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ([DONE, refused(400, "mapper_parsing_exception")], "400 (mapper_parsing_exception)"),
        ([DONE], "did not answer for every change"),
        ([], "did not answer for every change"),
    ],
)
def test_a_change_that_is_refused_is_said(items: list[dict[str, Any]], said: str) -> None:
    with on(None, aliases, bulk(*items)) as subject, pytest.raises(UnavailableError) as caught:
        subject.index.put(PROJECT, MEMORIES)

    assert said in str(caught.value)
    assert "SECRET" not in str(caught.value)


def test_an_index_that_is_dropped_again_and_again_is_given_up() -> None:
    gone = refused(400, "invalid_index_name_exception")
    with (
        on(None, aliases, bulk(gone, gone)) as subject,
        pytest.raises(UnavailableError, match="replaced again and again"),
    ):
        subject.index.put(PROJECT, MEMORIES)


FOUND: dict[str, Any] = {
    "status": 200,
    "timed_out": False,
    "_shards": {"failed": 0},
    "hits": {"total": {"value": 0}, "hits": []},
    "aggregations": {"length": {"value": 0.0}, "terms": {"buckets": [{"doc_count": 0}]}},
}


def searched(*responses: dict[str, Any]) -> Behaviour:
    return lambda _: Reply.of(200, {"responses": responses})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"timed_out": True}, "could not look at all memories"),
        ({"_shards": {"failed": 1}}, "could not look at all memories"),
        (refused(400, "query_shard_exception"), "400 (query_shard_exception)"),
        (refused(429), "429 (es_rejected_execution_exception)"),
        (refused(404, "index_not_found_exception"), "404 (index_not_found_exception)"),
        ({"aggregations": {"length": {"value": None}}}, "in a form that is understood"),
        ({"hits": {"hits": [{"fields": {"memory_id": 7}}]}}, "in a form that is understood"),
    ],
)
def test_half_an_answer_is_none(changes: dict[str, Any], said: str) -> None:
    answer = searched(FOUND, FOUND | changes, FOUND)
    with on(None, answer) as subject, pytest.raises(UnavailableError) as caught:
        subject.index.propose(PROJECT, [QUERY])

    assert said in str(caught.value)
    assert "SECRET" not in str(caught.value)


def test_fewer_answers_than_searches_are_none() -> None:
    with (
        on(None, searched(FOUND, FOUND)) as subject,
        pytest.raises(UnavailableError, match="did not answer every search"),
    ):
        subject.index.propose(PROJECT, [QUERY])


@pytest.mark.parametrize("status", [429, 500, 503])
def test_searches_that_are_turned_away_are_repeated(status: int) -> None:
    with on(None) as subject:
        turned_away = searched(FOUND, refused(status), FOUND)
        subject.stub.next.extend([turned_away, turned_away, searched(FOUND, FOUND, FOUND)])
        subject.index.propose(PROJECT, [QUERY])

    assert subject.sleep.seconds == list(index_searches.PAUSES)


@pytest.fixture
def subject() -> Iterator[Subject]:
    """An index on the real engine, behind a server that can misbehave."""
    with on(endpoint("opensearch")) as subject:
        yield subject
        with a_client(endpoint("opensearch")) as engine:
            drop(engine, SETTINGS.prefix)


@pytest.mark.engines
@pytest.mark.parametrize("fault", [name for name, (_, _, tries) in FAULTS.items() if tries > 1])
def test_a_passing_fault_is_not_noticed(subject: Subject, fault: str) -> None:
    subject.index.put(PROJECT, MEMORIES)
    with a_client(endpoint("opensearch")) as engine:
        refresh(engine, SETTINGS.prefix)

    subject.stub.next.extend([FAULTS[fault][0]] * MAX_RETRIES)
    [found] = subject.index.propose(PROJECT, [QUERY])

    assert set(found.memory_ids) == {memory.id for memory in MEMORIES}


@pytest.mark.engines
@pytest.mark.parametrize("fault", ["500", "reset", "cut off"])
@pytest.mark.parametrize("asked_before", [2, 4], ids=["making the index", "writing"])
def test_what_was_done_without_anybody_knowing_is_right_when_repeated(
    subject: Subject, fault: str, asked_before: int
) -> None:
    behaviour, _, tries = FAULTS[fault]

    def lose_the_answer(request: Request) -> Reply | None:
        subject.stub.pass_on(request)
        return behaviour(request)

    subject.stub.next.extend([pass_on] * asked_before + [lose_the_answer] * tries)
    with suppress(UnavailableError):
        subject.index.put(PROJECT, MEMORIES)
    assert not subject.stub.next

    subject.index.put(PROJECT, MEMORIES)

    with a_client(endpoint("opensearch")) as engine:
        refresh(engine, SETTINGS.prefix)
        held = subject.index.held(PROJECT, after=None, limit=9)
        assert held == sorted((memory.id, 1) for memory in MEMORIES)
        assert len(engine.indices.get(index=f"{SETTINGS.prefix}-*")) == 1


def pass_on(_: Request) -> None:
    """Leave it to the engine."""


@pytest.mark.parametrize("auth", ["es", "aoss"])
def test_requests_are_signed_for_the_service(auth: Auth) -> None:
    session = boto3.Session(
        aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="secret", region_name="eu-west-1"
    )
    with running_stub(None, searched(FOUND)) as stub:
        client = opensearch_client(stub.url, auth=auth, session=session, timeout_seconds=10)
        OpenSearchIndex(client, SETTINGS, Asleep()).held(PROJECT, after=None, limit=1)
        client.close()

    [request] = stub.requests
    signature = request.headers["Authorization"]
    assert f"/eu-west-1/{auth}/aws4_request" in signature
    assert "SignedHeaders=host;x-amz-content-sha256;x-amz-date" in signature
