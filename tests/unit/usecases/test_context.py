"""What was said shortly before, as context for what is said now."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import pytest

from recollect.domain.jobs import Decision, Job
from recollect.domain.memory import Message
from recollect.domain.requests import AddRequest
from recollect.domain.subjects import Scope
from recollect.testing.builders import NOON, a_change, a_scope, an_episode, deleting
from recollect.usecases.context import SESSION_GAP
from recollect.usecases.parts import CONTEXT_MESSAGES
from tests.service import Service

if TYPE_CHECKING:
    from recollect.ports.jobs import Jobs


@dataclass(frozen=True)
class _Jobs:
    """Knows jobs as a test tells."""

    get: Callable[[str, str], Job | None]


def said_before(service: Service, scope: Scope) -> list[str]:
    recent = service.read_messages.recent(scope, said_at=service.clock())
    return [message.content for message in recent]


def test_the_last_messages_come_in_order(service: Service, scope: Scope) -> None:
    service.say(scope, *(f"old {at}" for at in range(8)))
    service.say(scope, "one", "two", "three")

    before = said_before(service, scope)

    assert before == [*(f"old {at}" for at in range(1, 8)), "one", "two", "three"]
    assert len(before) == CONTEXT_MESSAGES


def test_other_scopes_have_conversations_of_their_own(service: Service, scope: Scope) -> None:
    service.say(scope, "one")

    assert said_before(service, a_scope(scope.project, user="ada", run="r1")) == []


def test_without_a_run_a_pause_ends_a_conversation(service: Service, scope: Scope) -> None:
    alone, run = scope, a_scope(scope.project, user="ada", run="r1")
    service.say(alone, "long ago")
    service.say(run, "long ago")
    service.clock.forward(SESSION_GAP + timedelta(seconds=1))
    service.say(alone, "just now")
    service.say(run, "just now")

    assert said_before(service, alone) == ["just now"]
    assert said_before(service, run) == ["long ago", "just now"]


def test_a_message_whose_memory_was_deleted_is_withheld(service: Service, scope: Scope) -> None:
    job = service.say(scope, "keep", "forget", "hello")
    memory = service.read(scope.project, job.outcomes[1].memory_id)
    service.store.record.commit(scope.project, a_change(deleting(memory)))

    assert said_before(service, scope) == ["keep", "hello"]


def test_a_message_whose_memory_has_expired_is_withheld(service: Service, scope: Scope) -> None:
    service.say(scope, "keep")
    service.say(scope, "offer of the day", expires_on=NOON.date())
    assert said_before(service, scope) == ["keep", "offer of the day"]

    run = a_scope(scope.project, user="ada", run="r1")
    service.say(run, "offer of the day", expires_on=NOON.date())
    service.clock.forward(timedelta(days=1))

    assert said_before(service, run) == []


def test_a_message_that_asked_to_forget_is_withheld_but_not_one_that_says_more(
    service: Service, scope: Scope
) -> None:
    job = service.say(scope, "forget my address", "I moved", "hello")
    address, moved, _ = job.outcomes
    deleted = replace(address, decision=Decision.DELETE, memory_id="gone")
    outcomes = (deleted, replace(deleted, message=1), moved)
    noted = replace(job, outcomes=outcomes)

    def get(_: str, job_id: str) -> Job | None:
        return noted if job_id == job.id else None

    recent = replace(service.read_messages.recent, jobs=cast("Jobs", _Jobs(get)))
    found = recent(scope, said_at=service.clock())

    assert [message.content for message in found] == ["I moved", "hello"]


def test_of_an_older_release_all_is_withheld_once_something_is_gone(
    service: Service, scope: Scope
) -> None:
    job = service.say(scope, "one", "two")
    older = replace(job, outcomes=tuple(replace(each, message=None) for each in job.outcomes))
    recent = replace(service.read_messages.recent, jobs=cast("Jobs", _Jobs(lambda _, __: older)))

    before = recent(scope, said_at=service.clock())
    service.delete(scope.project, job.outcomes[0].memory_id)
    after = recent(scope, said_at=service.clock())

    assert [message.content for message in before] == ["one", "two"]
    assert after == ()


def test_nothing_was_said_later(service: Service, scope: Scope) -> None:
    service.say(scope, "now")
    service.say(scope, "an old letter", said_at=NOON - timedelta(days=400))

    recent = service.read_messages.recent

    [message] = recent(scope, said_at=service.clock())
    assert message.content == "now"
    assert message.said_at is not None
    old = recent(scope, said_at=NOON - timedelta(days=400) + SESSION_GAP)
    assert [message.content for message in old] == ["an old letter"]


def test_what_came_of_nobody_knows_what_is_withheld(service: Service, scope: Scope) -> None:
    episode = an_episode(scope, "whose job is gone")
    service.store.record.commit(scope.project, a_change(episode=episode))

    assert said_before(service, scope) == []


@pytest.mark.parametrize("role", ["system", "user"])
def test_an_add_is_read_with_what_was_said_before(
    service: Service, scope: Scope, role: str
) -> None:
    earlier = Message(role, "We speak of Rex, my dog.")
    service.add(AddRequest(scope=scope, messages=(earlier, Message("user", "Hi!")), infer=False))

    assert said_before(service, scope) == [earlier.content, "Hi!"]
