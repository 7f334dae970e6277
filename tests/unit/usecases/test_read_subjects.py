"""What reading subjects without pages promises."""

import pytest

from recollect.domain.errors import NotFoundError
from recollect.domain.subjects import Scope, Subject, SubjectKind
from recollect.testing.builders import a_scope
from recollect.usecases.read_subjects import ReadSubjects
from tests.service import Service


@pytest.fixture
def read(service: Service) -> ReadSubjects:
    return ReadSubjects(service.ports.listing)


def test_a_subject_is_read_with_what_it_has(
    service: Service, scope: Scope, read: ReadSubjects
) -> None:
    service.say(scope, "one", "two")

    entry = read.one(scope.project, scope.owner)

    assert (entry.subject, entry.memories) == (scope.owner, 2)


def test_a_subject_without_memories_is_not_found(
    service: Service, scope: Scope, read: ReadSubjects
) -> None:
    service.say(scope, "one")

    with pytest.raises(NotFoundError, match="Entity not found"):
        read.one(scope.project, Subject(SubjectKind.AGENT, scope.owner.name))
    with pytest.raises(NotFoundError, match="Entity not found"):
        read.one("another", scope.owner)


def test_all_subjects_are_read_at_once(service: Service, scope: Scope, read: ReadSubjects) -> None:
    service.say(a_scope(scope.project, user="ada", run="r1"), "one")
    service.say(a_scope(scope.project, agent="bot"), "two")

    entries = read.all(scope.project)

    assert {entry.subject.name for entry in entries} == {"ada", "r1", "bot"}
    assert read.all("another") == []


def test_within_a_subject_there_is_none_but_itself(
    service: Service, scope: Scope, read: ReadSubjects
) -> None:
    ada, bob = (Subject(SubjectKind.USER, name) for name in ("ada", "bob"))
    service.say(a_scope(scope.project, user="ada", run="r1"), "one")

    assert [entry.subject for entry in read.all(scope.project, within=ada)] == [ada]
    assert read.all(scope.project, within=bob) == []
