"""Long conversations: read part by part, carried on after whatever stops an add."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from recollect.adapters.local.record import LocalRecord
from recollect.domain.errors import InvalidRequestError, ModelAnswerError, UnavailableError
from recollect.domain.guidance import Guidance
from recollect.domain.jobs import Fact, IdempotencyKey, JobStatus
from recollect.domain.memory import Attachment, MemoryKind, Message
from recollect.domain.projects import ProjectSettings
from recollect.domain.requests import AddRequest
from recollect.domain.subjects import Scope
from recollect.ports.models import Conversation, Extraction, Usage
from recollect.ports.record import Change
from recollect.testing.builders import NOON, a_scope
from recollect.usecases.add_checks import MAX_MESSAGE_CHARACTERS, MAX_SUMMARISED_CHARACTERS
from recollect.usecases.asking import OutOfTimeError
from recollect.usecases.parts import CONTEXT_MESSAGES, MAX_TURNS
from recollect.usecases.work_on_jobs import FIRST_PAUSE, LEASE, LONGEST_PAUSE
from tests.service import Service

TURNS = 500
PARTS = TURNS // MAX_TURNS
EVERY = 4
"""One turn of so many says a fact."""


@dataclass(frozen=True)
class TurnExtractor:
    """Finds a fact in every fourth turn; may fail instead of reading a part."""

    read: list[Conversation] = field(default_factory=list)
    failures: list[Exception | None] = field(default_factory=list)

    def extract(self, conversation: Conversation) -> Extraction:
        failure = self.failures.pop(0) if self.failures else None
        if failure:
            raise failure
        self.read.append(conversation)
        facts = tuple(
            Fact(text=message.content, role=message.role, message=place)
            for place, message in enumerate(conversation.messages)
            if message.content[-1].isdigit() and int(message.content.split()[-1]) % EVERY == 0
        )
        return Extraction(facts=facts, notes={"cut": 1}, usage=Usage(1, 100, 10))

    def summarise(self, conversation: Conversation) -> Extraction:
        self.read.append(conversation)
        text = f"{len(conversation.messages)} steps"
        fact = Fact(text=text, role="assistant", message=0, kind=MemoryKind.PROCEDURAL)
        return Extraction(facts=(fact,), notes={}, usage=Usage(1, 100, 10))


@dataclass(frozen=True)
class CommitsOfTen(LocalRecord):
    """Holds ten writes a commit, as a transaction of DynamoDB may; dies at some commits."""

    deaths: list[int] = field(default_factory=list)
    commits: list[Change] = field(default_factory=list)

    def room_for(self, scopes: Sequence[Scope]) -> int:
        return min(len(scopes), 10)

    def commit(self, project: str, change: Change) -> None:
        self.commits.append(change)
        if len(self.commits) in self.deaths:
            raise DeathError
        super().commit(project, change)


class DeathError(Exception):
    """Nothing of ours: the process is gone."""


def turns(count: int = TURNS) -> tuple[Message, ...]:
    return tuple(
        Message("user" if at % 2 == 0 else "assistant", f"turn number {at}") for at in range(count)
    )


def long_service(service: Service, **ports: object) -> tuple[Service, TurnExtractor, CommitsOfTen]:
    extractor = TurnExtractor()
    record = CommitsOfTen(service.store.database)
    return service.having(**{"extractor": extractor, "record": record, **ports}), extractor, record


def remembered(service: Service, scope: Scope) -> list[str]:
    return [memory.text for memory in reversed(service.listed(scope))]


EXPECTED = [f"turn number {at}" for at in range(0, TURNS, EVERY)]


def test_a_conversation_of_500_turns_is_remembered_in_order(service: Service, scope: Scope) -> None:
    service, extractor, record = long_service(service)

    wishes = Guidance(instructions="Be brief.")
    job = service.add(AddRequest(scope=scope, messages=turns(), guidance=wishes))

    assert job.status is JobStatus.SUCCEEDED
    assert isinstance(job.request, AddRequest)
    assert (job.request.messages, job.request.guidance) == ((), Guidance())
    assert [each.text for each in job.outcomes] == EXPECTED
    assert remembered(service, scope) == EXPECTED
    assert [len(part.messages) for part in extractor.read] == [MAX_TURNS] * PARTS
    assert extractor.read[1].before == turns()[MAX_TURNS - CONTEXT_MESSAGES : MAX_TURNS]
    assert [each.message for each in job.outcomes] == list(range(0, TURNS, EVERY))
    assert job.notes["model_calls"] == PARTS
    assert job.notes["input_tokens"] == 100 * PARTS
    assert job.notes["cut"] == PARTS
    assert max(len(change.writes) for change in record.commits) == 10
    assert sum(change.episode is not None for change in record.commits) == 1
    [episode] = service.store.episodes.get(scope.project, [job.id], now=NOON).values()
    assert episode.messages == turns()


@pytest.mark.parametrize("death", range(1, 12))
def test_after_a_crash_the_rest_follows_and_no_part_is_read_twice(
    service: Service, scope: Scope, death: int
) -> None:
    service, extractor, record = long_service(service)
    record.deaths.append(death)
    key = IdempotencyKey("key", "hash")
    request = AddRequest(scope=scope, messages=turns())

    with pytest.raises(DeathError):
        service.add(request, key)
    service.clock.forward(2 * LEASE)
    job = service.add(request, key)

    assert job.status is JobStatus.SUCCEEDED
    assert [each.text for each in job.outcomes] == EXPECTED
    assert remembered(service, scope) == EXPECTED
    # What was read but not stored yet is read again.
    assert len(extractor.read) <= PARTS + 1
    assert sum(change.episode is not None for change in record.commits) <= 2


@pytest.mark.parametrize(
    "failure",
    [UnavailableError("down"), ModelAnswerError("nonsense"), OutOfTimeError("late")],
    ids=["unavailable", "nonsense", "out of time"],
)
def test_a_model_that_fails_later_leaves_what_is_remembered_and_the_rest_follows(
    service: Service, scope: Scope, failure: Exception
) -> None:
    service, extractor, _ = long_service(service)
    extractor.failures[:] = [None, None, failure]

    begun = service.add(AddRequest(scope=scope, messages=turns()))

    assert begun.status is JobStatus.PENDING
    assert remembered(service, scope) == EXPECTED[: 2 * MAX_TURNS // EVERY]

    service.clock.forward(FIRST_PAUSE)
    service.drive_on()

    job = service.read_job(scope.project, begun.id)
    assert job.status is JobStatus.SUCCEEDED
    assert remembered(service, scope) == EXPECTED
    assert job.notes["model_calls"] == PARTS


def test_what_nobody_waits_for_any_more_is_tried_again_after_longer_and_longer_pauses(
    service: Service, scope: Scope
) -> None:
    service, extractor, _ = long_service(service)
    extractor.failures[:] = [OutOfTimeError("late"), *[UnavailableError("down")] * 12]

    begun = service.add(AddRequest(scope=scope, messages=turns(8)))
    service.drive_on()
    resumed = service.read_job(scope.project, begun.id)
    service.drive_on()

    assert (resumed.status, resumed.error, resumed.attempt) == (JobStatus.PENDING, "down", 2)
    assert service.read_job(scope.project, begun.id).attempt == 2

    for _ in range(12):
        service.clock.forward(LONGEST_PAUSE)
        service.drive_on()

    job = service.read_job(scope.project, begun.id)
    assert (job.status, job.error, job.attempt) == (JobStatus.SUCCEEDED, None, 14)
    assert remembered(service, scope) == EXPECTED[:2]


def test_a_commit_whose_answer_was_lost_is_not_done_again(service: Service, scope: Scope) -> None:
    lost = iter([False, False, True])

    class Losing(CommitsOfTen):
        def commit(self, project: str, change: Change) -> None:
            super().commit(project, change)
            is_lost = bool(change.writes) and next(lost, False)
            if is_lost:
                raise UnavailableError

    service, _, _ = long_service(service, record=Losing(service.store.database))

    begun = service.add(AddRequest(scope=scope, messages=turns()))
    service.clock.forward(FIRST_PAUSE)
    service.drive_on()

    job = service.read_job(scope.project, begun.id)
    assert (begun.status, len(begun.outcomes)) == (JobStatus.PENDING, 23)
    assert [each.text for each in job.outcomes] == EXPECTED
    assert remembered(service, scope) == EXPECTED


def test_a_message_is_not_too_long_to_be_read(service: Service, scope: Scope) -> None:
    with pytest.raises(InvalidRequestError, match="A message must have at most"):
        service.say(scope, "x" * (MAX_MESSAGE_CHARACTERS + 1), infer=True)


def test_a_model_that_has_no_time_at_first_is_asked_later(service: Service, scope: Scope) -> None:
    service, extractor, _ = long_service(service)
    extractor.failures.append(OutOfTimeError("late"))

    begun = service.add(AddRequest(scope=scope, messages=turns(8)))

    assert (begun.status, begun.outcomes) == (JobStatus.PENDING, ())
    assert not service.store.episodes.get(scope.project, [begun.id], now=NOON)

    service.drive_on()

    assert remembered(service, scope) == EXPECTED[:2]
    assert service.store.episodes.get(scope.project, [begun.id], now=NOON)


def test_what_is_read_is_kept_when_the_time_is_up(service: Service, scope: Scope) -> None:
    looks = iter([False, True])
    service, extractor, _ = long_service(service, is_late=lambda: next(looks, False))

    begun = service.add(AddRequest(scope=scope, messages=turns(8)))
    service.drive_on()

    assert begun.status is JobStatus.PENDING
    assert remembered(service, scope) == EXPECTED[:2]
    assert len(extractor.read) == 1
    assert service.store.episodes.get(scope.project, [begun.id], now=NOON)


def test_a_kind_is_that_of_all_facts(service: Service, scope: Scope) -> None:
    service, _, _ = long_service(service)

    service.add(AddRequest(scope=scope, messages=turns(8), kind=MemoryKind.EPISODIC))

    assert {memory.kind for memory in service.listed(scope)} == {MemoryKind.EPISODIC}


@pytest.mark.parametrize("infer", [True, False])
def test_a_task_becomes_one_procedural_memory(
    service: Service, scope: Scope, *, infer: bool
) -> None:
    service, extractor, _ = long_service(service)
    scope = a_scope(scope.project, user="ada", agent="helper")
    wishes = Guidance(extraction_prompt="Write steps.")
    request = AddRequest(
        scope=scope,
        messages=turns(),
        infer=infer,
        kind=MemoryKind.PROCEDURAL,
        guidance=wishes,
    )

    job = service.add(request)

    [outcome] = job.outcomes
    assert outcome.text == f"{TURNS} steps"
    [memory] = service.listed(scope)
    assert memory.kind is MemoryKind.PROCEDURAL
    assert [(len(read.messages), read.guidance) for read in extractor.read] == [(TURNS, wishes)]


def test_a_projects_wishes_are_those_of_its_adds_but_not_of_its_summaries(
    service: Service, scope: Scope
) -> None:
    service, extractor, _ = long_service(service)
    scope = a_scope(scope.project, user="ada", agent="helper")
    wishes = Guidance(extraction_prompt="Find bicycles.", instructions="Be brief.")
    service.ports.projects.replace(scope.project, ProjectSettings(guidance=wishes, version=1))
    own = Guidance(instructions="Be exact.")

    service.add(AddRequest(scope=scope, messages=turns(4), guidance=own))
    service.add(AddRequest(scope=scope, messages=turns(4), kind=MemoryKind.PROCEDURAL))

    facts, summary = (read.guidance for read in extractor.read)
    assert facts == Guidance(extraction_prompt="Find bicycles.", instructions="Be exact.")
    assert summary == Guidance(instructions="Be brief.")


def test_what_a_picture_shows_is_redacted(service: Service, scope: Scope) -> None:
    service, extractor, _ = long_service(service, describer=Seeing())
    settings = ProjectSettings(is_redacted=True, redaction_patterns=("number [0-9]+",), version=1)
    service.ports.projects.replace(scope.project, settings)

    service.add(with_picture(scope))

    [message] = extractor.read[0].messages
    assert message.content == message.attachments[0].text == "turn [redacted]"


def test_episodes_are_kept_as_long_as_the_project_wants(service: Service, scope: Scope) -> None:
    service.ports.projects.replace(scope.project, ProjectSettings(episode_days=2, version=1))

    job = service.say(scope, "I like tea")

    def kept_after(days: int) -> bool:
        now = job.created_at + timedelta(days=days)
        return bool(service.store.episodes.get(scope.project, [job.id], now=now))

    assert kept_after(1)
    assert not kept_after(3)


def test_a_procedural_memory_needs_an_agent_and_fits(service: Service, scope: Scope) -> None:
    request = AddRequest(scope=scope, messages=turns(2), kind=MemoryKind.PROCEDURAL)
    with pytest.raises(InvalidRequestError, match="agent_id"):
        service.add(request)

    scope = a_scope(scope.project, agent="helper")
    long = (Message("assistant", "x" * (MAX_SUMMARISED_CHARACTERS + 1)),)
    with pytest.raises(InvalidRequestError, match="at most"):
        service.add(replace(request, scope=scope, messages=long))


@dataclass(frozen=True)
class Seeing:
    """Describes every picture, unless it fails first."""

    failures: list[Exception] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)

    def describe(self, messages: Sequence[Message]) -> tuple[tuple[Message, ...], Usage]:
        if self.failures:
            raise self.failures.pop()
        self.seen.append(len(messages))
        return tuple(map(_described, messages)), Usage(1, 1000, 50)


def _described(message: Message) -> Message:
    attachments = tuple(replace(each, text="turn number 4", url="") for each in message.attachments)
    return replace(message, attachments=attachments)


def with_picture(scope: Scope, **changes: object) -> AddRequest:
    picture = Attachment("image", url="data:image/png;base64,AAAA")
    message = Message("user", "turn number 0", attachments=(picture,))
    return replace(AddRequest(scope=scope, messages=(message,)), **changes)  # type: ignore[arg-type]


def test_pictures_are_put_into_words_once_and_not_kept(service: Service, scope: Scope) -> None:
    describer = Seeing()
    service, extractor, _ = long_service(service, describer=describer)
    extractor.failures.append(UnavailableError("down"))
    key = IdempotencyKey("key", "hash")

    with pytest.raises(UnavailableError):
        service.add(with_picture(scope), key)
    job = service.add(with_picture(scope), key)

    assert describer.seen == [1]
    assert extractor.read[0].messages[0].attachments[0].text == "turn number 4"
    [episode] = service.store.episodes.get(scope.project, [job.id], now=NOON).values()
    assert episode.messages[0].attachments == (Attachment("image", "turn number 4"),)
    assert job.notes["model_calls"] == 2


def test_a_picture_that_cannot_be_had_stores_nothing(service: Service, scope: Scope) -> None:
    describer = Seeing([InvalidRequestError("no picture")])
    service, _, _ = long_service(service, describer=describer)

    with pytest.raises(InvalidRequestError):
        service.add(with_picture(scope))

    assert service.listed(scope) == ()


def test_verbatim_messages_have_no_pictures(service: Service, scope: Scope) -> None:
    with pytest.raises(InvalidRequestError, match="infer=true"):
        service.add(with_picture(scope, infer=False))


def test_verbatim_messages_have_their_documents_and_own_times(
    service: Service, scope: Scope
) -> None:
    document = Attachment("document", " A recipe. ")
    recalled = "<recalled_memories>\nlikes tea\n</recalled_memories>"
    messages = (
        Message("user", "Keep this:", said_at=NOON, attachments=(document,)),
        Message("user", f"{recalled} Thanks!"),
        Message("user", recalled),
    )

    service.add(AddRequest(scope=scope, messages=messages, infer=False))

    thanks, recipe = service.listed(scope)
    assert recipe.text == "Keep this:\n\nA recipe."
    assert recipe.created_at == NOON
    assert thanks.text == "Thanks!"
    assert (recipe.message, thanks.message) == (0, 1)


def _speaking(**names: str) -> Callable[[Service], Conversation]:
    def read(service: Service) -> Conversation:
        service, extractor, _ = long_service(service)
        scope = service.new_scope(**names)
        service.add(AddRequest(scope=scope, messages=turns(2), reference_at=NOON))
        return extractor.read[0]

    return read


@pytest.mark.parametrize(
    ("names", "of_users", "of_agent"),
    [
        ({"user": "ada"}, True, False),
        ({"user": "ada", "agent": "helper"}, True, True),
        ({"agent": "helper"}, False, True),
        ({"agent": "helper", "run": "r1"}, False, True),
        ({"run": "r1"}, True, False),
    ],
)
def test_whose_facts_are_found(
    service: Service, names: dict[str, str], *, of_users: bool, of_agent: bool
) -> None:
    conversation = _speaking(**names)(service)

    assert (conversation.of_users, conversation.of_agent) == (of_users, of_agent)
    assert conversation.said_at == NOON


def test_an_agent_that_says_nothing_has_no_facts(service: Service) -> None:
    service, extractor, _ = long_service(service)
    scope = service.new_scope(agent="helper")

    service.add(AddRequest(scope=scope, messages=turns(1)))

    assert (extractor.read[0].of_users, extractor.read[0].of_agent) == (True, False)
