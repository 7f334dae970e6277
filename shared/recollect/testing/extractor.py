"""What every Extractor promises, whoever thinks behind it: a fixture `extractor`."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from recollect.domain.memory import MAX_TEXT_BYTES, Message
from recollect.ports.models import Extraction, Extractor

SAID_AT = datetime(2024, 5, 1, 12, tzinfo=UTC)
CONVERSATION = (
    Message("system", "You are Robo. My owner is Zelda and I live in Paris."),
    Message("user", "Hi! I live in Lisbon and I work as a nurse."),
    Message("assistant", "Nice! How is life there?"),
    Message("user", "I adopted a dog called Biscuit last week. What does he need?"),
    Message("user", "I'm allergic to peanuts.", name="Ada"),
)


def extract(extractor: Extractor, messages: Sequence[Message]) -> Extraction:
    return extractor.extract(messages, said_at=SAID_AT)


def test_facts_come_in_the_order_they_were_said(extractor: Extractor) -> None:
    facts = extract(extractor, CONVERSATION).facts

    told = " | ".join(fact.text for fact in facts)
    places = [told.find(word) for word in ("Lisbon", "Biscuit", "peanuts")]
    assert -1 not in places
    assert places == sorted(places)


def test_the_system_says_no_facts(extractor: Extractor) -> None:
    facts = extract(extractor, CONVERSATION).facts

    assert facts
    assert all(fact.role != "system" for fact in facts)
    assert not any(word in fact.text for fact in facts for word in ("Zelda", "Paris"))


def test_a_fact_names_who_said_it(extractor: Extractor) -> None:
    facts = extract(extractor, CONVERSATION).facts

    (allergy,) = [fact for fact in facts if "peanuts" in fact.text]
    assert allergy.actor == "Ada"
    assert allergy.attributed_to == "Ada"


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [Message("user", "")],
        [Message("user", " \n\t")],
        [Message("system", "I live in Lisbon.")],
        [Message("user", "Hi!"), Message("user", "Thanks!"), Message("user", "What time is it?")],
    ],
    ids=["no messages", "empty", "blank", "system", "nothing worth it"],
)
def test_nothing_worth_remembering_gives_no_facts(
    extractor: Extractor, messages: list[Message]
) -> None:
    assert extract(extractor, messages).facts == ()


def test_every_fact_can_be_a_memory(extractor: Extractor) -> None:
    long = Message("user", "I like " + "coffee " * MAX_TEXT_BYTES)

    facts = extract(extractor, [*CONVERSATION, long]).facts

    assert all(fact.text.strip() for fact in facts)
    assert all(len(fact.text.encode()) <= MAX_TEXT_BYTES for fact in facts)


def test_the_notes_say_who_extracted_and_whether_it_is_a_model(extractor: Extractor) -> None:
    notes = extract(extractor, CONVERSATION).notes

    assert isinstance(notes["extractor"], str)
    assert isinstance(notes["is_model"], bool)


def test_the_same_conversation_gives_the_same_facts(extractor: Extractor) -> None:
    first = extract(extractor, CONVERSATION)

    assert extract(extractor, CONVERSATION).facts == first.facts
