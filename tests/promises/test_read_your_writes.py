"""Promise 4: what was answered is seen by the next read, however far the index is behind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest

from recollect.domain.changes import MemoryChanges
from recollect.domain.errors import NotFoundError, UnavailableError
from recollect.domain.filters import Filter, parse_filter, subject_is
from recollect.domain.memory import Memory
from recollect.domain.ranking import TermStatistics
from recollect.domain.requests import DeleteAllRequest
from recollect.domain.subjects import Scope
from recollect.ports.index import IndexQuery, Proposal
from recollect.testing.builders import a_scope
from recollect.usecases.candidates import MAX_PENDING
from tests.service import UseCases


@dataclass(frozen=True)
class OutdatedIndex:
    """Proposes what it has once seen, whatever has become of it and whoever asks."""

    memory_ids: tuple[str, ...]

    def put(self, project: str, memories: Sequence[Memory]) -> None:
        """Store nothing."""

    def remove(self, project: str, removals: Mapping[str, int]) -> None:
        """Forget nothing."""

    def held(self, project: str, *, after: str | None, limit: int) -> list[tuple[str, int]]:
        raise UnavailableError(project, after, limit)

    def propose(self, project: str, queries: Sequence[IndexQuery]) -> list[Proposal]:
        assert project
        return [
            Proposal(
                self.memory_ids,
                TermStatistics(len(self.memory_ids), 2.0, dict.fromkeys(query.terms, 1)),
            )
            for query in queries
        ]


@pytest.fixture
def service(edition: UseCases) -> UseCases:
    return edition


def found(service: UseCases, scope: Scope, query: str = "tea") -> set[str]:
    return {each.memory.text for each in service.found(scope, query)}


def hits(service: UseCases, scope: Scope, matching: Filter) -> list[Memory]:
    result = service.search(scope.project, "tea", matching, threshold=0.0)
    return [each.memory for each in result.found]


def test_promise_4_an_add_is_seen_at_once(service: UseCases, scope: Scope) -> None:
    memory = service.remember(scope, "likes tea")

    assert service.read(scope.project, memory.id) == memory
    assert service.listed(scope) == (memory,)
    assert found(service, scope) == {"likes tea"}


def test_promise_4_an_update_is_seen_at_once(service: UseCases, scope: Scope) -> None:
    memory = service.remember(scope, "likes tea")
    service.index_all(scope)

    changed = service.update(scope.project, memory.id, MemoryChanges(text="likes black tea"))

    assert service.read(scope.project, memory.id) == changed
    assert service.listed(scope) == (changed,)
    assert found(service, scope) == {"likes black tea"}


def test_promise_4_a_deletion_is_seen_at_once(service: UseCases, scope: Scope) -> None:
    memory = service.remember(scope, "likes tea")
    service.index_all(scope)

    service.delete(scope.project, memory.id)

    with pytest.raises(NotFoundError):
        service.read(scope.project, memory.id)
    assert service.listed(scope) == ()
    assert found(service, scope) == set()


def test_promise_4_a_delete_of_everything_is_seen_at_once(service: UseCases, scope: Scope) -> None:
    service.say(scope, "likes tea", "likes green tea")
    service.index_all(scope)
    service.say(scope, "likes black tea")

    service.delete_all(DeleteAllRequest(project=scope.project, filters={"user_id": "ada"}))

    assert service.listed(scope) == ()
    assert found(service, scope) == set()


def test_promise_4_every_named_subject_sees_it(service: UseCases, scope: Scope) -> None:
    shared = a_scope(scope.project, user="ada", agent="helper", app="shop", run="r1")

    service.say(shared, "likes tea")

    for subject in shared.subjects:
        [hit] = service.search(scope.project, "tea", subject_is(subject)).found
        assert hit.memory.text == "likes tea"


def test_promise_4_what_is_pending_is_found_behind_a_large_scope(
    service: UseCases, scope: Scope
) -> None:
    service.say(scope, *(f"likes tea number {number}" for number in range(300)))
    service.index_all(scope)

    service.say(scope, "has a fox")

    [best, *_] = service.search(scope.project, "fox", subject_is(scope.owner), limit=1).found
    assert best.memory.text == "has a fox"


@pytest.mark.parametrize(
    ("count", "degraded"), [(MAX_PENDING, ()), (MAX_PENDING + 1, ("index_lag",))]
)
def test_promise_4_a_lag_of_more_than_500_is_said(
    service: UseCases, scope: Scope, count: int, degraded: tuple[str, ...]
) -> None:
    service.say(scope, *(f"likes tea number {number}" for number in range(count)))

    result = service.search(scope.project, "tea", subject_is(scope.owner))
    assert result.degraded == degraded
    assert len(service.listed(scope)) == 200

    service.index_all(scope)
    service.clock.forward(timedelta(minutes=2))
    assert service.search(scope.project, "tea", subject_is(scope.owner)).degraded == ()


def test_promise_4_deleted_and_superseded_texts_are_never_returned(
    service: UseCases, scope: Scope
) -> None:
    deleted = service.remember(scope, "tea is deleted")
    superseded = service.remember(scope, "tea is superseded")
    kept = service.remember(scope, "tea is kept")
    stranger = service.remember(a_scope(service.open_project("other")), "tea is another's")
    service.index_all(scope)
    service.delete(scope.project, deleted.id)
    service.update(scope.project, superseded.id, MemoryChanges(text="tea is new"))
    index = OutdatedIndex((deleted.id, superseded.id, kept.id, stranger.id))
    outdated = service.having(index=index)

    pending = found(outdated, scope)
    service.index_all(scope)

    assert pending == {"tea is new", "tea is kept"}
    assert found(outdated, scope) == pending


@pytest.mark.parametrize("is_indexed", [True, False])
@pytest.mark.parametrize(
    "matching",
    [
        {"metadata": {"mood": "good"}},
        {"text": "likes tea"},
        {"expiration_date": "2030-01-01"},
        {"created_at": {"lt": "2026-01-01"}},
        {"updated_at": {"lt": "2026-03-01T12:00:30Z"}},
    ],
)
def test_promise_4_filters_are_decided_on_the_current_state(
    service: UseCases, scope: Scope, matching: dict[str, object], *, is_indexed: bool
) -> None:
    before = service.update(
        scope.project,
        service.remember(scope, "likes milk").id,
        MemoryChanges(
            text="likes tea",
            metadata={"mood": "good"},
            said_at=service.clock() - timedelta(days=99),
            expires_on=service.clock().date().replace(year=2030, month=1, day=1),
        ),
    )
    service.index_all(scope)
    asked: Filter = parse_filter({"user_id": "ada", **matching})
    assert hits(service, scope, asked) == [before]
    service.clock.forward(timedelta(minutes=1))

    service.update(
        scope.project,
        before.id,
        MemoryChanges(
            text="likes tea no more",
            metadata={"mood": "bad"},
            said_at=service.clock(),
            clears_expiry=True,
        ),
    )
    if is_indexed:
        service.index_all(scope)

    outdated = service.having(index=OutdatedIndex((before.id,)))
    assert hits(service, scope, asked) == []
    assert hits(outdated, scope, asked) == []
    assert service.list(scope.project, asked).memories == ()


def test_promise_4_pending_deletes_do_not_hide_what_is_left(
    service: UseCases, scope: Scope
) -> None:
    service.say(scope, *(f"I like tea number {number}" for number in range(150)), "tea is served")
    service.index_all(scope)
    for memory in service.listed(scope):
        if memory.text != "tea is served":
            service.delete(scope.project, memory.id)

    found = service.found(scope, "tea", limit=10)

    assert [each.memory.text for each in found] == ["tea is served"]
