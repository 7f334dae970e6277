"""What comparing the index with the record promises."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from recollect.domain.changes import MemoryChanges
from recollect.domain.errors import NotFoundError
from recollect.domain.memory import Memory
from recollect.domain.requests import DeleteAllRequest
from recollect.domain.subjects import Scope
from recollect.ports.index import MemoryIndex
from recollect.ports.record import Pending
from recollect.testing.builders import a_change, a_memory, a_scope, adding, updating
from recollect.usecases import verify_index, walking
from recollect.usecases.verify_index import IndexReport, VerifyIndex
from tests.service import Service, UseCases


def ignore(_: str, __: int) -> None:
    """Nobody watches."""


def verify(service: UseCases) -> VerifyIndex:
    ports = service.ports
    return VerifyIndex(ports.keys, ports.listing, ports.record, ports.index, ports.outbox)


def report(service: UseCases, scope: Scope, *, repair: bool = False) -> IndexReport:
    [found] = verify(service)(ignore, scope.project, repair=repair)
    return found


def numbers(report: IndexReport) -> dict[str, int]:
    """Return the numbers that are not 0, but for how many memories there are."""
    names = ("missing", "outdated", "ghosts", "pending", "repaired", "drift")
    return {name: getattr(report, name) for name in names if getattr(report, name)}


def indexed(service: Service, scope: Scope, *texts: str) -> list[Memory]:
    memories = [service.remember(scope, text) for text in texts]
    service.index_all(scope)
    return memories


def forget(service: Service, memory: Memory) -> None:
    """Lose a memory from the index, as no removal does."""
    with service.store.database.writing() as file:
        file.execute("DELETE FROM index_documents WHERE memory_id = ?", (memory.id,))


def test_an_index_that_is_up_to_date_has_not_drifted(service: Service, scope: Scope) -> None:
    first, second, third = indexed(service, scope, "tea", "cake", "pie")
    service.update(scope.project, first.id, MemoryChanges(text="coffee"))
    service.delete(scope.project, second.id)
    service.update(scope.project, third.id, MemoryChanges(metadata={"topic": "food"}))
    service.index_all(scope)

    found = report(service, scope)

    assert (found.memories, found.indexed, found.drift) == (2, 2, 0)
    assert numbers(found) == {}


def test_nothing_at_all_has_not_drifted(service: Service, scope: Scope) -> None:
    assert report(service, scope) == IndexReport(
        project=scope.project, memories=0, indexed=0, missing=0, outdated=0, ghosts=0, pending=0
    )


def test_what_the_index_is_about_to_get_is_pending(service: Service, scope: Scope) -> None:
    changed, deleted, _ = indexed(service, scope, "tea", "cake", "pie")
    service.remember(scope, "coffee")
    service.update(scope.project, changed.id, MemoryChanges(text="green tea"))
    service.delete(scope.project, deleted.id)

    found = report(service, scope)

    assert (found.memories, found.indexed) == (3, 3)
    assert numbers(found) == {"missing": 1, "outdated": 1, "ghosts": 1, "pending": 3}


def test_what_nothing_will_set_right_is_drift(service: Service, scope: Scope) -> None:
    missing, outdated, kept = indexed(service, scope, "tea", "cake", "pie")
    forget(service, missing)
    write = updating(outdated, text="birthday cake")
    service.store.record.commit(scope.project, a_change(write))
    pending = service.store.outbox.pending(scope.project, [scope.owner.key], limit=9)
    service.store.outbox.confirm(scope.project, pending)
    service.ports.index.put(scope.project, [replace(kept, id="never heard of")])
    service.remember(scope, "coffee")

    found = report(service, scope)

    assert (found.memories, found.indexed) == (4, 3)
    assert numbers(found) == {"missing": 2, "outdated": 1, "ghosts": 1, "pending": 1, "drift": 3}


def test_an_index_of_a_later_state_has_drifted(service: Service, scope: Scope) -> None:
    [memory] = indexed(service, scope, "tea")
    service.ports.index.put(scope.project, [replace(memory, version=7)])

    assert numbers(report(service, scope)) == {"outdated": 1, "drift": 1}


def test_pending_is_told_for_every_subject_of_a_memory(service: Service, scope: Scope) -> None:
    shared = a_scope(scope.project, user="ada", run="r1")
    service.remember(shared, "tea")
    done = service.store.outbox.pending(scope.project, [scope.owner.key], limit=9)
    service.store.outbox.confirm(scope.project, done)

    assert numbers(report(service, scope)) == {"missing": 1, "pending": 1}


def test_all_that_was_deleted_at_once_is_pending(service: Service, scope: Scope) -> None:
    indexed(service, scope, *(f"fact {number}" for number in range(9)))
    service.delete_all(DeleteAllRequest(project=scope.project, filters={"user_id": "ada"}))

    assert numbers(report(service, scope)) == {"ghosts": 9, "pending": 9}


def test_every_project_has_its_own_report(service: Service, scope: Scope) -> None:
    other = service.new_scope("other", user="ada")
    indexed(service, scope, "tea", "cake")
    [lost] = indexed(service, other, "tea")
    forget(service, lost)

    reports = verify(service)(ignore)

    assert [(each.project, each.memories, each.drift) for each in reports] == [
        ("acme", 2, 0),
        ("other", 1, 1),
    ]
    assert [each.project for each in verify(service)(ignore, "other")] == ["other"]


def test_an_unknown_project_is_refused(service: Service) -> None:
    with pytest.raises(NotFoundError):
        verify(service)(ignore, "nobody's")


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (walking, verify_index):
        monkeypatch.setattr(module, "PAGE", 3)


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("count", [1, 3, 4, 6, 11])
def test_pages_of_both_sides_are_laid_side_by_side(
    service: Service, scope: Scope, count: int
) -> None:
    memories = indexed(service, scope, *(f"fact {number}" for number in range(count)))
    assert numbers(report(service, scope)) == {}
    lost = sorted(memories, key=lambda memory: memory.id)[-3:]
    for memory in lost:
        forget(service, memory)
    for name in ("0", "~1", "~2"):
        service.ports.index.put(scope.project, [replace(memories[0], id=name)])

    found = report(service, scope)

    assert (found.memories, found.indexed) == (count, count - len(lost) + 3)
    assert numbers(found) == {"missing": len(lost), "ghosts": 3, "drift": len(lost) + 3}


@dataclass(frozen=True)
class Busy:
    """An index that others write to between two looks at it, once."""

    index: MemoryIndex
    others: list[Any]

    def held(self, project: str, *, after: str | None, limit: int) -> list[tuple[str, int]]:
        found = self.index.held(project, after=after, limit=limit)
        while self.others:
            self.others.pop()()
        return found

    def __getattr__(self, name: str) -> object:
        return getattr(self.index, name)


def test_what_changes_while_it_is_compared_has_not_drifted(service: Service, scope: Scope) -> None:
    changed, deleted, _ = indexed(service, scope, "tea", "cake", "pie")

    def meanwhile() -> None:
        service.update(scope.project, changed.id, MemoryChanges(text="green tea"))
        service.delete(scope.project, deleted.id)
        indexed(service, scope, "coffee")

    found = report(service.having(index=Busy(service.ports.index, [meanwhile])), scope)

    assert numbers(found) == {}


def test_what_is_indexed_while_it_is_compared_has_not_drifted(
    service: Service, scope: Scope
) -> None:
    changed, deleted = indexed(service, scope, "tea", "cake")
    service.update(scope.project, changed.id, MemoryChanges(text="green tea"))
    service.delete(scope.project, deleted.id)
    service.remember(scope, "coffee")
    index = Busy(service.ports.index, [lambda: service.index_all(scope)])

    found = report(service.having(index=index), scope)

    assert numbers(found) == {}


def test_a_repair_writes_what_differs_and_nothing_else(service: Service, scope: Scope) -> None:
    missing, outdated, deleted, kept = indexed(service, scope, "tea", "cake", "pie", "water")
    [doomed] = indexed(service, scope, "soup")
    forget(service, missing)
    service.update(scope.project, outdated.id, MemoryChanges(text="birthday cake"))
    service.delete(scope.project, deleted.id)
    lost = service.store.outbox.pending(scope.project, [scope.owner.key], limit=9)
    service.store.outbox.confirm(scope.project, lost)
    service.remember(scope, "coffee")
    service.delete(scope.project, doomed.id)

    repaired = report(service, scope, repair=True)

    assert numbers(repaired) == {
        "missing": 2, "outdated": 1, "ghosts": 2, "pending": 2, "repaired": 3, "drift": 3
    }  # fmt: skip
    assert numbers(report(service, scope)) == {"missing": 1, "ghosts": 1, "pending": 2}
    held = dict(service.ports.index.held(scope.project, after=None, limit=9))
    assert held == {missing.id: 1, outdated.id: 2, kept.id: 1, doomed.id: 1}


def test_without_a_repair_nothing_is_written(service: Service, scope: Scope) -> None:
    [memory] = indexed(service, scope, "tea")
    forget(service, memory)

    for _ in range(2):
        assert numbers(report(service, scope)) == {"missing": 1, "drift": 1}


@dataclass(frozen=True)
class Settling:
    """An outbox of which the index shows late what it has confirmed."""

    outbox: Any
    confirmed: list[Pending]

    def unseen(self, project: str, subject_keys: Sequence[str], *, limit: int) -> list[Pending]:
        pending: list[Pending] = self.outbox.unseen(project, subject_keys, limit=limit)
        return [*pending, *(each for each in self.confirmed if each.subject_key in subject_keys)]

    def __getattr__(self, name: str) -> object:
        return getattr(self.outbox, name)


def test_what_the_index_has_but_does_not_show_yet_is_pending(
    service: Service, scope: Scope
) -> None:
    memory = a_memory(scope)
    service.store.record.commit(scope.project, a_change(adding(memory)))
    confirmed = service.store.outbox.pending(scope.project, [scope.owner.key], limit=9)
    service.store.outbox.confirm(scope.project, confirmed)

    settling = service.having(outbox=Settling(service.ports.outbox, confirmed))

    assert numbers(report(settling, scope)) == {"missing": 1, "pending": 1}


def test_it_tells_how_far_it_is(service: Service, scope: Scope) -> None:
    indexed(service, scope, "tea", "cake")
    told: list[tuple[str, int]] = []

    verify(service)(lambda *done: told.append(done))

    assert told == [("compared", 2)]
