"""Language models of both vendors, each with the server behind it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from recollect.adapters.aws.bedrock_language_model import BedrockLanguageModel
from recollect.adapters.openai.language_model import OpenAILanguageModel
from recollect.domain.errors import UnavailableError
from recollect.ports.models import LanguageModel
from recollect.testing.language_model import SECRET, refusal
from tests.contract import bedrock_server, openai_server
from tests.contract.bedrock_server import BedrockServer, bedrock_client, running_bedrock
from tests.contract.openai_server import OpenAIServer, openai_client, running_server
from tests.contract.stand_in import Body

BEDROCK = "eu.anthropic.claude-haiku-5-5"


@dataclass(frozen=True)
class Served:
    """A model and the server behind it, which does what its vendor's scripts say."""

    model: LanguageModel
    server: BedrockServer | OpenAIServer
    scripts: Mapping[str, Any]

    def next(self, script: str, *arguments: object, **options: str) -> None:
        self.follow(self.scripts[script](*arguments, **options))

    def follow(self, behaviour: Any) -> None:  # noqa: ANN401 - one of its server's
        self.server.next.append(behaviour)

    @property
    def requests(self) -> int:
        return len(self.bodies)

    @property
    def bodies(self) -> list[Body]:
        if isinstance(self.server, BedrockServer):
            return [call.body for call in self.server.calls]
        return self.server.bodies


@contextmanager
def bedrock(*, model: str = BEDROCK, seconds: float = 10, **options: Any) -> Iterator[Served]:  # noqa: ANN401
    scripts = {
        "fill": bedrock_server.fill,
        "say": bedrock_server.say,
        "cut off": lambda filled: bedrock_server.stop(filled, "max_tokens"),
        "refuse": lambda: bedrock_server.say("no", reason="content_filtered"),
        "too long": lambda: bedrock_server.fail(
            "ValidationException", f"Input is too long for requested model: {SECRET}"
        ),
        "busy": lambda: bedrock_server.fail("ThrottlingException", f"Too many: {SECRET}"),
        "down": lambda: bedrock_server.fail("ServiceUnavailableException", SECRET),
        "no access": lambda: bedrock_server.fail("AccessDeniedException", SECRET),
        "garble": bedrock_server.garble,
        "reset": lambda: bedrock_server.reset,
    }
    with running_bedrock() as server, bedrock_client(server.address, seconds=seconds) as client:
        yield Served(BedrockLanguageModel(client, model=model, **options), server, scripts)


@contextmanager
def openai(
    *,
    model: str = openai_server.CHAT_MODEL,
    seconds: float = 10,
    key: str = openai_server.KEY,
    **options: Any,  # noqa: ANN401 - how the model is made
) -> Iterator[Served]:
    scripts = {
        "fill": lambda filled: openai_server.used(json.dumps(filled)),
        "say": openai_server.said,
        "cut off": lambda filled: openai_server.used(json.dumps(filled), reason="length"),
        "refuse": lambda: openai_server.said(None, refusal="no"),
        "too long": lambda: openai_server.refused(f"maximum context length is 9: {SECRET}"),
        "busy": lambda: openai_server.refused(SECRET, 429),
        "down": lambda: openai_server.refused(SECRET, 503),
        "no access": lambda: openai_server.refused(SECRET, 403),
        "garble": lambda content: lambda _: (200, content),
        "reset": lambda: openai_server.reset,
    }
    with (
        running_server() as server,
        openai_client(server.url, key=key, seconds=seconds) as client,
    ):
        yield Served(OpenAILanguageModel(client, model=model, **options), server, scripts)


def refused(served: Served, kind: type[Exception] = UnavailableError) -> str:
    said = refusal(served, kind)
    assert said.startswith(f"The language model {served.model.model} ")
    return said
