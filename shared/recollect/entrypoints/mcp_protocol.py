"""The Model Context Protocol over HTTP without sessions: one message in, at most one out.

`mcp_types` has the messages of every version. Versions up to 2025-11-25 begin with a handshake,
of which nothing is kept here; from 2026-07-28 on each request tells all by itself. What this says
of statuses and headers is the specification's "Transports", "Streamable HTTP".
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from mcp_types import (
    CLIENT_CAPABILITIES_META_KEY,
    DEFAULT_NEGOTIATED_VERSION,
    HEADER_MISMATCH,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    PROTOCOL_VERSION_META_KEY,
    SERVER_INFO_META_KEY,
    UNSUPPORTED_PROTOCOL_VERSION,
    CallToolResult,
    DiscoverResult,
    EmptyResult,
    Implementation,
    InitializeResult,
    JSONRPCError,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    ListToolsResult,
    Result,
    ServerCapabilities,
    Tool,
    ToolsCapability,
)
from mcp_types.jsonrpc import ErrorData
from mcp_types.methods import serialize_server_result, validate_client_request
from mcp_types.version import (
    HANDSHAKE_PROTOCOL_VERSIONS,
    LATEST_HANDSHAKE_VERSION,
    MODERN_PROTOCOL_VERSIONS,
)
from pydantic import BaseModel, ValidationError

from recollect.domain.errors import InvalidRequestError
from recollect.entrypoints.bodies import parse_json

Params: TypeAlias = Mapping[str, Any]
Headers: TypeAlias = Mapping[str, str]

VERSION_HEADER = "mcp-protocol-version"
METHOD_HEADER = "mcp-method"
NAME_HEADER = "mcp-name"
CALL = "tools/call"
OK, ACCEPTED, BAD_REQUEST, NOT_FOUND = 200, 202, 400, 404


@dataclass(frozen=True)
class Reply:
    """What goes back: a status, and a message unless a notification was taken note of."""

    status: int
    body: Mapping[str, Any] | None = None

    @property
    def text(self) -> str:
        """The message as it is sent; empty if there is none."""
        return "" if self.body is None else as_json(self.body)


class McpError(Exception):
    """What the protocol itself refuses; tools refuse in their results."""

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data

    def reply(self, message_id: int | str | None, *, is_modern: bool) -> Reply:
        """Return it as the answer to a message, the id of which is None if it had none.

        In versions with a handshake a refused request is still a 200.
        """
        error = ErrorData(code=self.code, message=str(self), data=self.data)
        body = _dumped(JSONRPCError(jsonrpc="2.0", id=message_id, error=error))
        status = NOT_FOUND if self.code == METHOD_NOT_FOUND else BAD_REQUEST
        is_refused = is_modern or message_id is None or self.code == UNSUPPORTED_PROTOCOL_VERSION
        return Reply(status if is_refused else OK, {**body, "id": message_id})


@dataclass(frozen=True, kw_only=True)
class McpServer:
    """Answers messages of clients, each by itself.

    `declarations` tells of the tools that the caller may call, and `call` calls one: it raises
    `McpError` for a name that it does not know.
    """

    name: str
    version: str
    instructions: str
    declarations: Callable[[], list[Tool]]
    call: Callable[[str, Params], CallToolResult]

    def __call__(self, text: str, headers: Headers) -> Reply:
        """Return the answer to the body of a POST with these headers, in lower case.

        Batches, which one version of the protocol had, are refused.
        """
        version = headers.get(VERSION_HEADER, DEFAULT_NEGOTIATED_VERSION)
        message_id: int | str | None = None
        try:
            message = _message(text)
            if isinstance(message, JSONRPCNotification):
                _check_version(version)
                return Reply(ACCEPTED)
            message_id = message.id
            result = self._result(message, version, headers)
        except McpError as error:
            return error.reply(message_id, is_modern=version in MODERN_PROTOCOL_VERSIONS)
        return Reply(OK, _dumped(JSONRPCResponse(jsonrpc="2.0", id=message_id, result=result)))

    def _result(self, message: JSONRPCRequest, version: str, headers: Headers) -> dict[str, Any]:
        params = message.params or {}
        is_modern = version in MODERN_PROTOCOL_VERSIONS
        if is_modern:
            _check_envelope(message, version, headers)
        _check_version(version)
        _check_request(message, version)
        result = _dumped(self._answer(message.method, params, version))
        if message.method == "initialize":
            version = str(result["protocolVersion"])
        answer = serialize_server_result(message.method, version, result)
        return self._signed(answer) if is_modern else answer

    def _answer(self, method: str, params: Params, version: str) -> Result:
        answers: Mapping[str, Callable[[], Result]] = {
            "initialize": lambda: self._initialize(params),
            "ping": EmptyResult,
            "server/discover": self._discover,
            "tools/list": lambda: ListToolsResult(tools=self.declarations()),
            CALL: lambda: self.call(params["name"], params.get("arguments") or {}),
        }
        if method not in answers:
            raise _unknown_method(method, version)
        return answers[method]()

    def _initialize(self, params: Params) -> InitializeResult:
        wanted = params["protocolVersion"]
        is_known = wanted in HANDSHAKE_PROTOCOL_VERSIONS
        return InitializeResult(
            protocol_version=wanted if is_known else LATEST_HANDSHAKE_VERSION,
            capabilities=_capabilities(),
            server_info=self._info,
            instructions=self.instructions,
        )

    def _discover(self) -> DiscoverResult:
        return DiscoverResult(
            supported_versions=list(MODERN_PROTOCOL_VERSIONS),
            capabilities=_capabilities(),
            instructions=self.instructions,
        )

    def _signed(self, result: dict[str, Any]) -> dict[str, Any]:
        meta = {SERVER_INFO_META_KEY: _dumped(self._info), **(result.get("_meta") or {})}
        return {**result, "_meta": meta}

    @property
    def _info(self) -> Implementation:
        return Implementation(name=self.name, version=self.version)


def _message(text: str) -> JSONRPCRequest | JSONRPCNotification:
    """Return the one message of a body; raise `McpError`. What has no id wants no answer."""
    try:
        body = parse_json(text)
    except InvalidRequestError as error:
        raise McpError(PARSE_ERROR, str(error)) from error
    try:
        kind = JSONRPCRequest if "id" in body else JSONRPCNotification
        return kind.model_validate(body)
    except ValidationError as error:
        message = "The body must be one JSON-RPC request or notification"
        raise McpError(INVALID_REQUEST, message) from error


def _check_version(version: str) -> None:
    if version not in {*HANDSHAKE_PROTOCOL_VERSIONS, *MODERN_PROTOCOL_VERSIONS}:
        data = {"supported": list(MODERN_PROTOCOL_VERSIONS), "requested": version}
        raise McpError(UNSUPPORTED_PROTOCOL_VERSION, "Unsupported protocol version", data)


def _check_envelope(message: JSONRPCRequest, version: str, headers: Headers) -> None:
    """Raise `McpError` unless the request tells all, and its headers say the same as its body."""
    params = message.params or {}
    meta = params.get("_meta")
    for key in (PROTOCOL_VERSION_META_KEY, CLIENT_CAPABILITIES_META_KEY):
        if not isinstance(meta, dict) or key not in meta:
            raise McpError(INVALID_PARAMS, f"params._meta has no {key}")
    same = {
        VERSION_HEADER: (version, meta[PROTOCOL_VERSION_META_KEY]),  # type: ignore[index]
        METHOD_HEADER: (headers.get(METHOD_HEADER), message.method),
    }
    if message.method == CALL:
        same[NAME_HEADER] = (headers.get(NAME_HEADER), params.get("name"))
    for name, (told, meant) in same.items():
        if told != meant:
            raise McpError(HEADER_MISMATCH, f"The header {name} does not say what the body does")


def _check_request(message: JSONRPCRequest, version: str) -> None:
    try:
        validate_client_request(message.method, version, message.params)
    except KeyError as error:
        raise _unknown_method(message.method, version) from error
    except ValidationError as error:
        raise McpError(INVALID_PARAMS, "Invalid request parameters") from error


def _unknown_method(method: str, version: str) -> McpError:
    return McpError(METHOD_NOT_FOUND, f"Version {version} has no such method here", method)


def _capabilities() -> ServerCapabilities:
    return ServerCapabilities(tools=ToolsCapability())


def _dumped(message: BaseModel) -> dict[str, Any]:
    return message.model_dump(by_alias=True, mode="json", exclude_none=True)


def as_json(value: object) -> str:
    """Return a value as short JSON that keeps every character."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
