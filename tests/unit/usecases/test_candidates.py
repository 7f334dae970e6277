"""What is looked at to answer a question: proposals, pending changes, current states."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pytest

from recollect.domain.changes import MemoryChanges
from recollect.domain.errors import UnavailableError
from recollect.domain.filters import EVERYTHING, Filter, both, parse_filter, subject_is
from recollect.domain.memory import Memory
from recollect.domain.questions import Question
from recollect.domain.ranking import TermStatistics
from recollect.domain.subjects import Scope
from recollect.domain.text import terms
from recollect.ports.index import IndexQuery, Proposal
from recollect.testing.builders import a_scope
from recollect.usecases.candidates import (
    MAX_PENDING,
    MAX_WITHOUT_INDEX,
    Candidates,
    FindCandidates,
)
from tests.service import Service, embedder


@dataclass(frozen=True)
class StubbornIndex:
    """Proposes the same memories whatever is asked, and forgets nothing."""

    proposal: Proposal

    def put(self, project: str, memories: Sequence[Memory]) -> None:
        raise AssertionError(project, memories)

    def remove(self, project: str, removals: Mapping[str, int]) -> None:
        raise AssertionError(project, removals)

    def propose(self, project: str, queries: Sequence[IndexQuery]) -> list[Proposal]:
        assert project
        return [self.proposal for _ in queries]

    def held(self, project: str, *, after: str | None, limit: int) -> list[tuple[str, int]]:
        raise AssertionError(project, after, limit)


class BrokenIndex(StubbornIndex):
    """Cannot be asked."""

    def propose(self, project: str, queries: Sequence[IndexQuery]) -> list[Proposal]:
        assert project
        assert queries
        message = "The search index is down"
        raise UnavailableError(message)


def questions(*texts: str) -> list[Question]:
    vectors = embedder().embed(texts, "query")
    return [Question(each, tuple(terms(text))) for each, text in zip(vectors, texts, strict=True)]


def find(service: Service, scope: Scope, matching: Filter, words: str = "tea") -> Candidates:
    [candidates] = service.find(scope.project, matching, questions(words), limit=10)
    return candidates


def texts(candidates: Candidates) -> set[str]:
    return {memory.text for memory in candidates.memories}


def test_pending_changes_are_candidates(service: Service, scope: Scope) -> None:
    service.say(scope, "green tea", "black coffee")

    candidates = find(service, scope, subject_is(scope.owner))

    assert texts(candidates) == {"green tea", "black coffee"}
    assert candidates.degraded == ()


def test_without_a_named_subject_only_the_index_is_asked(service: Service, scope: Scope) -> None:
    service.say(scope, "green tea")
    before = find(service, scope, EVERYTHING)

    service.index_all(scope)

    assert before.memories == ()
    assert texts(find(service, scope, EVERYTHING)) == {"green tea"}


def test_a_filter_that_nothing_matches_has_no_candidates(service: Service, scope: Scope) -> None:
    service.say(scope, "green tea")

    assert find(service, scope, parse_filter({"OR": []})).memories == ()


def test_statistics_do_not_depend_on_what_is_pending(service: Service, scope: Scope) -> None:
    service.say(scope, "green tea", "black tea leaves")
    service.index_all(scope)
    service.say(scope, "black coffee", "tea and tea again")
    pending = find(service, scope, subject_is(scope.owner))

    service.index_all(scope)

    indexed = find(service, scope, subject_is(scope.owner))
    assert pending.statistics == indexed.statistics
    assert indexed.statistics.documents == 4
    assert indexed.statistics.frequencies == {"tea": 3}


def test_statistics_count_what_else_the_subject_holds_before_the_index_does(
    service: Service, scope: Scope
) -> None:
    service.say(scope, "green tea", "black coffee")
    matching = both(subject_is(scope.owner), parse_filter({"keywords": {"contains": "green"}}))
    pending = find(service, scope, matching)

    service.index_all(scope)

    indexed = find(service, scope, matching)
    assert texts(pending) == texts(indexed) == {"green tea"}
    assert pending.statistics == indexed.statistics
    assert indexed.statistics.documents == 2


def test_a_pending_update_counts_once(service: Service, scope: Scope) -> None:
    memory = service.remember(scope, "green tea")
    service.index_all(scope)
    service.update(scope.project, memory.id, MemoryChanges(text="black tea"))

    candidates = find(service, scope, subject_is(scope.owner))

    assert texts(candidates) == {"black tea"}
    assert candidates.statistics.documents == 1


def test_what_the_index_has_wrong_is_put_right(service: Service, scope: Scope) -> None:
    changed = service.remember(scope, "green tea")
    gone = service.remember(scope, "black tea")
    foreign = service.remember(a_scope(scope.project, user="bob"), "white tea")
    service.index_all(scope)
    service.update(scope.project, changed.id, MemoryChanges(text="red tea"))
    service.delete(scope.project, gone.id)
    proposal = Proposal((changed.id, gone.id, foreign.id, "unknown"), TermStatistics())

    candidates = find(service.having(index=StubbornIndex(proposal)), scope, subject_is(scope.owner))

    assert texts(candidates) == {"red tea"}


@dataclass(frozen=True)
class Counted:
    """Writes down what is asked of a port."""

    port: object
    asked: list[str]

    def __getattr__(self, name: str) -> object:
        self.asked.append(name)
        return getattr(self.port, name)


def counted(service: Service, asked: list[str]) -> FindCandidates:
    ports = service.ports
    every = (ports.index, ports.record, ports.outbox, ports.listing)
    return FindCandidates(*(cast("Any", Counted(port, asked)) for port in every))


def test_many_questions_take_the_round_trips_of_one(service: Service, scope: Scope) -> None:
    service.say(scope, "green tea", "black cocoa", "a dog called Rex")
    service.index_all(scope)
    asked: list[str] = []

    found = counted(service, asked)(
        scope.project, subject_is(scope.owner), questions("tea", "cocoa", "dog"), limit=1
    )

    assert asked == ["unseen", "propose", "get"]
    assert [texts(each) for each in found] == [
        {"green tea"},
        {"black cocoa"},
        {"a dog called Rex"},
    ]


def test_without_questions_nothing_is_asked(service: Service, scope: Scope) -> None:
    asked: list[str] = []

    assert counted(service, asked)(scope.project, subject_is(scope.owner), [], limit=1) == []
    assert asked == []


def test_each_question_has_its_own_statistics_and_everything_that_is_pending(
    service: Service, scope: Scope
) -> None:
    service.say(scope, "green tea", "black cocoa")
    service.index_all(scope)
    service.say(scope, "tea and cake")
    two = questions("tea", "cocoa")

    found = service.find(scope.project, subject_is(scope.owner), two, limit=1)

    assert [texts(each) for each in found] == [
        {"green tea", "tea and cake"},
        {"black cocoa", "tea and cake"},
    ]
    assert [each.statistics.frequencies for each in found] == [{"tea": 2}, {"cocoa": 1}]
    assert [each.statistics.documents for each in found] == [3, 3]


@pytest.mark.parametrize(("pending", "degraded"), [(0, ()), (1, ("index_lag",))])
def test_more_pending_than_are_looked_at_is_said(
    service: Service, scope: Scope, pending: int, degraded: tuple[str, ...]
) -> None:
    service.say(scope, *(f"text {number}" for number in range(MAX_PENDING + pending)))

    candidates = find(service, scope, subject_is(scope.owner))

    assert candidates.degraded == degraded


def without_index(service: Service) -> Service:
    return service.having(index=BrokenIndex(Proposal((), TermStatistics())))


def find_without_index(service: Service, scope: Scope, matching: Filter) -> Candidates:
    return find(without_index(service), scope, matching)


def test_while_the_index_is_down_the_record_proposes_everything(
    service: Service, scope: Scope
) -> None:
    service.say(scope, "green tea", "black tea leaves")
    service.say(a_scope(scope.project, user="ada", run="r1"), "tea and tea again")
    service.index_all(scope)
    service.say(scope, "black coffee")
    service.say(a_scope(scope.project, user="bob"), "white tea")
    with_index = find(service, scope, subject_is(scope.owner))

    without = find_without_index(service, scope, subject_is(scope.owner))

    assert texts(without) == texts(with_index)
    assert without.statistics == with_index.statistics
    assert without.degraded == ("index",)


def test_while_the_index_is_down_the_record_is_read_once_for_all_questions(
    service: Service, scope: Scope
) -> None:
    service.say(scope, "green tea", "tea and cocoa")
    asked: list[str] = []

    found = counted(without_index(service), asked)(
        scope.project, subject_is(scope.owner), questions("tea", "cocoa"), limit=1
    )

    assert asked == ["unseen", "propose", "memories"]
    assert [texts(each) for each in found] == [{"green tea", "tea and cocoa"}] * 2
    assert [each.statistics.frequencies for each in found] == [{"tea": 2}, {"cocoa": 1}]
    assert [each.degraded for each in found] == [("index",)] * 2


def test_while_the_index_is_down_filters_still_narrow(service: Service, scope: Scope) -> None:
    service.say(scope, "green tea", metadata={"cup": 1})
    service.say(scope, "black tea", metadata={"cup": 2})
    second = parse_filter({"metadata": {"cup": 2}})

    without = find_without_index(service, scope, both(subject_is(scope.owner), second))

    assert texts(without) == {"black tea"}
    assert without.statistics.documents == 2


def test_while_the_index_is_down_several_subjects_are_read_together(
    service: Service, scope: Scope
) -> None:
    service.say(scope, "green tea")
    service.say(a_scope(scope.project, user="bob"), "white tea")
    service.say(a_scope(scope.project, user="eve"), "red tea")
    two = parse_filter({"user_id": {"in": ["ada", "bob"]}})

    assert texts(find_without_index(service, scope, two)) == {"green tea", "white tea"}


@pytest.mark.parametrize("matching", [EVERYTHING, parse_filter({"user_id": "*"})])
def test_while_the_index_is_down_a_subject_must_be_named(
    service: Service, scope: Scope, matching: Filter
) -> None:
    with pytest.raises(UnavailableError, match=r"The search index is down; .* must name users"):
        find_without_index(service, scope, matching)


def test_while_the_index_is_down_only_so_many_memories_are_read(
    service: Service, scope: Scope
) -> None:
    service.say(scope, *(f"tea {number}" for number in range(MAX_WITHOUT_INDEX)))
    assert len(find_without_index(service, scope, subject_is(scope.owner)).memories) == 2_000
    service.say(scope, "one more tea")

    with pytest.raises(UnavailableError, match="at most 2000 memories"):
        find_without_index(service, scope, subject_is(scope.owner))
