"""Generated requests, right and wrong: no 5xx, and every answer is as the document says."""

from collections.abc import Iterator

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings

from tests.callers import LiveService, credentials
from tests.fuzz.calling import DOCUMENT, ENDS_THE_CALLER, OPERATIONS, Caller, Case

API = schemathesis.openapi.from_dict(DOCUMENT)
WELL_MEANT = schemathesis.openapi.from_dict(DOCUMENT)
"""Only what the document allows, at random: the other has all that it forbids, systematically."""
for _api in (API, WELL_MEANT):
    _api.config.generation.with_security_parameters = False  # test_keys.py is about keys
WELL_MEANT.config.phases.coverage.enabled = False
WELL_MEANT.config.generation.modes = [schemathesis.GenerationMode.POSITIVE]
FEW, MANY = 3, 5_000 // OPERATIONS + 1
SLOWLY = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.fixture
def caller(live_service: LiveService) -> Iterator[Caller]:
    with requests.Session() as session:
        session.headers.update(credentials(live_service.new_key()))
        yield Caller(live_service.address, session)


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


FAMILIAR = WELL_MEANT.include(path_regex=r"\{|memories|search|graph|batch|exports|summary").exclude(
    path_regex=ENDS_THE_CALLER, method="DELETE"
)


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
