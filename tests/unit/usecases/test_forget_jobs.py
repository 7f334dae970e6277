"""What maintenance promises of jobs that ended long ago."""

from datetime import timedelta

from recollect.domain.jobs import KEPT, IdempotencyKey
from recollect.domain.subjects import Scope
from tests.service import Service

MINUTE = timedelta(minutes=1)


def test_a_job_is_forgotten_a_month_after_it_ended_and_what_it_did_is_not(
    service: Service, scope: Scope
) -> None:
    job = service.say(scope, "likes tea", key=IdempotencyKey("k", "body"))
    service.index_all(scope)

    service.clock.forward(KEPT - MINUTE)
    service.maintain()
    assert service.ports.jobs.get(scope.project, job.id) == job

    service.clock.forward(MINUTE)
    driven_on = service.maintain()
    assert driven_on == 1
    assert service.ports.jobs.get(scope.project, job.id) is None
    assert [memory.text for memory in service.listed(scope)] == ["likes tea"]


def test_a_key_belongs_to_its_job_until_that_is_forgotten(service: Service, scope: Scope) -> None:
    key = IdempotencyKey("k", "body")
    first = service.say(scope, "likes tea", key=key)
    service.maintain()

    assert service.say(scope, "likes tea", key=key) == first
    service.clock.forward(KEPT)
    service.maintain()
    assert service.say(scope, "likes tea", key=key).id != first.id
