"""What readers of questions promise: conversations as they are, and refusals with a place."""

import gzip
from datetime import UTC, datetime

import pytest

from recollect.usecases.evaluation.locomo import read_locomo
from recollect.usecases.evaluation.longmemeval import read_longmemeval
from recollect.usecases.evaluation.own_questions import read_own_questions
from recollect.usecases.evaluation.questions import Question
from tests.unit.usecases.evaluation.files import (
    a_question,
    a_sample,
    an_instance,
    as_file,
    as_lines,
    content_of,
    lines_of,
    refusal,
    some_turns,
)

# LoCoMo.


def test_sessions_come_in_order_with_times_and_captions() -> None:
    [found] = read_locomo(as_file([a_sample()]))

    assert found.id == "one"
    assert [(turn.id, turn.text, turn.speaker, turn.session) for turn in found.turns] == [
        ("D1:1", "My dog is called Biscuit.", "Maya", "session_1"),
        ("D1:2", "Look! [a red kite]", "Ben", "session_1"),
        ("D2:1", "My boat is called Otter.", "Ben", "session_2"),
    ]
    assert [turn.said_at for turn in found.turns] == [
        datetime(2023, 5, 8, 13, 56, tzinfo=UTC),
        datetime(2023, 5, 8, 13, 56, 1, tzinfo=UTC),
        datetime(2023, 6, 1, 0, 30, tzinfo=UTC),
    ]


def test_evidence_is_what_names_turns_and_category_5_has_no_answer() -> None:
    [found] = read_locomo(as_file([a_sample()]))

    first, second, third, fourth = found.questions
    assert (first.id, first.evidence, first.category, first.answer) == (
        "one/1",
        ("D1:1",),
        "4",
        "Biscuit",
    )
    assert first.asked_at == found.turns[-1].said_at
    assert (second.evidence, second.answer) == (("D1:2", "D2:1"), "2")
    assert (third.is_answerable, third.answer) == (False, None)
    assert (fourth.is_answerable, fourth.evidence) == (True, ())


def test_samples_without_ids_are_numbered() -> None:
    named = [found.id for found in read_locomo(as_file([a_sample(sample_id=None)] * 2))]

    assert named == ["conversation-1", "conversation-2"]


def session(**changes: object) -> dict[str, object]:
    told = a_sample()
    return {**told, "conversation": {**told["conversation"], **changes}}


@pytest.mark.parametrize(
    ("sample", "told"),
    [
        (a_sample(conversation={}), "element 1: there are no turns"),
        (a_sample(qa=[{"category": 1}]), "element 1: qa.0.question: Field required"),
        (7, "element 1: Input should be a valid dictionary"),
        (
            session(session_1_date_time="yesterday"),
            (
                "element 1: conversation.session_1_date_time: 'yesterday' is not a time such as"
                " '01:56 PM on 08 May, 2023'"
            ),
        ),
        (session(session_1="none"), "element 1: conversation.session_1: turns: "),
        (
            session(session_2=[{"speaker": "Ben", "dia_id": "D1:1", "text": "x"}]),
            "element 1: two turns have the same dia_id",
        ),
    ],
)
def test_what_is_no_sample_is_refused_with_its_place(sample: object, told: str) -> None:
    assert refusal(read_locomo, as_file([sample])).startswith(told)


# LongMemEval.


def test_evidence_is_the_turns_that_have_the_answer() -> None:
    [found] = read_longmemeval(as_file([an_instance()]))

    assert [(turn.id, turn.role, turn.session) for turn in found.turns] == [
        ("1:1", "user", "1:s1"),
        ("2:1", "user", "2:s2"),
        ("2:2", "assistant", "2:s2"),
    ]
    assert found.turns[2].said_at == datetime(2023, 5, 21, 10, 0, 1, tzinfo=UTC)
    assert found.questions == (
        Question(
            id="q1",
            text="What is my dog called?",
            evidence=("2:1",),
            category="single-session-user",
            asked_at=datetime(2023, 5, 30, 23, 40, tzinfo=UTC),
            answer="Biscuit",
        ),
    )


