"""The models of the configuration: what embeds, reranks, reads conversations and decides."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from recollect.bootstrap import current
from recollect.bootstrap.configuration import (
    closed_at_the_end,
    configured,
    configured_number,
    later,
    once,
    part,
    settings,
)
from recollect.domain.errors import InvalidRequestError, UnavailableError
from recollect.ports.models import (
    Decider,
    Describer,
    Embedder,
    Extractor,
    LanguageModel,
    Pictures,
    Reranker,
)
from recollect.usecases.describing import ModelDescriber, NoDescriber
from recollect.usecases.rerank import CALLS_AT_ONCE, Rerank

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx
    from mypy_boto3_bedrock_agent_runtime import AgentsforBedrockRuntimeClient
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient

EMBEDDING_TIMEOUT_SECONDS = 4.0
"""A call takes some 0.1 s; with all attempts it must leave time for the rest of a request."""
EMBEDDING_ATTEMPTS = 3
ANSWER_TIMEOUT_SECONDS = 14.0
"""A language model may take this long: an add asks it twice within an HTTP API's 30 s."""
ANSWER_ATTEMPTS = 2
RERANK_TIMEOUT_SECONDS = 2.0
"""A search does not wait so long; it is how long a call that hangs keeps its thread."""


@once
def embedder() -> Embedder:
    """Return what turns texts into vectors."""
    name = settings().embedder
    if name == "bundled":
        return _bundled_embedder()
    if name == "minilm":
        return _minilm_embedder()
    if name == "openai":
        from recollect.adapters.openai.embedder import OpenAIEmbedder

        return OpenAIEmbedder(
            _embedding_client(),
            model=configured("embedding_model"),
            dimensions=configured_number("embedding_dimensions"),
        )
    if name == "bedrock":
        with part("aws"):
            from recollect.adapters.aws.bedrock_embedder import BedrockEmbedder

        return BedrockEmbedder(
            _bedrock(EMBEDDING_TIMEOUT_SECONDS, EMBEDDING_ATTEMPTS),
            model=configured("embedding_model"),
            dimensions=configured_number("embedding_dimensions"),
        )
    embedder: Embedder = _third_party("embedder", name)
    return embedder


@cache  # It reads 16 MB, and is the same whatever is configured.
def _bundled_embedder() -> Embedder:
    from recollect.adapters.local.embedder import BundledEmbedder

    return BundledEmbedder()


@cache  # It reads 91 MB, and is the same whatever is configured.
def _minilm_embedder() -> Embedder:
    with part("minilm"):
        from recollect.adapters.local.minilm import MiniLMEmbedder

    return MiniLMEmbedder()


@once
def rerank() -> Rerank | None:
    """Return what has the best of a search's results read again; None if nothing is configured.

    Raises `InvalidRequestError` for an address without a model.
    """
    if not (settings().rerank_model or settings().rerank_url):
        return None
    reranker = _reranker(configured("rerank_model"))
    threads = ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix="rerank")
    closed_at_the_end(threads.shutdown)
    return Rerank(reranker, threads)


def _reranker(model: str) -> Reranker:
    chosen = settings()
    if chosen.rerank_url:
        from recollect.adapters.web.reranker import HttpReranker

        key = chosen.rerank_key
        client = _http_client(RERANK_TIMEOUT_SECONDS, lambda: key)
        return HttpReranker(client, url=chosen.rerank_url, model=model)
    with part("aws"):
        from recollect.adapters.aws.bedrock_reranker import BedrockReranker

    return BedrockReranker(_bedrock_agents(), model=model)


@dataclass(frozen=True)
class Minds:
    """What reads: finds facts in conversations, decides on them, looks at pictures."""

    extractor: Extractor
    decider: Decider
    describer: Describer


