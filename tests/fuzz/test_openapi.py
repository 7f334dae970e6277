"""Generated requests, right and wrong: no 5xx, and every answer is as the document says."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from recollect import bootstrap
from recollect.entrypoints.functions import ROOT
from recollect.testing.builders import a_scope
from tests.callers import ADD, LiveService, credentials, new_id
from tests.handlers.graphs import Graph

DOCUMENT: dict[str, Any] = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
API = schemathesis.openapi.from_dict(DOCUMENT)
WELL_MEANT = schemathesis.openapi.from_dict(DOCUMENT)
"""Only what the document allows, at random: the other has all that it forbids, systematically."""
for _api in (API, WELL_MEANT):
    _api.config.generation.with_security_parameters = False  # test_keys.py is about keys
WELL_MEANT.config.phases.coverage.enabled = False
WELL_MEANT.config.generation.modes = [schemathesis.GenerationMode.POSITIVE]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
Case: TypeAlias = schemathesis.Case[Any]
OPERATIONS = sum(len(operations) for operations in DOCUMENT["paths"].values())
FEW, MANY = 15, 5_000 // OPERATIONS + 1
SLOWLY = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@dataclass(frozen=True)
class Caller:
    """A project over real HTTP, whose paths can name things that are there."""

    address: str
    session: requests.Session

    def ids(self) -> dict[str, str]:
        """Return ids of a memory, its job, a key, the project itself and an entity of its graph."""
        body: dict[str, Any] = {"messages": "Ada keeps bees", "user_id": "ada", "infer": False}
        added = self.session.post(f"{self.address}{ADD}", json=body, timeout=30).json()
        key = self.session.post(f"{self.address}/v1/keys/", json={}, timeout=30).json()
        project = self.session.get(f"{self.address}/v1/ping/", timeout=30).json()
        return {
            "memory_id": added["results"][0]["id"],
            "event_id": added["event_id"],
            "key_id": key["id"],
            "org_id": project["org_id"],
            "project_id": project["project_id"],
            "entity_id": self.entity_id(project["project_id"]),
        }

    def entity_id(self, project: str) -> str:
        """Return the id of a new entity of a user's graph, with a relation."""
        graph = Graph(bootstrap.local_store(), a_scope(project, user="ada"))
        entity = graph.entity(f"Ada {new_id()}")
        graph.relation(entity, "knows", entity)
        return entity.id

    def check(self, case: Case) -> None:
        """Send the request with a good key and check the answer."""
        case.call_and_validate(
            base_url=self.address,
            session=self.session,
            headers={"Authorization": self.session.headers["Authorization"]},
            checks=CHECKS,
        )


@pytest.fixture
def caller(live_service: LiveService) -> Iterator[Caller]:
    with requests.Session() as session:
        session.headers.update(credentials(live_service.new_key()))
        caller = Caller(live_service.address, session)
        caller.ids()
        yield caller


@API.parametrize()
@settings(SLOWLY, max_examples=FEW)
def test_requests_are_answered_as_documented(case: Case, caller: Caller) -> None:
    caller.check(case)


def made_familiar(case: Case, caller: Caller) -> Case:
    """Have the request name what is there, which generated requests hardly ever do."""
    if case.path_parameters:
        known = caller.ids()
        case.path_parameters = {name: known[name] for name in case.path_parameters}
    if "/graph/" in case.path:
        others = {name: value for name, value in case.query.items() if not name.endswith("_id")}
        case.query = {**others, "user_id": "ada"}
    if isinstance(case.body, dict):
        others = {name: value for name, value in case.body.items() if not name.endswith("_id")}
        case.body = {**others, "filters": {"user_id": "ada"}}
    return case


FAMILIAR = WELL_MEANT.include(path_regex=r"\{|v3|graph")


@FAMILIAR.parametrize()
@settings(SLOWLY, max_examples=FEW)
def test_requests_for_what_is_there_are_answered_as_documented(case: Case, caller: Caller) -> None:
    caller.check(made_familiar(case, caller))


@pytest.mark.fuzz
@API.parametrize()
@settings(SLOWLY, max_examples=MANY)
def test_thousands_of_requests_are_answered_as_documented(case: Case, caller: Caller) -> None:
    caller.check(case)


@pytest.mark.fuzz
@FAMILIAR.parametrize()
@settings(SLOWLY, max_examples=MANY)
def test_thousands_of_requests_for_what_is_there_are_answered_as_documented(
    case: Case, caller: Caller
) -> None:
    caller.check(made_familiar(case, caller))
