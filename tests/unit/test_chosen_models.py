"""Which embedder and which reranker the settings choose."""

import sys
from collections.abc import Iterator

import pytest

from recollect import bootstrap
from recollect.adapters.aws.bedrock_reranker import BedrockReranker
from recollect.adapters.local.minilm import MiniLMEmbedder
from recollect.bootstrap import models
from recollect.bootstrap.providers import providers
from recollect.domain.errors import InvalidRequestError, UnavailableError
from tests.contract import rerank_server
from tests.contract.rerank_server import BEDROCK, MODEL, RerankServer, running

QUESTION = "What are the names of the cats?"
TEXTS = ["It rained.", "The names of the cats are Plus and Minus."]


@pytest.fixture
def server() -> Iterator[RerankServer]:
    with running(rerank_server.cohere) as server:
        yield server


def test_minilm_is_chosen_by_its_name_and_built_once() -> None:
    with bootstrap.choosing(edition="local", embedder="minilm"):
        first = models.embedder()
        named = providers()["embedder"]
    with bootstrap.choosing(edition="local", embedder="minilm"):
        second = models.embedder()

    assert isinstance(first, MiniLMEmbedder)
    assert second is first
    assert named == "minilm"


def test_a_part_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    monkeypatch.delitem(sys.modules, "recollect.adapters.local.minilm")
    models._minilm_embedder.cache_clear()  # noqa: SLF001 - it is one for the process

    with (
        bootstrap.choosing(edition="local", embedder="minilm"),
        pytest.raises(UnavailableError, match=r"pip install 'recollect\[minilm\]'"),
    ):
        models.embedder()


def test_nothing_is_reranked_unless_it_is_configured() -> None:
    with bootstrap.choosing(edition="local"):
        assert models.rerank() is None
        assert "reranker" not in providers()


def test_an_address_chooses_a_server(server: RerankServer) -> None:
    with bootstrap.choosing(
        edition="local", rerank_url=server.url, rerank_model=MODEL, rerank_key="key"
    ) as closing:
        rerank = models.rerank()
        assert rerank is not None
        with closing:
            scores = rerank(QUESTION, TEXTS)
        assert providers()["reranker"] == "http"

    assert scores is not None
    assert scores[1] > scores[0]
    assert server.bodies[0]["model"] == MODEL
    assert server.headers[0]["Authorization"] == "Bearer key"


def test_a_server_without_a_key_is_asked_without_one(server: RerankServer) -> None:
    with bootstrap.choosing(edition="local", rerank_url=server.url, rerank_model=MODEL) as closing:
        rerank = models.rerank()
        assert rerank is not None
        with closing:
            assert rerank(QUESTION, TEXTS) is not None

    assert "Authorization" not in server.headers[0]


def test_when_the_service_ends_nothing_is_reranked(server: RerankServer) -> None:
    with bootstrap.choosing(edition="local", rerank_url=server.url, rerank_model=MODEL) as closing:
        rerank = models.rerank()
        closing.close()

    assert rerank is not None
    assert rerank(QUESTION, TEXTS) is None


def test_an_address_needs_a_model() -> None:
    with (
        bootstrap.choosing(edition="local", rerank_url="http://127.0.0.1:9/rerank"),
        pytest.raises(InvalidRequestError, match="RECOLLECT_RERANK_MODEL is not set"),
    ):
        models.rerank()


def test_a_model_alone_is_one_on_bedrock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with bootstrap.choosing(edition="local", rerank_model=BEDROCK) as closing, closing:
        rerank = models.rerank()
        named = providers()["reranker"]

    assert rerank is not None
    assert isinstance(rerank.reranker, BedrockReranker)
    assert rerank.reranker.model == BEDROCK
    assert named == "bedrock"


def test_bedrock_needs_a_region(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")

    with (
        bootstrap.choosing(edition="local", rerank_model=BEDROCK),
        pytest.raises(UnavailableError, match="set AWS_DEFAULT_REGION"),
    ):
        models.rerank()
