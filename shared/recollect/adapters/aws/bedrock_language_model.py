"""Answers of any chat model on Bedrock, through Converse and a tool that the model has to use."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from recollect.adapters.aws.bedrock import Named, bedrock_errors
from recollect.domain.errors import InvalidRequestError, UnavailableError
from recollect.ports.models import Form, Image, PromptTurn, Reply, Usage

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient
    from mypy_boto3_bedrock_runtime.type_defs import ConverseResponseTypeDef

MAX_TOKENS = 4_096
"""Some 60 facts. It is always sent: the quota is charged with it when a call begins, and with the
model's own limit, which is far higher, when it is left out."""

_CUT_OFF = frozenset({"max_tokens"})
_REFUSED = frozenset({"content_filtered", "guardrail_intervened"})
_TOO_LONG = frozenset({"model_context_window_exceeded"})


class BedrockLanguageModel:
    """Asks a chat model on Bedrock, named by the id or ARN of a model or inference profile.

    `temperature` and `top_p` are sent only if they are given: newer models refuse them. Threads
    can share one object; `client` is made with `client_config`, which retries throttled calls.
    """

    def __init__(
        self,
        client: "BedrockRuntimeClient",
        *,
        model: str,
        max_tokens: int = MAX_TOKENS,
        temperature: float | None = None,
        top_p: float | None = None,
    ) -> None:
        self._client = client
        self._id = model
        chosen = {"maxTokens": max_tokens, "temperature": temperature, "topP": top_p}
        self._limits = {name: value for name, value in chosen.items() if value is not None}
        self._named = Named("language model", model, "RECOLLECT_CHAT_MODEL")

    @property
    def model(self) -> str:
        """Name of the model, as it is configured."""
        return self._id

    def ask(self, system: str, turns: Sequence[PromptTurn], form: Form) -> Reply:
        """Return what the model wrote into the form, or beside it if it did not use it.

        Raises `InvalidRequestError` when the model or a guardrail refuses, or what is asked is
        too long, and `UnavailableError` when the model cannot be reached, is busy, or may not be
        used.
        """
        request = _request(self._id, system, turns, form, self._limits)
        with bedrock_errors(self._named):
            response = self._client.converse(**request)
        try:
            return self._reply(response)
        except KeyError as error:
            message = f"{self._named} did not answer in Bedrock's format"
            raise UnavailableError(message) from error

    def _reply(self, response: "ConverseResponseTypeDef") -> Reply:
        reason = response["stopReason"]
        if reason in _REFUSED:
            message = f"{self._named} refuses to answer this ({reason})"
            raise InvalidRequestError(message)
        if reason in _TOO_LONG:
            message = f"{self._named} cannot read that much at once; send less"
            raise InvalidRequestError(message)
        spent = response["usage"]
        usage = Usage(1, spent["inputTokens"], spent["outputTokens"])
        return Reply(_written(response), usage, is_cut_off=reason in _CUT_OFF)


def _request(
    model: str,
    system: str,
    turns: Sequence[PromptTurn],
    form: Form,
    limits: Mapping[str, float],
) -> Any:  # noqa: ANN401 - the types of its parts are deeper than they are helpful
    tool = {
        "name": form.name,
        "description": form.purpose,
        "inputSchema": {"json": form.schema},
    }
    return {
        "modelId": model,
        "system": [{"text": system}],
        "messages": [{"role": turn.role, "content": _content(turn)} for turn in turns],
        "inferenceConfig": limits,
        "toolConfig": {
            "tools": [{"toolSpec": tool}],
            "toolChoice": {"tool": {"name": form.name}},
        },
    }


def _content(turn: PromptTurn) -> list[dict[str, Any]]:
    return [*map(_image, turn.images), {"text": turn.text}]


def _image(image: Image) -> dict[str, Any]:
    kind = image.media_type.removeprefix("image/")
    return {"image": {"format": kind, "source": {"bytes": image.data}}}


def _written(response: "ConverseResponseTypeDef") -> str:
    """Return the form as JSON; what was said instead if the model did not fill it in.

    That is also what comes of the stop reasons `malformed_tool_use` and `malformed_model_output`.
    """
    blocks = response["output"]["message"]["content"]
    for block in blocks:
        if "toolUse" in block:
            return json.dumps(block["toolUse"]["input"], ensure_ascii=False)
    return "\n".join(block["text"] for block in blocks if "text" in block)
