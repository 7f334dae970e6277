"""What reading promises: pages in order, histories with their messages, clear refusals."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from recollect.domain.changes import MemoryChanges
from recollect.domain.errors import InvalidRequestError, NotFoundError
from recollect.domain.filters import subject_is
from recollect.domain.jobs import JobStatus
from recollect.domain.memory import Message
from recollect.domain.requests import AddRequest
from recollect.domain.subjects import Scope, SubjectKind
from recollect.ports.record import Position
from recollect.testing.builders import NOON, a_change, a_memory, a_scope, adding, an_episode
from recollect.usecases.read_memories import MAX_PAGE_SIZE, MAX_SKIPPED
from tests.service import Service

Page = Callable[..., object]


def texts(service: Service, scope: Scope, page: int, page_size: int) -> list[str]:
    found = service.list(scope.project, subject_is(scope.owner), page=page, page_size=page_size)
    return [memory.text for memory in found.memories]


def test_a_list_has_what_was_created_last_first(service: Service, scope: Scope) -> None:
    service.say(scope, "one", "two")
    service.say(scope, "zero", said_at=NOON - timedelta(days=1))

    page = service.list(scope.project, subject_is(scope.owner))

    assert [memory.text for memory in page.memories] == ["two", "one", "zero"]
    assert (page.count, page.is_count_exact, page.has_more) == (3, True, False)


def test_pages_make_up_the_list(service: Service, scope: Scope) -> None:
    service.say(scope, "one", "two", "three")

    assert texts(service, scope, page=1, page_size=2) == ["three", "two"]
    assert texts(service, scope, page=2, page_size=2) == ["one"]
    with pytest.raises(NotFoundError, match="Invalid page"):
        service.list(scope.project, subject_is(scope.owner), page=3, page_size=2)


def test_an_empty_list_has_one_empty_page(service: Service, scope: Scope) -> None:
    page = service.list(scope.project, subject_is(scope.owner))

    assert (page.memories, page.count, page.has_more) == ((), 0, False)


def test_the_first_of_a_list_are_read_page_by_page(service: Service, scope: Scope) -> None:
    texts = [f"fact {number}" for number in range(MAX_PAGE_SIZE + 2)]
    service.say(scope, *texts)
    matching = subject_is(scope.owner)

    found = service.list.first(scope.project, matching, limit=MAX_PAGE_SIZE + 1)

    assert [memory.text for memory in found] == texts[:0:-1]
    assert len(service.list.first(scope.project, matching, limit=1_000)) == len(texts)
    assert len(service.list.first(scope.project, matching, limit=MAX_PAGE_SIZE)) == MAX_PAGE_SIZE
    with pytest.raises(InvalidRequestError, match="at least 1"):
        service.list.first(scope.project, matching, limit=0)


def test_the_first_of_a_list_hide_what_has_expired(service: Service, scope: Scope) -> None:
    service.say(scope, "one", expires_on=NOON.date() - timedelta(days=1))
    matching = subject_is(scope.owner)

    assert service.list.first(scope.project, matching, limit=5) == []
    assert len(service.list.first(scope.project, matching, limit=5, show_expired=True)) == 1


def test_a_page_can_start_behind_a_memory(service: Service, scope: Scope) -> None:
    service.say(scope, "one", "two", "three")
    last = service.listed(scope)[0]

    page = service.list(
        scope.project,
        subject_is(scope.owner),
        page_size=1,
        after=Position(last.created_at, last.id),
    )

    assert [memory.text for memory in page.memories] == ["two"]
    assert (page.count, page.is_count_exact, page.has_more) == (0, False, True)


def test_expired_memories_are_listed_on_request_only(service: Service, scope: Scope) -> None:
    service.say(scope, "over", expires_on=NOON.date() - timedelta(days=1))
    service.say(scope, "last day", expires_on=NOON.date())

    assert [memory.text for memory in service.listed(scope)] == ["last day"]
    assert len(service.listed(scope, show_expired=True)) == 2


@pytest.mark.parametrize(
    ("page", "page_size", "reason"),
    [
        (0, 10, "Invalid page"),
        (-1, 10, "Invalid page"),
        (MAX_SKIPPED // 10 + 1, 10, "Invalid page"),
        (1, 0, "page_size"),
        (1, -1, "page_size"),
        (1, MAX_PAGE_SIZE + 1, "page_size"),
    ],
)
@pytest.mark.parametrize("what", ["list", "subjects"])
def test_pages_that_cannot_exist_are_refused(
    service: Service, scope: Scope, *, what: str, page: int, page_size: int, reason: str
) -> None:
    calls: dict[str, Page] = {
        "list": lambda **asked: service.list(scope.project, subject_is(scope.owner), **asked),
        "subjects": lambda **asked: service.subjects(scope.project, **asked),
    }

    with pytest.raises(InvalidRequestError, match=reason):
        calls[what](page=page, page_size=page_size)


def test_a_memory_is_read_even_when_it_is_expired(service: Service, scope: Scope) -> None:
    memory = service.remember(scope, "over", expires_on=date(2020, 1, 1))

    assert service.read(scope.project, memory.id) == memory


def test_ids_of_another_project_are_unknown(service: Service, scope: Scope) -> None:
    job = service.say(scope, "likes tea")
    memory_id = job.outcomes[0].memory_id
    other = service.open_project("other")

    for read in (service.read, service.read.history, service.read.episode):
        with pytest.raises(NotFoundError, match="Memory not found"):
            read(other, memory_id)
    with pytest.raises(NotFoundError, match="Episode not found"):
        service.read.episode_of_job(other, job.id)
    with pytest.raises(NotFoundError, match="Event not found"):
        service.read_job(other, job.id)
    assert service.subjects(other).subjects == ()


def test_a_history_has_every_event_with_its_message(service: Service, scope: Scope) -> None:
    turns = (Message("user", "hello"), Message("user", " likes tea "), Message("user", "bye"))
    job = service.add(AddRequest(scope=scope, messages=turns, infer=False))
    memory_id = job.outcomes[1].memory_id
    service.update(scope.project, memory_id, MemoryChanges(text="likes coffee"))

    history = service.read.history(scope.project, memory_id)

    assert history.memory == service.read(scope.project, memory_id)
    assert [messages for _, messages in history.events] == [(turns[1],), ()]
    assert history.events[0][0].cause == job.id


def test_the_history_of_a_fact_has_the_whole_conversation(service: Service, scope: Scope) -> None:
    turns = (Message("user", "Hi! My dog is called Rex."), Message("assistant", "Nice name"))
    job = service.add(AddRequest(scope=scope, messages=turns))

    [(_, messages)] = service.read.history(scope.project, job.outcomes[0].memory_id).events

    assert messages == turns


def test_a_deleted_memory_keeps_its_history(service: Service, scope: Scope) -> None:
    memory = service.remember(scope, "likes tea")
    service.delete(scope.project, memory.id)

    history = service.read.history(scope.project, memory.id)

    assert history.memory is None
    assert [len(messages) for _, messages in history.events] == [1, 0]


def test_a_memory_knows_the_episode_it_came_from(service: Service, scope: Scope) -> None:
    job = service.say(scope, "likes tea", "likes coffee")

    episode = service.read.episode(scope.project, job.outcomes[1].memory_id)

    assert (episode.id, len(episode.messages)) == (job.id, 2)


def test_an_episode_is_read_by_the_job_of_its_add(service: Service, scope: Scope) -> None:
    job = service.say(scope, "likes tea", "likes coffee")
    service.delete(scope.project, job.outcomes[0].memory_id)

    episode = service.read.episode_of_job(scope.project, job.id)

    assert [message.content for message in episode.messages] == ["likes tea", "likes coffee"]


def test_an_episode_that_is_not_kept_is_not_found(service: Service, scope: Scope) -> None:
    memory = a_memory(scope)
    day = timedelta(days=1)
    episode = an_episode(scope, memory.text, id=memory.episode_id, expires_at=NOON + day)
    write = adding(memory)
    write = replace(write, event=replace(write.event, cause=episode.id))
    service.store.record.commit(scope.project, a_change(write, episode=episode))
    assert service.read.episode(scope.project, memory.id) == episode
    service.clock.forward(day)

    for read, an_id in (
        (service.read.episode, memory.id),
        (service.read.episode_of_job, episode.id),
    ):
        with pytest.raises(NotFoundError, match="not kept"):
            read(scope.project, an_id)
    [(_, messages)] = service.read.history(scope.project, memory.id).events
    assert messages == ()


def test_subjects_are_counted_and_paged(service: Service, scope: Scope) -> None:
    service.say(a_scope(scope.project, user="ada", run="r1"), "one")
    service.say(scope, "two")
    bob = service.remember(a_scope(scope.project, user="bob"), "three")
    service.delete(scope.project, bob.id)

    page = service.subjects(scope.project)

    assert {(each.subject.name, each.memories) for each in page.subjects} == {("ada", 2), ("r1", 1)}
    assert page.totals == {
        SubjectKind.USER: 1,
        SubjectKind.AGENT: 0,
        SubjectKind.APP: 0,
        SubjectKind.RUN: 1,
    }
    assert len(service.subjects(scope.project, page=2, page_size=1).subjects) == 1
    with pytest.raises(NotFoundError, match="Invalid page"):
        service.subjects(scope.project, page=3, page_size=1)


def test_a_project_without_memories_has_no_subjects(service: Service, scope: Scope) -> None:
    assert service.subjects(scope.project).subjects == ()


def test_a_job_can_be_followed(service: Service, scope: Scope) -> None:
    job = service.say(scope, "likes tea")

    assert service.read_job(scope.project, job.id).status is JobStatus.SUCCEEDED
    with pytest.raises(NotFoundError):
        service.read_job(scope.project, "unknown")
