"""Webhooks and deliveries to them in the control table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import Any

from recollect.adapters import stored
from recollect.adapters.aws.documents import read_document, replace_document
from recollect.adapters.aws.dynamodb import (
    Item,
    Key,
    Step,
    Table,
    key_item,
    number,
    text,
)
from recollect.adapters.aws.items import is_possible, project_of, project_part, shard
from recollect.adapters.stored_webhooks import (
    dump_delivery,
    dump_webhooks,
    load_delivery,
    load_webhooks,
)
from recollect.domain.webhooks import Delivery, DeliveryStatus, ProjectWebhooks
from recollect.ports.record import LostRaceError
from recollect.ports.webhooks import DueDelivery

DUE_SHARDS = 16
"""Partitions that what is due is spread over. Stored in keys: it can never become less."""
END = "~"
"""Sorts behind every place."""


@dataclass(frozen=True)
class DynamoWebhooks:
    """Projects' webhooks in the control table, an item for each project: they are few."""

    control: Table

    def of(self, project: str) -> ProjectWebhooks:
        """Return the project's webhooks; none if it never had any."""
        found = read_document(self.control, _webhooks_key(project))
        return load_webhooks(*found) if found else ProjectWebhooks()

    def replace(self, project: str, webhooks: ProjectWebhooks) -> None:
        """Store webhooks that were made from the version before theirs."""
        key, document = _webhooks_key(project), dump_webhooks(webhooks)
        replace_document(self.control, key, document, version=webhooks.version)


@dataclass(frozen=True)
class DynamoDeliveries:
    """Deliveries in the control table, and beside each that is PENDING an item where it is due."""

    control: Table
    new_token: Callable[[], str]

    def add(self, project: str, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Store those whose id is not there yet, each for itself; return these."""

        def is_added(delivery: Delivery) -> bool:
            condition = {"ConditionExpression": "attribute_not_exists(pk)"}
            steps = [
                self._put(_item(project, delivery), **condition),
                self._put(_due_item(project, delivery)),
            ]
            try:
                self.control.transact(steps, self.new_token())
            except LostRaceError:
                return False
            return True

        added = self.control.together(is_added, deliveries)
        return [each for each, is_new in zip(deliveries, added, strict=True) if is_new]

    def get(self, project: str, webhook_id: str, delivery_id: str) -> Delivery | None:
        """Return a delivery, or None."""
        if not (is_possible(webhook_id) and is_possible(delivery_id)):
            return None
        item = self.control.get((_partition(project, webhook_id), delivery_id))
        return _delivery(item) if item else None

    def replace(self, project: str, before: Delivery, after: Delivery) -> None:
        """Store a delivery's next state unless it has another one already."""
        was, becomes = _due_key(project, before), _due_key(project, after)
        steps = [self._put(_item(project, after), **_as_it_was(before))]
        if after.status is not DeliveryStatus.PENDING:
            steps.append(self._delete(was))
        elif was != becomes:
            steps += [self._delete(was), self._put(_due_item(project, after))]
        self.control.transact(steps, self.new_token())

    def remove(self, project: str, delivery: Delivery) -> None:
        """Forget a delivery unless it has another state already."""
        key = (_partition(project, delivery.webhook_id), delivery.id)
        steps = [
            self._delete(key, **_as_it_was(delivery)),
            self._delete(_due_key(project, delivery)),
        ]
        self.control.transact(steps, self.new_token())

    def due(self, *, before: datetime, limit: int) -> list[DueDelivery]:
        """Return PENDING deliveries due since before then, longest first; 16 Queries at once."""

        def of_shard(at: int) -> list[str]:
            found = self.control.query(
                "pk = :pk AND sk <= :before",
                {":pk": text(f"Q#{at}"), ":before": text(stored.time_text(before) + END)},
                Limit=limit,
            )
            return [item["sk"]["S"] for item in islice(found, limit)]

        places = chain(*self.control.together(of_shard, range(DUE_SHARDS)))
        return [_due_delivery(place) for place in sorted(places)[:limit]]

    def recent(
        self, project: str, webhook_id: str, *, limit: int, after: str | None = None
    ) -> list[Delivery]:
        """Return a webhook's deliveries by their ids, last first, after one of these."""
        found = self.control.query(
            "pk = :pk AND sk < :after",
            {":pk": text(_partition(project, webhook_id)), ":after": text(after or END)},
            forward=False,
            Limit=limit,
        )
        return [_delivery(item) for item in islice(found, limit)]

    def _put(self, item: Item, **condition: Any) -> Step:  # noqa: ANN401 - DynamoDB's
        put = {"TableName": self.control.name, "Item": item, **condition}
        return Step({"Put": put}, _lost() if condition else None)

    def _delete(self, key: Key, **condition: Any) -> Step:  # noqa: ANN401 - as above
        delete = {"TableName": self.control.name, "Key": key_item(key), **condition}
        return Step({"Delete": delete}, _lost() if condition else None)


def _webhooks_key(project: str) -> Key:
    return f"W#{project_part(project)}", "W"


def _partition(project: str, webhook_id: str) -> str:
    return f"D#{project_part(project)}#{webhook_id}"


def _due_key(project: str, delivery: Delivery) -> Key:
    at = stored.time_text(delivery.next_attempt_at)
    place = f"{at}#{project_part(project)}#{delivery.webhook_id}#{delivery.id}"
    return f"Q#{shard(delivery.id, DUE_SHARDS)}", place


def _due_delivery(place: str) -> DueDelivery:
    _, project, webhook_id, delivery_id = place.split("#")
    return DueDelivery(project_of(project), webhook_id, delivery_id)


def _item(project: str, delivery: Delivery) -> Item:
    return {
        **key_item((_partition(project, delivery.webhook_id), delivery.id)),
        "status": text(delivery.status),
        "attempts": number(delivery.attempts),
        "next_attempt_at": text(stored.time_text(delivery.next_attempt_at)),
        "body": text(stored.dump(dump_delivery(delivery))),
        "ttl": number(int(delivery.expires_at.timestamp())),
    }


def _due_item(project: str, delivery: Delivery) -> Item:
    ttl = number(int(delivery.expires_at.timestamp()))
    return {**key_item(_due_key(project, delivery)), "ttl": ttl}


def _as_it_was(delivery: Delivery) -> dict[str, Any]:
    condition = "#status = :status AND attempts = :attempts AND next_attempt_at = :next"
    return {
        "ConditionExpression": condition,
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": {
            ":status": text(delivery.status),
            ":attempts": number(delivery.attempts),
            ":next": text(stored.time_text(delivery.next_attempt_at)),
        },
    }


def _delivery(item: Item) -> Delivery:
    return load_delivery(stored.load(item["body"]["S"]))


def _lost() -> LostRaceError:
    return LostRaceError("The delivery is gone or was changed by somebody else")
