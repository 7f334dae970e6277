"""The models of the configuration: what embeds, what reads conversations and what decides."""

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from recollect.bootstrap.configuration import configured, configured_number, part, settings
from recollect.domain.errors import InvalidRequestError
from recollect.ports.models import Decider, Embedder, Extractor, LanguageModel

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient

EMBEDDING_TIMEOUT_SECONDS = 4.0
"""A call takes some 0.1 s; with all attempts it must leave time for the rest of a request."""
EMBEDDING_ATTEMPTS = 3
ANSWER_TIMEOUT_SECONDS = 14.0
"""A language model may take this long: an add asks it twice within an HTTP API's 30 s."""
ANSWER_ATTEMPTS = 2


@cache
def embedder() -> Embedder:
    """Return what turns texts into vectors."""
    name = settings().embedder
    if name == "bundled":
        from recollect.adapters.local.embedder import BundledEmbedder

        return BundledEmbedder()
    if name == "openai":
        from recollect.adapters.openai.embedder import OpenAIEmbedder

        return OpenAIEmbedder(
            _openai(EMBEDDING_TIMEOUT_SECONDS),
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


@cache
def reader() -> tuple[Extractor, Decider]:
    """Return what finds facts in conversations and what decides on them."""
    if settings().language_model == "rules":
        from recollect.adapters.local.rules import RuleBasedDecider, RuleBasedExtractor

        return RuleBasedExtractor(), RuleBasedDecider()
    from recollect.usecases.asking import AskModel
    from recollect.usecases.deciding import ModelDecider
    from recollect.usecases.extraction import ModelExtractor

    ask = AskModel(_language_model())
    return ModelExtractor(ask), ModelDecider(ask)


def _language_model() -> LanguageModel:
    name = settings().language_model
    if name == "openai":
        from recollect.adapters.openai.language_model import OpenAILanguageModel

        return OpenAILanguageModel(_openai(ANSWER_TIMEOUT_SECONDS), model=configured("chat_model"))
    if name == "bedrock":
        with part("aws"):
            from recollect.adapters.aws.bedrock_language_model import BedrockLanguageModel

        return BedrockLanguageModel(
            _bedrock(ANSWER_TIMEOUT_SECONDS, ANSWER_ATTEMPTS), model=configured("chat_model")
        )
    model: LanguageModel = _third_party("language_model", name)
    return model


def _openai(timeout_seconds: float) -> "httpx.Client":
    import httpx

    chosen = settings()
    return httpx.Client(
        base_url=chosen.openai_url,
        auth=_signed,
        timeout=timeout_seconds,
        transport=httpx.HTTPTransport(retries=2),
    )


def _signed(request: "httpx.Request") -> "httpx.Request":
    # At the first request: functions that embed nothing may not read the secret.
    request.headers["Authorization"] = f"Bearer {_openai_api_key()}"
    return request


@cache
def _openai_api_key() -> str:
    secret = settings().openai_api_key_secret
    if not secret:
        return settings().openai_api_key
    with part("aws"):
        from recollect.adapters.aws import clients

    return clients.secret(secret)


def _bedrock(timeout_seconds: float, attempts: int) -> "BedrockRuntimeClient":
    from recollect.adapters.aws import clients

    return clients.bedrock(read_seconds=timeout_seconds, attempts=attempts)


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
