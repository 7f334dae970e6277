"""The OpenAPI document: what the routers of all functions declare, in one, as clients call it."""

import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from recollect.entrypoints.caller import MAX_IDEMPOTENCY_KEY_LENGTH
from recollect.entrypoints.functions import HTTP_FUNCTIONS, MCP, load_module
from recollect.entrypoints.http import HttpApp

Json: TypeAlias = dict[str, Any]

API_VERSION = "0.1.0"
DESCRIPTION = (
    "Long-term memory for AI agents. Every path is also answered without its last slash; "
    "fields that are not declared are ignored."
)
_REFUSALS = {
    400: "The request must be changed",
    401: "The API key is missing, unknown, expired or revoked",
    403: "The API key does not open this: it may only read, or is for one entity",
    404: "There is no such thing in the key's project",
    409: "Somebody else changed it first, or it may not be changed",
    413: "The request is larger than a function can be given",
    422: "The idempotency key was used with another request",
    429: "The key or its project has used up its limit until Retry-After seconds later",
    502: "The language model answered nothing that can be used; it may do better the next time",
    503: "A dependency failed; the same call may work after Retry-After seconds",
}
_HEADERS = {
    429: ("Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"),
    502: ("Retry-After",),
    503: ("Retry-After",),
}
_IDEMPOTENT = {
    ("post", "/v1/exports"),
    ("post", "/v3/memories/add"),
    ("post", "/v1/memories"),
    ("post", "/memories"),
    ("post", "/reset"),
    ("delete", "/memories"),
    ("delete", "/entities/{entity_type}/{entity_name}"),
    ("delete", "/v1/memories"),
    ("put", "/v1/batch"),
    ("delete", "/v1/batch"),
    ("delete", "/v2/entities/{entity_type}/{entity_name}"),
    ("delete", "/api/v1/orgs/organizations/{org_id}/projects/{project_id}"),
}
_MEMBERS = "/api/v1/orgs/organizations/{org_id}/projects/{project_id}/members"
_CONTESTED = {
    ("delete", "/api/v1/orgs/organizations/{org_id}/projects/{project_id}"),
    ("put", "/v1/batch"),
    ("post", "/v1/exports/get"),
    ("put", "/v1/memories/{memory_id}"),
    ("delete", "/v1/memories/{memory_id}"),
    ("put", "/memories/{memory_id}"),
    ("delete", "/memories/{memory_id}"),
    ("patch", "/api/v1/orgs/organizations/{org_id}/projects/{project_id}"),
    *((method, _MEMBERS) for method in ("post", "put", "delete")),
    ("post", "/api/v1/webhooks/projects/{project_id}"),
    ("put", "/api/v1/webhooks/{webhook_id}"),
    ("delete", "/api/v1/webhooks/{webhook_id}"),
    ("delete", "/v1/keys/{key_id}"),
    ("post", "/v1/keys/{key_id}/rotate"),
}
_BY_MODEL = {
    ("post", "/memories"),
    ("post", "/v1/exports"),
    ("post", "/v1/memories"),
    ("post", "/v1/summary"),
    ("post", "/v3/memories/add"),
}
_NAMED_IN_BODY = {("post", "/v1/exports/get"), ("put", "/v1/batch"), ("delete", "/v1/batch")}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A repeated request with the same key is answered by the first one's job.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_IDEMPOTENCY_KEY_LENGTH},
}
_SECURITY = {
    "type": "apiKey",
    "in": "header",
    "name": "Authorization",
    "description": "`Token m0-...`; `Bearer` is read, too.",
}
_ERROR = {
    "title": "Error",
    "description": "Why a request was refused: one text under the three names clients look for.",
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("detail", "error", "message")},
    "required": ["detail", "error", "message"],
}


def openapi_document(apps: Iterable[HttpApp]) -> Json:
    """Return the OpenAPI 3.1 document of these routers together.

    Raises `ValueError` if two of them give one name to different schemas.
    """
    paths: dict[str, Json] = {}
    schemas: dict[str, Json] = {"Error": _ERROR}
    for app in apps:
        part = app.get_openapi_schema(title="Recollect", version=API_VERSION)
        declared = part.model_dump(by_alias=True, exclude_none=True, mode="json")
        for path, operations in declared["paths"].items():
            for method, operation in operations.items():
                _complete(operation, method, path)
            paths.setdefault(f"{path}/", {}).update(operations)
        _merge(schemas, declared["components"]["schemas"])
    return {
        "openapi": "3.1.0",
        "info": {"title": "Recollect", "version": API_VERSION, "description": DESCRIPTION},
        "servers": [{"url": "http://127.0.0.1:8080", "description": "The local edition"}],
        "security": [{"key": []}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(_used(schemas, paths).items())),
            "securitySchemes": {"key": _SECURITY},
        },
    }


def openapi_text() -> str:
    """Return the document of the functions in this repository, as it is committed."""
    # What speaks MCP describes itself in that protocol.
    apps = [load_module(name).app for name in HTTP_FUNCTIONS if name != MCP]
    return json.dumps(openapi_document(apps), indent=2, ensure_ascii=False) + "\n"


def _complete(operation: Json, method: str, path: str) -> None:
    """Add what Powertools cannot know: short ids, our refusals, the idempotency key."""
    suffix = f"{re.sub(r'[^a-zA-Z0-9]', '_', path)}_{method}"
    operation["operationId"] = operation["operationId"].removesuffix(suffix)
    [(success, answer)] = (
        each for each in operation["responses"].items() if each[0].startswith("2")
    )
    operation["responses"] = {
        success: {**answer, "description": "Done"},
        **{str(status): _refusal(status) for status in _statuses(operation, method, path)},
    }
    if (method, path) in _IDEMPOTENT:
        operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)


def _statuses(operation: Mapping[str, Any], method: str, path: str) -> list[int]:
    names = {parameter["name"] for parameter in operation.get("parameters", [])}
    may_miss = "{" in path or "page" in names
    possible = {
        404: may_miss or (method, path) in _NAMED_IN_BODY,
        409: (method, path) in _CONTESTED,
        422: (method, path) in _IDEMPOTENT,
        502: (method, path) in _BY_MODEL,
    }
    return [status for status in _REFUSALS if possible.get(status, True)]


def _refusal(status: int) -> Json:
    schema = {"$ref": "#/components/schemas/Error"}
    answer: Json = {
        "description": _REFUSALS[status],
        "content": {"application/json": {"schema": schema}},
    }
    if status in _HEADERS:
        answer["headers"] = {name: {"schema": {"type": "string"}} for name in _HEADERS[status]}
    return answer


def _merge(schemas: dict[str, Json], more: Mapping[str, Json]) -> None:
    for name, schema in more.items():
        if schemas.setdefault(name, schema) != schema:
            message = f"Two functions give the name {name} to different schemas"
            raise ValueError(message)


def _used(schemas: Mapping[str, Json], paths: Mapping[str, Json]) -> dict[str, Json]:
    """Return the schemas that operations refer to: Powertools' own error models are left."""
    used: dict[str, Json] = {}
    waiting = _references(paths)
    while waiting:
        name = waiting.pop()
        if name not in used:
            used[name] = schemas[name]
            waiting |= _references(schemas[name])
    return used


def _references(part: Mapping[str, Any]) -> set[str]:
    return set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(part)))


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(openapi_text(), encoding="utf-8")
