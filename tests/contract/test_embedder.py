"""Every Embedder of ours passes the published suite; what OpenAI's makes of servers good and bad.

What the Bedrock one makes of its models and their failures is in `test_bedrock_embedder.py`.
"""

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import numpy as np
import pytest

from recollect.adapters.aws.bedrock_embedder import BedrockEmbedder
from recollect.adapters.local.embedder import BundledEmbedder
from recollect.adapters.local.minilm import MiniLMEmbedder
from recollect.adapters.openai.embedder import OpenAIEmbedder
from recollect.domain.errors import UnavailableError
from recollect.ports.models import Embedder
from recollect.testing.embedder import *
from recollect.testing.embedder import TEXTS
from tests.contract import openai_server
from tests.contract.bedrock_server import bedrock_client, running_bedrock
from tests.contract.openai_server import (
    DIMENSIONS,
    KEY,
    MODEL,
    Behaviour,
    OpenAIServer,
    Reply,
    numbers,
    openai_client,
    running_server,
)
from tests.contract.stand_in import Body

BATCH = 2


@contextmanager
def bundled() -> Iterator[Embedder]:
    yield BundledEmbedder()


@contextmanager
def minilm() -> Iterator[Embedder]:
    yield MiniLMEmbedder()


@contextmanager
def openai(
    *behaviours: Behaviour,
    key: str = KEY,
    seconds: float = 10,
    model: str = MODEL,
    dimensions: int = DIMENSIONS,
    request_dimensions: bool = False,
) -> Iterator[tuple[OpenAIEmbedder, OpenAIServer]]:
    with (
        running_server(*behaviours) as server,
        openai_client(server.url, key=key, seconds=seconds) as client,
    ):
        embedder = OpenAIEmbedder(
            client,
            model=model,
            dimensions=dimensions,
            batch_size=BATCH,
            request_dimensions=request_dimensions,
        )
        yield embedder, server


@contextmanager
def openai_on_a_good_server() -> Iterator[Embedder]:
    with openai() as (embedder, _):
        yield embedder


def bedrock(model: str, dimensions: int) -> Callable[[], AbstractContextManager[Embedder]]:
    @contextmanager
    def build() -> Iterator[Embedder]:
        with running_bedrock() as server, bedrock_client(server.address) as client:
            yield BedrockEmbedder(client, model=model, dimensions=dimensions)

    return build


ADAPTERS = [
    pytest.param(bundled, id="bundled"),
    pytest.param(minilm, id="minilm"),
    pytest.param(openai_on_a_good_server, id="openai"),
    pytest.param(bedrock("amazon.titan-embed-text-v2:0", 1024), id="titan"),
    pytest.param(bedrock("cohere.embed-multilingual-v3", 1024), id="cohere-3"),
    pytest.param(bedrock("global.cohere.embed-v4:0", 1536), id="cohere-4"),
    pytest.param(bedrock("amazon.nova-2-multimodal-embeddings-v1:0", 384), id="nova"),
]


@pytest.fixture(params=ADAPTERS, scope="module")
def embedder(request: pytest.FixtureRequest) -> Iterator[Embedder]:
    build: Callable[[], AbstractContextManager[Embedder]] = request.param
    with build() as built:
        yield built


def test_openai_is_asked_in_batches_and_not_about_blank_texts() -> None:
    with openai() as (embedder, server):
        embedder.embed([TEXTS[0], "", TEXTS[1], " ", TEXTS[2]], "document")

    assert server.bodies == [
        {"model": MODEL, "input": TEXTS[:2]},
        {"model": MODEL, "input": TEXTS[2:]},
    ]


def test_openai_shortens_vectors_when_told_to_ask_for_it() -> None:
    with openai(dimensions=4, request_dimensions=True) as (embedder, server):
        [vector] = embedder.embed(TEXTS[:1], "document")

    assert server.bodies == [{"model": MODEL, "input": TEXTS[:1], "dimensions": 4}]
    assert vector.shape == (4,)
    assert embedder.model == "hash-4"


def test_openai_may_answer_in_any_order() -> None:
    with openai(openai_server.last_first) as (embedder, _):
        vectors = embedder.embed(TEXTS[:2], "document")

    for vector, text in zip(vectors, TEXTS[:2], strict=True):
        direction = np.array(numbers(text)) / np.linalg.norm(numbers(text))
        np.testing.assert_allclose(vector, direction, atol=1e-6)


