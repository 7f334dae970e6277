"""The rule-based extractor and decider: hand-written cases, limits, and time."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recollect.adapters.local.rules import (
    EXTRACTOR_NAME,
    RuleBasedDecider,
    RuleBasedExtractor,
)
from recollect.adapters.local.statements import MIN_WORDS
from recollect.domain.jobs import Decision, Fact
from recollect.domain.memory import MAX_TEXT_BYTES, Message
from recollect.ports.models import Choice, Extraction

CASES = Path(__file__).with_name("extraction_cases.json")
SAID_AT = datetime(2024, 5, 1, 12, tzinfo=UTC)
KNOWN_WRONG = [
    "no apostrophe",
    "a pet",
    "a nickname as a request",
    "a habit with a condition",
    "general knowledge",
    "world war one",
    "other people's words",
    "a film is not a person",
    "a pronoun for a named person",
    "japanese",
    "an italian article",
    "a language without rules",
    "a little less detail",
    "another order of a list",
    "a synonym",
]
"""What the rules get wrong, seen from what a person would keep; in the order of the cases."""


@dataclass(frozen=True)
class Case:
    """What a person would keep of a conversation, and do about it beside known memories."""

    name: str
    messages: tuple[Message, ...]
    facts: list[tuple[str, str]]
    known: list[str]
    decisions: list[tuple[Decision, int | None]]

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> "Case":
        return cls(
            name=raw["name"],
            messages=tuple(Message(**message) for message in raw["messages"]),
            facts=[said for fact in raw["facts"] for said in _said(fact)],
            known=raw.get("known", []),
            decisions=[
                (Decision(expected["decision"]), expected.get("candidate"))
                for expected in raw.get("decisions", [])
            ],
        )

    def is_right(self) -> bool:
        facts = extract(*self.messages).facts
        if [(fact.attributed_to, fact.text) for fact in facts] != self.facts:
            return False
        choices = RuleBasedDecider().decide(facts, [self.known for _ in facts])
        return not self.decisions or self.decisions == [
            (choice.decision, choice.candidate) for choice in choices
        ]


def _said(fact: str | Mapping[str, str]) -> Sequence[tuple[str, str]]:
    """Return who said what: a bare text is the user's."""
    return [("user", fact)] if isinstance(fact, str) else list(fact.items())


def cases() -> list[Case]:
    return [Case.of(raw) for raw in json.loads(CASES.read_text(encoding="utf-8"))]


def extract(*messages: Message) -> Extraction:
    return RuleBasedExtractor().extract(messages, said_at=SAID_AT)


def texts(content: str) -> list[str]:
    return [fact.text for fact in extract(Message("user", content)).facts]


def choose(fact: str, *known: str) -> Choice:
    (choice,) = RuleBasedDecider().decide([Fact(text=fact, role="user")], [known])
    return choice


def seconds(content: str) -> float:
    """Return the processor time of one extraction: what other programs use does not count."""
    start = process_time()
    extract(Message("user", content))
    return process_time() - start


def test_exactly_the_known_cases_are_wrong() -> None:
    wrong = [case.name for case in cases() if not case.is_right()]

    assert wrong == KNOWN_WRONG


def test_four_cases_of_five_are_right() -> None:
    wrong = [case for case in cases() if not case.is_right()]

    assert len(cases()) >= 60
    assert len(wrong) <= len(cases()) / 5


def test_the_notes_say_that_no_model_was_asked() -> None:
    assert extract(Message("user", "I live in Lisbon.")).notes == {
        "extractor": EXTRACTOR_NAME,
        "is_model": False,
    }


def test_a_fact_keeps_its_speaker() -> None:
    (fact,) = extract(Message("user", "I live in Lisbon.", name="Ada")).facts

    assert (fact.role, fact.actor, fact.attributed_to) == ("user", "Ada", "Ada")


def test_a_fact_of_nobody_in_particular_is_the_users() -> None:
    (fact,) = extract(Message("user", "I live in Lisbon.")).facts

    assert (fact.role, fact.actor, fact.attributed_to) == ("user", None, "user")


@pytest.mark.parametrize("role", ["assistant", "Assistant", "system", "developer", "tool"])
def test_a_role_that_is_no_person_says_no_facts(role: str) -> None:
    assert extract(Message(role, "I live in Lisbon.", name="Ada")).facts == ()


def test_a_fact_too_long_is_cut_between_words_and_counted() -> None:
    endless = "caf\u00e9 " * MAX_TEXT_BYTES
    content = f"I like {endless}. I live in Lisbon. We like {endless}."

    extraction = extract(Message("user", content))

    first, second, third = (fact.text for fact in extraction.facts)
    assert second == "I live in Lisbon."
    assert set(first.split()) == {"I", "like", "caf\u00e9"}
    assert set(third.split()) == {"We", "like", "caf\u00e9"}
    assert MAX_TEXT_BYTES - 8 <= len(first.encode()) <= MAX_TEXT_BYTES
    assert extraction.notes["cut"] == 2


