"""What building the index anew promises."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from recollect.adapters.local.index_builds import LocalIndexBuilds
from recollect.adapters.local.listing import LocalListing
from recollect.domain.errors import ConflictError
from recollect.domain.filters import EVERYTHING, Filter
from recollect.domain.memory import Memory
from recollect.domain.subjects import Scope
from recollect.ports.index import IndexQuery
from recollect.ports.record import MemoryPage, Position
from recollect.usecases import walking
from recollect.usecases.rebuild_index import RebuildIndex
from tests.service import Service, UseCases, embedder


def ignore(*_: object) -> None:
    """Nobody watches, and nothing has to settle."""


def rebuilding(service: Service) -> RebuildIndex:
    ports = service.ports
    return RebuildIndex(
        ports.keys, ports.listing, LocalIndexBuilds(service.store.database), settle=ignore
    )


def held(service: UseCases, scope: Scope) -> dict[str, int]:
    return dict(service.ports.index.held(scope.project, after=None, limit=10_000))


def lose_the_index(service: Service) -> None:
    with service.store.database.writing() as file:
        file.execute("DELETE FROM index_documents")
        file.execute("DELETE FROM index_members")


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "PAGE", 2)


def test_every_living_memory_of_every_project_is_indexed_with_its_vector(
    service: Service, scope: Scope
) -> None:
    other = service.new_scope("other", user="bob")
    memories = [service.remember(scope, text) for text in ("tea", "cake", "pie")]
    theirs = service.remember(other, "tea")
    service.delete(scope.project, memories[0].id)
    for each in (scope, other):
        service.index_all(each)
    lose_the_index(service)

    written = rebuilding(service)(ignore)

    assert written == 3
    assert held(service, scope) == {memory.id: 1 for memory in memories[1:]}
    assert held(service, other) == {theirs.id: 1}
    [vector] = embedder().embed(["cake"], "query")
    near = IndexQuery(EVERYTHING, vector, (), limit=1)
    [proposal] = service.ports.index.propose(scope.project, [near])
    assert proposal.memory_ids == (memories[1].id,)


def test_an_expired_memory_is_indexed_too(service: Service, scope: Scope) -> None:
    memory = service.remember(scope, "tea", expires_on=service.clock().date().replace(year=2020))

    rebuilding(service)(ignore)

    assert held(service, scope) == {memory.id: 1}


def test_what_is_not_in_the_record_is_gone(service: Service, scope: Scope) -> None:
    memory = service.remember(scope, "tea")
    service.ports.index.put(
        scope.project, [replace(memory, id="ghost"), replace(memory, version=8)]
    )

    rebuilding(service)(ignore)

    assert held(service, scope) == {memory.id: 1}


def test_without_projects_there_is_nothing_to_index(service: Service) -> None:
    assert rebuilding(service)(ignore) == 0


class Interrupted(LocalIndexBuilds):
    """Somebody else drops the index that is built once it has this many memories."""

    left = 3

    def put(self, project: str, memories: Sequence[Memory]) -> None:
        self.left -= len(memories)
        if self.left < 0:
            message = "dropped"
            raise ConflictError(message)
        super().put(project, memories)


def test_what_was_interrupted_is_finished_by_the_next_run(service: Service, scope: Scope) -> None:
    memories = [service.remember(scope, f"fact {number}") for number in range(5)]
    service.ports.index.put(scope.project, [replace(memories[0], id="ghost")])
    rebuild = rebuilding(service)
    with pytest.raises(ConflictError):
        replace(rebuild, builds=Interrupted(service.store.database))(ignore)
    assert "ghost" in held(service, scope)
    added = service.remember(scope, "added in between")

    rebuild(ignore)

    assert held(service, scope) == {memory.id: 1 for memory in [*memories, added]}


def test_repeating_it_changes_nothing(service: Service, scope: Scope) -> None:
    memories = [service.remember(scope, f"fact {number}") for number in range(3)]

    assert [rebuilding(service)(ignore) for _ in range(3)] == [3, 3, 3]

    assert held(service, scope) == {memory.id: 1 for memory in memories}


@dataclass(frozen=True)
class Late(LocalListing):
    """Lists that show nothing new until they have settled."""

    has_settled: list[bool] = field(default_factory=list)

    def settle(self) -> None:
        self.has_settled.append(True)

    def memories(
        self,
        project: str,
        matching: Filter,
        *,
        limit: int,
        skip: int = 0,
        after: Position | None = None,
    ) -> MemoryPage:
        if not self.has_settled:
            return MemoryPage((), 0, is_count_exact=False, has_more=False)
        return super().memories(project, matching, limit=limit, skip=skip, after=after)


def test_it_waits_until_lists_show_what_was_committed_before(
    service: Service, scope: Scope
) -> None:
    memory = service.remember(scope, "tea")
    service.index_all(scope)
    late = Late(service.store.database)

    replace(rebuilding(service), listing=late, settle=late.settle)(ignore)

    assert held(service, scope) == {memory.id: 1}


def test_it_tells_how_far_it_is(service: Service, scope: Scope) -> None:
    service.say(scope, "tea", "cake", "pie")
    told: list[tuple[str, int]] = []

    rebuilding(service)(lambda *done: told.append(done))

    assert told == [("indexed", 2), ("indexed", 1)]
