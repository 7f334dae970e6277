"""Who sends generated requests: a project of its own over real HTTP, and what it has there."""

import json
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import requests
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from recollect import bootstrap
from recollect.domain.webhooks import MAX_WEBHOOKS
from recollect.entrypoints.functions import ROOT
from recollect.testing.builders import a_scope
from tests.callers import ADD, new_id
from tests.handlers.graphs import Graph

DOCUMENT: Final[dict[str, Any]] = json.loads(
    (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")
)
OPERATIONS: Final = sum(len(operations) for operations in DOCUMENT["paths"].values())
Case: TypeAlias = schemathesis.Case[Any]
ENDS_THE_CALLER: Final = r"^/v1/keys/\{key_id\}|projects/\{project_id\}/$"
"""Paths at which a DELETE may take the caller's own key away."""
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@dataclass(frozen=True)
class Caller:
    """A project over real HTTP, whose requests can name things that are there."""

    address: str
    session: requests.Session

    def ids(self) -> dict[str, str]:
        """Return what the parameters of paths stand for: something of each kind, made anew."""
        memory = self.post(ADD, {"messages": "Ada keeps bees", "user_id": "ada", "infer": False})
        project = self.session.get(f"{self.address}/v1/ping/", timeout=30).json()["project_id"]
        return {
            "memory_id": memory["results"][0]["id"],
            "event_id": memory["event_id"],
            "job_id": memory["event_id"],
            "key_id": self.post("/v1/keys/", {})["id"],
            "org_id": project,
            "project_id": project,
            "webhook_id": self.webhook_id(project),
            "entity_id": self.entity_id(project),
            "entity_type": "user",
            "entity_name": "ada",
        }

    def webhook_id(self, project: str) -> str:
        """Return the id of a webhook, a new one while the project may have more."""
        path = f"/api/v1/webhooks/projects/{project}/"
        hook = {"url": "https://example.com/hook", "name": "hook", "event_types": ["memory_add"]}
        there = self.session.get(f"{self.address}{path}", timeout=30).json()
        made = there[0] if len(there) == MAX_WEBHOOKS else self.post(path, hook)
        return str(made["webhook_id"])

    def entity_id(self, project: str) -> str:
        """Return the id of a new entity of a user's graph, with a relation."""
        graph = Graph(bootstrap.local_store(), a_scope(project, user="ada"))
        entity = graph.entity(f"Ada {new_id()}")
        graph.relation(entity, "knows", entity)
        return entity.id

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return what is answered to a request that must succeed."""
        response = self.session.post(f"{self.address}{path}", json=body, timeout=30)
        assert response.ok, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def check(self, case: Case) -> None:
        """Send the request with a good key and check the answer."""
        case.call_and_validate(
            base_url=self.address,
            session=self.session,
            headers={"Authorization": self.session.headers["Authorization"]},
            checks=CHECKS,
        )
