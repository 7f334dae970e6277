"""What a search promises: the best first, scores with a meaning, clear refusals."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from recollect.adapters.local.touches import LocalTouches
from recollect.domain.decay import HALF_LIFE
from recollect.domain.errors import InvalidRequestError, UnavailableError
from recollect.domain.filters import in_scope, parse_filter, subject_is
from recollect.domain.memory import Embedding
from recollect.domain.subjects import Scope
from recollect.testing.builders import NOON, a_change, a_memory, adding
from recollect.usecases.rerank import MAX_TEXTS, Rerank
from recollect.usecases.search_memories import MAX_QUERY_LENGTH, MAX_RESULTS, SearchResult
from tests.service import THREADS, Service, embedder

TEXTS = ("Lives in Lisbon", "Loves sailing boats", "Has a dog called Rex", "Works as a nurse")


def search(service: Service, scope: Scope, query: str, **options: Any) -> SearchResult:  # noqa: ANN401 - whatever a search takes
    return service.search(scope.project, query, subject_is(scope.owner), **options)


def texts(result: SearchResult) -> list[str]:
    return [found.memory.text for found in result.found]


def test_the_best_answer_comes_first(service: Service, scope: Scope) -> None:
    service.say(scope, *TEXTS)

    result = search(service, scope, "what is the name of the dog?", threshold=0.0)

    scores = [found.score.score for found in result.found]
    assert texts(result)[0] == "Has a dog called Rex"
    assert sorted(scores, reverse=True) == scores
    assert all(0 <= score <= 1 for score in scores)
    assert result.degraded == ()


def test_the_answer_does_not_depend_on_the_projector(service: Service, scope: Scope) -> None:
    service.say(scope, *TEXTS)
    before = search(service, scope, "sailing in Lisbon", threshold=0.0)

    service.index_all(scope)

    after = search(service, scope, "sailing in Lisbon", threshold=0.0)
    assert texts(after) == texts(before)
    assert [found.score.score for found in after.found] == pytest.approx(
        [found.score.score for found in before.found]
    )


def test_a_word_alone_can_find_a_memory(service: Service, scope: Scope) -> None:
    [zero] = embedder().embed([""], "document")
    without = a_memory(scope, "serial XK42-B")
    strange = a_memory(scope, "serial XK43-B", vector=[1, 0])
    blank = a_memory(scope, "serial XK44-B", embedding=Embedding.of(embedder().model, zero))
    writes = [adding(memory) for memory in (without, strange, blank)]
    service.store.record.commit(scope.project, a_change(*writes))

    result = search(service, scope, "XK42")

    assert texts(result) == ["serial XK42-B"]
    assert result.found[0].score.components["semantic"] == 0


def test_the_threshold_cuts_the_score(service: Service, scope: Scope) -> None:
    service.say(scope, *TEXTS)
    everything = search(service, scope, "dog", threshold=0.0).found

    cut = search(service, scope, "dog", threshold=everything[0].score.score).found

    assert len(everything) == len(TEXTS)
    assert cut == everything[:1]


def test_at_most_so_many_are_returned(service: Service, scope: Scope) -> None:
    service.say(scope, *TEXTS)

    assert len(search(service, scope, "dog", limit=2, threshold=0.0).found) == 2


def test_equal_scores_are_in_the_order_they_were_said(service: Service, scope: Scope) -> None:
    twins = [
        a_memory(scope, text, id=name, created_at=NOON + timedelta(minutes=minutes))
        for name, text, minutes in [("c", "tea", 1), ("b", "Tea", 0), ("a", "TEA", 1)]
    ]
    service.store.record.commit(scope.project, a_change(*map(adding, twins)))

    result = search(service, scope, "tea", threshold=0.0)

    assert [found.memory.id for found in result.found] == ["b", "a", "c"]


def test_expired_memories_are_found_on_request_only(service: Service, scope: Scope) -> None:
    service.say(scope, "likes tea", expires_on=NOON.date() - timedelta(days=1))

    assert texts(search(service, scope, "tea")) == []
    assert texts(search(service, scope, "tea", show_expired=True)) == ["likes tea"]


def test_a_filter_that_nothing_matches_finds_nothing(service: Service, scope: Scope) -> None:
    service.say(scope, "likes tea")

    result = service.search(scope.project, "tea", parse_filter({"user_id": {"in": []}}))

    assert result.found == ()


def test_a_question_without_words_finds_nothing_above_zero(service: Service, scope: Scope) -> None:
    service.say(scope, "likes tea")

    assert search(service, scope, "?", threshold=0.9).found == ()


@pytest.mark.parametrize(
    ("query", "options", "reason"),
    [
        ("", {}, "query must not be empty"),
        (" \n", {}, "query must not be empty"),
        ("x" * (MAX_QUERY_LENGTH + 1), {}, "query must have at most"),
        ("tea", {"limit": 0}, "top_k"),
        ("tea", {"limit": MAX_RESULTS + 1}, "top_k"),
        ("tea", {"threshold": -0.1}, "threshold"),
        ("tea", {"threshold": 1.1}, "threshold"),
        ("tea", {"threshold": math.nan}, "threshold"),
    ],
)
def test_questions_that_cannot_be_asked_are_refused(
    service: Service, scope: Scope, query: str, options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidRequestError, match=reason):
        search(service, scope, query, **options)


def test_the_longest_question_can_be_asked(service: Service, scope: Scope) -> None:
    service.say(scope, "likes tea")

    assert texts(search(service, scope, f" {'tea ' * (MAX_QUERY_LENGTH // 4)}")) == ["likes tea"]


# Fading


def fade(service: Service, scope: Scope) -> None:
    settings = service.ports.projects.get(scope.project)
    after = replace(settings, has_decay=True, version=settings.version + 1)
    service.ports.projects.replace(scope.project, after)


def test_nothing_fades_unless_the_project_has_set_so(service: Service, scope: Scope) -> None:
    old = a_memory(scope, "likes green tea", created_at=NOON - 20 * HALF_LIFE)
    service.ports.record.commit(scope.project, a_change(adding(old)))

    [found] = service.search(scope.project, "green tea", in_scope(scope)).found

    assert found.score.decay == 1.0
    assert service.ports.touches.get(scope.project, [old.id]) == {}


def test_what_nobody_asked_for_fades_and_what_is_shown_stays(
    service: Service, scope: Scope
) -> None:
    old = a_memory(scope, "likes green tea", created_at=NOON - 20 * HALF_LIFE)
    new = a_memory(scope, "likes green teas", created_at=NOON)
    service.ports.record.commit(scope.project, a_change(adding(old), adding(new)))
    fade(service, scope)

    first, second = service.search(scope.project, "green tea", in_scope(scope), threshold=0.0).found

    assert (first.memory, second.memory) == (new, old)
    assert first.score.decay == pytest.approx(1.0)
    assert second.score.decay < 0.31
    touches = service.ports.touches.get(scope.project, [old.id, new.id])
    assert touches == {old.id: (old.created_at, NOON), new.id: (NOON, NOON)}


class FullTouches(LocalTouches):
    """Can be read, but takes nothing more."""

    def put(self, _project: str, _touches: Mapping[str, Sequence[datetime]]) -> None:
        raise UnavailableError


def test_what_cannot_be_noted_of_a_search_does_not_spoil_it(service: Service, scope: Scope) -> None:
    service.say(scope, "likes tea")
    fade(service, scope)
    full = service.having(touches=FullTouches(service.store.database))

    assert texts(search(full, scope, "tea")) == ["likes tea"]


def test_what_is_cut_off_is_not_touched(service: Service, scope: Scope) -> None:
    memories = [a_memory(scope, f"likes tea {number}", created_at=NOON) for number in range(3)]
    service.ports.record.commit(scope.project, a_change(*map(adding, memories)))
    fade(service, scope)

    shown = service.search(scope.project, "tea", in_scope(scope), limit=1, threshold=0.0).found
    none = service.search(scope.project, "nothing of it", in_scope(scope), threshold=1.0).found

    assert none == ()
    touches = service.ports.touches.get(scope.project, [memory.id for memory in memories])
    assert set(touches) == {shown[0].memory.id}


# --- a reranker


class Reader:
    """A reranker that likes what is long."""

    model = "scripted"

    def __init__(self, *, works: bool = True) -> None:
        self.works = works
        self.read: list[int] = []

    def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        self.read.append(len(texts))
        if not self.works:
            raise UnavailableError(query)
        return [len(text) / 1_000 for text in texts]


def with_reader(service: Service, reader: Reader) -> Service:
    return service.having(rerank=Rerank(reader, THREADS, seconds=5.0))


def test_a_reranker_orders_the_best(service: Service, scope: Scope) -> None:
    service.say(scope, "tea", "tea and more tea", "tea and a cake, and then more of the tea")
    reader = Reader()

    result = search(with_reader(service, reader), scope, "tea", limit=2, with_reranker=True)

    assert texts(result) == ["tea and a cake, and then more of the tea", "tea and more tea"]
    assert [found.rerank_score for found in result.found] == [0.04, 0.016]
    assert reader.read == [3]
    assert result.degraded == ()


def test_a_reranker_is_asked_only_on_request(service: Service, scope: Scope) -> None:
    service.say(scope, "tea", "tea and more tea")
    reader = Reader()

    asked = search(with_reader(service, reader), scope, "tea")

    assert asked == search(service, scope, "tea", with_reranker=True)
    assert asked.found[0].rerank_score is None
    assert reader.read == []


def test_what_a_reranker_cannot_read_stays_as_it_was(service: Service, scope: Scope) -> None:
    service.say(scope, "tea", "tea and more tea", "no")
    plain = search(service, scope, "tea")

    result = search(with_reader(service, Reader(works=False)), scope, "tea", with_reranker=True)

    assert result.found == plain.found
    assert result.degraded == ("rerank",)


def test_nothing_is_lost_behind_what_a_reranker_reads(service: Service, scope: Scope) -> None:
    service.say(scope, *(f"tea number {number}" for number in range(MAX_TEXTS + 10)))
    reader = Reader()

    result = search(
        with_reader(service, reader), scope, "tea", limit=200, threshold=0.0, with_reranker=True
    )

    assert len(result.found) == MAX_TEXTS + 10
    assert reader.read == [MAX_TEXTS]
    assert {found.rerank_score is None for found in result.found[MAX_TEXTS:]} == {True}
