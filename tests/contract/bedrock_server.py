"""A stand-in for bedrock-runtime on loopback: Converse and InvokeModel, which can also misbehave.

`python -m tests.contract.bedrock_server --port 9401` runs it until it is interrupted; clients find
it through `AWS_ENDPOINT_URL_BEDROCK_RUNTIME`.
"""

import argparse
import json
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from tests.contract import bedrock_converse, bedrock_invoke
from tests.contract.bedrock_errors import BedrockError
from tests.contract.stand_in import Answer, Body, ResetError, StandIn

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient

_PATH = re.compile(r"/model/(?P<model>.+)/(?P<operation>converse|invoke)")


@dataclass(frozen=True)
class Call:
    """One request that the service would accept."""

    operation: str
    model: str
    body: Body


Behaviour = Callable[[Call], Answer]


def well(call: Call) -> Answer:
    """Behave like the service on a good day."""
    answers = {"converse": bedrock_converse.converse, "invoke": bedrock_invoke.embed}
    return Answer(200, json.dumps(answers[call.operation](call.model, call.body)).encode())


def fill(filled: object) -> Behaviour:
    """Return a model that uses the required tool with this input."""

    def behave(call: Call) -> Answer:
        name = call.body["toolConfig"]["toolChoice"]["tool"]["name"]
        return _answer(bedrock_converse.used(name, filled, asked="four"))

    return behave


def say(*texts: str, reason: str = "end_turn") -> Behaviour:
    """Return a model that says this instead of using a tool."""
    return lambda _: _answer(bedrock_converse.answered([{"text": text} for text in texts], reason))


def stop(filled: object, reason: str) -> Behaviour:
    """Return a model that uses the tool and stops for another reason than that."""

    def behave(call: Call) -> Answer:
        name = call.body["toolConfig"]["toolChoice"]["tool"]["name"]
        return _answer(bedrock_converse.used(name, filled, reason=reason))

    return behave


def fail(code: str, message: str = "as scripted") -> Behaviour:
    """Return a service that fails with this error."""
    return lambda _: BedrockError(message, code).answer


def garble(content: bytes, status: int = 200) -> Behaviour:
    """Return a service that answers with this."""
    return lambda _: Answer(status, content)


def reset(_: Call) -> Answer:
    """Behave like a network that breaks."""
    raise ResetError


class BedrockServer(StandIn):
    """Keeps the calls it accepted; `next` are behaviours for the coming ones, then it does well."""

    def __init__(self, *behaviours: Behaviour, port: int = 0) -> None:
        super().__init__(port)
        self.calls: list[Call] = []
        self.next = deque(behaviours)

    def respond(self, path: str, headers: Mapping[str, str], body: Body) -> Answer:
        """Refuse what the service refuses, then behave as scripted."""
        try:
            call = _call(path, headers, body)
            self.calls.append(call)
            behave = self.next.popleft() if self.next else well
            return behave(call)
        except BedrockError as error:
            return error.answer

    def hang(self, _: Call) -> Answer:
        """Behave like a server that is stuck until it is stopped."""
        self.closing.wait()
        return Answer(503, b"")


def _call(path: str, headers: Mapping[str, str], body: Body) -> Call:
    found = _PATH.fullmatch(path)
    if found is None:
        message = f"There is no operation {path}"
        raise BedrockError(message, "ResourceNotFoundException")
    if "AWS4-HMAC-SHA256" not in headers.get("Authorization", ""):
        message = "Missing Authentication Token"
        raise BedrockError(message, "AccessDeniedException")
    call = Call(found["operation"], found["model"], body)
    if call.operation == "converse":
        bedrock_converse.check(call.model, body)
    else:
        bedrock_invoke.check(call.model, body)
    return call


def _answer(body: Body) -> Answer:
    return Answer(200, json.dumps(body).encode())


@contextmanager
def running_bedrock(*behaviours: Behaviour, port: int = 0) -> Iterator[BedrockServer]:
    """Yield a running stand-in that behaves like this for the first calls."""
    server = BedrockServer(*behaviours, port=port)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def bedrock_client(
    url: str, *, config: Config | None = None, seconds: float = 10
) -> "Iterator[BedrockRuntimeClient]":
    """Yield a client of botocore's own; without `config` it tries once."""
    once = Config(read_timeout=seconds, retries={"total_max_attempts": 1})
    client = boto3.client(
        "bedrock-runtime",
        endpoint_url=url,
        region_name="eu-west-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=config or once,
    )
    try:
        yield client
    finally:
        client.close()


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9401)
    with running_bedrock(port=parser.parse_args().port) as server:
        print(f"AWS_ENDPOINT_URL_BEDROCK_RUNTIME={server.address}", flush=True)  # noqa: T201
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
