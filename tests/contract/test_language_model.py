"""Every LanguageModel of ours passes the published suite, and asks as its vendor wants it."""

import base64
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from recollect.adapters.aws.bedrock_language_model import MAX_TOKENS
from recollect.domain.errors import InvalidRequestError
from recollect.domain.guidance import Guidance
from recollect.domain.jobs import Decision, Fact
from recollect.domain.memory import Message
from recollect.ports.models import Conversation, Image, Known, PromptTurn
from recollect.testing.builders import NOON
from recollect.testing.language_model import *
from recollect.testing.language_model import FILLED, FORM, SECRET, SYSTEM, TURNS
from recollect.usecases.asking import AskModel
from recollect.usecases.deciding import ModelDecider
from recollect.usecases.extraction import ModelExtractor
from tests.contract.bedrock_server import BedrockServer
from tests.contract.served_models import Served, bedrock, openai, refused

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)

VENDORS = [pytest.param(bedrock, id="bedrock"), pytest.param(openai, id="openai")]
Build = Callable[..., AbstractContextManager[Served]]


@pytest.fixture(params=VENDORS)
def build(request: pytest.FixtureRequest) -> Build:
    chosen: Build = request.param
    return chosen


@pytest.fixture
def served(build: Build) -> Iterator[Served]:
    with build() as built:
        yield built


@pytest.fixture
def scripted(served: Served) -> Served:
    return served


def test_the_model_is_forced_to_fill_in_the_form(served: Served) -> None:
    served.next("fill", FILLED)

    served.model.ask(SYSTEM, TURNS, FORM)

    [body] = served.bodies
    if "toolConfig" in body:
        spec = {
            "name": "choose",
            "description": FORM.purpose,
            "inputSchema": {"json": FORM.schema},
        }
        assert body["toolConfig"] == {
            "tools": [{"toolSpec": spec}],
            "toolChoice": {"tool": {"name": "choose"}},
        }
    else:
        function = {"name": "choose", "description": FORM.purpose, "parameters": FORM.schema}
        assert body["tools"] == [{"type": "function", "function": function}]
        assert body["tool_choice"] == "required"


def test_the_answer_is_limited_and_nothing_else_is_chosen(served: Served) -> None:
    served.next("fill", FILLED)

    served.model.ask(SYSTEM, TURNS, FORM)

    [body] = served.bodies
    limits = body.get("inferenceConfig") or {
        name: value for name, value in body.items() if "max" in name or name == "temperature"
    }
    assert list(limits.values()) == [MAX_TOKENS]


def test_an_earlier_answer_is_shown_to_the_model(served: Served) -> None:
    turns = [*TURNS, PromptTurn("assistant", "red"), PromptTurn("user", "another")]
    served.next("fill", FILLED)

    served.model.ask(SYSTEM, turns, FORM)

    [body] = served.bodies
    said = [each for each in body["messages"] if each["role"] != "system"]
    assert [each["role"] for each in said] == ["user", "assistant", "user"]
    assert [
        text in str(each["content"])
        for each, text in zip(said, (SECRET, "red", "another"), strict=True)
    ]


def test_a_picture_is_shown_to_the_model(served: Served) -> None:
    served.next("fill", FILLED)

    served.model.ask(SYSTEM, [PromptTurn("user", "look", (Image("image/png", PNG),))], FORM)

    [body] = served.bodies
    picture, text = body["messages"][-1]["content"]
    sent = picture.get("image", {}).get("source", {}).get("bytes") or picture["image_url"]["url"]
    assert base64.b64decode(sent.removeprefix("data:image/png;base64,")) == PNG
    assert text["text"] == "look"


def test_who_is_refused_is_told_what_to_do(served: Served) -> None:
    for script in ("no access", "refuse", "too long"):
        served.next(script)

    assert "RECOLLECT_" in refused(served)
    assert "refuses to answer this" in refused(served, InvalidRequestError)
    assert refused(served, InvalidRequestError).endswith("cannot read that much at once; send less")


@pytest.mark.parametrize("content", [b"", b"<html>It works!</html>", b"\xff\xfe", b"{}", b"null"])
def test_it_must_answer_in_the_vendors_format(served: Served, content: bytes) -> None:
    served.next("garble", content)

    refused(served)


def test_it_does_not_wait_longer_than_its_client(build: Build) -> None:
    with build(seconds=0.2) as served:
        served.follow(served.server.hang)

        assert refused(served).endswith("did not answer in time")


def test_a_temperature_is_sent_only_when_it_is_chosen(build: Build) -> None:
    with build(temperature=0.0) as served:
        if isinstance(served.server, BedrockServer):
            assert "takes no temperature" in refused(served)
            return
        served.next("fill", FILLED)
        served.model.ask(SYSTEM, TURNS, FORM)
        assert served.bodies[0]["temperature"] == 0


def test_facts_are_found_and_decided_through_it(served: Served) -> None:
    ask = AskModel(served.model)
    said = [
        Message("system", "You are Robo."),
        Message("user", "I live in Porto. What time is it?"),
        Message("assistant", "I live in a computer."),
        Message("user", "Please forget that I like tea."),
    ]
    known = [Known("I live in Lisbon.", NOON, "user"), Known("I like tea.", NOON, "user")]

    found = ModelExtractor(ask).extract(Conversation(messages=said, said_at=NOON))
    facts = [*found.facts, Fact(text="I have a dog.", role="user")]
    decided = ModelDecider(ask).decide(facts, [known, known, []], Guidance())

    assert [(fact.text, fact.quote) for fact in found.facts] == [
        ("I live in Porto.", None),
        ("I like tea.", "Please forget that I like tea."),
    ]
    assert [(choice.decision, choice.candidates) for choice in decided.choices] == [
        (Decision.UPDATE, (0,)),
        (Decision.DELETE, (1,)),
        (Decision.ADD, ()),
    ]
    assert len(served.bodies) == found.usage.calls + decided.usage.calls == 2


def test_an_answer_without_the_form_is_repaired_once(served: Served) -> None:
    served.next("say", "They live in Porto.")
    said = [Message("user", "I live in Porto.")]

    found = ModelExtractor(AskModel(served.model)).extract(
        Conversation(messages=said, said_at=NOON)
    )

    assert [fact.text for fact in found.facts] == ["I live in Porto."]
    assert found.usage.calls == 2
