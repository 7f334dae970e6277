"""What every Extractor promises, whoever thinks behind it: a fixture `extractor`."""

from collections.abc import Sequence
from typing import Any

import pytest

from recollect.domain.errors import InvalidRequestError
from recollect.domain.memory import MAX_TEXT_BYTES, Attachment, MemoryKind, Message
from recollect.domain.recall import recalled
from recollect.ports.models import Conversation, Extraction, Extractor
from recollect.testing.builders import NOON

TALK = (
    Message("system", "You are Robo. My owner is Zelda and I live in Paris."),
    Message("user", "Hi! I live in Lisbon and I work as a nurse."),
    Message("assistant", "Nice! My cousin is called Xaver. How is life there?"),
    Message("user", "I adopted a dog called Biscuit last week. What does he need?"),
    Message("user", "I'm allergic to peanuts.", name="Ada"),
)


def a_conversation(messages: Sequence[Message], **options: Any) -> Conversation:  # noqa: ANN401 - whatever it has
    return Conversation(messages=messages, said_at=NOON, **options)


def extract(
    extractor: Extractor,
    messages: Sequence[Message],
    **options: Any,  # noqa: ANN401 - whatever a conversation has
) -> Extraction:
    return extractor.extract(a_conversation(messages, **options))


def test_facts_come_in_the_order_they_were_said(extractor: Extractor) -> None:
    facts = extract(extractor, TALK).facts

    told = " | ".join(fact.text for fact in facts)
    places = [told.find(word) for word in ("Lisbon", "Biscuit", "peanuts")]
    assert -1 not in places
    assert places == sorted(places)


def test_a_fact_tells_which_message_says_it(extractor: Extractor) -> None:
    facts = extract(extractor, TALK).facts

    said_in = {
        word: fact.message
        for fact in facts
        for word in ("Lisbon", "Biscuit", "peanuts")
        if word in fact.text
    }
    assert said_in == {"Lisbon": 1, "Biscuit": 3, "peanuts": 4}
    assert all(fact.role == TALK[fact.message or 0].role for fact in facts)


def test_the_system_says_no_facts(extractor: Extractor) -> None:
    facts = extract(extractor, TALK).facts

    assert facts
    assert all(fact.role != "system" for fact in facts)
    assert not any(word in fact.text for fact in facts for word in ("Zelda", "Paris"))


def test_the_agent_says_no_facts_unless_they_are_wanted(extractor: Extractor) -> None:
    facts = extract(extractor, TALK).facts

    assert facts
    assert not any("Xaver" in fact.text for fact in facts)


def test_users_say_no_facts_where_only_the_agents_are_wanted(extractor: Extractor) -> None:
    facts = extract(extractor, TALK, of_users=False, of_agent=True).facts

    assert all(fact.role == "assistant" for fact in facts)


def test_what_was_said_before_is_only_context(extractor: Extractor) -> None:
    before = [Message("user", "I have a boat called Calypso.")]

    facts = extract(extractor, [Message("user", "I live in Lisbon.")], before=before).facts

    assert facts
    assert all(fact.message == 0 for fact in facts)
    assert not any("Calypso" in fact.text for fact in facts)


def test_what_was_recalled_from_memory_is_not_remembered_again(extractor: Extractor) -> None:
    shown = recalled(["I have a boat called Calypso."])

    facts = extract(extractor, [Message("user", f"{shown}\nI live in Lisbon.")]).facts

    assert facts
    assert not any("Calypso" in fact.text for fact in facts)


def test_a_fact_names_who_said_it(extractor: Extractor) -> None:
    facts = extract(extractor, TALK).facts

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
        [
            Message(
                "user", "Sum this up, please.", attachments=(Attachment("document", "I am Bo."),)
            )
        ],
    ],
    ids=["no messages", "empty", "blank", "system", "nothing worth it", "another's document"],
)
def test_nothing_worth_remembering_gives_no_facts(
    extractor: Extractor, messages: list[Message]
) -> None:
    assert extract(extractor, messages).facts == ()


def test_every_fact_can_be_a_memory(extractor: Extractor) -> None:
    long = Message("user", "I like " + "coffee " * MAX_TEXT_BYTES)

    facts = extract(extractor, [*TALK, long]).facts

    assert all(fact.text.strip() for fact in facts)
    assert all(len(fact.text.encode()) <= MAX_TEXT_BYTES for fact in facts)


def test_what_is_to_be_forgotten_is_quoted(extractor: Extractor) -> None:
    said = "Please forget that I live in Lisbon."

    facts = extract(extractor, [Message("user", said)]).facts

    assert all(fact.quote and fact.quote in said for fact in facts)


def test_the_notes_say_who_extracted_and_whether_it_is_a_model(extractor: Extractor) -> None:
    notes = extract(extractor, TALK).notes

    assert isinstance(notes["extractor"], str)
    assert isinstance(notes["is_model"], bool)


def test_only_a_model_costs_anything(extractor: Extractor) -> None:
    extraction = extract(extractor, TALK)

    assert (extraction.usage.calls > 0) is extraction.notes["is_model"]
    assert (extraction.prompt_version is not None) is extraction.notes["is_model"]


def test_the_same_conversation_gives_the_same_facts(extractor: Extractor) -> None:
    first = extract(extractor, TALK)

    assert extract(extractor, TALK).facts == first.facts


def test_a_summary_is_one_procedural_fact_unless_it_is_refused(extractor: Extractor) -> None:
    try:
        extraction = extractor.summarise(a_conversation(TALK, of_users=False, of_agent=True))
    except InvalidRequestError as error:
        assert "language model" in str(error)  # noqa: PT017 - both are promised
        return

    (fact,) = extraction.facts
    assert fact.kind is MemoryKind.PROCEDURAL
    assert 0 < len(fact.text.strip().encode()) <= MAX_TEXT_BYTES
