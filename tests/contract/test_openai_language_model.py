"""What the OpenAI language model makes of servers that know less than the protocol, or more."""

import json

import pytest

from recollect.domain.errors import InvalidRequestError
from recollect.ports.models import Usage
from recollect.testing.language_model import FILLED, FORM, SYSTEM, TURNS
from tests.contract import openai_server
from tests.contract.served_models import openai, refused

TOOL_REFUSALS = [
    "simple does not support tools",
    "Invalid tool_choice type: 'object'. Supported string values: none, auto, required",
    '"auto" tool choice requires --enable-auto-tool-choice',
]


@pytest.mark.parametrize("said", TOOL_REFUSALS)
def test_it_asks_a_server_without_tools_for_plain_json(said: str) -> None:
    with openai() as served:
        served.follow(openai_server.refused(said))
        served.next("say", '{"colour": "blue"}')
        reply = served.model.ask(SYSTEM, TURNS, FORM)

    assert reply.text == '{"colour": "blue"}'
    tried, plain = served.bodies
    assert "tools" in tried
    assert not {"tools", "tool_choice"} & plain.keys()
    assert plain["messages"][0]["content"].startswith(SYSTEM)
    assert json.dumps(FORM.schema) in plain["messages"][0]["content"]


def test_it_calls_the_limit_what_the_server_calls_it_and_remembers() -> None:
    said = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
    with openai(max_tokens=9) as served:
        served.follow(openai_server.refused(said))
        for _ in range(2):
            served.next("fill", FILLED)
            served.model.ask(SYSTEM, TURNS, FORM)

    limits = [(body.get("max_tokens"), body.get("max_completion_tokens")) for body in served.bodies]
    assert limits == [(9, None), (None, 9), (None, 9)]


def test_it_does_not_ask_for_ever() -> None:
    with openai() as served:
        for said in ("max_completion_tokens", "no tools", "no tools", "never reached"):
            served.follow(openai_server.refused(said))
        assert "400 Bad Request" in refused(served)

    assert len(served.bodies) == 3


def test_it_may_write_the_arguments_as_an_object() -> None:
    with openai() as served:
        served.follow(openai_server.used(FILLED))
        assert json.loads(served.model.ask(SYSTEM, TURNS, FORM).text) == FILLED


def test_it_may_answer_without_a_choice_or_a_count() -> None:
    with openai() as served:
        served.next("garble", b'{"choices": []}')
        reply = served.model.ask(SYSTEM, TURNS, FORM)

    assert (reply.text, reply.usage) == ("", Usage(1, 0, 0))


def test_it_may_filter_the_answer() -> None:
    with openai() as served:
        served.next("say", "", reason="content_filter")
        assert "refuses" in refused(served, InvalidRequestError)


def test_it_says_that_the_key_or_the_model_is_wrong() -> None:
    with openai(key="sk-wrong") as served:
        assert refused(served).endswith("401 Unauthorized: check RECOLLECT_OPENAI_API_KEY")
    with openai(model="other") as served:
        assert refused(served).endswith(
            "404 Not Found: check RECOLLECT_CHAT_MODEL and RECOLLECT_OPENAI_URL"
        )


def test_it_never_repeats_a_malformed_key() -> None:
    with openai(key="sk-secret\n") as served:
        assert refused(served).endswith("cannot be reached (LocalProtocolError)")
