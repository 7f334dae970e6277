"""Accepting adds that came as messages."""

from dataclasses import replace

import pytest

from recollect.domain.errors import IdempotencyMismatchError, InvalidRequestError
from recollect.domain.jobs import Job, JobStatus
from recollect.domain.memory import Message
from recollect.domain.requests import AddRequest
from recollect.testing.builders import NOON, a_scope
from recollect.usecases.ingest_messages import IngestMessages
from tests.service import Service


@pytest.fixture
def project(service: Service) -> str:
    return service.new_scope(user="ada").project


@pytest.fixture
def ingest(service: Service, project: str) -> IngestMessages:
    return IngestMessages(project, service.ports.keys, service.add)


def accepted(ingest: IngestMessages, body: str = "body", text: str = "tea") -> Job:
    request = AddRequest(
        scope=a_scope(ingest.project, user="ada"),
        messages=(Message(role="user", content=text),),
        infer=False,
    )
    return ingest(request, "queue:1", body, sent_at=NOON, message_id="m-1")


def test_a_message_becomes_a_job_as_old_as_the_message(
    service: Service, ingest: IngestMessages
) -> None:
    job = accepted(ingest)

    assert job.status is JobStatus.PENDING
    assert (job.asked_at, job.message_id, job.key_id) == (NOON, "m-1", None)
    assert len(service.ports.wake_ups.jobs) == 1


def test_a_message_of_the_same_name_is_the_same_job(ingest: IngestMessages) -> None:
    first, second = accepted(ingest), accepted(ingest)

    assert second.id == first.id


def test_a_message_of_the_same_name_with_another_body_is_refused(ingest: IngestMessages) -> None:
    accepted(ingest)

    with pytest.raises(IdempotencyMismatchError):
        accepted(ingest, body="other body")


def test_a_message_that_says_nothing_is_refused_before_anything_is_stored(
    service: Service, ingest: IngestMessages
) -> None:
    with pytest.raises(InvalidRequestError):
        accepted(ingest, text=" ")

    assert service.ports.jobs.recent(ingest.project, limit=1) == []


def test_a_project_with_a_key_is_good(ingest: IngestMessages) -> None:
    ingest.check()


def test_a_project_without_a_key_or_with_revoked_ones_is_not(
    service: Service, ingest: IngestMessages
) -> None:
    [key] = service.ports.keys.list(ingest.project)
    service.ports.keys.replace(ingest.project, key, replace(key, revoked_at=NOON))

    for each in (ingest, replace(ingest, project="nobody's")):
        with pytest.raises(InvalidRequestError, match="RECOLLECT_INGEST_PROJECT"):
            each.check()