@once
def minds() -> Minds:
    """Return what the configured language model, or the rules in its place, can do."""
    if settings().language_model == "rules":
        from recollect.adapters.local.rules import RuleBasedDecider, RuleBasedExtractor

        return Minds(RuleBasedExtractor(), RuleBasedDecider(), NoDescriber())
    from recollect.usecases.asking import AskModel
    from recollect.usecases.deciding import ModelDecider
    from recollect.usecases.extraction import ModelExtractor

    ask = AskModel(language_model(), current.seconds_left, current.spend)
    return Minds(ModelExtractor(ask), ModelDecider(ask), ModelDescriber(ask, later(pictures)))


@once
def pictures() -> Pictures:
    """Return what gets the pictures that messages point at."""
    from recollect.adapters.web.pictures import PublicPictures
    from recollect.adapters.web.public_https import PublicHttps

    return PublicPictures(PublicHttps())


def language_model() -> LanguageModel:
    """Return the language model; raise `InvalidRequestError` if only rules are configured."""
    name = settings().language_model
    if name == "openai":
        from recollect.adapters.openai.language_model import OpenAILanguageModel

        client = _openai(ANSWER_TIMEOUT_SECONDS, settings().openai_url, later(_openai_api_key))
        return OpenAILanguageModel(client, model=configured("chat_model"))
    if name == "bedrock":
        with part("aws"):
            from recollect.adapters.aws.bedrock_language_model import BedrockLanguageModel

        return BedrockLanguageModel(
            _bedrock(ANSWER_TIMEOUT_SECONDS, ANSWER_ATTEMPTS), model=configured("chat_model")
        )
    model: LanguageModel = _third_party("language_model", name)
    return model


def _openai(timeout_seconds: float, url: str, api_key: "Callable[[], str]") -> "httpx.Client":
    return _http_client(timeout_seconds, api_key, url)


def _http_client(
    timeout_seconds: float, api_key: "Callable[[], str]", url: str = ""
) -> "httpx.Client":
    import httpx

    def signed(request: httpx.Request) -> httpx.Request:
        # At the first request: functions that embed nothing may not read the secret.
        if key := api_key():
            request.headers["Authorization"] = f"Bearer {key}"
        return request

    client = httpx.Client(
        base_url=url,
        auth=signed,
        timeout=timeout_seconds,
        transport=httpx.HTTPTransport(retries=2),
    )
    closed_at_the_end(client.close)
    return client


@once
def _openai_api_key() -> str:
    secret = settings().openai_api_key_secret
    if not secret:
        return settings().openai_api_key
    with part("aws"):
        from recollect.adapters.aws import clients

    return clients.secret(secret)


def _embedding_client() -> "httpx.Client":
    chosen = settings()
    if chosen.embedding_url:
        key = chosen.embedding_api_key
        return _openai(EMBEDDING_TIMEOUT_SECONDS, chosen.embedding_url, lambda: key)
    return _openai(EMBEDDING_TIMEOUT_SECONDS, chosen.openai_url, later(_openai_api_key))


def _bedrock(timeout_seconds: float, attempts: int) -> "BedrockRuntimeClient":
    from recollect.adapters.aws import clients

    return clients.bedrock(read_seconds=timeout_seconds, attempts=attempts)


def _bedrock_agents() -> "AgentsforBedrockRuntimeClient":
    import boto3
    from botocore.exceptions import NoRegionError

    from recollect.adapters.aws.bedrock import client_config

    config = client_config(read_seconds=RERANK_TIMEOUT_SECONDS, attempts=1)
    try:
        return boto3.client("bedrock-agent-runtime", config=config)
    except NoRegionError as error:
        message = "No AWS region is configured: set AWS_DEFAULT_REGION"
        raise UnavailableError(message) from error


def _third_party(setting: str, name: str) -> Any:  # noqa: ANN401 - what its factory returns
    module, _, factory = name.partition(":")
    try:
        build: Callable[[], Any] = getattr(import_module(module), factory)
    except (ImportError, AttributeError, ValueError) as error:
        message = (
            f"RECOLLECT_{setting.upper()}={name} is neither one of ours nor package.module:factory"
        )
        raise InvalidRequestError(message) from error
    return build()
