"""A stand-in for rerankers: the dialects of `/rerank`, and Bedrock's; it can misbehave too."""

import json
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import boto3
import httpx
from botocore.config import Config

from tests.contract.bedrock_errors import BedrockError
from tests.contract.stand_in import Answer, Body, ResetError, StandIn

if TYPE_CHECKING:
    from mypy_boto3_bedrock_agent_runtime import AgentsforBedrockRuntimeClient

KEY = "key-test"
MODEL = "words"
BEDROCK = "cohere.rerank-v3-5:0"

Reply = tuple[int, bytes]
Behaviour = Callable[[Body], Reply]


def score(query: str, text: str) -> float:
    """Return the share of the question's words that the text has."""
    asked = re.findall(r"\w+", query.casefold())
    said = set(re.findall(r"\w+", text.casefold()))
    return sum(word in said for word in asked) / len(asked)


def ranked(body: Body, name: str = "relevance_score") -> list[Body]:
    """Return the results as servers give them: the best first."""
    scores = [score(body["query"], text) for text in body["documents"]]
    places = sorted(range(len(scores)), key=lambda place: -scores[place])
    return [{"index": place, name: scores[place]} for place in places]


def answer(content: object) -> Reply:
    return 200, json.dumps(content).encode()


def cohere(body: Body) -> Reply:
    """Answer as Cohere, llama.cpp and LiteLLM do."""
    return answer({"id": "1", "results": ranked(body), "meta": {"api_version": {"version": "2"}}})


def jina(body: Body) -> Reply:
    """Answer as Jina and vLLM do, with the documents."""
    results = [
        each | {"document": {"text": body["documents"][each["index"]]}} for each in ranked(body)
    ]
    return answer({"model": MODEL, "usage": {"total_tokens": 3}, "results": results})


def voyage(body: Body) -> Reply:
    """Answer as Voyage does, which refuses what it does not know."""
    if unknown := body.keys() - {"model", "query", "documents", "top_k", "return_documents"}:
        said = f"Argument {sorted(unknown)} is not supported by our API"
        return 400, json.dumps({"detail": said}).encode()
    return answer({"object": "list", "data": ranked(body), "model": MODEL})


def embeddings_inference(body: Body) -> Reply:
    """Answer as Text Embeddings Inference does, to which documents are texts."""
    if "texts" not in body:
        said = "Failed to deserialize the JSON body into the target type: missing field `texts`"
        return 422, json.dumps({"error": said, "error_type": "Validation"}).encode()
    return answer(ranked(body | {"documents": body["texts"]}, "score"))


def logits(body: Body) -> Reply:
    """Answer with what the model says before it is made a probability, as llama.cpp does."""
    results = [
        each | {"relevance_score": 20 * each["relevance_score"] - 10} for each in ranked(body)
    ]
    return answer({"results": results})


def reset(_: Body) -> Reply:
    """Behave like a network that breaks."""
    raise ResetError


def bedrock(body: Body) -> Reply:
    """Answer as Bedrock does, whose query and texts lie deeper."""
    plain = {
        "query": body["queries"][0]["textQuery"]["text"],
        "documents": [
            each["inlineDocumentSource"]["textDocument"]["text"] for each in body["sources"]
        ],
    }
    if max(map(len, [plain["query"], *plain["documents"]])) > 32_000:
        message = "1 validation error detected: Member must have length less than or equal to 32000"
        raise BedrockError(message)
    chosen = body["rerankingConfiguration"]["bedrockRerankingConfiguration"]
    results = ranked(plain, "relevanceScore")[: chosen["numberOfResults"]]
    return answer({"results": results})


class RerankServer(StandIn):
    """Keeps the bodies and headers it got; `next` are for the coming requests, then `usual`."""

    def __init__(self, usual: Behaviour, *behaviours: Behaviour) -> None:
        super().__init__()
        self.bodies: list[Body] = []
        self.headers: list[Mapping[str, str]] = []
        self.next = deque(behaviours)
        self._usual = usual

    @property
    def url(self) -> str:
        """The endpoint's address."""
        return f"{self.address}/v1/rerank"

    def respond(self, path: str, headers: Mapping[str, str], body: Body) -> Answer:
        """Return what the next behaviour says."""
        if path not in {"/rerank", "/v1/rerank"}:
            return Answer(404, b"")
        if headers.get("Authorization") == "Bearer wrong":
            return Answer(401, b"")
        self.bodies.append(body)
        self.headers.append(headers)
        behave = self.next.popleft() if self.next else self._usual
        try:
            return Answer(*behave(body))
        except BedrockError as error:
            return error.answer

    def hang(self, _: Body) -> Reply:
        """Behave like a server that is stuck until it is stopped."""
        self.closing.wait()
        return 503, b""


@contextmanager
def running(usual: Behaviour, *behaviours: Behaviour) -> Iterator[RerankServer]:
    """Yield a running server that behaves like this for the first requests."""
    server = RerankServer(usual, *behaviours)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def http_client(*, key: str = KEY, seconds: float = 10) -> Iterator[httpx.Client]:
    """Yield a client made as the service makes it; no proxy is asked on the way to loopback."""
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(headers=headers, timeout=seconds, trust_env=False) as client:
        yield client


@contextmanager
def bedrock_client(url: str, *, seconds: float = 10) -> "Iterator[AgentsforBedrockRuntimeClient]":
    """Yield a client of botocore's own that tries once."""
    client = boto3.client(
        "bedrock-agent-runtime",
        endpoint_url=url,
        region_name="eu-west-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(read_timeout=seconds, retries={"total_max_attempts": 1}),
    )
    try:
        yield client
    finally:
        client.close()
