"""HTTP in the words of an API Gateway HTTP API (payload format 2.0), and back.

The format is the one of the API Gateway developer guide, "Create AWS Lambda proxy integrations for
HTTP APIs".
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, unquote_to_bytes

from recollect.entrypoints.route_table import DEFAULT_ROUTE, Match

Event: TypeAlias = dict[str, Any]
Headers: TypeAlias = tuple[tuple[str, str], ...]
RawHeaders: TypeAlias = Sequence[tuple[bytes, bytes]]

LOCAL_ACCOUNT = "000000000000"
"""Stands where an AWS account's number would."""
_NOT_PASSED_ON = frozenset(
    {
        "connection",
        "cookie",
        "expect",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers of one connection (RFC 9110 section 7.6.1); and cookies, which have their own list."""
_TEXT_TYPES = {"application/javascript", "application/json", "application/xml"}
"""With `text/*` the only types whose bodies arrive as text; forms and bodies without a type arrive
in base64. The guide does not list them; https://github.com/ministackorg/ministack/pull/766 measured
them on AWS."""
_BODILESS = {204, 304}
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


class MalformedResultError(ValueError):
    """A function returned what the gateway cannot turn into an HTTP response."""


@dataclass(frozen=True)
class Response:
    """An HTTP response; header names are lower-case and may repeat."""

    status: int
    headers: Headers
    body: bytes


def decoded_path(raw: bytes) -> str:
    """Return a request's path as functions see it: decoded, so that %2F has become a slash.

    Bytes that are not UTF-8 become U+FFFD; slashes are kept as they are, repeated ones too.
    """
    return unquote_to_bytes(raw).decode(errors="replace")


def http_event(
    method: str,
    target_path_raw: bytes,
    query_string: bytes,
    headers: RawHeaders,
    body: bytes,
    *,
    source_ip: str,
    now: datetime,
    request_id: str,
    scheme: str = "http",
    match: Match | None = None,
) -> Event:
    """Return the event that a function would get for this request.

    `target_path_raw` and `query_string` are as they were sent, percent-encoded. Without a
    `match` the event says that the default route was taken.
    """
    path = decoded_path(target_path_raw)
    query = query_string.decode("latin-1")
    fields, cookies = _header_fields(headers, source_ip=source_ip, scheme=scheme)
    context = _request_context(method, path, fields, source_ip=source_ip, now=now)
    route_key = match.route_key if match else DEFAULT_ROUTE
    optional = {
        "cookies": cookies,
        "queryStringParameters": _joined(parse_qsl(query, keep_blank_values=True)),
        "pathParameters": dict(match.path_parameters) if match else {},
    }
    return {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": fields,
        "requestContext": context | {"requestId": request_id, "routeKey": route_key},
        **{name: value for name, value in optional.items() if value},
        **_body_fields(fields.get("content-type", ""), body),
    }


def http_response(result: object) -> Response:
    """Return the HTTP response for what a function returned.

    A result without a `statusCode` is the JSON body of a 200. `multiValueHeaders` belongs to
    format 1.0 and is ignored. Raises `MalformedResultError`.
    """
    if not isinstance(result, Mapping) or "statusCode" not in result:
        return _sent(200, (("content-type", "application/json"),), _inferred_body(result))
    status = result["statusCode"]
    if not isinstance(status, int) or not 200 <= status <= 599:  # noqa: PLR2004 - final statuses
        message = "statusCode must be an integer from 200 to 599"
        raise MalformedResultError(message)
    headers = _response_headers(result.get("headers"), result.get("cookies"))
    if status in _BODILESS:
        return Response(status, headers, b"")
    if not any(name == "content-type" for name, _ in headers):
        headers = (("content-type", "text/plain; charset=utf-8"), *headers)
    return _sent(status, headers, _response_body(result))


def refusal(status: int, text: str) -> Response:
    """Return an error of the gateway itself, in a body that every client can read."""
    body = json.dumps({"detail": text, "error": text, "message": text}).encode()
    return _sent(status, (("content-type", "application/json"),), body)


def _sent(status: int, headers: Headers, body: bytes) -> Response:
    return Response(status, (*headers, ("content-length", str(len(body)))), body)


def _header_fields(
    headers: RawHeaders, *, source_ip: str, scheme: str
) -> tuple[dict[str, str], list[str]]:
    pairs = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers]
    cookies = [
        cookie
        for name, value in pairs
        if name == "cookie"
        for cookie in map(str.strip, value.split(";"))
        if cookie
    ]
    kept = [pair for pair in pairs if pair[0] not in _NOT_PASSED_ON]
    fields = _joined([*kept, ("x-forwarded-for", source_ip)])
    return fields | {"x-forwarded-proto": scheme}, cookies


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: ",".join(several) for name, several in values.items()}


def _request_context(
    method: str, path: str, fields: Mapping[str, str], *, source_ip: str, now: datetime
) -> Event:
    domain = re.sub(r":\d*$", "", fields.get("host", "localhost"))
    return {
        "accountId": LOCAL_ACCOUNT,
        "apiId": "local",
        "domainName": domain,
        "domainPrefix": domain.split(".")[0],
        "http": {
            "method": method,
            "path": path,
            "protocol": "HTTP/1.1",
            "sourceIp": source_ip,
            "userAgent": fields.get("user-agent", ""),
        },
        "stage": "$default",
        "time": now.astimezone(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": round(now.timestamp() * 1000),
    }


def _body_fields(content_type: str, body: bytes) -> Event:
    if not body:
        return {"isBase64Encoded": False}
    if _is_text(content_type):
        with suppress(UnicodeDecodeError):
            return {"body": body.decode(), "isBase64Encoded": False}
    return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def _is_text(content_type: str) -> bool:
    media_type, *parameters = (part.strip() for part in content_type.lower().split(";"))
    charsets = {part[8:].strip('"') for part in parameters if part.startswith("charset=")}
    return (media_type.startswith("text/") or media_type in _TEXT_TYPES) and charsets <= {"utf-8"}


def _inferred_body(result: object) -> bytes:
    try:
        text = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
        return text.encode()
    except (TypeError, ValueError) as error:
        message = "The result is not JSON"
        raise MalformedResultError(message) from error


def _response_headers(headers: object, cookies: object) -> Headers:
    if not isinstance(headers, Mapping | None) or not isinstance(cookies, list | tuple | None):
        message = "headers must be an object and cookies a list"
        raise MalformedResultError(message)
    pairs = [*(headers or {}).items(), *(("set-cookie", cookie) for cookie in cookies or ())]
    for name, value in pairs:
        if not _is_header(name, value):
            message = f"The header {name!r} or its value cannot be sent"
            raise MalformedResultError(message)
    # The length is the gateway's to say, and the connection is its own.
    unsent = _NOT_PASSED_ON | {"content-length"}
    return tuple((name.lower(), value) for name, value in pairs if name.lower() not in unsent)


def _is_header(name: object, value: object) -> bool:
    if not (isinstance(name, str) and isinstance(value, str)):
        return False
    return bool(_HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value))


def _response_body(result: Mapping[str, object]) -> bytes:
    body = result.get("body") or ""
    if isinstance(body, str):
        with suppress(ValueError):
            is_encoded = result.get("isBase64Encoded")
            return base64.b64decode(body, validate=True) if is_encoded else body.encode()
    message = "body must be text, or base64 if isBase64Encoded says so"
    raise MalformedResultError(message)
