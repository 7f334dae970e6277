"""A small server with OpenAI-compatible endpoints for embeddings and chat; it can misbehave too."""

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import httpx
import numpy as np

from tests.contract.simple_mind import fill_in
from tests.contract.stand_in import Answer, Body, ResetError, StandIn

KEY = "sk-test"
MODEL = "hash"
CHAT_MODEL = "simple"
DIMENSIONS = 8
EMBEDDINGS, CHAT = "/v1/embeddings", "/v1/chat/completions"

Reply = tuple[int, bytes]
Behaviour = Callable[[Body], Reply]


def numbers(text: str, count: int = DIMENSIONS) -> list[float]:
    """Return what the server says of a text: the same each time, and not of unit length."""
    words = np.frombuffer(hashlib.sha256(text.encode()).digest(), dtype="<u4")
    return [float(word) / 2**30 - 2 for word in words[:count]]


def items(texts: Sequence[str], count: int = DIMENSIONS) -> list[Body]:
    """Return the embeddings of the texts as the protocol writes them."""
    return [
        {"object": "embedding", "index": index, "embedding": numbers(text, count)}
        for index, text in enumerate(texts)
    ]


def answer(data: object) -> Reply:
    """Return a well-formed answer that holds this data."""
    return 200, json.dumps({"object": "list", "data": data, "model": MODEL}).encode()


def embed(body: Body) -> Reply:
    """Answer as a strict server does: a model unknown or an empty text is refused."""
    if body["model"] != MODEL:
        return 404, b'{"error": {"message": "no such model"}}'
    if not all(text.strip() for text in body["input"]):
        return 400, b'{"error": {"message": "input cannot be an empty string"}}'
    return answer(items(body["input"], body.get("dimensions", DIMENSIONS)))


def last_first(body: Body) -> Reply:
    return answer(items(body["input"])[::-1])


def without_the_last(body: Body) -> Reply:
    return answer(items(body["input"])[:-1])


def with_one_more(body: Body) -> Reply:
    return answer(items([*body["input"], "one more"]))


def with_the_first_twice(body: Body) -> Reply:
    return answer([*items(body["input"]), *items(body["input"][:1])])


def with_one_index_twice(body: Body) -> Reply:
    return answer([item | {"index": 0} for item in items(body["input"])])


def counting_from_one(body: Body) -> Reply:
    return answer([item | {"index": item["index"] + 1} for item in items(body["input"])])


def chat(body: Body) -> Reply:
    """Answer with the tool filled in by a simple mind; a model unknown is refused."""
    if body["model"] != CHAT_MODEL:
        return 404, b'{"error": {"message": "no such model"}}'
    said = "\n".join(
        text for each in body["messages"] if each["role"] == "user" for text in _texts(each)
    )
    name = body["tools"][0]["function"]["name"]
    return used(json.dumps(fill_in(name, said)))(body)


def _texts(message: Body) -> list[str]:
    content = message["content"]
    parts = [{"text": content}] if isinstance(content, str) else content
    return [part["text"] for part in parts if "text" in part]


def used(arguments: object, *, reason: str = "tool_calls") -> Behaviour:
    """Return a model that uses the first tool with these arguments."""

    def behave(body: Body) -> Reply:
        function = {"name": body["tools"][0]["function"]["name"], "arguments": arguments}
        calls = [{"id": "call_1", "type": "function", "function": function}]
        return completed({"content": None, "tool_calls": calls}, reason)

    return behave


def said(text: str | None, *, reason: str = "stop", **more: object) -> Behaviour:
    """Return a model that says this instead of using a tool."""
    return lambda _: completed({"content": text, **more}, reason)


def completed(message: Body, reason: str) -> Reply:
    """Return a well-formed completion with this message."""
    choice = {"index": 0, "finish_reason": reason, "message": {"role": "assistant", **message}}
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    body = {"object": "chat.completion", "model": CHAT_MODEL, "choices": [choice], "usage": usage}
    return 200, json.dumps(body).encode()


def refused(message: str, status: int = 400) -> Behaviour:
    """Return a server that refuses with this message."""
    return lambda _: (status, json.dumps({"error": {"message": message}}).encode())


def reset(_: Body) -> Reply:
    """Behave like a network that breaks."""
    raise ResetError


class OpenAIServer(StandIn):
    """Keeps the bodies it got; `next` are behaviours for the coming requests, then it does well."""

    def __init__(self, *behaviours: Behaviour) -> None:
        super().__init__()
        self.bodies: list[Body] = []
        self.next = deque(behaviours)

    @property
    def url(self) -> str:
        """The base URL that a client is given."""
        return f"{self.address}/v1"

    def respond(self, path: str, headers: Mapping[str, str], body: Body) -> Answer:
        """Return what the next behaviour says."""
        usual = {EMBEDDINGS: embed, CHAT: chat}.get(path)
        if usual is None:
            return Answer(404, b"")
        if headers["Authorization"] != f"Bearer {KEY}":
            return Answer(401, b'{"error": {"message": "wrong key"}}')
        self.bodies.append(body)
        behave = self.next.popleft() if self.next else usual
        return Answer(*behave(body))

    def hang(self, _: Body) -> Reply:
        """Behave like a server that is stuck until it is stopped."""
        self.closing.wait()
        return 503, b""


@contextmanager
def running_server(*behaviours: Behaviour) -> Iterator[OpenAIServer]:
    """Yield a running server that behaves like this for the first requests."""
    server = OpenAIServer(*behaviours)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def openai_client(url: str, *, key: str = KEY, seconds: float = 10) -> Iterator[httpx.Client]:
    """Yield a client made as the service makes it; no proxy is asked on the way to loopback."""
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=url, headers=headers, timeout=seconds, trust_env=False) as client:
        yield client
