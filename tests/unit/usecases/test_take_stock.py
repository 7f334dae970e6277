"""What looking over a project, and over its subjects, promises."""

from typing import Any

import pytest

from recollect.domain.changes import MemoryChanges
from recollect.domain.errors import (
    InvalidRequestError,
    NotFoundError,
)
from recollect.domain.filters import EVERYTHING, subject_is
from recollect.domain.memory import MAX_METADATA_BYTES, HistoryAction
from recollect.domain.subjects import Scope, Subject, SubjectKind
from recollect.testing.builders import a_scope
from tests.service import Service

ADA, BOB, HELPER = (
    Subject(SubjectKind.USER, "ada"),
    Subject(SubjectKind.USER, "bob"),
    Subject(SubjectKind.AGENT, "Ada's helper"),
)


@pytest.fixture
def project(service: Service, scope: Scope) -> str:
    """A project with two users and an agent."""
    service.remember(scope, "likes tea")
    service.remember(a_scope(scope.project, user="bob", agent="Ada's helper"), "likes jam")
    return scope.project


def test_everything_is_counted(service: Service, project: str) -> None:
    stock = service.count_memories(project)

    assert (stock.memories, stock.is_exact) == (2, True)
    assert stock.subjects == {
        SubjectKind.USER: 2,
        SubjectKind.AGENT: 1,
        SubjectKind.APP: 0,
        SubjectKind.RUN: 0,
    }


@pytest.mark.parametrize(("within", "count"), [(ADA, 1), (Subject(SubjectKind.RUN, "r"), 0)])
def test_a_subject_counts_its_own(
    service: Service, project: str, within: Subject, count: int
) -> None:
    stock = service.count_memories(project, within=within)

    assert stock.memories == count
    assert stock.subjects == {kind: count * (kind is within.kind) for kind in SubjectKind}


def test_histories_are_those_of_living_memories(service: Service, project: str) -> None:
    [tea] = service.listed(a_scope(project))
    service.update(project, tea.id, MemoryChanges(text="likes coffee"))
    gone = service.remember(a_scope(project), "gone")
    service.delete(project, gone.id)

    page = service.list_histories(project, EVERYTHING)

    actions = [[event.action for event, _ in each.events] for each in page.histories]
    assert actions == [[HistoryAction.ADD], [HistoryAction.ADD, HistoryAction.UPDATE]]
    assert (page.count, page.is_count_exact, page.has_more) == (2, True, False)
    [only] = service.list_histories(project, subject_is(ADA)).histories
    assert only.memory == service.read(project, tea.id)


@pytest.mark.parametrize(
    ("page", "size", "error"),
    [(0, 1, InvalidRequestError), (1, 101, InvalidRequestError), (2, 2, NotFoundError)],
)
def test_a_page_of_histories_that_cannot_be(
    service: Service, project: str, page: int, size: int, error: type[Exception]
) -> None:
    with pytest.raises(error):
        service.list_histories(project, EVERYTHING, page=page, page_size=size)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"kinds": [SubjectKind.USER]}, {ADA, BOB}),
        ({"named": "ADA"}, {ADA, HELPER}),
        ({"named": "ada", "kinds": [SubjectKind.AGENT]}, {HELPER}),
        ({"named": "nobody"}, set()),
        ({"within": ADA, "named": "AD"}, {ADA}),
        ({"within": ADA, "named": "b"}, set()),
        ({"within": ADA, "kinds": [SubjectKind.RUN]}, set()),
    ],
)
def test_subjects_are_listed_by_kind_and_name(
    service: Service, project: str, asked: dict[str, Any], expected: set[Subject]
) -> None:
    page = service.subjects(project, **asked)

    assert {entry.subject for entry in page.subjects} == expected
    assert page.count == len(expected)
    of_users = 1 if "within" in asked else 2
    assert page.totals[SubjectKind.USER] == of_users


def test_what_is_too_large_is_not_said(service: Service, project: str) -> None:
    with pytest.raises(InvalidRequestError):
        service.describe_subject(project, ADA, {"a": "x" * MAX_METADATA_BYTES})


def test_a_subject_alone_has_one_page(service: Service, project: str) -> None:
    with pytest.raises(NotFoundError):
        service.subjects(project, page=2, within=ADA)
