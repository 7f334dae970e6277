"""What a search found, as a text for a prompt: it is not remembered when it comes back."""

import httpx

from recollect.domain.recall import without_recalled
from tests.callers import SEARCH, remembered

BODY = {"query": "Who keeps bees?", "filters": {"user_id": "ada"}}


def test_the_text_is_there_when_it_is_asked_for(service: httpx.Client) -> None:
    remembered(service, "Ada keeps bees", user_id="ada", timestamp="2026-03-01")

    plain = service.post(SEARCH, json=BODY).json()
    answer = service.post(SEARCH, json={**BODY, "include_context": True}).json()

    assert "context" not in plain
    assert answer["results"][0]["memory"] == "Ada keeps bees"
    assert answer["context"].splitlines()[1:-1] == ["- 2026-03-01: Ada keeps bees"]
    assert without_recalled(f"You know:\n{answer['context']}\nNow answer.") == (
        "You know:\nNow answer."
    )
