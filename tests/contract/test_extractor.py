"""What every Extractor and every Decider promises, whoever thinks behind it."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest

from recollect.adapters.local.rules import RuleBasedDecider, RuleBasedExtractor
from recollect.domain.jobs import Decision, Fact
from recollect.domain.memory import MAX_TEXT_BYTES, Message
from recollect.ports.models import Decider, Extraction, Extractor

SAID_AT = datetime(2024, 5, 1, 12, tzinfo=UTC)
CONVERSATION = (
    Message("system", "You are Robo. My owner is Zelda and I live in Paris."),
    Message("user", "Hi! I live in Lisbon and I work as a nurse."),
    Message("assistant", "Nice! How is life there?"),
    Message("user", "I adopted a dog called Biscuit last week. What does he need?"),
    Message("user", "I'm allergic to peanuts.", name="Ada"),
)
FACTS = [
    Fact(text="I live in Lisbon.", role="user"),
    Fact(text="I have three cats.", role="user"),
    Fact(text="I'm allergic to peanuts.", role="user", actor="Ada"),
]
CANDIDATES = [["I live in Lisbon."], [], ["I have a dog.", "I'm allergic to peanuts."]]

EXTRACTORS = [pytest.param(RuleBasedExtractor, id="rules")]
DECIDERS = [pytest.param(RuleBasedDecider, id="rules")]


@pytest.fixture(params=EXTRACTORS)
def extractor(request: pytest.FixtureRequest) -> Extractor:
    build: Callable[[], Extractor] = request.param
    return build()


@pytest.fixture(params=DECIDERS)
def decider(request: pytest.FixtureRequest) -> Decider:
    build: Callable[[], Decider] = request.param
    return build()


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


def test_every_fact_gets_one_choice(decider: Decider) -> None:
    assert len(decider.decide(FACTS, CANDIDATES)) == len(FACTS)


def test_no_facts_need_no_choice(decider: Decider) -> None:
    assert decider.decide([], []) == []


def test_what_is_unlike_all_that_is_known_is_added(decider: Decider) -> None:
    choices = decider.decide(FACTS, [[] for _ in FACTS])

    assert [choice.decision for choice in choices] == [Decision.ADD] * len(FACTS)


def test_a_choice_points_at_one_of_its_candidates_or_adds(decider: Decider) -> None:
    choices = decider.decide(FACTS, CANDIDATES)

    for choice, candidates in zip(choices, CANDIDATES, strict=True):
        if choice.decision is Decision.ADD:
            assert choice.candidate is None
        else:
            assert choice.candidate in range(len(candidates))


def test_what_is_known_word_for_word_changes_nothing(decider: Decider) -> None:
    choices = decider.decide(FACTS, CANDIDATES)

    assert [(choice.decision, choice.candidate) for choice in choices] == [
        (Decision.NONE, 0),
        (Decision.ADD, None),
        (Decision.NONE, 1),
    ]


def test_the_same_facts_get_the_same_choices(decider: Decider) -> None:
    assert decider.decide(FACTS, CANDIDATES) == decider.decide(FACTS, CANDIDATES)
