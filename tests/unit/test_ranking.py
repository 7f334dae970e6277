"""One score from meaning and words."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recollect.domain.memory import Vector
from recollect.domain.ranking import (
    TermStatistics,
    TextScore,
    score_all,
    term_weights,
    unit,
)
from recollect.testing.builders import a_vector

STATISTICS = TermStatistics(documents=10, average_length=4.0, frequencies={"tea": 2, "pot": 5})
EAST, NORTH, WEST = a_vector(1, 0), a_vector(0, 1), a_vector(-1, 0)


def scored(
    vector: Vector,
    asked: Sequence[str],
    own: Vector | None,
    text: Sequence[str],
    statistics: TermStatistics,
) -> TextScore:
    [found] = score_all(vector, asked, [(own, text)], statistics)
    return found


def test_bm25_is_what_the_formula_gives() -> None:
    """By hand: `tea` twice and `pot` once in six terms, four on average, ten more documents."""
    length = 1.5 * (1 - 0.75 + 0.75 * 6 / 4)
    tea = math.log(1 + 18.5 / 2.5) * 2 * 2.5 / (2 + length)
    pot = math.log(1 + 15.5 / 5.5) * 1 * 2.5 / (1 + length)

    found = scored(EAST, ["tea", "pot"], None, ["tea", "a", "b", "pot", "tea", "c"], STATISTICS)

    assert found.keyword == pytest.approx(1 - math.exp(-(tea + pot) / 7))
    assert found.semantic == 0.0


@pytest.mark.parametrize(
    ("vector", "semantic"),
    [
        (EAST, 1.0),
        (3 * EAST, 1.0),
        (NORTH, 0.0),
        (WEST, 0.0),
        (a_vector(1, 1), math.sqrt(0.5)),
        (a_vector(0, 0), 0.0),
        (a_vector(1, 0, 0), 0.0),
        (None, 0.0),
    ],
)
def test_meaning_is_the_cosine_if_there_is_one_above_zero(
    vector: np.ndarray | None, semantic: float
) -> None:
    found = scored(EAST, [], vector, ["tea"], STATISTICS)

    assert found.semantic == pytest.approx(semantic, abs=1e-6)
    assert found.keyword == 0.0


def test_a_query_without_words_or_direction_answers_nothing() -> None:
    assert scored(a_vector(0, 0), [], EAST, ["tea"], STATISTICS) == TextScore(0, 0)


def test_asking_for_a_term_twice_changes_nothing() -> None:
    once = scored(EAST, ["tea"], EAST, ["tea"], STATISTICS)

    assert scored(EAST, ["tea", "tea"], EAST, ["tea"], STATISTICS) == once


def test_rare_terms_count_more_and_long_texts_less() -> None:
    def keyword(asked: str, text: str) -> float:
        return scored(EAST, [asked], None, text.split(), STATISTICS).keyword

    assert keyword("tea", "tea") > keyword("pot", "pot")
    assert keyword("tea", "tea") > keyword("tea", "tea and so on and on")
    assert keyword("tea", "tea tea") > keyword("tea", "tea cup")


def test_words_are_scored_before_the_index_knows_any_statistics() -> None:
    found = scored(EAST, ["tea"], None, ["tea"], TermStatistics())

    assert 0 < found.keyword < 1


def test_statistics_that_lag_behind_never_make_a_word_count_against_a_text() -> None:
    lagging = TermStatistics(documents=1, average_length=1.0, frequencies={"tea": 3})

    assert scored(EAST, ["tea"], None, ["tea"], lagging).keyword > 0


words = st.sampled_from(["tea", "pot", "cup", "sun"])
# As they are stored; squares of smaller ones are no numbers of 32 bits any more.
numbers = st.floats(-2, 2, width=16)
vectors = st.none() | st.builds(
    lambda *parts: np.array(parts, dtype=np.float32), numbers, numbers, numbers
)
candidates = st.tuples(vectors, st.lists(words))


@given(st.lists(candidates), st.lists(words), st.integers(0, 50))
def test_many_are_scored_as_one_by_one_and_between_0_and_1(
    many: list[tuple[np.ndarray | None, list[str]]], asked: list[str], documents: int
) -> None:
    query = a_vector(1, 2, 3)
    statistics = TermStatistics(documents, 2.5, {"tea": documents // 2, "pot": 1})

    found = score_all(query, asked, many, statistics)

    alone = [scored(query, asked, *candidate, statistics) for candidate in many]
    for one, other in zip(found, alone, strict=True):
        assert one == pytest.approx(other, abs=1e-6)
    assert all(0 <= part <= 1 for each in found for part in (each.semantic, each.keyword))


def test_an_unknown_term_weighs_as_one_that_no_text_has() -> None:
    one = np.ones(1, dtype=np.int64)

    unknown = term_weights("sun", one, 4 * one, STATISTICS)

    assert unknown == pytest.approx(math.log(1 + 20.5 / 0.5) * 2.5 / (1 + 1.5))


def test_vectors_are_brought_to_unit_length_without_division_by_zero() -> None:
    vectors = np.array([[3, 4], [0, 0]], dtype=np.float32)

    assert unit(vectors).tolist() == [pytest.approx([0.6, 0.8]), [0, 0]]
    assert unit(vectors[0]).tolist() == pytest.approx([0.6, 0.8])