def test_a_word_too_long_is_cut_between_characters() -> None:
    (fact,) = extract(Message("user", "\u6211" + "\u4f4f" * MAX_TEXT_BYTES)).facts

    assert fact.text == "\u6211" + "\u4f4f" * (MAX_TEXT_BYTES // 3 - 1)


def test_text_that_is_no_unicode_is_survived() -> None:
    (fact,) = extract(Message("user", "I live in \ud800 " * MAX_TEXT_BYTES)).facts

    assert len(fact.text.encode(errors="replace")) <= MAX_TEXT_BYTES


@given(st.text() | st.text(alphabet="iI my'amnot.!?\n ,-\u3002`\U0001f436", max_size=200))
def test_every_fact_is_a_text_that_can_be_stored(content: str) -> None:
    for text in texts(content):
        assert text == text.strip()
        assert len(text) >= MIN_WORDS
        assert len(text.encode()) <= MAX_TEXT_BYTES


@pytest.mark.parametrize(
    "unit",
    [
        ".",
        ". ",
        "? ",
        ", so ",
        ", so I ",
        "I ",
        "i'm ",
        "if I would ",
        "Ada ",
        "Ada and ",
        "```a",
        "\n",
        "- ",
        "hey ",
        "\U0001f436 ",
        '."',
        "J. ",
        "\u6211",
        "a",
        "1.",
        "keeps me ",
        "I know that ",
        "I live in Lisbon, and my sister moved to Rome. ",
    ],
)
def test_the_time_is_linear_in_the_text(unit: str) -> None:
    small, growth = 16_000, 16
    few = min(seconds(unit * (small // len(unit))) for _ in range(3))

    many = seconds(unit * (small * growth // len(unit)) + "x")

    assert many < max(few, 0.001) * growth * 5  # quadratic time would be 256 times as long


@pytest.mark.parametrize(
    ("fact", "known"),
    [
        ("I live in Lisbon", "I live in Lisbon."),
        ("btw I've got a dog", "I have got a dog"),
        ("I cannot swim", "I can't swim!"),
        ("I won't fly", "I will not fly."),
        ("\U0001f436", "\U0001f436"),
        ("", " "),
    ],
)
def test_a_restatement_is_not_added(fact: str, known: str) -> None:
    choice = choose(fact, "Ada likes tea.", known)

    assert (choice.decision, choice.candidate) == (Decision.NONE, 1)
    assert choice.reason


@pytest.mark.parametrize(
    ("fact", "known"),
    [
        ("I like tea", "I don't like tea"),
        ("I have 2 cats", "I have 3 cats"),
        ("I have 2.5 acres", "I have 25 acres"),
        ("It was -5 degrees in my room", "It was 5 degrees in my room"),
        ("Ada likes Bo", "Bo likes Ada"),
        ("I am a teacher", "I was a teacher"),
        ("I flew to Rome", "I flew from Rome"),
        ("I know her sister", "I know his sister"),
        ("\U0001f436", "\U0001f431"),
        ("", "I live in Lisbon"),
        ("I live in Lisbon", ""),
    ],
)
def test_what_is_said_differently_is_added(fact: str, known: str) -> None:
    assert choose(fact, known) == Choice(Decision.ADD)
    assert choose(known, fact) == Choice(Decision.ADD)


LONG = "I walk along the river to the office in Ghent with my neighbour"


@pytest.mark.parametrize(
    "other",
    [
        LONG.replace("I walk", "I never walk"),
        LONG.replace("I walk", "I want to walk"),
        LONG.replace("I walk", "I used to walk"),
        LONG.replace("neighbour", "neighbour Ada"),
        LONG.replace("my neighbour", "my two neighbours"),
        LONG.replace("office", "office 7"),
        LONG.replace("neighbour", "brother"),
    ],
)
def test_one_word_that_matters_is_enough_however_long_the_text(other: str) -> None:
    assert choose(LONG, other) == Choice(Decision.ADD)
    assert choose(other, LONG) == Choice(Decision.ADD)


@pytest.mark.parametrize("word", ["mostly", "seldom", "sometimes", "former"])
def test_any_other_word_more_or_less_is_another_statement(word: str) -> None:
    assert choose(LONG, f"{LONG} {word}") == Choice(Decision.ADD)
    assert choose(f"{LONG} {word}", LONG) == Choice(Decision.ADD)


def test_a_word_that_only_colours_a_statement_adds_nothing() -> None:
    assert choose(f"Actually {LONG} now", LONG).candidate == 0


def test_too_much_left_out_is_another_statement() -> None:
    assert choose("I like tea", "I like tea with lemon") == Choice(Decision.ADD)


def test_facts_without_their_candidates_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="shorter"):
        RuleBasedDecider().decide([Fact(text="I live in Lisbon.", role="user")], [])
