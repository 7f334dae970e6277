"""What is looked at to answer a question: proposals, pending changes, current states."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest

from recollect.domain.filters import EVERYTHING, Filter, parse_filter, subject_is
from recollect.domain.memory import Memory
from recollect.domain.ranking import TermStatistics
from recollect.domain.subjects import Scope
from recollect.domain.text import terms
from recollect.ports.index import IndexQuery, Proposal
from recollect.usecases.candidates import MAX_PENDING, Candidates
from recollect.usecases.change_memory import MemoryChanges
from tests.builders import a_scope
from tests.service import Service, embedder


@dataclass(frozen=True)
class StubbornIndex:
    """Proposes the same memories whatever is asked, and forgets nothing."""

    proposal: Proposal

    def put(self, project: str, memories: Sequence[Memory]) -> None:
        raise AssertionError(project, memories)

    def remove(self, project: str, removals: Mapping[str, int]) -> None:
        raise AssertionError(project, removals)

    def propose(self, project: str, query: IndexQuery) -> Proposal:
        assert project
        assert query.limit
        return self.proposal


def find(service: Service, scope: Scope, matching: Filter, words: str = "tea") -> Candidates:
    [vector] = embedder().embed([words], "query")
    return service.find(scope.project, matching, vector, terms(words), limit=10)


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


@pytest.mark.parametrize(("pending", "degraded"), [(0, ()), (1, ("index_lag",))])
def test_more_pending_than_are_looked_at_is_said(
    service: Service, scope: Scope, pending: int, degraded: tuple[str, ...]
) -> None:
    service.say(scope, *(f"text {number}" for number in range(MAX_PENDING + pending)))

    candidates = find(service, scope, subject_is(scope.owner))

    assert candidates.degraded == degraded
