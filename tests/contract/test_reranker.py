"""Every Reranker of ours passes the published suite; what they make of servers good and bad."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from recollect.adapters.aws.bedrock_reranker import BedrockReranker
from recollect.adapters.web.reranker import HttpReranker
from recollect.domain.errors import UnavailableError
from recollect.ports.models import Reranker
from recollect.testing.reranker import *
from recollect.testing.reranker import QUERY, TEXTS
from tests.contract import rerank_server
from tests.contract.bedrock_errors import BedrockError
from tests.contract.rerank_server import (
    BEDROCK,
    KEY,
    MODEL,
    Behaviour,
    Reply,
    RerankServer,
    bedrock_client,
    http_client,
    running,
    score,
)
from tests.contract.stand_in import Body

DIALECTS: list[Behaviour] = [
    rerank_server.cohere,
    rerank_server.jina,
    rerank_server.voyage,
    rerank_server.embeddings_inference,
]
EXPECTED = [score(QUERY, text) for text in TEXTS]
NAMED = f"arn:aws:bedrock:us-east-1::foundation-model/{BEDROCK}"


@contextmanager
def http(
    usual: Behaviour = rerank_server.cohere,
    *behaviours: Behaviour,
    key: str = KEY,
    seconds: float = 10,
) -> Iterator[tuple[HttpReranker, RerankServer]]:
    with (
        running(usual, *behaviours) as server,
        http_client(key=key, seconds=seconds) as client,
    ):
        yield HttpReranker(client, url=server.url, model=MODEL), server


@contextmanager
def bedrock(
    *behaviours: Behaviour, model: str = BEDROCK, seconds: float = 10
) -> Iterator[tuple[BedrockReranker, RerankServer]]:
    with (
        running(rerank_server.bedrock, *behaviours) as server,
        bedrock_client(server.address, seconds=seconds) as client,
    ):
        yield BedrockReranker(client, model=model), server


def speaking(usual: Behaviour) -> Callable[[], AbstractContextManager[Reranker]]:
    @contextmanager
    def build() -> Iterator[Reranker]:
        with http(usual) as (reranker, _):
            yield reranker

    return build


@contextmanager
def on_bedrock() -> Iterator[Reranker]:
    with bedrock() as (reranker, _):
        yield reranker


ADAPTERS = [
    *(pytest.param(speaking(usual), id=usual.__name__) for usual in DIALECTS),
    pytest.param(speaking(rerank_server.logits), id="logits"),
    pytest.param(on_bedrock, id="bedrock"),
]


@pytest.fixture(params=ADAPTERS, scope="module")
def reranker(request: pytest.FixtureRequest) -> Iterator[Reranker]:
    build: Callable[[], AbstractContextManager[Reranker]] = request.param
    with build() as built:
        yield built


@pytest.mark.parametrize("usual", DIALECTS)
def test_every_dialect_gives_the_servers_scores(usual: Behaviour) -> None:
    with http(usual) as (reranker, _):
        assert reranker.rerank(QUERY, TEXTS) == pytest.approx(EXPECTED)


def test_a_server_is_asked_with_the_key_and_no_more_than_all_know() -> None:
    with http() as (reranker, server):
        reranker.rerank(QUERY, TEXTS)

    assert server.bodies == [{"model": MODEL, "query": QUERY, "documents": TEXTS}]
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"


def test_a_server_whose_documents_are_texts_is_asked_twice_only_once() -> None:
    with http(rerank_server.embeddings_inference) as (reranker, server):
        reranker.rerank(QUERY, TEXTS)
        reranker.rerank(QUERY, TEXTS)

    assert ["documents" in body for body in server.bodies] == [True, False, False]


def test_a_server_that_refuses_both_is_not_asked_again() -> None:
    def refuse(_: Body) -> Reply:
        return 422, b"missing field `texts`"

    with http(refuse) as (reranker, server):
        assert refused(reranker) == "The reranker words answered 422 Unprocessable Entity"

    assert len(server.bodies) == 2


def test_logits_become_probabilities_in_the_same_order() -> None:
    with http(rerank_server.logits) as (reranker, _):
        scores = reranker.rerank(QUERY, TEXTS)

    assert sorted(range(3), key=lambda place: scores[place]) == sorted(
        range(3), key=lambda place: EXPECTED[place]
    )
    assert scores[0] < 0.001
    assert scores[1] > 0.5


def test_logits_too_large_for_an_exponential_are_probabilities() -> None:
    with http(scored(1e6, -1e6, 0.0)) as (reranker, _):
        assert reranker.rerank(QUERY, TEXTS) == [1.0, 0.0, 0.5]


def test_what_was_rounded_beyond_one_is_one() -> None:
    with http(scored(1.0000002, -0.0000001, 0.5)) as (reranker, _):
        assert reranker.rerank(QUERY, TEXTS) == [1.0, 0.0, 0.5]


@pytest.mark.parametrize(
    ("places", "count"), [([0, 1], 2), ([0, 1, 2, 2], 4), ([0, 1, 1], 3), ([1, 2, 3], 3)]
)
def test_each_text_must_have_one_score(places: list[int], count: int) -> None:
    results = [{"index": place, "relevance_score": 0.5} for place in places]
    with http(lambda _: rerank_server.answer({"results": results})) as (reranker, _):
        refusal = refused(reranker)

    assert refusal == (
        f"The reranker words answered not one score for each of 3 texts (but {count})"
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>It works!</html>",
        b"\xff\xfe",
        b"null",
        b'{"results": null}',
        b'{"scores": [1, 2, 3]}',
        b'{"results": [{"index": 0, "relevance_score": NaN}]}',
        b'{"results": [{"index": 0}]}',
        b'[{"index": "first", "score": 0.5}]',
    ],
)
def test_a_server_must_answer_with_scores(content: bytes) -> None:
    with http(lambda _: (200, content)) as (reranker, _):
        refusal = refused(reranker)

    assert refusal == "The reranker words did not answer with a list of scores"


@pytest.mark.parametrize("status", [204, 307, 400, 429, 500, 503])
def test_a_refusal_is_told_without_repeating_what_the_server_says(status: int) -> None:
    def echo(body: Body) -> Reply:
        return status, b"" if status == 204 else body["documents"][0].encode()

    with http(echo) as (reranker, server):
        refusal = refused(reranker)

    assert refusal.startswith("The reranker words ")
    assert TEXTS[0] not in refusal
    assert len(server.bodies) == 1


def test_a_wrong_key_or_address_is_told() -> None:
    with http(key="wrong") as (reranker, _):
        assert refused(reranker) == (
            "The reranker words answered 401 Unauthorized: check RECOLLECT_RERANK_KEY"
        )
    with running(rerank_server.cohere) as server, http_client() as client:
        lost = HttpReranker(client, url=f"{server.address}/elsewhere", model=MODEL)
        assert refused(lost) == (
            "The reranker words answered 404 Not Found:"
            " check RECOLLECT_RERANK_MODEL and RECOLLECT_RERANK_URL"
        )


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/rerank", "rerank", "http://[::1", "http://a..b/rerank"]
)
def test_an_address_that_is_none_is_told(url: str) -> None:
    with http_client() as client:
        refusal = refused(HttpReranker(client, url=url, model=MODEL))

    assert refusal.startswith("The reranker words cannot be reached (")


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with http_client() as client:
        refusal = refused(HttpReranker(client, url=f"http://127.0.0.1:{port}", model=MODEL))

    assert refusal == "The reranker words cannot be reached (ConnectError)"


def test_a_key_is_never_repeated() -> None:
    with http(key="secret\n") as (reranker, _):
        assert refused(reranker) == "The reranker words cannot be reached (LocalProtocolError)"


def test_a_server_is_not_waited_for_longer_than_its_client_does() -> None:
    with http(seconds=0.2) as (reranker, server):
        server.next.append(server.hang)

        assert refused(reranker) == "The reranker words did not answer in time"


@pytest.mark.parametrize(
    ("model", "arn"),
    [
        (BEDROCK, f"arn:aws:bedrock:eu-west-1::foundation-model/{BEDROCK}"),
        (NAMED, NAMED),
    ],
)
def test_bedrock_is_asked_for_all_texts_by_the_models_arn(model: str, arn: str) -> None:
    with bedrock(model=model) as (reranker, server):
        scores = reranker.rerank(QUERY, TEXTS)

    [body] = server.bodies
    chosen = body["rerankingConfiguration"]["bedrockRerankingConfiguration"]
    assert scores == pytest.approx(EXPECTED)
    assert chosen == {"modelConfiguration": {"modelArn": arn}, "numberOfResults": 3}
    assert [each["type"] for each in body["sources"]] == ["INLINE"] * 3


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("ThrottlingException", "is busy"),
        ("AccessDeniedException", "may not be used with these credentials"),
        ("ResourceNotFoundException", "does not exist in this region"),
        ("InternalServerException", "failed"),
        ("ValidationException", "finds the request invalid"),
    ],
)
def test_a_failure_of_bedrock_says_what_it_means_and_repeats_nothing(code: str, said: str) -> None:
    with bedrock(failing(code, f"cannot rank {TEXTS[0]}")) as (reranker, _):
        refusal = refused(reranker)

    assert refusal.startswith(f"The reranker {BEDROCK} {said}")
    assert refusal.endswith(f"({code}; RECOLLECT_RERANK_MODEL chooses the model)")
    assert TEXTS[0] not in refusal


def test_what_is_too_long_for_the_model_is_not_the_callers_mistake() -> None:
    with bedrock(failing("ValidationException", "Input is too long")) as (reranker, _):
        assert (
            refused(reranker) == f"The reranker {BEDROCK} cannot read that much at once; send less"
        )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<html>It works!</html>", "did not answer in Bedrock's format"),
        (b"{}", "did not answer in Bedrock's format"),
        (b'{"results": [{"index": 0}]}', "did not answer in Bedrock's format"),
        (b'{"results": [{"relevanceScore": "high"}]}', "did not answer in Bedrock's format"),
        (b'{"results": []}', "answered not one score for each of 3 texts (but 0)"),
    ],
)
def test_bedrock_must_answer_with_scores(content: bytes, said: str) -> None:
    with bedrock(lambda _: (200, content)) as (reranker, _):
        assert refused(reranker) == f"The reranker {BEDROCK} {said}"


def test_bedrock_must_answer_with_finite_scores() -> None:
    results = [{"index": place, "relevanceScore": float("nan")} for place in range(3)]
    content = json.dumps({"results": results}).encode()
    with bedrock(lambda _: (200, content)) as (reranker, _):
        assert refused(reranker) == (
            f"The reranker {BEDROCK} answered scores that are no finite numbers"
        )


def test_a_connection_to_bedrock_that_breaks_is_told() -> None:
    with bedrock(rerank_server.reset) as (reranker, _):
        assert refused(reranker) == (
            f"The reranker {BEDROCK} cannot be reached (ConnectionClosedError)"
        )


def test_bedrock_is_not_waited_for_longer_than_its_client_does() -> None:
    with bedrock(seconds=0.2) as (reranker, server):
        server.next.append(server.hang)

        assert refused(reranker) == f"The reranker {BEDROCK} did not answer in time"


def scored(*scores: float) -> Behaviour:
    results = [{"index": place, "relevance_score": each} for place, each in enumerate(scores)]
    return lambda _: rerank_server.answer({"results": results})


def failing(code: str, message: str) -> Behaviour:
    def fail(_: Body) -> Reply:
        raise BedrockError(message, code)

    return fail


def refused(reranker: Reranker) -> str:
    """Return what the reranker says when it refuses."""
    with pytest.raises(UnavailableError) as caught:
        reranker.rerank(QUERY, TEXTS)
    return str(caught.value)
