"""The notifier is told of deliveries when they are due, a few at a time."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from recollect.adapters.aws.wake_ups import DELIVERIES_PER_MESSAGE
from recollect.adapters.local.wake_ups import LocalWakeUps
from recollect.domain.webhooks import LONGEST_PAUSE
from recollect.entrypoints.messages import DeliveriesAreDue
from tests.contract.test_wake_ups import Stubbed, a_client, a_queue, stubbed, wake_ups_to

__all__ = ["stubbed"]


def test_deliveries_of_a_webhook_are_one_group_and_few_in_a_message(stubbed: Stubbed) -> None:
    ids = [str(uuid4()) for _ in range(DELIVERIES_PER_MESSAGE + 1)]
    for _ in range(4):
        stubbed.stub.add_response("send_message", {})

    stubbed.wake_ups.deliver("acme", "w1", ids)
    stubbed.wake_ups.deliver("acme", "w2", ids[:1])
    stubbed.wake_ups.deliver("umbrella", "w1", ids[:1])

    bodies = [request["MessageBody"] for request in stubbed.sent]
    said = [DeliveriesAreDue.model_validate_json(body) for body in bodies]
    assert [an_id for news in said[:2] for an_id in news.delivery_ids] == ids
    assert [(news.project, news.webhook_id) for news in said[1:]] == [
        ("acme", "w1"),
        ("acme", "w2"),
        ("umbrella", "w1"),
    ]
    groups = [request["MessageGroupId"] for request in stubbed.sent]
    assert (groups[0], len(set(groups))) == (groups[1], 3)
    assert not [request for request in stubbed.sent if "DelaySeconds" in request]


def test_a_delivery_that_is_due_later_is_never_heard_of_too_early(stubbed: Stubbed) -> None:
    stubbed.stub.add_response("send_message", {})

    stubbed.wake_ups.deliver("acme", "w1", ["d1"], delay=timedelta(seconds=9, milliseconds=1))

    [request] = stubbed.sent
    assert str(request["DelaySeconds"]) == "10"


@pytest.mark.engines
def test_a_queue_holds_back_what_is_due_later() -> None:
    with a_client() as client, a_queue(client) as queue:
        wake_ups = replace(wake_ups_to(client, queue.url), webhook_queue_url=queue.url)

        wake_ups.deliver("acme", "w1", ["later"], delay=LONGEST_PAUSE)
        wake_ups.deliver("acme", "w1", ["now"])

        [message] = queue.receive()
        assert DeliveriesAreDue.model_validate_json(message["Body"]).delivery_ids == ["now"]


def test_here_what_is_due_later_is_left_to_maintenance() -> None:
    wake_ups = LocalWakeUps()

    wake_ups.deliver("acme", "w1", ["later"], delay=timedelta(seconds=1))
    wake_ups.deliver("acme", "w1", ["now", "too"])

    assert wake_ups.deliveries.take(limit=9) == [("acme", "w1", "now"), ("acme", "w1", "too")]
