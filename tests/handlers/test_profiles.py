"""Profiles are not made here, and every client is told so in the form that it reads."""

from typing import Any
from urllib.parse import quote

import httpx
import pytest

from recollect.entrypoints.profile_answers import NO_JOB
from tests.callers import AN_ID, refused

JOBS, SETTINGS = "/v2/profiles/jobs/", "/v2/profiles/settings/"
DISABLED = {
    "enabled": False,
    "capabilities": {"user": False},
    "entities": {"user": {"schema": None, "custom_instructions": None}},
}


@pytest.mark.parametrize("user", ["ada", "al ice/x", "profile", "a/profile"])
def test_no_user_has_a_profile(service: httpx.Client, user: str) -> None:
    response = service.get(f"/v2/entities/user/{quote(user, safe='')}/profile/")

    assert response.json() == {
        "profile": None,
        "status": "not_enabled",
        "entity_type": "user",
        "entity_id": user,
        "updated_at": None,
        "generation_count": 0,
    }


@pytest.mark.parametrize(
    "body",
    [
        {"operation": "trigger", "entity_type": "user", "entity_id": "ada"},
        {"operation": "sample", "entity_type": "user", "limit": 3},
        {"operation": "sample", "entity_type": "user"},
    ],
)
def test_a_job_is_not_started_and_can_be_followed(
    service: httpx.Client, body: dict[str, Any]
) -> None:
    headers = {"Idempotency-Key": "once"}

    job = service.post(JOBS, json=body, headers=headers).json()

    assert service.post(JOBS, json=body, headers=headers).json() == job
    assert job == {
        "job_id": NO_JOB,
        "status": "not_enabled",
        "status_url": f"{JOBS}{NO_JOB}/",
        "operation": body["operation"],
        "entity_type": "user",
        "entity_count_reserved": 0,
        "sampled": 0,
        "entity_ids": [],
        "event_id": None,
        "replayed": False,
    }
    assert service.get(job["status_url"]).json() == {
        "job": {
            "job_id": NO_JOB,
            "status": "not_enabled",
            "total": 0,
            "completed": 0,
            "succeeded": 0,
            "failed": 0,
            "skipped": 0,
            "enumeration_complete": True,
        }
    }


def test_there_is_no_other_job(service: httpx.Client) -> None:
    assert refused(service.get(f"{JOBS}{AN_ID}/"), 404) == "Profile job not found"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"enabled": False},
        {"enabled": False, "entities": {"user": {"schema": None, "custom_instructions": None}}},
    ],
)
def test_settings_that_change_nothing_are_answered(
    service: httpx.Client, body: dict[str, Any]
) -> None:
    assert service.post(SETTINGS, json=body).json() == DISABLED
    assert service.get(SETTINGS).json() == DISABLED


@pytest.mark.parametrize(
    "body",
    [
        {"enabled": True},
        {"entities": {"user": {"schema": {"type": "object"}}}},
        {"entities": {"user": {"custom_instructions": "Be short."}}},
    ],
)
def test_profiles_cannot_be_enabled_or_configured(
    service: httpx.Client, body: dict[str, Any]
) -> None:
    assert "not available here" in refused(service.post(SETTINGS, json=body))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"operation": "rebuild"},
        {"operation": "trigger"},
        {"operation": "trigger", "entity_type": "agent", "entity_id": "bot"},
        {"operation": "sample", "limit": 0},
        {"operation": "sample", "limit": 11},
    ],
)
def test_a_job_that_makes_no_sense_is_refused(service: httpx.Client, body: dict[str, Any]) -> None:
    refused(service.post(JOBS, json=body))
