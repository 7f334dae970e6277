"""What removing memories whose last day is long over promises."""

from dataclasses import dataclass
from datetime import date, timedelta

import pytest

from recollect.adapters.local.record import LocalRecord
from recollect.domain.memory import HistoryAction, Memory
from recollect.domain.subjects import Scope
from recollect.ports.record import Change, VersionMovedError
from recollect.testing.builders import NOON, a_change, a_memory, adding
from recollect.testing.store import update
from recollect.usecases.remove_expired import KEPT_DAYS, RemoveExpired
from tests.service import Service

OVER = NOON.date() - timedelta(days=KEPT_DAYS + 1)
"""A last day that is long enough ago."""


@dataclass(frozen=True)
class ContestedRecord(LocalRecord):
    """Whose memories somebody changes whenever they are to be changed."""

    def commit(self, project: str, change: Change) -> None:
        message = f"{len(change.writes)} of {project} were changed by somebody else"
        raise VersionMovedError(message)


def remove(service: Service) -> RemoveExpired:
    return RemoveExpired(
        service.ports.record, service.ports.wake_ups, service.ports.now, service.ports.new_id
    )


def add(service: Service, scope: Scope, text: str, last_day: date | None) -> Memory:
    memory = a_memory(scope, text, expires_on=last_day)
    service.ports.record.commit(scope.project, a_change(adding(memory)))
    return memory


def living(service: Service, scope: Scope, *memories: Memory) -> list[str]:
    found = service.ports.record.get(scope.project, [memory.id for memory in memories])
    return [found[memory.id].text for memory in memories if memory.id in found]


def test_what_expired_long_ago_is_deleted_and_its_history_kept(
    service: Service, scope: Scope
) -> None:
    over = add(service, scope, "over", OVER)
    others = [
        add(service, scope, "not for long", OVER + timedelta(days=1)),
        add(service, scope, "tomorrow", NOON.date() + timedelta(days=1)),
        add(service, scope, "for ever", None),
    ]

    assert remove(service)(limit=10) == 1

    assert living(service, scope, over, *others) == ["not for long", "tomorrow", "for ever"]
    history = service.ports.record.history(scope.project, over.id)
    assert [event.action for event in history] == [HistoryAction.ADD, HistoryAction.DELETE]
    assert service.ports.outbox.pending(scope.project, [scope.owner.key], limit=9)
    assert remove(service)(limit=10) == 0


def test_no_more_than_asked_for_are_removed_at_once(service: Service, scope: Scope) -> None:
    memories = [add(service, scope, str(number), OVER) for number in range(3)]

    assert remove(service)(limit=2) == 2
    assert len(living(service, scope, *memories)) == 1
    assert remove(service)(limit=2) == 1


def test_who_got_another_last_day_meanwhile_stays(
    service: Service, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, for_ever = (add(service, scope, name, OVER) for name in ("kept", "for ever"))
    found = service.ports.record.expired(before=NOON.date(), limit=9)
    update(service.store, kept, expires_on=NOON.date())
    update(service.store, for_ever, expires_on=None)
    monkeypatch.setattr(LocalRecord, "expired", lambda *_, **__: found)

    remove(service)(limit=10)

    assert living(service, scope, kept, for_ever) == ["kept", "for ever"]


def test_who_is_changed_at_the_same_time_is_left_for_the_next_run(
    service: Service, scope: Scope
) -> None:
    memory = add(service, scope, "over", OVER)
    ports = service.ports
    contested = ContestedRecord(**vars(service.store.record))

    assert RemoveExpired(contested, ports.wake_ups, ports.now, ports.new_id)(limit=10) == 1

    assert living(service, scope, memory) == ["over"]


def test_maintenance_removes_what_expired(service: Service, scope: Scope) -> None:
    memory = add(service, scope, "over", OVER)

    assert service.maintain() == 1

    assert living(service, scope, memory) == []
