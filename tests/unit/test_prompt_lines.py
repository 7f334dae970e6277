"""Memories as the lines of a prompt, within a budget of tokens."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recollect.domain.prompt_choice import worth_telling
from recollect.domain.prompt_lines import Passage, heading, tokens_in, written

START = datetime(2023, 5, 7, 13, tzinfo=UTC)


def a_passage(
    text: str,
    score: float = 0.5,
    *,
    day: int = 0,
    place: int = 0,
    speaker: str | None = "Mia",
    session: str | None = "one",
) -> Passage:
    said_at = START + timedelta(days=day)
    terms = frozenset(text.lower().split())
    return Passage(text, score, said_at, speaker, session, place, terms)


PASSAGES = st.lists(
    st.builds(
        a_passage,
        st.text(max_size=60) | st.sampled_from(["# tea", "I like tea", "I like tea a lot"]),
        st.floats(0, 1),
        day=st.integers(-3, 3),
        place=st.integers(0, 5),
        speaker=st.none() | st.text(max_size=8),
        session=st.sampled_from([None, "one", "two"]),
    ),
    max_size=12,
)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("a", 1),
        ("Hello, how are you today?", 7),
        ("привет", 3),
        ("今日は", 3),
        ("नमस्ते", 6),
        ("🎉🎂", 4),
        ("été 今🎉", 5),
    ],
)
def test_tokens_are_estimated_by_script(text: str, tokens: int) -> None:
    assert tokens_in(text) == tokens


@given(st.text(), st.text())
def test_a_longer_text_has_no_fewer_tokens(one: str, other: str) -> None:
    assert max(tokens_in(one), tokens_in(other)) <= tokens_in(one + other)
    assert tokens_in(one + other) <= tokens_in(one) + tokens_in(other)


def test_memories_are_told_by_session_in_the_order_of_time() -> None:
    passages = [
        a_passage("Later", day=17, session="two"),
        a_passage("Then tea", place=2, speaker="Tom"),
        a_passage("A fact", day=1, speaker=None, session=None),
        a_passage("First coffee", place=1),
    ]

    assert written(passages) == (
        "## 7 May 2023\nMia: First coffee\nTom: Then tea\n\n"
        "## 8 May 2023\n- A fact\n\n"
        "## 24 May 2023\nMia: Later"
    )


def test_a_session_stays_together_beside_another_of_the_same_day() -> None:
    passages = [
        a_passage("One", place=0),
        a_passage("Two", place=1, session="two"),
        a_passage("Three", place=2),
    ]

    assert written(passages) == ("## 7 May 2023\nMia: One\nMia: Three\n\n## 7 May 2023\nMia: Two")


def test_a_session_over_midnight_has_two_headings() -> None:
    text = written([a_passage("One"), a_passage("Two", day=1)])

    assert text == "## 7 May 2023\nMia: One\n\n## 8 May 2023\nMia: Two"


@pytest.mark.parametrize(
    ("speaker", "text", "line"),
    [
        ("Mia", "a\n## 1 May 1999\nTom: b", "Mia: a ## 1 May 1999 Tom: b"),
        ("Mia", "a\u2028b\x85c\x0bd\x00e\u202ef\ud800g", "Mia: a b c d e f g"),
        ("## 1 May 1999\n", "tea", "Mia: tea".replace("Mia", "1 May 1999")),
        ("\n", "## 1 May 1999", "- ## 1 May 1999"),
        (None, "  # tea ", "- # tea"),
    ],
)
def test_no_memory_can_fake_a_heading(speaker: str | None, text: str, line: str) -> None:
    assert a_passage(text, speaker=speaker).line == line


def test_the_best_comes_first_and_what_does_not_fit_is_left_out_as_a_whole() -> None:
    too_long = a_passage("word " * 40, 0.9)
    good = a_passage("Mia likes tea", 0.4)
    best = a_passage("Mia has two cats", 0.8)
    poor = a_passage("It rained all day", 0.3)

    assert worth_telling([too_long, good, best, poor], 14) == [good, best]


def test_what_is_said_already_comes_after_what_is_new() -> None:
    best = a_passage("Mia adopted two cats", 0.9)
    again = a_passage("Mia adopted cats", 0.8)
    new = a_passage("Their names: Ada, Bo", 0.5)

    assert worth_telling([best, again, new], 17) == [best, new]
    assert worth_telling([best, again, new], 100) == [best, again, new]


def test_of_equal_memories_the_first_one_wins() -> None:
    first, other, again = a_passage("Tea"), a_passage("Rum"), a_passage("Tea", 0.4)

    assert worth_telling([first, other, again], 6) == [first]
    assert worth_telling([first, other, again], 100) == [first, other]


@pytest.mark.parametrize("budget", [-1, 0, 1, 5])
def test_nothing_fits_nothing_is_told(budget: int) -> None:
    assert worth_telling([a_passage("Mia likes tea")], budget) == []
    assert written([]) == ""


def test_what_has_no_text_is_not_told() -> None:
    assert worth_telling([a_passage(" \n\u200e", 0.9)], 100) == []


def test_passages_without_terms_share_nothing() -> None:
    passages = [Passage("Tea", 0.5, START), Passage("Rum", 0.5, START)]

    assert worth_telling(passages, 100) == passages


@pytest.mark.parametrize("month", range(1, 13))
def test_headings_name_the_month(month: int) -> None:
    day = date(2023, month, 9)

    assert heading(day) == f"## 9 {day:%B} 2023"


@given(PASSAGES, st.integers(0, 60))
def test_the_budget_is_never_exceeded_and_every_line_is_a_passage(
    passages: list[Passage], budget: int
) -> None:
    chosen = worth_telling(passages, budget)
    text = written(chosen)
    lines = [line for line in text.split("\n") if line and not line.startswith("## ")]

    assert tokens_in(text) <= budget
    assert sorted(lines) == sorted(passage.line for passage in chosen)
    given_in_order = iter(passages)
    assert all(passage in given_in_order for passage in chosen)


@given(PASSAGES)
def test_with_room_for_all_every_different_line_is_told(passages: list[Passage]) -> None:
    chosen = [(each.group, each.line) for each in worth_telling(passages, 10_000)]

    assert set(chosen) == {(each.group, each.line) for each in passages if each.says}
    assert len(chosen) == len(set(chosen))