def test_openai_says_what_dimension_the_model_has() -> None:
    with openai(dimensions=1024) as (embedder, _):
        refusal = refused(embedder)

    assert refusal == "The embedding model hash makes vectors of 8 numbers, but 1024 are configured"


@pytest.mark.parametrize(
    ("behaviour", "count"),
    [
        (openai_server.without_the_last, 1),
        (openai_server.with_one_more, 3),
        (openai_server.with_the_first_twice, 3),
        (openai_server.with_one_index_twice, 2),
        (openai_server.counting_from_one, 2),
    ],
)
def test_openai_must_answer_each_text_once(behaviour: Behaviour, count: int) -> None:
    with openai(behaviour) as (embedder, _):
        refusal = refused(embedder)

    assert refusal == (
        f"The embedding model hash did not answer one vector for each of 2 texts "
        f"(it answered {count})"
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>It works!</html>",
        b"\xff\xfe",
        b"[]",
        b'{"data": null}',
        b'{"data": [{"index": 0, "embedding": "AACAPw=="}]}',
        b'{"data": [{"index": 0, "embedding": [NaN, 0, 0, 0, 0, 0, 0, 0]}]}',
        b'{"data": [{"embedding": [1, 0, 0, 0, 0, 0, 0, 0]}]}',
    ],
)
def test_openai_must_answer_with_embeddings(content: bytes) -> None:
    with openai(lambda _: (200, content)) as (embedder, _):
        refusal = refused(embedder)

    assert refusal == "The embedding model hash did not answer with a list of embeddings"


def test_openai_recovers_when_the_server_does_and_does_not_retry_by_itself() -> None:
    with openai(lambda _: (429, b"slow down")) as (embedder, server):
        refusal = refused(embedder)
        requests = len(server.bodies)
        vectors = embedder.embed(TEXTS, "document")

    assert refusal == "The embedding model hash answered 429 Too Many Requests"
    assert requests == 1
    assert len(vectors) == len(TEXTS)


@pytest.mark.parametrize("status", [204, 307, 400, 500, 503])
def test_openai_is_unavailable_when_the_server_refuses_without_repeating_what_it_says(
    status: int,
) -> None:
    def echo(body: Body) -> Reply:
        return status, b"" if status == 204 else body["input"][0].encode()

    with openai(echo) as (embedder, _):
        refusal = refused(embedder)

    assert refusal.startswith("The embedding model hash ")
    assert TEXTS[0] not in refusal


def test_openai_gives_all_vectors_or_none() -> None:
    with openai() as (embedder, server):
        server.next.extend([openai_server.embed, lambda _: (500, b"")])
        with pytest.raises(UnavailableError, match="500 Internal Server Error"):
            embedder.embed(TEXTS, "document")


def test_openai_says_that_the_key_or_the_model_is_wrong() -> None:
    with openai(key="sk-wrong") as (embedder, _):
        assert refused(embedder) == (
            "The embedding model hash answered 401 Unauthorized: check RECOLLECT_OPENAI_API_KEY"
        )
    with openai(model="other") as (embedder, _):
        assert refused(embedder) == (
            "The embedding model other answered 404 Not Found:"
            " check RECOLLECT_EMBEDDING_MODEL and RECOLLECT_OPENAI_URL"
        )


def test_openai_never_repeats_a_malformed_key() -> None:
    with openai(key="sk-secret\n") as (embedder, _):
        refusal = refused(embedder)

    assert refusal == "The embedding model hash cannot be reached (LocalProtocolError)"


def test_openai_does_not_wait_longer_than_its_client() -> None:
    with openai(seconds=0.2) as (embedder, server):
        server.next.append(server.hang)
        refusal = refused(embedder)

    assert refusal == "The embedding model hash did not answer in time"


def test_openai_is_unavailable_when_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with openai_client(f"http://127.0.0.1:{port}/v1") as client:
        refusal = refused(OpenAIEmbedder(client, model=MODEL, dimensions=DIMENSIONS))

    assert refusal == "The embedding model hash cannot be reached (ConnectError)"


def test_openai_is_unavailable_at_a_host_that_is_none() -> None:
    with openai_client("http://a..b/v1") as client:
        refusal = refused(OpenAIEmbedder(client, model=MODEL, dimensions=DIMENSIONS))

    assert refusal.startswith("The embedding model hash cannot be reached (")


def refused(embedder: Embedder) -> str:
    """Return what the embedder says when it refuses two texts."""
    with pytest.raises(UnavailableError) as caught:
        embedder.embed(TEXTS[:BATCH], "document")
    return str(caught.value)
