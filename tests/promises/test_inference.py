"""What is promised of adds that a language model reads: on both editions, whatever it answers."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from recollect.domain.errors import InvalidRequestError, ModelAnswerError, UnavailableError
from recollect.domain.filters import in_scope
from recollect.domain.jobs import Decision, IdempotencyKey, JobStatus
from recollect.domain.memory import HistoryAction, Memory, Message
from recollect.domain.requests import AddRequest
from recollect.domain.subjects import Scope
from recollect.ports.index import IndexQuery, Proposal
from recollect.ports.models import Form, LanguageModel, PromptTurn, Reply, Usage
from recollect.ports.record import Change, Record
from recollect.testing.builders import NOON, a_scope
from recollect.usecases.asking import AskModel
from recollect.usecases.deciding import ModelDecider
from recollect.usecases.describing import NoDescriber
from recollect.usecases.extraction import ModelExtractor
from recollect.usecases.parts import MAX_TURNS
from recollect.usecases.work_on_jobs import LEASE
from tests.contract.simple_mind import SimpleMind
from tests.service import UseCases

KEY = IdempotencyKey("key", "hash")


def read_by(
    edition: UseCases, model: LanguageModel, seconds_left: Callable[[], float | None] = lambda: None
) -> UseCases:
    ask = AskModel(model, seconds_left)
    return edition.having(
        extractor=ModelExtractor(ask), decider=ModelDecider(ask), describer=NoDescriber()
    )


@dataclass(frozen=True)
class Scripted:
    """Answers a form with what is scripted for it, the last for ever; else like a simple mind."""

    answers: dict[str, list[object]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    model: str = "scripted"

    def ask(self, system: str, turns: Sequence[PromptTurn], form: Form) -> Reply:
        self.asked.append("\n".join((system, *(turn.text for turn in turns))))
        answers = self.answers.get(form.name, [])
        answer = answers[0] if answers else None
        if len(answers) > 1:
            answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Reply):
            return answer
        if answer is None:
            return SimpleMind().ask(system, turns, form)
        return Reply(json.dumps(answer), Usage(1, 10, 1))


def living(edition: UseCases, scope: Scope) -> list[Memory]:
    page = edition.ports.listing.memories(scope.project, in_scope(scope), limit=500)
    return list(reversed(page.memories))


def texts(edition: UseCases, scope: Scope) -> list[str]:
    return [memory.text for memory in living(edition, scope)]


def ids_known_to(edition: UseCases, scope: Scope) -> list[str]:
    memories = living(edition, scope)
    return [*(memory.id for memory in memories), *(memory.episode_id for memory in memories)]


@pytest.fixture
def scope(edition: UseCases) -> Scope:
    return edition.new_scope(user="ada")


def test_promise_2_a_decided_change_leaves_state_history_and_job_together(
    edition: UseCases, scope: Scope
) -> None:
    edition = read_by(edition, SimpleMind())
    [added] = edition.say(scope, "I live in Lisbon.", infer=True).outcomes

    job = edition.say(scope, "I live in Porto.", infer=True)

    [outcome] = job.outcomes
    assert (outcome.decision, outcome.memory_id) == (Decision.UPDATE, added.memory_id)
    assert outcome.previous_text == "I live in Lisbon."
    [memory] = living(edition, scope)
    events = [event for event, _ in edition.read.history(scope.project, memory.id).events]
    assert [(event.action, event.new_text) for event in events] == [
        (HistoryAction.ADD, "I live in Lisbon."),
        (HistoryAction.UPDATE, "I live in Porto."),
    ]
    assert [str(event.prompt_version).partition("-")[0] for event in events] == [
        "extract",
        "decide",
    ]
    assert (memory.text, memory.version) == ("I live in Porto.", 2)
    assert edition.read_job(scope.project, job.id) == job


class DeathError(Exception):
    """Nothing of ours: the process is gone."""


def long_talk() -> tuple[Message, ...]:
    """Return what takes several parts: a fact a turn, in parts that need several commits."""
    return tuple(Message("user", f"I visited town-{at} today.") for at in range(MAX_TURNS + 7))


@pytest.mark.parametrize("death", [1, 2, 3, 4, 5])
def test_promise_2_a_long_add_that_dies_anywhere_is_carried_on(
    edition: UseCases, scope: Scope, death: int
) -> None:
    dying = read_by(edition, SimpleMind())
    left = iter(range(1, death + 1))

    class Dying:
        def __getattr__(self, name: str) -> object:
            return getattr(edition.ports.record, name)

        def commit(self, project: str, change: object) -> None:
            if next(left, None) == death:
                raise DeathError
            edition.ports.record.commit(project, change)  # type: ignore[arg-type]

        def room_for(self, scopes: Sequence[Scope]) -> int:
            return min(edition.ports.record.room_for(scopes), 10)

    with pytest.raises(DeathError):
        dying.having(record=Dying()).add(AddRequest(scope=scope, messages=long_talk()))
    edition.clock.forward(2 * LEASE)
    read_by(edition, SimpleMind()).drive_on()

    expected = [message.content for message in long_talk()]
    assert sorted(texts(edition, scope)) == sorted(expected)
    assert texts(edition, scope) == expected


def test_promise_5_decisions_at_once_leave_one_truth_and_every_step_of_it(
    edition: UseCases, scope: Scope
) -> None:
    edition = read_by(edition, SimpleMind())
    towns = [f"I live in town {number}." for number in range(8)]

    with ThreadPoolExecutor(max_workers=8) as pool:
        jobs = list(pool.map(lambda text: edition.say(scope, text, infer=True), towns))
    for _ in towns:
        edition.drive_on()

    done = [edition.read_job(scope.project, job.id) for job in jobs]
    assert [job.status for job in done] == [JobStatus.SUCCEEDED] * len(towns)
    [memory] = living(edition, scope)
    events = [event for event, _ in edition.read.history(scope.project, memory.id).events]
    assert sorted(str(event.new_text) for event in events) == towns
    assert [event.old_text for event in events[1:]] == [event.new_text for event in events[:-1]]
    assert events[-1].new_text == memory.text


@dataclass(frozen=True)
class Overtaken:
    """Lets another add commit before the first decision that is committed."""

    record: Record
    others: list[Callable[[], object]]

    def __getattr__(self, name: str) -> object:
        return getattr(self.record, name)

    def commit(self, project: str, change: Change) -> None:
        if change.writes and self.others:
            self.others.pop()()
        self.record.commit(project, change)


def test_promise_5_what_was_said_between_looking_and_storing_is_decided_on(
    edition: UseCases, scope: Scope
) -> None:
    edition = read_by(edition, SimpleMind())
    overtaken = Overtaken(
        edition.ports.record, [lambda: edition.say(scope, "I live in Lisbon.", infer=True)]
    )

    [outcome] = edition.having(record=overtaken).say(scope, "I live in Porto.", infer=True).outcomes

    assert overtaken.others == []
    assert outcome.decision is Decision.UPDATE
    assert outcome.previous_text == "I live in Lisbon."
    assert texts(edition, scope) == ["I live in Porto."]


def test_promise_5_one_fact_from_many_adds_at_once_is_one_memory(
    edition: UseCases, scope: Scope
) -> None:
    edition = read_by(edition, SimpleMind())

    with ThreadPoolExecutor(max_workers=8) as pool:
        said = ["I am allergic to peanuts."] * 8
        jobs = list(pool.map(lambda text: edition.say(scope, text, infer=True), said))
    for _ in jobs:
        edition.drive_on()

    done = [edition.read_job(scope.project, job.id) for job in jobs]
    decisions = sorted(outcome.decision for job in done for outcome in job.outcomes)
    assert decisions == [Decision.ADD] + [Decision.NONE] * 7
    assert len(living(edition, scope)) == 1


def test_promise_6_no_id_is_shown_to_a_model(edition: UseCases, scope: Scope) -> None:
    model = Scripted()
    edition = read_by(edition, model)

    edition.say(scope, "I live in Lisbon.", "I have two cats.", infer=True)
    edition.say(scope, "I live in Porto.", "I have two dogs.", infer=True)

    assert len(model.asked) == 3
    for known in (*ids_known_to(edition, scope), scope.key, scope.project, scope.owner.key):
        assert not any(known in asked for asked in model.asked)


@pytest.mark.parametrize("alias", [1, 7, -1])
def test_promise_6_an_unknown_alias_changes_nothing(
    edition: UseCases, scope: Scope, alias: int
) -> None:
    edition.say(scope, "I live in Lisbon.")
    stranger = a_scope(scope.project, user="bob")
    edition.say(stranger, "I live in Lisbon.")
    wrong = {"decisions": [{"fact": 0, "event": "DELETE", "memories": [alias]}]}
    model = Scripted({"decide_facts": [wrong]})

    with pytest.raises(ModelAnswerError):
        read_by(edition, model).say(scope, "I live in Porto.", infer=True)

    assert texts(edition, scope) == texts(edition, stranger) == ["I live in Lisbon."]


NONSENSE: list[object] = [Reply("I would rather not.", Usage(1, 10, 1)), {"facts": "none"}, {}]


@pytest.mark.parametrize("nonsense", NONSENSE, ids=["prose", "wrong type", "empty"])
def test_promise_7_nonsense_is_asked_about_once_and_then_an_error(
    edition: UseCases, scope: Scope, nonsense: object
) -> None:
    model = Scripted({"remember_facts": [nonsense]})
    request = AddRequest(scope=scope, messages=(Message("user", "I live in Lisbon."),))

    with pytest.raises(ModelAnswerError):
        read_by(edition, model).add(request, KEY)

    assert len(model.asked) == 2
    assert texts(edition, scope) == []
    done = read_by(edition, SimpleMind()).add(request, KEY)
    assert done.status is JobStatus.SUCCEEDED
    assert texts(edition, scope) == ["I live in Lisbon."]


def test_promise_7_a_failed_job_says_so(edition: UseCases, scope: Scope) -> None:
    model = Scripted({"remember_facts": [{"facts": None}]})
    edition = edition.having(new_id=lambda: "00000000-0000-4000-8000-00000000dead")

    with pytest.raises(ModelAnswerError):
        read_by(edition, model).say(scope, "I live in Lisbon.", infer=True)

    job = edition.read_job(scope.project, "00000000-0000-4000-8000-00000000dead")
    assert job.status is JobStatus.FAILED
    assert job.error is not None
    assert "two invalid answers" in job.error
    assert "Lisbon" not in job.error


def test_promise_7_no_results_mean_that_nothing_was_worth_it(
    edition: UseCases, scope: Scope
) -> None:
    job = read_by(edition, SimpleMind()).say(scope, "How are you?", infer=True)

    assert (job.status, job.outcomes) == (JobStatus.SUCCEEDED, ())


@pytest.mark.parametrize("event", ["UPDATE", "DELETE"])
def test_promise_8_a_decision_cannot_touch_an_immutable_memory(
    edition: UseCases, scope: Scope, event: str
) -> None:
    before = edition.remember(scope, "I live in Lisbon.", is_immutable=True)
    decision = {"fact": 0, "event": event, "memories": [0], "text": "I live in Porto."}
    model = Scripted({"decide_facts": [{"decisions": [decision]}]})

    job = read_by(edition, model).say(scope, "I live in Porto.", infer=True)

    assert [outcome.decision for outcome in job.outcomes] == [Decision.ADD]
    assert edition.read(scope.project, before.id) == before


def test_promise_8_a_decided_update_keeps_what_it_was_not_about(
    edition: UseCases, scope: Scope
) -> None:
    before = edition.remember(scope, "I live in Lisbon.", metadata={"source": "form"})

    read_by(edition, SimpleMind()).say(
        scope, "I live in Porto.", infer=True, metadata={"source": "chat", "user_id": "bob"}
    )

    after = edition.read(scope.project, before.id)
    assert after.text == "I live in Porto."
    assert (after.metadata, after.scope, after.created_at) == (
        before.metadata,
        before.scope,
        before.created_at,
    )


def test_promise_9_a_retry_answers_the_first_result_without_a_model(
    edition: UseCases, scope: Scope
) -> None:
    model = Scripted()
    request = AddRequest(scope=scope, messages=(Message("user", "I live in Lisbon."),))
    first = read_by(edition, model).add(request, KEY)

    again = read_by(edition, model).add(request, KEY)

    assert again == first
    assert len(model.asked) == 1


def test_promise_15_times_are_told_to_the_model_and_stored_in_utc(
    edition: UseCases, scope: Scope
) -> None:
    fact = {
        "text": "The user flies to Rome on 2025-05-03.",
        "message": 0,
        "kind": "episodic",
        "valid_from": "2025-05-03T09:00+02:00",
        "valid_to": "2025-05-03",
    }
    model = Scripted({"remember_facts": [{"facts": [fact]}]})
    said_at = datetime(2025, 5, 2, 23, 30, tzinfo=UTC)

    read_by(edition, model).say(scope, "I fly to Rome tomorrow.", infer=True, said_at=said_at)

    assert "Friday, 2025-05-02T23:30+00:00" in model.asked[0]
    [memory] = living(edition, scope)
    assert memory.created_at == said_at
    assert memory.valid_from == datetime(2025, 5, 3, 7, tzinfo=UTC)
    assert memory.valid_to == datetime(2025, 5, 4, tzinfo=UTC)
    assert memory.recorded_at >= NOON
    [(event, _)] = edition.read.history(scope.project, memory.id).events
    assert event.valid_from == memory.valid_from


def test_promise_15_what_is_replaced_is_closed_in_time(edition: UseCases, scope: Scope) -> None:
    edition = read_by(edition, SimpleMind())
    edition.say(scope, "I live in Lisbon.", infer=True, said_at=NOON - timedelta(days=90))
    [memory] = living(edition, scope)

    edition.say(scope, "I live in Porto.", infer=True, said_at=NOON - timedelta(days=30))

    first, second = [event for event, _ in edition.read.history(scope.project, memory.id).events]
    assert first.valid_from == NOON - timedelta(days=90)
    assert second.valid_from == NOON - timedelta(days=30)
    assert (second.old_text, second.new_text) == ("I live in Lisbon.", "I live in Porto.")


def test_promise_16_without_the_model_everything_else_works(
    edition: UseCases, scope: Scope
) -> None:
    down = read_by(edition, Scripted({"remember_facts": [UnavailableError("no model")]}))

    with pytest.raises(UnavailableError):
        down.say(scope, "I live in Lisbon.", infer=True)
    memory = down.remember(scope, "I live in Porto.")

    assert texts(down, scope) == ["I live in Porto."]
    assert down.read(scope.project, memory.id) == memory


class NoIndex:
    """Cannot be reached."""

    def propose(self, project: str, queries: Sequence[IndexQuery]) -> list[Proposal]:
        raise UnavailableError(f"no index for {len(queries)} questions of {project}"[:8])


def test_promise_16_without_the_index_facts_are_compared_with_the_record(
    edition: UseCases, scope: Scope
) -> None:
    edition = read_by(edition, SimpleMind()).having(index=NoIndex())
    edition.say(scope, "I live in Lisbon.", infer=True)

    [outcome] = edition.say(scope, "I live in Porto.", infer=True).outcomes

    assert outcome.decision is Decision.UPDATE
    assert texts(edition, scope) == ["I live in Porto."]


@pytest.fixture
def clock_of_calls() -> Callable[[], float | None]:
    """Leave time for three calls of a model."""
    left = iter([20.0, 15.0, 10.0])
    return lambda: next(left, 0.0)


def test_promise_17_work_that_takes_too_long_is_handed_over_with_its_job(
    edition: UseCases, scope: Scope, clock_of_calls: Callable[[], float | None]
) -> None:
    again = (replace(each, content=each.content.replace("visited", "left")) for each in long_talk())
    talk = (*long_talk(), *again)
    request = AddRequest(scope=scope, messages=talk)

    begun = read_by(edition, SimpleMind(), clock_of_calls).add(request, KEY)
    seen = len(living(edition, scope))
    read_by(edition, SimpleMind()).drive_on()

    assert begun.status is JobStatus.PENDING
    done = edition.read_job(scope.project, begun.id)
    assert done.status is JobStatus.SUCCEEDED
    assert 0 < seen < len(living(edition, scope))
    assert read_by(edition, SimpleMind()).add(request, KEY) == done


def test_promise_17_a_request_that_no_model_may_read_is_refused_at_once(
    edition: UseCases, scope: Scope
) -> None:
    model = Scripted({"remember_facts": [InvalidRequestError("The model refuses")]})

    with pytest.raises(InvalidRequestError):
        read_by(edition, model).say(scope, "I live in Lisbon.", infer=True)

    assert texts(edition, scope) == []