def test_abstention_is_told_by_the_id() -> None:
    [found] = read_longmemeval(as_file([an_instance(question_id="q1_abs", answer=3)]))

    assert (found.questions[0].is_answerable, found.questions[0].answer) == (False, "3")


def test_sessions_need_dates() -> None:
    told = refusal(read_longmemeval, as_file([an_instance(), an_instance(haystack_dates=[])]))

    assert told.startswith("element 2: Value error, there must be as many sessions as dates")


# Our own.


def test_turns_and_questions_stand_on_lines() -> None:
    first, second = read_own_questions(
        as_lines(
            some_turns(),
            a_question(category="pets", asked_at="2023-06-01", answer="Biscuit"),
            a_question(evidence=[]),
            some_turns(conversation="c2"),
        )
    )

    maya, assistant, third = first.turns
    assert (maya.speaker, maya.role, maya.session) == ("Maya", "user", "1")
    assert maya.said_at == datetime(2023, 5, 8, 13, 56, tzinfo=UTC)
    assert (assistant.speaker, assistant.role) == (None, "assistant")
    assert assistant.said_at == datetime(2023, 5, 8, 13, 57, tzinfo=UTC)
    assert (third.id, third.said_at) == ("3", None)
    assert [(each.id, each.category, each.is_answerable) for each in first.questions] == [
        ("c1/1", "pets", True),
        ("c1/2", "all", False),
    ]
    assert first.questions[0].asked_at == datetime(2023, 6, 1, tzinfo=UTC)
    assert (second.id, second.questions) == ("c2", ())


def test_turns_may_come_on_several_lines_and_lines_may_be_blank() -> None:
    more = {"conversation": "c1", "turns": [{"id": "t4", "text": "Bye."}]}
    packed = gzip.compress(lines_of(some_turns()) + b"\n" + lines_of(more, a_question()))

    [found] = read_own_questions(content_of(packed, "questions.jsonl.gz"))

    assert [turn.id for turn in found.turns] == ["t1", "t2", "3", "t4"]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([[]], 'line 1: must be an object with either "turns" or "question"'),
        ([{**some_turns(), **a_question()}], 'line 1: must be an object with either "turns"'),
        ([some_turns(turns=[])], "line 1: turns: Tuple should have at least 1 item"),
        ([some_turns(), a_question(question=" ")], "line 2: question: String should have at"),
        ([some_turns(), some_turns()], "line 2: 'c1' has two turns 't1'"),
        ([some_turns(), a_question(evidence=["x"])], "line 2: 'c1' has no turn 'x', which is"),
        ([a_question()], "line 1: 'c1' has no turn 't1'"),
        (
            [some_turns(), a_question(), some_turns(turns=[{"id": "t9", "text": "x"}])],
            "line 3: the turns of 'c1' must stand before its questions",
        ),
        (
            [some_turns(), some_turns(conversation="c2"), a_question()],
            "line 3: the lines of 'c1' must stand together",
        ),
        ([some_turns(), a_question(asked_at="soon")], "line 2: asked_at: Input should be a valid"),
    ],
)
def test_what_is_no_line_of_ours_is_refused_with_its_number(lines: list[object], told: str) -> None:
    assert refusal(read_own_questions, as_lines(*lines)).startswith(told)


def test_no_refusal_says_what_is_in_the_data() -> None:
    told = refusal(read_own_questions, as_lines(some_turns(turns="private")))

    assert "private" not in told


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"{}\n{]\n", "line 1: must be an object"),
        (b"{]\n", "line 1: not valid JSON"),
        (b"{} {}\n", "line 1: more after the JSON value, at character 3"),
        (b"\xff\n", "line 1: is not valid UTF-8"),
        (gzip.compress(lines_of(some_turns()))[:-9], "The gzip data is damaged, or ends early"),
    ],
)
def test_what_is_no_json_lines_is_refused(data: bytes, told: str) -> None:
    assert refusal(read_own_questions, content_of(data)).startswith(told)


def test_a_file_without_lines_has_no_conversations() -> None:
    assert list(read_own_questions(content_of(b"\n"))) == []
