"""Having webhooks hear of what was committed."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from recollect.domain.memory import HistoryEvent, Memory
from recollect.domain.webhooks import Delivery, deliveries_of
from recollect.ports.queue import WakeUps
from recollect.ports.record import Pending, Record
from recollect.ports.webhooks import Deliveries, DueDelivery, Webhooks


@dataclass(frozen=True)
class AnnounceChanges:
    """Leave a delivery for every webhook that is to hear of a change, and wake who makes them.

    Repeating it is safe: a change that was announced is the same delivery again. A wake-up that
    is lost, or a process that dies before it, is made up for by maintenance.
    """

    webhooks: Webhooks
    deliveries: Deliveries
    record: Record
    wake_ups: WakeUps
    now: Callable[[], datetime]

    def __call__(
        self, project: str, changes: Iterable[Pending], living: Mapping[str, Memory]
    ) -> None:
        """Announce these changes of memories, of which those that live are given as they are."""
        active = [each for each in self.webhooks.of(project).webhooks if each.is_active]
        if not active:
            return
        now = self.now()
        announced = [
            delivery
            for event in self._events(project, changes)
            for delivery in deliveries_of(active, event, living.get(event.memory_id), now)
        ]
        added = self.deliveries.add(project, announced)
        wake_notifier(self.wake_ups, [_due(project, delivery) for delivery in added])

    def _events(self, project: str, changes: Iterable[Pending]) -> Iterable[HistoryEvent]:
        versions: dict[str, set[int]] = defaultdict(set)
        for change in changes:
            versions[change.memory_id].add(change.version)
        for memory_id, wanted in versions.items():
            history = self.record.history(project, memory_id)
            yield from (event for event in history if event.version in wanted)


def wake_notifier(wake_ups: WakeUps, due: Sequence[DueDelivery]) -> None:
    """Say that these deliveries are due, webhook by webhook."""
    of_webhooks: dict[tuple[str, str], list[str]] = defaultdict(list)
    for each in due:
        of_webhooks[each.project, each.webhook_id].append(each.delivery_id)
    for (project, webhook_id), ids in of_webhooks.items():
        wake_ups.deliver(project, webhook_id, ids)


def _due(project: str, delivery: Delivery) -> DueDelivery:
    return DueDelivery(project, delivery.webhook_id, delivery.id)
