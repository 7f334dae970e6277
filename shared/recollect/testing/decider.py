"""What every Decider promises, whoever thinks behind it: a fixture `decider`."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from recollect.domain.guidance import Guidance
from recollect.domain.jobs import Decision, Fact
from recollect.ports.models import Choice, Decided, Decider, Known, Usage
from recollect.testing.builders import NOON

FACTS = [
    Fact(text="I live in Lisbon.", role="user", attributed_to="user"),
    Fact(text="I have three cats.", role="user", attributed_to="user"),
    Fact(text="I'm allergic to peanuts.", role="user", actor="Ada", attributed_to="Ada"),
]
CANDIDATES = [
    [Known("I live in Lisbon.", NOON, "user")],
    [],
    [Known("I have a dog.", NOON, "user"), Known("I'm allergic to peanuts.", NOON, "Ada")],
]
REQUEST = replace(FACTS[0], quote="forget where I live")


def decide(
    decider: Decider,
    facts: Sequence[Fact] = FACTS,
    candidates: Sequence[Sequence[Known]] = CANDIDATES,
) -> Decided:
    return decider.decide(facts, candidates, Guidance())


def told(choices: Sequence[Choice]) -> list[tuple[Decision, tuple[int, ...]]]:
    return [(choice.decision, choice.candidates) for choice in choices]


def test_every_fact_gets_one_choice(decider: Decider) -> None:
    assert len(decide(decider).choices) == len(FACTS)


def test_no_facts_need_no_choice(decider: Decider) -> None:
    decided = decide(decider, [], [])

    assert decided.choices == ()
    assert decided.usage == Usage()


def test_facts_without_candidates_are_added_without_asking_a_model(decider: Decider) -> None:
    decided = decide(decider, FACTS, [[] for _ in FACTS])

    assert told(decided.choices) == [(Decision.ADD, ())] * len(FACTS)
    assert decided.usage == Usage()


def test_there_is_nothing_to_forget_without_candidates(decider: Decider) -> None:
    decided = decide(decider, [REQUEST], [[]])

    assert told(decided.choices) == [(Decision.NONE, ())]
    assert decided.usage == Usage()


def test_what_is_asked_to_be_forgotten_is_never_remembered(decider: Decider) -> None:
    (choice,) = decide(decider, [REQUEST], CANDIDATES[:1]).choices

    assert choice.decision in {Decision.DELETE, Decision.NONE}
    assert choice.candidates == ((0,) if choice.decision is Decision.DELETE else ())


def test_a_choice_points_at_as_many_candidates_as_its_kind_needs(decider: Decider) -> None:
    choices = decide(decider).choices

    for choice, candidates in zip(choices, CANDIDATES, strict=True):
        assert set(choice.candidates) <= set(range(len(candidates)))
        count = len(choice.candidates)
        if choice.decision is Decision.DELETE:
            assert count >= 1
        else:
            assert count == (0 if choice.decision is Decision.ADD else 1)


def test_what_is_known_word_for_word_changes_nothing(decider: Decider) -> None:
    assert told(decide(decider).choices) == [
        (Decision.NONE, (0,)),
        (Decision.ADD, ()),
        (Decision.NONE, (1,)),
    ]


def test_only_an_update_has_a_text(decider: Decider) -> None:
    moved = [Known("I live in Porto.", NOON, "user"), Known("I like tea.", NOON, "user")]

    for choice in decide(decider, FACTS[:1], [moved]).choices:
        assert choice.text is None or choice.decision is Decision.UPDATE


def test_the_same_facts_get_the_same_choices(decider: Decider) -> None:
    assert decide(decider).choices == decide(decider).choices


def test_facts_without_their_candidates_are_a_mistake(decider: Decider) -> None:
    with pytest.raises(ValueError, match="argument"):
        decide(decider, FACTS, CANDIDATES[:2])
