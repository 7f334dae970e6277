"""What every Decider promises, whoever thinks behind it: a fixture `decider`."""

from recollect.domain.jobs import Decision, Fact
from recollect.ports.models import Decider

FACTS = [
    Fact(text="I live in Lisbon.", role="user"),
    Fact(text="I have three cats.", role="user"),
    Fact(text="I'm allergic to peanuts.", role="user", actor="Ada"),
]
CANDIDATES = [["I live in Lisbon."], [], ["I have a dog.", "I'm allergic to peanuts."]]


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
