"""Which times a question asks about, told on Friday, 14 July 2023."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from recollect.domain.dates.asked_times import asked_periods
from recollect.domain.dates.periods import END, Asked, Period, Recurring

NOW = datetime(2023, 7, 14, 15, tzinfo=UTC)


def shown(time: Asked) -> str:
    """Return "2023-05-07..2023-05-08", the end outside, or "05-07..05-07" of any year."""
    if isinstance(time, Recurring):
        return "..".join(f"{month:02}-{day:02}" for month, day in (time.first, time.last))
    return f"{time.start.date()}..{time.end.date()}"


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("in May 2023", "2023-05-01..2023-06-01"),
        ("May 7, 2023", "2023-05-07..2023-05-08"),
        ("7 May 2023", "2023-05-07..2023-05-08"),
        ("7th of May", "05-07..05-07"),
        ("2023-05-07", "2023-05-07..2023-05-08"),
        ("05/07/2023", "2023-05-07..2023-05-08 2023-07-05..2023-07-06"),
        ("13/07/2023", "2023-07-13..2023-07-14"),
        ("in 2022", "2022-01-01..2023-01-01"),
        ("in May", "05-01..05-31"),
        ("last summer", "2022-06-01..2022-09-01"),
        ("summer of 2022", "2022-06-01..2022-09-01"),
        ("this week", "2023-07-10..2023-07-17"),
        ("last week", "2023-07-03..2023-07-10"),
        ("last month", "2023-06-01..2023-07-01"),
        ("last year", "2022-01-01..2023-01-01"),
        ("yesterday", "2023-07-13..2023-07-14"),
        ("two days ago", "2023-07-12..2023-07-13"),
        ("3 weeks ago", "2023-06-20..2023-06-27"),
        ("last Friday", "2023-07-07..2023-07-08"),
        ("on Monday", "2023-07-10..2023-07-11"),
        ("the week before 9 June 2023", "2023-06-02..2023-06-09"),
        ("weekend of 3 June", "2023-06-03..2023-06-05"),
        ("early 2023", "2023-01-01..2023-05-01"),
        ("mid-2023", "2023-05-01..2023-09-01"),
        ("late 2023", "2023-09-01..2024-01-01"),
        ("the 1990s", "1990-01-01..2000-01-01"),
        ("the 90s", "1990-01-01..2000-01-01"),
        ("Q2 2023", "2023-04-01..2023-07-01"),
        ("since March", "2023-03-01..9999-12-31"),
        ("before 2022", "0001-01-01..2022-01-01"),
        ("after May 2023", "2023-06-01..9999-12-31"),
        ("between March and June 2023", "2023-03-01..2023-07-01"),
        ("Christmas", "12-24..12-26"),
        ("New Year's Eve", "12-31..12-31"),
        ("Where was John between August 11 and August 15 2023?", "2023-08-11..2023-08-16"),
        (
            "What did Joanna just finish last Friday on 23 January, 2022?",
            "2022-01-21..2022-01-22 2022-01-23..2022-01-24",
        ),
        ("the last weekend before April 10, 2023", "2023-04-08..2023-04-10"),
        ("on December 1,2023", "2023-12-01..2023-12-02"),
        ("the second week of November", "2022-11-08..2022-11-15"),
        ("first half of September 2022", "2022-09-01..2022-09-16"),
        ("beginning of November 2022", "2022-11-01..2022-11-11"),
        ("two weeks before August 11, 2023", "2023-07-25..2023-08-01"),
        ("on the Sunday before October 25, 2022", "2022-10-23..2022-10-24"),
        (
            "What was Tim's huge writing issue last week,as mentioned on November 6, 2023?",
            "2023-10-30..2023-11-06 2023-11-06..2023-11-07",
        ),
        ("met on Aug 15th?", "08-15..08-15"),
        ("by July 10, 2022", "0001-01-01..2022-07-11"),
        ("last May", "2023-05-01..2023-06-01"),
        ("next Friday", "2023-07-21..2023-07-22"),
        ("the past two weeks", "2023-06-30..2023-07-15"),
        ("in the last 3 months", "2023-04-14..2023-07-15"),
        ("between 2020 and 2022", "2020-01-01..2023-01-01"),
        ("2019-2021", "2019-01-01..2022-01-01"),
        ("winter of 2022", "2022-12-01..2023-03-01 2021-12-01..2022-03-01"),
        ("on the 3rd", "2023-07-03..2023-07-04"),
        ("last Christmas", "2022-12-24..2022-12-27"),
        ("from 3 to 5 May 2023", "2023-05-03..2023-05-06"),
        ("May 3-5, 2023", "2023-05-03..2023-05-06"),
        ("in april", "04-01..04-30"),
        ("end of last month", "2023-06-21..2023-07-01"),
        ("Halloween 2022", "2022-10-31..2022-11-01"),
        ("2 days after Christmas 2022", "2022-12-28..2022-12-29"),
        ("the day after May 7, 2023", "2023-05-08..2023-05-09"),
        ("What did she do a year ago?", "2022-01-01..2023-01-01"),
        ("How was the wedding on May 7?", "05-07..05-07"),
        ("What did she plan for late summer?", "08-01..08-31"),
        ("in the winter", "12-01..02-29"),
        ("What did we do in the early 1990s?", "1990-01-01..1993-05-01"),
        ("What happened at the end of 2022?", "2022-09-01..2023-01-01"),
        ("this summer", "2023-06-01..2023-09-01"),
        ("this May", "2023-05-01..2023-06-01"),
        ("next Christmas", "2023-12-24..2023-12-27"),
        ("next month", "2023-08-01..2023-09-01"),
        ("next weekend", "2023-07-22..2023-07-24"),
        ("last weekend", "2023-07-08..2023-07-10"),
        ("this Monday", "2023-07-10..2023-07-11"),
        ("the past month", "2023-06-14..2023-07-15"),
        ("the next two weeks", "2023-07-14..2023-07-29"),
        ("a couple of days ago", "2023-07-12..2023-07-13"),
        ("two quarters ago", "2022-12-30..2023-01-29"),
        ("three decades ago", "1993-01-01..1994-01-01"),
        ("the day before yesterday", "2023-07-12..2023-07-13"),
        ("tomorrow", "2023-07-15..2023-07-16"),
        ("from November to February", "11-01..02-29"),
        ("between November and February 2023", "2022-11-01..2023-03-01"),
        ("between March 2023 and June", "2023-03-01..2023-07-01"),
        ("from 2019 to 2021", "2019-01-01..2022-01-01"),
        ("before last summer", "0001-01-01..2022-06-01"),
        ("until March 2022", "0001-01-01..2022-04-01"),
        ("Friday of last week", "2023-07-07..2023-07-08"),
        ("the week of May 7, 2023", "2023-05-01..2023-05-08"),
        ("the Saturday after May 7, 2023", "2023-05-13..2023-05-14"),
        ("the month before May 2023", "2023-04-01..2023-05-01"),
        ("the weekend after 9 June 2023", "2023-06-10..2023-06-12"),
        ("the week after 9 June 2023", "2023-06-10..2023-06-17"),
        ("the day before 9 June 2023", "2023-06-08..2023-06-09"),
        ("one month after 9 June 2023", "2023-06-24..2023-07-24"),
        ("the third Friday in May 2023", "2023-05-19..2023-05-20"),
        ("the last day of May 2023", "2023-05-31..2023-06-01"),
        ("the first month of 2023", "2023-01-01..2023-02-01"),
        ("the last month of 2022", "2022-12-01..2023-01-01"),
        ("the first weekend of July 2023", "2023-07-01..2023-07-03"),
        ("the last week of May 2023", "2023-05-25..2023-06-01"),
        ("second quarter of 2022", "2022-04-01..2022-07-01"),
        ("12/25/22", "2022-12-25..2022-12-26"),
        ("7.5.2023", "2023-05-07..2023-05-08"),
        ("2023-05", "2023-05-01..2023-06-01"),
        ("5/7/69", "2069-05-07..2069-05-08 2069-07-05..2069-07-06"),
        ("2023 Q1", "2023-01-01..2023-04-01"),
        ("Q3", "07-01..09-30"),
        ("last quarter", "2023-04-01..2023-07-01"),
        ("this decade", "2020-01-01..2030-01-01"),
        ("on the 20th", "2023-06-20..2023-06-21"),
        ("on the 31st", "2023-05-31..2023-06-01"),
        ("in mars", "03-01..03-31"),
        ("the March trip", "03-01..03-31"),
        ("on may 7", "05-07..05-07"),
        ("7th may", "05-07..05-07"),
        ("last May 2023", "2023-05-01..2023-06-01"),
        ("early 7 May 2023", "2023-05-07..2023-05-08"),
        ("early 7 May", "05-07..05-07"),
        ("two decades before 2023", "2003-01-01..2004-01-01"),
        ("the year after 2020", "2021-01-01..2022-01-01"),
        ("over the winter of 2021-2022", "2021-12-01..2022-03-01 2020-12-01..2021-03-01"),
        ("from March to", "03-01..03-31"),
        ("March 2023 to January 2023", "2023-03-01..2023-04-01 2023-01-01..2023-02-01"),
        ("31 May 2023 until 2 June 2023", "2023-05-31..2023-06-03"),
        ("29 February", "02-29..02-29"),
        ("half of May 2023", "2023-05-01..2023-06-01"),
        ("week of last May", "2023-05-01..2023-06-01"),
        ("the 2022 trip", "2022-01-01..2023-01-01"),
        ("New Year's Day 2023", "2023-01-01..2023-01-02"),
        ("early 2023 and late 2023", "2023-01-01..2023-05-01 2023-09-01..2024-01-01"),
        ("since 2021-05-03", "2021-05-03..9999-12-31"),
        ("first half of May", "05-01..05-15"),
        ("early May", "05-01..05-10"),
        ("the first week of the winter", "2022-12-01..2022-12-08"),
        ("at the end of the 90s", "1996-09-01..2000-01-01"),
        ("yesterday and yesterday", "2023-07-13..2023-07-14"),
    ],
)
def test_the_times_of_a_question_are_understood(question: str, expected: str) -> None:
    assert " ".join(map(shown, asked_periods(question, NOW))) == expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("im Mai 2023", "2023-05-01..2023-06-01"),
        ("am 7. Mai 2023", "2023-05-07..2023-05-08"),
        ("vor zwei Wochen", "2023-06-27..2023-07-04"),
        ("letzte Woche", "2023-07-03..2023-07-10"),
        ("l'été dernier", "2022-06-01..2022-09-01"),
        ("le 7 mai 2023", "2023-05-07..2023-05-08"),
        ("en mars", "03-01..03-31"),
        ("la semana pasada", "2023-07-03..2023-07-10"),
        ("7 de mayo de 2023", "2023-05-07..2023-05-08"),
        ("hace dos años", "2021-01-01..2022-01-01"),
        ("ontem", "2023-07-13..2023-07-14"),
        ("há três meses", "2023-03-30..2023-04-29"),
        ("il mese scorso", "2023-06-01..2023-07-01"),
        ("due settimane fa", "2023-06-27..2023-07-04"),
        ("Qu'ai-je fait hier ?", "2023-07-13..2023-07-14"),
        ("Anfang Mai 2022", "2022-05-01..2022-05-11"),
        ("ende 2022", "2022-09-01..2023-01-01"),
        ("la próxima semana", "2023-07-17..2023-07-24"),
        ("le mois prochain", "2023-08-01..2023-09-01"),
        ("l'année dernière", "2022-01-01..2023-01-01"),
        ("lundi dernier", "2023-07-10..2023-07-11"),
        ("vor Mai 2022", "0001-01-01..2022-05-01"),
        ("diesen Montag", "2023-07-10..2023-07-11"),
        ("nächsten Freitag", "2023-07-21..2023-07-22"),
        ("Weihnachten 2022", "2022-12-24..2022-12-27"),
        ("à Noël", "12-24..12-26"),
        ("dal 7 maggio 2023", "2023-05-07..9999-12-31"),
        ("fin de mayo de 2023", "2023-05-21..2023-06-01"),
    ],
)
def test_other_languages_are_understood(question: str, expected: str) -> None:
    assert " ".join(map(shown, asked_periods(question, NOW))) == expected


@pytest.mark.parametrize(
    ("question", "start", "end", "named"),
    [
        ("since March", datetime(2023, 3, 1, tzinfo=UTC), END, 31),
        ("since November", datetime(2022, 11, 1, tzinfo=UTC), END, 30),
        ("after 7 May 2023", datetime(2023, 5, 8, tzinfo=UTC), END, 1),
        (
            "by July 10, 2022",
            datetime.min.replace(tzinfo=UTC),
            datetime(2022, 7, 11, tzinfo=UTC),
            1,
        ),
    ],
)
def test_an_open_time_keeps_how_long_the_named_one_is(
    question: str, start: datetime, end: datetime, named: int
) -> None:
    assert asked_periods(question, NOW) == (Period(start, end, timedelta(days=named)),)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("the week after 9999-12-31", "9999-12-31..9999-12-31"),
        ("before 0001-01-01", "0001-01-01..0001-01-02"),
        ("after 9999-12-31", "9999-12-31..9999-12-31"),
        ("May 0000", ""),
        ("the weekend before 0001-01-01", "0001-01-01..0001-01-02"),
        ("the month before 0001-01-01", "0001-01-01..0001-01-02"),
        ("the month after 9999-12-31", "9999-12-31..9999-12-31"),
        ("the first weekend of 9999-12-31", "9999-12-31..9999-12-31"),
        ("9999 years ago", ""),
        ("9999 decades ago", ""),
        ("9999 months ago", "1190-03-30..1190-04-29"),
    ],
)
def test_the_calendar_ends_without_an_error(question: str, expected: str) -> None:
    assert " ".join(map(shown, asked_periods(question, NOW))) == expected


@pytest.mark.parametrize(
    ("reference", "question", "expected"),
    [
        (
            datetime.min.replace(tzinfo=UTC),
            "yesterday, on the 3rd, last May, since May",
            "05-01..05-31",
        ),
        (datetime.min.replace(tzinfo=UTC), "the next week of May", "05-01..05-31"),
        (END, "tomorrow, next week, next May", "05-01..05-31"),
        (datetime(2024, 1, 10, tzinfo=UTC), "this winter", "2023-12-01..2024-03-01"),
        (datetime(2023, 3, 30, tzinfo=UTC), "on the 31st", "2023-01-31..2023-02-01"),
        (datetime(2023, 3, 30, tzinfo=UTC), "since 29 February", "2020-02-29..9999-12-31"),
        (datetime(1903, 3, 30, tzinfo=UTC), "since 29 February", "1896-02-29..9999-12-31"),
        (
            datetime(2023, 7, 14, 1, tzinfo=timezone(timedelta(hours=2))),
            "today",
            "2023-07-13..2023-07-14",
        ),
    ],
)
def test_relative_times_count_from_the_reference(
    reference: datetime, question: str, expected: str
) -> None:
    told = asked_periods(question, reference)

    assert " ".join(map(shown, told)) == expected


def test_times_count_from_a_whole_date_in_the_question() -> None:
    told = asked_periods("Who called yesterday, as she said on 3 March 2021?", NOW)

    assert list(map(shown, told)) == ["2021-03-02..2021-03-03", "2021-03-03..2021-03-04"]


def test_a_list_of_dates_is_cut() -> None:
    assert len(asked_periods(" ".join(f"2023-05-{day:02}" for day in range(1, 31)), NOW)) == 8
