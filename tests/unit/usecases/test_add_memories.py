"""What an add promises: what it stores, what it answers, and what it refuses."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from recollect.domain.errors import InvalidRequestError, UnavailableError
from recollect.domain.jobs import Decision, Job, JobStatus
from recollect.domain.memory import MAX_TEXT_BYTES, Message
from recollect.domain.requests import AddRequest, DeleteAllRequest
from recollect.domain.subjects import Scope
from recollect.ports.models import Conversation, Extraction
from recollect.testing.builders import NOON, a_job, a_scope
from tests.service import Service


class DownExtractor:
    def extract(self, conversation: Conversation) -> Extraction:
        raise UnavailableError(str(len(conversation.messages)))

    summarise = extract


def test_every_message_that_is_not_the_systems_is_kept_verbatim(
    service: Service, scope: Scope
) -> None:
    turns = (
        Message("system", "Be brief"),
        Message("developer", "Be kind"),
        Message("user", "  I like tea  ", name="Ada"),
        Message("user", "   "),
        Message("assistant", "Noted"),
    )

    job = service.add(AddRequest(scope=scope, messages=turns, infer=False))

    assert job.status is JobStatus.SUCCEEDED
    assert [(each.decision, each.text) for each in job.outcomes] == [
        (Decision.ADD, "I like tea"),
        (Decision.ADD, "Noted"),
    ]
    noted, tea = service.listed(scope)
    assert (tea.text, tea.role, tea.actor, tea.attributed_to) == (
        "I like tea",
        "user",
        "Ada",
        "Ada",
    )
    assert (noted.role, noted.actor, noted.attributed_to) == ("assistant", None, "assistant")
    assert (tea.turn, noted.turn) == (0, 1)


def test_what_the_request_says_is_on_every_memory(service: Service, scope: Scope) -> None:
    said_at = NOON - timedelta(days=9)

    service.say(
        scope,
        "one",
        "two",
        metadata={"source": "chat"},
        said_at=said_at,
        expires_on=date(2030, 1, 1),
        is_immutable=True,
    )

    two, one = service.listed(scope)
    assert one.created_at == said_at
    assert two.created_at == said_at + timedelta(microseconds=1)
    assert one.recorded_at > NOON
    for memory in (one, two):
        assert memory.metadata == {"source": "chat"}
        assert memory.expires_on == date(2030, 1, 1)
        assert memory.is_immutable
        assert memory.version == 1


def test_the_episode_holds_every_message_in_order(service: Service, scope: Scope) -> None:
    service.say(scope, "earlier")

    job = service.say(scope, "one", "two")

    [episode] = service.store.episodes.get(scope.project, [job.id], now=NOON).values()
    assert [turn.content for turn in episode.messages] == ["one", "two"]
    assert episode.first_turn == 1
    assert episode.said_at == job.created_at


def test_a_repeated_text_answers_none_with_the_existing_id(service: Service, scope: Scope) -> None:
    first = service.remember(scope, "I like tea")

    job = service.say(scope, " I like tea ", "I like tea")

    assert [(each.decision, each.memory_id) for each in job.outcomes] == [
        (Decision.NONE, first.id),
        (Decision.NONE, first.id),
    ]
    assert len(service.listed(scope)) == 1


def test_a_text_said_twice_in_one_add_is_one_memory(service: Service, scope: Scope) -> None:
    job = service.say(scope, "I like tea", "I like tea")

    added, repeated = job.outcomes
    assert (added.decision, repeated.decision) == (Decision.ADD, Decision.NONE)
    assert added.memory_id == repeated.memory_id


def test_the_same_text_in_another_scope_is_another_memory(service: Service, scope: Scope) -> None:
    service.say(scope, "I like tea")

    job = service.say(a_scope(scope.project, user="ada", run="r1"), "I like tea")

    assert job.outcomes[0].decision is Decision.ADD


@pytest.mark.parametrize("content", ["", " \n", "\u3000"])
def test_an_add_without_text_is_refused_before_anything_is_stored(
    service: Service, scope: Scope, content: str
) -> None:
    with pytest.raises(InvalidRequestError, match="at least one message"):
        service.say(scope, content)

    assert service.store.jobs.abandoned(now=NOON + timedelta(days=1), limit=9) == []


def test_a_text_that_is_too_long_is_refused_before_anything_is_stored(
    service: Service, scope: Scope
) -> None:
    with pytest.raises(InvalidRequestError, match="at most"):
        service.say(scope, "short", "x" * (MAX_TEXT_BYTES + 1))

    assert service.listed(scope) == ()


def test_facts_are_found_in_what_was_said(service: Service, scope: Scope) -> None:
    job = service.say(scope, "Hello! My dog is called Rex. How are you?", infer=True)

    assert [each.text for each in job.outcomes] == ["My dog is called Rex."]
    assert job.notes["is_model"] is False
    [memory] = service.listed(scope)
    assert memory.turn is None


def test_a_long_message_can_be_a_source_of_facts(service: Service, scope: Scope) -> None:
    long = "My dog is called Rex. " + "How are you? " * (MAX_TEXT_BYTES // 10)

    job = service.say(scope, long, infer=True)

    assert [each.text for each in job.outcomes] == ["My dog is called Rex."]


def test_nothing_worth_remembering_is_a_success_with_an_episode(
    service: Service, scope: Scope
) -> None:
    job = service.say(scope, "How are you?", infer=True)

    assert (job.status, job.outcomes) == (JobStatus.SUCCEEDED, ())
    assert service.store.episodes.get(scope.project, [job.id], now=NOON)


def test_a_restated_fact_is_none(service: Service, scope: Scope) -> None:
    known = service.remember(scope, "My dog is called Rex.")

    job = service.say(scope, "My dog is really called Rex!", infer=True)

    assert [(each.decision, each.memory_id) for each in job.outcomes] == [(Decision.NONE, known.id)]


def test_a_dead_extractor_fails_the_job_and_stores_nothing(service: Service, scope: Scope) -> None:
    service = service.having(extractor=DownExtractor())

    with pytest.raises(UnavailableError):
        service.say(scope, "My dog is called Rex.", infer=True)

    assert service.listed(scope) == ()


def test_the_index_is_woken_for_every_subject(service: Service, scope: Scope) -> None:
    scope = a_scope(scope.project, user="ada", agent="helper")

    service.say(scope, "I like tea")

    woken = service.ports.wake_ups.subjects.take(limit=9)
    assert woken == [(scope.project, tuple(subject.key for subject in scope.subjects))]


def test_an_add_that_changes_nothing_wakes_nobody(service: Service, scope: Scope) -> None:
    service.say(scope, "I like tea")
    service.ports.wake_ups.subjects.take(limit=9)

    service.say(scope, "I like tea")

    assert service.ports.wake_ups.subjects.take(limit=9) == []


def test_a_failed_add_is_finished_by_resuming_it(service: Service, scope: Scope) -> None:
    failing = service.having(extractor=DownExtractor())
    with pytest.raises(UnavailableError):
        failing.say(scope, "My dog is called Rex.", infer=True)
    [failed] = _jobs(service, scope)

    done = service.add.resume(failed)

    assert done is not None
    assert done.status is JobStatus.SUCCEEDED
    assert [memory.text for memory in service.listed(scope)] == ["My dog is called Rex."]
    assert service.add.resume(done) is None


def test_an_add_does_not_take_up_other_work(service: Service, scope: Scope) -> None:
    request = DeleteAllRequest(project=scope.project, filters={"user_id": "ada"})
    job = replace(a_job(scope), request=request)
    service.store.jobs.accept(job, None, lease_end=NOON - timedelta(days=1))

    with pytest.raises(TypeError):
        service.add.resume(job)


def _jobs(service: Service, scope: Scope) -> list[Job]:
    with service.store.database.reading() as connection:
        rows = connection.execute("SELECT job_id FROM jobs").fetchall()
    return [service.read_job(scope.project, row["job_id"]) for row in rows]


def test_an_add_of_too_many_messages_is_refused(service: Service, scope: Scope) -> None:
    with pytest.raises(InvalidRequestError, match="at most 2000"):
        service.say(scope, *(["I like tea"] * 2001))
