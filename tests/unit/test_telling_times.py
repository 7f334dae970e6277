"""Questions that ask for a time, texts that tell one, and those that only look so."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recollect.domain.dates.asked_times import asked_periods, asks_when, names_a_time
from recollect.domain.dates.periods import Period
from recollect.domain.dates.time_words import FEASTS, MONTHS, SEASONS, UNITS, WEEKDAYS

NOW = datetime(2023, 7, 14, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "question",
    [
        "may I ask",
        "march on",
        "the mayor",
        "second",
        "what time",
        "2000 dollars",
        "1990 people",
        "version 2022.1",
        "in 2000 dollars",
        "29 February 2023",
        "Was ist hier passiert?",
        "What did April say?",
        "Does June like tea?",
        "on the 3rd floor",
        "every Monday",
        "dernier",
        "Pâques",
        "the march",
        "may 7",
        "this may be",
        "february 30",
        "13/13/2023",
        "2023-13",
        "2023-05-00",
        "in 9999",
        "a winter coat",
        "2020-2020",
        "March and April",
        "May to June",
        "I have 24 apples and 3/4 cup",
        "In which year?",
    ],
)
def test_what_is_no_time_is_not_taken_for_one(question: str) -> None:
    assert asked_periods(question, NOW) == ()


CONNECTIONS = """May March in on of the last next this since before after until early first second
from to between and - ago two 3rd 31 7 2023 0000 9999 1990s Q2 05/07/2023 2023-02-29"""
WORDS = st.sampled_from([*MONTHS, *WEEKDAYS, *UNITS, *SEASONS, *FEASTS, *CONNECTIONS.split()])
TIMES = st.datetimes(timezones=st.just(UTC))


@settings(deadline=None)
@given(st.lists(WORDS, max_size=12).map(" ".join) | st.text(), TIMES)
def test_no_question_and_no_day_raises(question: str, reference: datetime) -> None:
    periods = asked_periods(question, reference)

    assert len(periods) <= 8
    assert all(time.start < time.end for time in periods if isinstance(time, Period))
    assert asks_when(question) == asks_when(f"{question} ")
    assert names_a_time(question) >= bool(periods)


@settings(deadline=None)
@given(st.lists(WORDS, max_size=12).map(" ".join), TIMES)
def test_capitals_of_sure_words_and_spaces_do_not_matter(text: str, reference: datetime) -> None:
    spaced = text.replace(" ", " \n\t")

    assert asked_periods(spaced, reference) == asked_periods(text, reference)


@pytest.mark.parametrize(
    "piece",
    ["may ", "1 ", "1/", "2023 to ", "the first week of the ", "a couple of ", "l'", "31 and 31 "],
)
def test_time_is_linear_in_a_hostile_question(piece: str) -> None:
    """One that took the square of it would take minutes."""
    question = piece * (50_000 // len(piece))

    assert len(asked_periods(question, NOW)) <= 8
    assert not asks_when(question)


@pytest.mark.parametrize(
    "question",
    [
        "When did Mia move?",
        "when's the party",
        "Since when is she vegan",
        "When exactly did it start?",
        "Do you know when the party is?",
        "It began when?",
        "What date did she leave?",
        "In which month's game did John win?",
        "What was the date of it, and which year",
        "How long ago was her birthday?",
        "How many weeks ago did she call?",
        "Seit wann lebt sie dort?",
        "An welchem Tag war das?",
        "In welchem Jahr zog sie um?",
        "Quand est-elle partie ?",
        "En quelle année ?",
        "Il y a combien de temps ?",
        "¿Cuándo se mudó?",
        "No sé cuándo se fue",
        "¿En qué año?",
        "Em que mês ela viajou?",
        "Quando è partita?",
        "In che anno?",
    ],
)
def test_a_question_for_a_time_is_known(question: str) -> None:
    assert asks_when(question)


@pytest.mark.parametrize(
    "question",
    [
        "What did he do when he was younger?",
        "Who supports Mia when she has a bad day?",
        "When John was in Rome, what did he eat?",
        "What did she share a photo of when mentioning home?",
        "Where is Wannsee?",
        "Was hat er gesagt?",
        "Que mange-t-elle ?",
        "How long is the river?",
        "",
    ],
)
def test_another_question_is_no_question_for_a_time(question: str) -> None:
    assert not asks_when(question)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I went there yesterday!", True),
        ("We met last Friday", True),
        ("It was in May.", True),
        ("I got it on the 3rd", True),
        ("She left 2 weeks ago", True),
        ("See you tomorrow", True),
        ("Ich war letzte Woche dort", True),
        ("I may go", False),
        ("She has 3 cats", False),
        ("What a day", False),
        ("Thanks!", False),
        ("", False),
    ],
)
def test_a_text_that_tells_a_time_is_known(text: str, expected: bool) -> None:  # noqa: FBT001
    assert names_a_time(text) is expected
