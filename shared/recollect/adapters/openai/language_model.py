"""Answers of any chat model with an OpenAI-compatible `/chat/completions` endpoint."""

import base64
import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict

from recollect.adapters.openai.errors import openai_errors
from recollect.domain.errors import InvalidRequestError
from recollect.ports.models import Form, Image, PromptTurn, Reply, Usage

MAX_TOKENS = 4_096
"""Some 60 facts; small models ramble on for ever without a limit."""
MAX_TRIES = 3
"""Once as the protocol says, and once more for each of the two things a server may not know."""

_UNSUPPORTED = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.NOT_IMPLEMENTED,
    }
)
"""How servers refuse a parameter; which one it was is in the text."""
_TOO_LONG = ("context_length_exceeded", "maximum context length", "context size")


class _Lenient(BaseModel):
    # Never quotes the input in an error: answers do not belong in logs.
    model_config = ConfigDict(hide_input_in_errors=True)


class _Function(_Lenient):
    arguments: str | dict[str, Any]
    """Text by the protocol; some servers write the object itself."""


class _ToolCall(_Lenient):
    function: _Function


class _Message(_Lenient):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(_Lenient):
    message: _Message
    finish_reason: str | None = None


class _Spent(_Lenient):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Answer(_Lenient):
    choices: list[_Choice]
    usage: _Spent | None = None


class OpenAILanguageModel:
    """Asks a chat model behind an OpenAI-compatible server.

    The model is given the form as the only tool and required to use one. A server that refuses
    tools is asked again for plain JSON, each time; one that calls the limit
    `max_completion_tokens` is asked again with that, once. `temperature` is sent only if it is
    given. `client` brings the base URL (up to and including `/v1`), the key and the time limits,
    and is closed by whoever made it. Threads can share one object.
    """

    def __init__(
        self,
        client: httpx.Client,
        *,
        model: str,
        max_tokens: int = MAX_TOKENS,
        temperature: float | None = None,
    ) -> None:
        self._client = client
        self._name = model
        self._max_tokens = max_tokens
        self._options = {} if temperature is None else {"temperature": temperature}
        self._limit = "max_tokens"

    @property
    def model(self) -> str:
        """Name of the model, as it is configured."""
        return self._name

    def ask(self, system: str, turns: Sequence[PromptTurn], form: Form) -> Reply:
        """Return what the model wrote into the form, or beside it if it did not use it.

        Raises `InvalidRequestError` when the model refuses or what is asked is too long, and
        `UnavailableError` when the server cannot be reached in time or refuses.
        """
        with openai_errors(
            f"The language model {self._name}",
            setting="RECOLLECT_CHAT_MODEL",
            expected="a chat completion",
        ):
            response = self._response(system, turns, form).raise_for_status()
            answer = _Answer.model_validate_json(response.content)
        return self._reply(answer)

    def _response(self, system: str, turns: Sequence[PromptTurn], form: Form) -> httpx.Response:
        has_tools = True
        for _ in range(MAX_TRIES):
            body = self._body(system, turns, form, has_tools=has_tools)
            response = self._client.post("chat/completions", json=body)
            if response.status_code not in _UNSUPPORTED:
                break
            unsupported = self._unsupported(response.text, body)
            if unsupported is None:
                break
            if unsupported == "tools":
                has_tools = False
            else:
                self._limit = "max_completion_tokens"
        return response

    def _unsupported(self, refusal: str, body: Mapping[str, Any]) -> str | None:
        """Return the part of the request that the server does not know, if that is what it says."""
        if any(words in refusal for words in _TOO_LONG):
            message = f"The language model {self._name} cannot read that much at once; send less"
            raise InvalidRequestError(message)
        if "max_tokens" in body and "max_completion_tokens" in refusal:
            return "max_tokens"
        if "tools" in body and "tool" in refusal.casefold():
            return "tools"
        return None

    def _body(
        self, system: str, turns: Sequence[PromptTurn], form: Form, *, has_tools: bool
    ) -> dict[str, Any]:
        told = system if has_tools else f"{system}\n\n{_as_json(form)}"
        said = [{"role": turn.role, "content": _content(turn)} for turn in turns]
        return {
            "model": self._name,
            "messages": [{"role": "system", "content": told}, *said],
            self._limit: self._max_tokens,
            **self._options,
            **(_tool(form) if has_tools else {}),
        }

    def _reply(self, answer: _Answer) -> Reply:
        spent = answer.usage or _Spent()
        usage = Usage(1, spent.prompt_tokens, spent.completion_tokens)
        if not answer.choices:
            return Reply("", usage)
        choice = answer.choices[0]
        if choice.message.refusal or choice.finish_reason == "content_filter":
            message = f"The language model {self._name} refuses to answer this"
            raise InvalidRequestError(message)
        return Reply(_written(choice.message), usage, is_cut_off=choice.finish_reason == "length")


def _tool(form: Form) -> dict[str, Any]:
    function = {"name": form.name, "description": form.purpose, "parameters": form.schema}
    # With one tool, "required" forces it as well as its name would, which LM Studio refuses.
    return {"tools": [{"type": "function", "function": function}], "tool_choice": "required"}


def _as_json(form: Form) -> str:
    schema = json.dumps(form.schema)
    return f"{form.purpose} Answer with one JSON object of this schema and nothing else: {schema}"


def _content(turn: PromptTurn) -> str | list[dict[str, Any]]:
    """Return a plain text where there is no image: not every server knows parts."""
    if not turn.images:
        return turn.text
    return [*map(_image, turn.images), {"type": "text", "text": turn.text}]


def _image(image: Image) -> dict[str, Any]:
    data = base64.b64encode(image.data).decode()
    return {"type": "image_url", "image_url": {"url": f"data:{image.media_type};base64,{data}"}}


def _written(message: _Message) -> str:
    for call in message.tool_calls or ():
        arguments = call.function.arguments
        return arguments if isinstance(arguments, str) else json.dumps(arguments)
    return message.content or ""
