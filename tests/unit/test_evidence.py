"""What memories are ranked by, as arrays."""

from datetime import timedelta

from recollect.domain.evidence import NO_TURN, NOBODY, Evidence
from recollect.domain.memory import Memory
from recollect.domain.questions import Question
from recollect.testing.builders import NOON, a_memory, a_scope, a_vector

SCOPE = a_scope("acme", user="ada")
QUESTION = Question(a_vector(1, 0), ("tea", "green"))


def told(*memories: Memory) -> Evidence:
    return Evidence.of(QUESTION, memories, "test", [True] * len(memories))


def test_a_memory_is_a_row() -> None:
    memory = a_memory(
        a_scope("acme", user="ada", run="r1"),
        "Green tea, always green tea, yesterday?",
        id="m1",
        vector=[3, 4],
        turn=7,
        actor="Ada",
        created_at=NOON,
        stated_at=NOON + timedelta(hours=1),
    )

    evidence = told(memory)

    assert evidence.ids.tolist() == ["m1"]
    assert evidence.cosines(QUESTION).round(3).tolist() == [0.6]
    assert evidence.counts.tolist() == [[2, 2]]
    assert evidence.lengths.tolist() == [6]
    assert evidence.has_run.tolist() == [True]
    assert evidence.turns.tolist() == [7]
    assert evidence.times.tolist() == [NOON.timestamp() + 3600]
    assert [evidence.names[speaker] for speaker in evidence.speakers] == ["Ada"]
    assert evidence.asks.tolist() == [True]
    assert evidence.tells_time.tolist() == [True]


def test_what_is_not_known_of_a_memory_stands_out() -> None:
    evidence = told(a_memory(SCOPE, "Tea"))

    assert evidence.cosines(QUESTION).tolist() == [0.0]
    assert evidence.turns.tolist() == [NO_TURN]
    assert evidence.speakers.tolist() == [NOBODY]
    assert not evidence.has_run.any()
    assert not evidence.asks.any()
    assert not evidence.tells_time.any()


def test_a_vector_of_another_model_is_near_nothing() -> None:
    evidence = Evidence.of(QUESTION, [a_memory(SCOPE, vector=[1, 0])], "another", [True])

    assert evidence.cosines(QUESTION).tolist() == [0.0]


def test_a_name_before_the_text_says_who_speaks() -> None:
    texts = ["Mia: I like tea", "user: I like tea", "I like: tea", "Dr. O'Hara: tea?", "see: x:y"]

    evidence = told(*(a_memory(SCOPE, text) for text in texts))

    speakers = [evidence.names[at] if at >= 0 else None for at in evidence.speakers]
    assert speakers == ["Mia", None, "I like", "Dr. O'Hara", "see"]


def test_scopes_differ_by_their_numbers() -> None:
    other = a_scope("acme", user="ada", agent="bot")

    numbers = told(a_memory(SCOPE), a_memory(other), a_memory(SCOPE)).scopes.tolist()

    assert numbers[0] == numbers[2] != numbers[1]


def test_some_are_left_out() -> None:
    evidence = told(*(a_memory(SCOPE, id=name, actor=name) for name in "abc"))

    left = evidence.without({"b", "z"})

    assert left.ids.tolist() == ["a", "c"]
    assert [left.names[speaker] for speaker in left.speakers] == ["a", "c"]
    assert evidence.without(()) is evidence


def test_of_what_is_in_both_the_other_one_is_right() -> None:
    mine = told(
        a_memory(SCOPE, "tea", id="a", actor="Ada"), a_memory(SCOPE, "tea", id="b", actor="Mia")
    )
    other = told(
        a_memory(SCOPE, "green", id="b", actor="Zoe"),
        a_memory(SCOPE, "none", id="c"),
        a_memory(SCOPE, "tea tea", id="d", actor="Ada"),
    )

    both = mine.and_also(other)

    assert both.ids.tolist() == ["a", "b", "c", "d"]
    assert both.counts.tolist() == [[1, 0], [0, 1], [0, 0], [2, 0]]
    speakers = [both.names[at] if at >= 0 else None for at in both.speakers]
    assert speakers == ["Ada", "Zoe", None, "Ada"]


def test_nothing_is_evidence_too() -> None:
    assert len(told()) == 0
    assert told().counts.shape == (0, 2)
    assert told().and_also(told(a_memory(SCOPE, id="a"))).ids.tolist() == ["a"]
