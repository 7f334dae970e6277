"""Every operation of the HTTP API, as its document declares it, with a request that is good."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import httpx

from recollect.entrypoints.functions import ROOT, routes

Json: TypeAlias = dict[str, Any]

DOCUMENT: Json = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
SCHEMAS: Json = DOCUMENT["components"]["schemas"]
USUAL: Mapping[str, object] = {
    "custom_instructions": "taken over",
    "event_types": ["memory_add"],
    "feedback": "POSITIVE",
    "infer": False,
    "messages": "Somebody was here",
    "name": "somebody",
    "operation": "trigger",
    "query": "Who hides what in the attic?",
    "role": "READER",
    "schema": {"type": "object", "properties": {"name": {"type": "string"}}},
    "text": "taken over",
    "threshold": 0.0,
    "url": "https://hooks.example.com/memories",
}
"""What fields are sent with, wherever an operation has them."""
OUTRIGHT = {200, 201}
GOOD = {
    "POST /v1/exports/": {400},
    "POST /v1/exports/get/": {404},
    "GET /v2/profiles/jobs/{job_id}/": {404},
    "POST /api/v1/orgs/organizations/{org_id}/projects/{project_id}/members/": {409},
    "POST /v1/agents/": {400},
    "POST /v1/apps/": {400},
    "POST /v1/runs/": {400},
    "DELETE /v1/entities/{entity_type}/{entity_id}/": {400},
}
"""What is answered instead: no language model writes exports, there are no profiles, whoever is
asked to be a member is one, who is named is a user, and no entity has a number for an id."""


@dataclass(frozen=True)
class Operation:
    """One operation of the document, and the function that serves it."""

    method: str
    path: str
    function: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def declared(self) -> Json:
        """The document's description of it."""
        operation: Json = DOCUMENT["paths"][self.path][self.method.lower()]
        return operation

    @property
    def query_names(self) -> set[str]:
        return {each["name"] for each in self._parameters if each["in"] == "query"}

    @property
    def path_names(self) -> set[str]:
        return {each["name"] for each in self._parameters if each["in"] == "path"}

    @property
    def body_schema(self) -> Json | None:
        body = self.declared.get("requestBody")
        return body and _resolved(body["content"]["application/json"]["schema"])

    def body(self, values: Mapping[str, object]) -> Json | None:
        """Return a body with these values, as far as it has such fields; None if it has none."""
        schema = self.body_schema
        return None if schema is None else _example_of(schema, {**USUAL, **values})

    def sent(
        self,
        client: httpx.Client,
        values: Mapping[str, object],
        *,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, object] | None = None,
    ) -> httpx.Response:
        """Send the operation with these values, and with more in its body and query.

        Raises `KeyError` for a parameter of the path that nobody has said a value for.
        """
        filled = self.path.format(**{name: values[name] for name in self.path_names})
        asked = {name: values[name] for name in self.query_names & values.keys()}
        content = self.body(values)
        if content is not None:
            content = {**content, **(body or {})}
        return client.request(
            self.method, filled, json=content, params={**_texts(asked), **_texts(query or {})}
        )

    @property
    def _parameters(self) -> list[Json]:
        parameters: list[Json] = self.declared.get("parameters", [])
        return parameters


def _operation(method: str, path: str) -> Operation:
    match = routes().route(method, path.replace("{", "").replace("}", ""))
    assert match, f"{method} {path}"
    return Operation(method, path, match.function)


OPERATIONS = [
    _operation(method.upper(), path)
    for path, operations in DOCUMENT["paths"].items()
    for method in operations
]


def assert_good(operation: Operation, answer: httpx.Response) -> None:
    """Assert that a request was answered as one who may make it is answered."""
    assert answer.status_code in GOOD.get(str(operation), OUTRIGHT), answer.text


def _texts(values: Mapping[str, object]) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in values.items()
    }


def _resolved(schema: Json) -> Json:
    reference = schema.get("$ref")
    return SCHEMAS[reference.rpartition("/")[2]] if reference else schema


def _example_of(schema: Json, values: Mapping[str, object]) -> Json:
    properties, required = schema.get("properties", {}), set(schema.get("required", ()))
    return {
        name: values[name] if name in values else _example(part, values)
        for name, part in properties.items()
        if name in required | values.keys()
    }


def _example(schema: Json, values: Mapping[str, object]) -> object:
    """Return a value for a field of which nothing is known but its schema."""
    schema = _resolved(schema)
    for name in ("const", "default"):
        if name in schema:
            return schema[name]
    choices = schema.get("enum") or schema.get("examples")
    if choices:
        return choices[0]
    if "anyOf" in schema:
        return _example(schema["anyOf"][0], values)
    if schema["type"] == "object":
        return _example_of(schema, values)
    if schema["type"] == "array":
        return [_example(schema["items"], values)]
    return {"string": "a text", "integer": 1, "number": 1.0, "boolean": True}[schema["type"]]
