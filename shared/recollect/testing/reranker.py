"""What every Reranker promises, whichever model is behind it: a fixture `reranker`."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from recollect.domain.memory import MAX_TEXT_BYTES
from recollect.ports.models import Reranker

QUERY = "What are the names of the cats?"
TEXTS = [
    "It rained in Turin.",
    "The names of the cats are Plus and Minus.",
    "Ada has two cats.",
]


def test_the_best_answer_has_the_highest_score_in_the_place_of_its_text(
    reranker: Reranker,
) -> None:
    scores = reranker.rerank(QUERY, TEXTS)

    assert scores.index(max(scores)) == 1


def test_scores_are_between_zero_and_one(reranker: Reranker) -> None:
    assert all(0 <= score <= 1 for score in reranker.rerank(QUERY, TEXTS))


def test_the_order_of_the_texts_changes_no_score(reranker: Reranker) -> None:
    scores = reranker.rerank(QUERY, TEXTS)

    assert reranker.rerank(QUERY, TEXTS[::-1]) == pytest.approx(scores[::-1], abs=1e-3)


def test_no_texts_have_no_scores(reranker: Reranker) -> None:
    assert reranker.rerank(QUERY, []) == []


def test_a_text_that_is_there_twice_has_two_scores(reranker: Reranker) -> None:
    first, second = reranker.rerank(QUERY, [TEXTS[0], TEXTS[0]])

    assert first == pytest.approx(second, abs=1e-3)


def test_the_longest_text_has_a_score(reranker: Reranker) -> None:
    assert len(reranker.rerank(QUERY, ["a" * MAX_TEXT_BYTES, "漢字かな \U0001f600"])) == 2


def test_threads_can_share_it(reranker: Reranker) -> None:
    expected = reranker.rerank(QUERY, TEXTS)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: reranker.rerank(QUERY, TEXTS), range(16)))

    for scores in answers:
        assert scores == pytest.approx(expected, abs=1e-3)


def test_the_model_has_a_name(reranker: Reranker) -> None:
    assert reranker.model
