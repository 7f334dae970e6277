"""What the Bedrock embedder asks of each family of models, and makes of their failures."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from recollect.adapters.aws.bedrock import PARALLEL_CALLS, client_config
from recollect.adapters.aws.bedrock_embedder import BedrockEmbedder
from recollect.adapters.aws.bedrock_families import DIMENSIONS
from recollect.domain.errors import InvalidRequestError, UnavailableError
from recollect.domain.memory import MAX_TEXT_BYTES
from tests.contract import bedrock_server
from tests.contract.bedrock_invoke import vectors
from tests.contract.bedrock_server import (
    BedrockServer,
    Behaviour,
    Call,
    bedrock_client,
    running_bedrock,
)
from tests.contract.stand_in import Answer, Body

TITAN = "amazon.titan-embed-text-v2:0"
COHERE_3 = "cohere.embed-english-v3"
COHERE_4 = "eu.cohere.embed-v4:0"
NOVA = "amazon.nova-2-multimodal-embeddings-v1:0"
TEXTS = ["Ada lives in Turin.", "Ada has two cats."]
PROFILE = "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/"


@contextmanager
def bedrock(
    *behaviours: Behaviour,
    model: str = TITAN,
    dimensions: int = 1024,
    **options: Any,  # noqa: ANN401 - how the client is made
) -> Iterator[tuple[BedrockEmbedder, BedrockServer]]:
    with (
        running_bedrock(*behaviours) as server,
        bedrock_client(server.address, **options) as client,
    ):
        yield BedrockEmbedder(client, model=model, dimensions=dimensions), server


def bodies(server: BedrockServer) -> list[Body]:
    return sorted((call.body for call in server.calls), key=json.dumps)


def refused(embedder: BedrockEmbedder) -> str:
    with pytest.raises(UnavailableError) as caught:
        embedder.embed(TEXTS[:1], "document")
    return str(caught.value)


def test_titan_is_asked_about_one_text_a_call() -> None:
    with bedrock(dimensions=256) as (embedder, server):
        embedder.embed(TEXTS, "query")

    assert bodies(server) == [
        {"inputText": text, "dimensions": 256, "normalize": True} for text in reversed(TEXTS)
    ]


def test_cohere_is_told_whether_it_is_a_query() -> None:
    with bedrock(model=COHERE_3) as (embedder, server):
        embedder.embed(TEXTS, "document")
        embedder.embed(TEXTS[:1], "query")

    assert [call.body for call in server.calls] == [
        {"texts": TEXTS, "input_type": "search_document", "truncate": "END"},
        {"texts": TEXTS[:1], "input_type": "search_query", "truncate": "END"},
    ]


def test_cohere_4_makes_vectors_of_the_dimension() -> None:
    with bedrock(model=COHERE_4, dimensions=256) as (embedder, server):
        [vector] = embedder.embed(TEXTS[:1], "document")

    assert vector.shape == (256,)
    assert [call.body for call in server.calls] == [
        {
            "texts": TEXTS[:1],
            "input_type": "search_document",
            "output_dimension": 256,
            "truncate": "RIGHT",
        }
    ]


def test_nova_is_told_the_purpose() -> None:
    with bedrock(model=NOVA, dimensions=384) as (embedder, server):
        embedder.embed(TEXTS[:1], "document")
        embedder.embed(TEXTS[:1], "query")

    index, retrieval = (call.body["singleEmbeddingParams"] for call in server.calls)
    assert (index["embeddingPurpose"], retrieval["embeddingPurpose"]) == (
        "GENERIC_INDEX",
        "TEXT_RETRIEVAL",
    )
    assert index["embeddingDimension"] == 384


def test_cohere_may_answer_by_type() -> None:
    def by_type(call: Call) -> Answer:
        found = {"float": vectors(call.body["texts"], 1024), "int8": [[1], [2]]}
        return Answer(200, json.dumps({"embeddings": found}).encode())

    with bedrock(by_type, model=COHERE_3) as (embedder, _):
        np.testing.assert_allclose(
            embedder.embed(TEXTS, "document"), embedder.embed(TEXTS, "document"), atol=1e-6
        )


def test_cohere_is_asked_about_96_texts_at_once() -> None:
    texts = [f"Ada likes the number {number}" for number in range(200)]
    with bedrock(model=COHERE_3) as (embedder, server):
        embedder.embed(["", *texts], "document")

    assert sorted(len(call.body["texts"]) for call in server.calls) == [8, 96, 96]
    assert {text for call in server.calls for text in call.body["texts"]} == set(texts)


@pytest.mark.parametrize(
    ("model", "dimensions", "sent"),
    [(TITAN, 1024, 4_000), (COHERE_3, 1024, 2_048), (COHERE_4, 1536, 16_384), (NOVA, 256, 8_192)],
)
def test_the_longest_memory_is_embedded_by_what_the_model_takes_of_it(
    model: str, dimensions: int, sent: int
) -> None:
    longest = "é" * (MAX_TEXT_BYTES // 2)
    with bedrock(model=model, dimensions=dimensions) as (embedder, server):
        whole = embedder.embed([longest], "document")
        begun = embedder.embed([longest[:sent]], "document")

    np.testing.assert_array_equal(whole, begun)
    assert json.dumps(server.calls[0].body, ensure_ascii=False).count("é") == sent


def test_a_text_is_never_cut_within_a_character() -> None:
    with bedrock() as (embedder, server):
        embedder.embed(["a" + "\U0001f600" * 3_000], "document")

    assert server.calls[0].body["inputText"] == "a" + "\U0001f600" * 1_999


@pytest.mark.parametrize(
    ("model", "dimensions", "name"),
    [
        (TITAN, 512, "amazon.titan-embed-text-v2:0-512"),
        ("us.cohere.embed-v4:0", 1024, "cohere.embed-v4:0-1024"),
        ("global.cohere.embed-v4:0", 1024, "cohere.embed-v4:0-1024"),
        (f"{PROFILE}eu.cohere.embed-v4:0", 1024, "cohere.embed-v4:0-1024"),
        (f"arn:aws:bedrock:us-east-1::foundation-model/{NOVA}", 3072, f"{NOVA}-3072"),
        (COHERE_3, 1024, f"{COHERE_3}-1024"),
    ],
)
def test_the_model_has_the_same_name_through_every_profile(
    model: str, dimensions: int, name: str
) -> None:
    with bedrock(model=model, dimensions=dimensions) as (embedder, server):
        embedder.embed(TEXTS[:1], "document")

    assert embedder.model == name
    assert embedder.dimensions == dimensions
    assert [call.model for call in server.calls] == [model]


@pytest.mark.parametrize(
    "model",
    [
        "",
        "amazon.titan-embed-text-v1",
        "text-embedding-3-small",
        "my-amazon.titan-embed-text-v2:0",
        f"{PROFILE.replace('inference', 'application-inference')}a1b2c3",
        "anthropic.claude-haiku-5-5",
    ],
)
def test_an_unknown_model_is_refused_with_the_setting(model: str) -> None:
    with (
        bedrock_client("http://127.0.0.1:9") as client,
        pytest.raises(InvalidRequestError, match=r"RECOLLECT_EMBEDDING_MODEL=.*titan.*nova"),
    ):
        BedrockEmbedder(client, model=model, dimensions=1024)


@pytest.mark.parametrize("model", sorted(DIMENSIONS))
def test_a_dimension_that_the_model_does_not_have_is_refused(model: str) -> None:
    with (
        bedrock_client("http://127.0.0.1:9") as client,
        pytest.raises(InvalidRequestError, match=r"RECOLLECT_EMBEDDING_DIMENSIONS=100 .* 1024"),
    ):
        BedrockEmbedder(client, model=model, dimensions=100)


def test_titan_is_asked_about_a_few_texts_at_a_time() -> None:
    barrier = threading.Barrier(PARALLEL_CALLS)
    running, most = 0, 0
    counting = threading.Lock()

    def count(call: Call) -> Answer:
        nonlocal running, most
        with counting:
            running += 1
            most = max(most, running)
        barrier.wait(10)
        with counting:
            running -= 1
        return bedrock_server.well(call)

    texts = [f"Ada likes the number {number}" for number in range(3 * PARALLEL_CALLS)]
    with bedrock(*[count] * len(texts)) as (embedder, _):
        together = embedder.embed(texts, "document")
        alone = [embedder.embed([text], "document")[0] for text in texts]

    assert most == PARALLEL_CALLS
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_the_first_failure_ends_the_calls() -> None:
    def slowly(call: Call) -> Answer:
        # Time for the failure to arrive before the pool takes the next texts.
        threading.Event().wait(0.3)
        return bedrock_server.well(call)

    texts = [f"Ada likes the number {number}" for number in range(10 * PARALLEL_CALLS)]
    busy = bedrock_server.fail("ThrottlingException")
    with bedrock(busy, *[slowly] * len(texts)) as (embedder, server):
        with pytest.raises(UnavailableError):
            embedder.embed(texts, "document")

        assert len(server.calls) <= 2 * PARALLEL_CALLS


def test_every_call_has_a_connection_of_its_own() -> None:
    with bedrock_client(
        "http://127.0.0.1:9", config=client_config(read_seconds=1, attempts=5)
    ) as client:
        assert client.meta.config.max_pool_connections == PARALLEL_CALLS  # type: ignore[attr-defined]


def test_a_throttled_call_is_made_again_by_the_client() -> None:
    config = client_config(read_seconds=5, attempts=5)
    with bedrock(bedrock_server.fail("ThrottlingException"), config=config) as (embedder, server):
        [vector] = embedder.embed(TEXTS[:1], "document")

    assert np.linalg.norm(vector) == pytest.approx(1)
    assert len(server.calls) == 2


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("ThrottlingException", "is busy"),
        ("ServiceUnavailableException", "is not there at the moment"),
        ("InternalServerException", "failed"),
        ("ModelTimeoutException", "took too long"),
        ("AccessDeniedException", "allow bedrock:InvokeModel"),
        ("ResourceNotFoundException", "does not exist in this region"),
        ("ValidationException", "finds the request invalid"),
    ],
)
def test_a_failure_says_what_it_means_and_repeats_nothing(code: str, said: str) -> None:
    with bedrock(bedrock_server.fail(code, f"cannot embed {TEXTS[0]}")) as (embedder, _):
        refusal = refused(embedder)

    assert refusal.startswith(f"The embedding model {TITAN} ")
    assert said in refusal
    assert refusal.endswith(f"({code}; RECOLLECT_EMBEDDING_MODEL chooses the model)")
    assert TEXTS[0] not in refusal


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>It works!</html>",
        b"\xff\xfe",
        b"[]",
        b'{"embedding": null}',
        b'{"embedding": [NaN]}',
        b'{"embeddings": [[1.0]]}',
    ],
)
def test_it_must_answer_with_embeddings(content: bytes) -> None:
    with bedrock(bedrock_server.garble(content)) as (embedder, _):
        assert refused(embedder) == f"The embedding model {TITAN} did not answer with embeddings"


def test_it_must_answer_each_text_once() -> None:
    one_less = bedrock_server.garble(json.dumps({"embeddings": vectors(["a"], 1024)}).encode())
    with (
        bedrock(one_less, model=COHERE_3) as (embedder, _),
        pytest.raises(UnavailableError, match=r"each of 2 texts \(it answered 1\)"),
    ):
        embedder.embed(TEXTS, "document")


def test_it_must_answer_in_the_dimension() -> None:
    with bedrock(bedrock_server.garble(b'{"embedding": [1.0, 2.0]}')) as (embedder, _):
        refusal = refused(embedder)

    assert refusal == (
        f"The embedding model {TITAN} makes vectors of 2 numbers, but 1024 are configured"
    )


def test_a_vector_of_zeros_stays_one() -> None:
    zeros = bedrock_server.garble(json.dumps({"embedding": [0.0] * 1024}).encode())
    with bedrock(zeros) as (embedder, _):
        assert not np.any(embedder.embed(TEXTS[:1], "document"))


def test_a_broken_connection_is_told() -> None:
    with bedrock(bedrock_server.reset) as (embedder, _):
        refusal = refused(embedder)

    assert refusal == f"The embedding model {TITAN} cannot be reached (ConnectionClosedError)"


def test_it_does_not_wait_longer_than_its_client() -> None:
    with bedrock(seconds=0.2) as (embedder, server):
        server.next.append(server.hang)
        refusal = refused(embedder)

    assert refusal == f"The embedding model {TITAN} did not answer in time"
