"""Requests that are made of the answers before them: no 5xx, and all is as the document says."""

from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Response

from tests.callers import LiveService, credentials
from tests.fuzz.calling import CHECKS, DOCUMENT, ENDS_THE_CALLER, Case

API = schemathesis.openapi.from_dict(DOCUMENT).exclude(path_regex=ENDS_THE_CALLER, method="DELETE")
API.config.generation.with_security_parameters = False  # test_keys.py is about keys
API.config.generation.modes = [schemathesis.GenerationMode.POSITIVE]
FEW, MANY = 20, 400
STEPS = 25


def machine(service: LiveService, sent: list[str]) -> Any:  # noqa: ANN401 - made at run time
    """Return stories of a project each; every request's operation is noted."""

    class Stories(API.as_state_machine()):  # type: ignore[misc] # made at run time
        def setup(self) -> None:
            self.session = requests.Session()
            self.session.headers.update(credentials(service.new_key()))

        def teardown(self) -> None:
            self.session.close()
            super().teardown()

        def get_call_kwargs(self, case: Case) -> dict[str, Any]:
            sent.append(case.operation.label)
            return {
                "base_url": service.address,
                "session": self.session,
                "headers": {"Authorization": self.session.headers["Authorization"]},
            }

        def validate_response(self, response: Response, case: Case, *_: Any, **__: Any) -> None:  # noqa: ANN401
            case.validate_response(response, checks=CHECKS)

    return Stories


def stories(count: int) -> settings:
    return settings(
        max_examples=count,
        stateful_step_count=STEPS,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )


def test_stories_are_answered_as_documented(live_service: LiveService) -> None:
    sent: list[str] = []

    machine(live_service, sent).run(settings=stories(FEW))

    assert len(set(sent)) > 20


@pytest.mark.fuzz
def test_hundreds_of_stories_are_answered_as_documented(live_service: LiveService) -> None:
    sent: list[str] = []

    machine(live_service, sent).run(settings=stories(MANY))

    assert len(sent) > 5_000
