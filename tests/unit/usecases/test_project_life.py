"""What making and deleting a project promises."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from recollect.adapters.local.projects import LocalKeys
from recollect.domain.errors import ForbiddenError, InvalidRequestError
from recollect.domain.jobs import ERASED, UNFINISHED, Job, JobStatus
from recollect.domain.keys import ApiKey, Limits, Role
from recollect.domain.memory import Message
from recollect.domain.projects import ProjectSettings
from recollect.domain.requests import AddRequest, DeleteAllRequest, ErasedRequest
from recollect.domain.subjects import Scope, Subject, SubjectKind
from recollect.testing.builders import a_key, a_scope
from recollect.usecases.empty_jobs import READ_TOGETHER
from recollect.usecases.work_on_jobs import LEASE
from tests.service import Service

LIMITED = Limits(requests_per_minute=1)
EVERYBODY: DeleteAllRequest = DeleteAllRequest(
    project="acme",
    filters={"OR": [{f"{kind}_id": "*"} for kind in SubjectKind]},
    ends_project=True,
)


class KilledError(BaseException):
    """Ends a process."""


@dataclass(frozen=True)
class DyingKeys(LocalKeys):
    """Ends the process before a key is revoked."""

    def replace(self, project: str, before: ApiKey, after: ApiKey) -> None:
        raise KilledError(project, before.id, after.id)


def everything_of(project: str) -> DeleteAllRequest:
    return replace(EVERYBODY, project=project)


@pytest.fixture
def full(service: Service, scope: Scope) -> Service:
    """A service whose project has memories, messages without memories, metadata and settings."""
    service.remember(scope, "likes tea")
    service.remember(a_scope(scope.project, agent="helper", run="r1"), "helps")
    service.say(a_scope(scope.project, run="r2"), "Hello.", infer=True)
    service.describe_subject(scope.project, Subject(SubjectKind.APP, "app"), {"a": 1})
    settings = ProjectSettings(name="Tea", limits=LIMITED, episode_days=1, version=1)
    service.ports.projects.replace(scope.project, settings)
    return service


def assert_gone(service: Service, project: str) -> None:
    subjects = service.ports.subjects.known(project, limit=99).values()
    assert not any(service.ports.listing.count_subjects(project).values())
    for subject in subjects:
        scope = Scope(project, (subject,))
        assert service.ports.episodes.recent(scope, limit=9, now=service.clock()) == []
        assert service.describe_subject(project, subject, {}).memories == 0
    settings = service.ports.projects.get(project)
    assert settings == ProjectSettings(limits=LIMITED, version=settings.version)
    assert all(key.revoked_at for key in service.ports.keys.list(project))


def test_a_project_goes_with_all_it_has(full: Service, scope: Scope) -> None:
    full.ports.keys.create(scope.project, a_key(scope.project), key_hash="another")
    before = full.ports.keys.list(scope.project)

    job = full.delete_all(everything_of(scope.project))

    assert (job.status, job.notes) == (JobStatus.SUCCEEDED, {"deleted": 2})
    assert len(before) == 2
    assert_gone(full, scope.project)
    assert full.ports.listing.subject(scope.project, Subject(SubjectKind.APP, "app")) is None


def test_its_metadata_goes_too(full: Service, scope: Scope) -> None:
    full.delete_all(everything_of(scope.project))

    full.remember(a_scope(scope.project, app="app"), "again")

    entry = full.ports.listing.subject(scope.project, Subject(SubjectKind.APP, "app"))
    assert entry is not None
    assert entry.metadata == {}


def test_nothing_of_what_was_asked_of_it_is_left(full: Service, scope: Scope) -> None:
    for at in range(READ_TOGETHER):
        full.remember(scope, f"likes tea number {at}")
    late = full.having(is_late=lambda: True)
    late.say(scope, "has a secret")
    job = late.delete_all(everything_of(scope.project))
    part = replace(job, status=JobStatus.RUNNING)
    for _ in full.ports.subjects.known(scope.project, limit=99):
        part = replace(late.end_project(part), status=JobStatus.RUNNING)

    part = late.end_project(part)

    assert part.status is JobStatus.PENDING, "not all jobs are empty"
    full.drive_on()
    own, *jobs = full.ports.jobs.recent(scope.project, limit=999)
    assert (own.id, own.status) == (job.id, JobStatus.SUCCEEDED)
    assert {type(each.request) for each in jobs} == {ErasedRequest}
    assert not any(each.outcomes or each.status in UNFINISHED for each in jobs)
    full.delete_all(everything_of(scope.project))
    assert full.read_job(scope.project, jobs[0].id) == jobs[0]


def test_another_project_stays(full: Service, scope: Scope) -> None:
    other = full.new_scope("other", user="ada")
    full.remember(other, "likes jam")

    full.delete_all(everything_of(scope.project))

    assert len(full.listed(other)) == 1
    assert [key.revoked_at for key in full.ports.keys.list(other.project)] == [None]


def test_repeating_it_changes_nothing(full: Service, scope: Scope) -> None:
    full.delete_all(everything_of(scope.project))
    keys = full.ports.keys.list(scope.project)

    assert full.delete_all(everything_of(scope.project)).notes == {"deleted": 0}

    assert full.ports.keys.list(scope.project) == keys


def test_a_killed_deletion_is_finished(full: Service, scope: Scope) -> None:
    dying = full.having(keys=DyingKeys(full.store.database))
    with pytest.raises(KilledError):
        dying.delete_all(everything_of(scope.project))
    assert not full.ports.keys.list(scope.project)[0].revoked_at

    full.clock.forward(LEASE)
    full.drive_on()

    [job, *_] = full.ports.jobs.recent(scope.project, limit=1)
    assert job.status is JobStatus.SUCCEEDED
    assert_gone(full, scope.project)


def late_after(looks: int) -> Callable[[], bool]:
    seen: Iterator[int] = iter(range(1_000))
    return lambda: next(seen) >= looks


@pytest.mark.parametrize("looks", range(8))
def test_a_late_deletion_is_handed_over_and_goes_on(
    full: Service, scope: Scope, looks: int
) -> None:
    job = full.having(is_late=late_after(looks)).delete_all(everything_of(scope.project))

    assert job.status in {JobStatus.PENDING, JobStatus.SUCCEEDED}
    full.drive_on()
    assert_gone(full, scope.project)


def made(service: Service, key: ApiKey, **more: str | None) -> tuple[ApiKey, str]:
    return service.create_project(key, more.get("name") or "Tea", more.get("description"))


def test_a_new_project_is_named_and_has_one_key(service: Service, scope: Scope) -> None:
    key, secret = made(service, a_key(scope.project), description="What we drink")

    assert key.project not in {scope.project, "Tea"}
    assert (key.role, key.subject, secret[:3]) == (Role.OWNER, None, "m0-")
    assert service.ports.keys.list(key.project) == [key]
    settings = service.ports.projects.get(key.project)
    assert (settings.name, settings.description) == ("Tea", "What we drink")


@pytest.mark.parametrize("name", [" ", "x" * 201, " x" * 101])
def test_a_bad_name_makes_nothing(service: Service, scope: Scope, name: str) -> None:
    before = service.ports.keys.projects()

    with pytest.raises(InvalidRequestError):
        made(service, a_key(scope.project), name=name)

    assert service.ports.keys.projects() == before


def test_what_is_limited_makes_no_project(service: Service, scope: Scope) -> None:
    with pytest.raises(ForbiddenError):
        made(service, a_key(scope.project, limits=LIMITED))
    service.ports.projects.replace(scope.project, ProjectSettings(limits=LIMITED, version=1))
    with pytest.raises(ForbiddenError):
        made(service, a_key(scope.project))


def test_a_stored_request_says_that_the_project_ends(full: Service, scope: Scope) -> None:
    job: Job = full.having(is_late=lambda: True).delete_all(everything_of(scope.project))

    assert full.read_job(scope.project, job.id).request == everything_of(scope.project)


def test_histories_of_an_ended_project_say_nothing_and_what_waits_is_refused(
    full: Service, scope: Scope
) -> None:
    asked_at = full.clock()
    gone = full.remember(scope, "likes coffee")
    full.delete(scope.project, gone.id)

    full.delete_all(everything_of(scope.project))

    [event] = full.ports.record.history(scope.project, gone.id)
    assert event.is_stripped
    request = AddRequest(scope=scope, messages=(Message("user", "late"),), infer=False)
    late = full.add.accept(request, asked_at=asked_at)
    full.work_off()
    assert full.read_job(scope.project, late.id).error == ERASED
    assert full.listed(scope) == ()
