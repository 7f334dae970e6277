"""Feedback on memories over HTTP, in mem0's shape."""

import httpx
import pytest

from tests.callers import AN_ID, refused, remembered

FEEDBACK = "/v1/feedback/"


def test_feedback_is_given_told_and_taken_back(service: httpx.Client) -> None:
    memory_id = remembered(service, "Ada keeps bees", user_id="ada")
    given = {"feedback": "VERY_NEGATIVE", "feedback_reason": "She sold them"}

    answer = service.post(FEEDBACK, json={"memory_id": memory_id, **given})
    told = service.get(f"/v1/memories/{memory_id}/").json()
    gone = service.post(FEEDBACK, json={"memory_id": memory_id, "feedback": None}).json()

    assert answer.json() == {"id": memory_id, **given}
    assert told | given == told
    assert gone == {"id": memory_id, "feedback": None, "feedback_reason": None}


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"memory_id": AN_ID, "feedback": "POSITIVE"}, 404, "Memory not found!"),
        ({"memory_id": "x", "feedback": "POSITIVE"}, 400, "memory_id should be a valid UUID"),
        ({"memory_id": AN_ID, "feedback": "GREAT"}, 400, "feedback"),
        ({"feedback": "POSITIVE"}, 400, "memory_id"),
        ({"memory_id": AN_ID, "feedback": "POSITIVE", "feedback_reason": "x" * 2_001}, 400, "2000"),
    ],
)
def test_wrong_feedback_is_refused(
    service: httpx.Client, body: dict[str, str], status: int, reason: str
) -> None:
    assert reason in refused(service.post(FEEDBACK, json=body), status)
