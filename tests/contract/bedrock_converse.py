"""Chat models behind Converse: what the service refuses, and answers in its shapes."""

import base64
import binascii
import re
from functools import cache

from botocore.model import ServiceModel
from botocore.session import get_session
from botocore.validate import ParamValidator

from tests.contract.bedrock_errors import UNKNOWN_MODEL, BedrockError
from tests.contract.simple_mind import fill_in
from tests.contract.stand_in import Body

IMAGES = {"png": b"\x89PNG", "jpeg": b"\xff\xd8\xff", "gif": b"GIF8", "webp": b"RIFF"}
"""How files of the formats begin."""
PROFILE_ONLY = re.compile(r"anthropic\.claude-(?:haiku|sonnet|opus)-[45]|amazon\.nova-2")
WITHOUT_TEMPERATURE = re.compile(r"anthropic\.claude-(?:haiku|sonnet|opus)-5")
WITHOUT_FORCED_TOOLS = re.compile(r"meta\.|deepseek\.")
_CHAT_MODEL = re.compile(
    r"(?:^|[./])(?:anthropic|amazon|meta|mistral|openai|google|deepseek|qwen)\.[a-z]"
)


@cache
def service() -> ServiceModel:
    """Return botocore's own model of the service."""
    return get_session().get_service_model("bedrock-runtime")


def check(model: str, body: Body) -> None:
    """Raise `BedrockError` for what the service would refuse."""
    request = {"modelId": model, **body}
    report = ParamValidator().validate(request, service().shape_for("ConverseRequest"))
    if report.has_errors():
        _refuse(report.generate_report())
    _check_model(model, body)
    _check_messages(body["messages"])
    _check_tools(model, body["toolConfig"])


def converse(model: str, body: Body) -> Body:  # noqa: ARG001 - every model is as simple
    """Return the answer of a simple mind: the required tool filled in."""
    text = "\n".join(
        block["text"]
        for message in body["messages"]
        for block in message["content"]
        if "text" in block
    )
    name = body["toolConfig"]["toolChoice"]["tool"]["name"]
    return used(name, fill_in(name, text), asked=text)


def used(name: str, filled: object, *, reason: str = "tool_use", asked: str = "") -> Body:
    """Return an answer that uses a tool."""
    block = {"toolUse": {"toolUseId": "tooluse_made-up", "name": name, "input": filled}}
    return answered([block], reason, asked=asked)


def answered(blocks: list[Body], reason: str, *, asked: str = "") -> Body:
    """Return an answer of these blocks; a token is four characters."""
    read, written = len(asked) // 4, len(str(blocks)) // 4
    return {
        "output": {"message": {"role": "assistant", "content": blocks}},
        "stopReason": reason,
        "usage": {"inputTokens": read, "outputTokens": written, "totalTokens": read + written},
        "metrics": {"latencyMs": 1},
    }


def _refuse(message: str) -> None:
    raise BedrockError(message)


def _check_model(model: str, body: Body) -> None:
    if not _CHAT_MODEL.search(model):
        _refuse(UNKNOWN_MODEL)
    if PROFILE_ONLY.match(model):
        _refuse(
            f"Invocation of model ID {model} with on-demand throughput isn\u2019t supported. Retry"
            " your request with the ID or ARN of an inference profile that contains this model."
        )
    limits = body.get("inferenceConfig", {})
    said = "The model returned the following errors: "
    if "temperature" in limits and WITHOUT_TEMPERATURE.search(model):
        _refuse(f"{said}`temperature` is deprecated for this model.")
    if "maxTokens" not in limits:
        # Not an error of the service: it would reserve the model's own limit of the quota.
        _refuse("This stand-in wants maxTokens in every request")


def _check_messages(messages: list[Body]) -> None:
    roles = [message["role"] for message in messages]
    if not roles or roles != [("user", "assistant")[place % 2] for place in range(len(roles))]:
        _refuse("A conversation must start with a user message, and roles must alternate.")
    if roles[-1] != "user":
        _refuse("The conversation must end with a user message.")
    for place, message in enumerate(messages):
        for number, block in enumerate(message["content"]):
            _check_block(block, f"messages.{place}.content.{number}")


def _check_block(block: Body, where: str) -> None:
    if not block.get("text", "-").strip():
        _refuse(f"The text field in the ContentBlock object at {where} is blank.")
    if "image" in block:
        _check_image(block["image"], where)


def _check_image(image: Body, where: str) -> None:
    try:
        data = base64.b64decode(image["source"]["bytes"], validate=True)
    except binascii.Error:
        data = b""
    if not data.startswith(IMAGES.get(image["format"], b"no such format")):
        _refuse(f"The model returned the following errors: {where}: Could not process image")


def _check_tools(model: str, tools: Body) -> None:
    names = [tool["toolSpec"]["name"] for tool in tools["tools"]]
    choice = tools.get("toolChoice", {}).get("tool", {}).get("name")
    if choice not in names:
        _refuse(f"The tool {choice} is not among the tools of the request")
    if WITHOUT_FORCED_TOOLS.search(model):
        _refuse("This model doesn't support the toolConfig.toolChoice.tool field.")
    for tool in tools["tools"]:
        schema = tool["toolSpec"]["inputSchema"]["json"]
        if schema.get("type") != "object" or schema.keys() - {"type", "properties", "required"}:
            _refuse("The value at toolConfig.tools.0.toolSpec.inputSchema.json is not allowed")
