"""Reading the messages of an add, part by part: what each part comes to."""

from dataclasses import dataclass, replace
from datetime import datetime

from recollect.domain.jobs import Draft, Fact, Job
from recollect.domain.memory import MemoryKind, Message, checked_text
from recollect.domain.recall import is_said, said_in
from recollect.domain.requests import AddRequest
from recollect.domain.roles import AGENT_ROLES
from recollect.domain.subjects import SubjectKind
from recollect.ports.models import Conversation, Describer, Extraction, Extractor
from recollect.ports.record import Scopes
from recollect.usecases.context import RecentMessages
from recollect.usecases.parts import CONTEXT_MESSAGES, end_of_part
from recollect.usecases.thoughts import Thoughts


@dataclass(frozen=True)
class ReadMessages:
    """Turn the messages of an add into drafts: facts of the next part, or every turn verbatim."""

    scopes: Scopes
    extractor: Extractor
    describer: Describer
    recent: RecentMessages

    def __call__(self, job: Job, request: AddRequest, thoughts: Thoughts) -> Job:
        """Return the job with the plan of the next part; nothing is stored yet.

        Raises what the extractor raises.
        """
        if not request.infer:
            return _planned(job, len(request.messages), self._verbatim(job, request))
        if request.kind is MemoryKind.PROCEDURAL:
            end = len(request.messages)
            extraction = self.extractor.summarise(_conversation(job, request, 0, end, ()))
        else:
            end = end_of_part(request.messages, job.read)
            before = self._before(job, request)
            extraction = self.extractor.extract(_conversation(job, request, job.read, end, before))
        thoughts.learn(extraction)
        return _planned(job, end, _drafts(extraction, job, request))

    def described(self, request: AddRequest, thoughts: Thoughts) -> AddRequest:
        """Return the request with its pictures put into words."""
        messages, usage = self.describer.describe(request.messages)
        thoughts.usage += usage
        return replace(request, messages=messages)

    def _verbatim(self, job: Job, request: AddRequest) -> tuple[Draft, ...]:
        facts = [
            _verbatim(place, message, request.kind, _said_at(job, request, place))
            for place, message in enumerate(request.messages)
            if is_said(message)
        ]
        turns = self.scopes.reserve_turns(request.scope, len(facts))
        return tuple(map(Draft, facts, turns))

    def _before(self, job: Job, request: AddRequest) -> tuple[Message, ...]:
        if job.read:
            return request.messages[: job.read][-CONTEXT_MESSAGES:]
        return self.recent(request.scope, said_at=request.said_from(job.created_at))


def _verbatim(place: int, message: Message, kind: MemoryKind | None, said_at: datetime) -> Fact:
    return Fact(
        text=checked_text(said_in(message)),
        role=message.role,
        actor=message.name,
        attributed_to=message.speaker,
        kind=kind or MemoryKind.SEMANTIC,
        message=place,
        said_at=said_at,
    )


def _conversation(
    job: Job, request: AddRequest, start: int, end: int, before: tuple[Message, ...]
) -> Conversation:
    messages = request.messages[start:end]
    has_agent = request.scope.name_of(SubjectKind.AGENT) is not None
    of_agent = has_agent and any(_is_agents(message) for message in request.messages)
    return Conversation(
        messages=messages,
        before=before,
        said_at=request.reference_at or request.said_from(job.created_at),
        of_users=not of_agent or request.scope.name_of(SubjectKind.USER) is not None,
        of_agent=of_agent,
        guidance=request.guidance,
    )


def _is_agents(message: Message) -> bool:
    return message.role.casefold() in AGENT_ROLES and bool(message.content.strip())


def _drafts(extraction: Extraction, job: Job, request: AddRequest) -> tuple[Draft, ...]:
    """Return what was found, each once, with its place in the whole conversation and its time."""
    found: dict[tuple[str, str | None], Fact] = {}
    for fact in extraction.facts:
        place = None if fact.message is None else fact.message + job.read
        placed = replace(
            fact,
            kind=request.kind or fact.kind,
            message=place,
            said_at=_said_at(job, request, place),
        )
        found.setdefault((fact.text, fact.quote), placed)
    return tuple(map(Draft, found.values()))


def _said_at(job: Job, request: AddRequest, place: int | None) -> datetime:
    own = None if place is None else request.messages[place].said_at
    return own or request.said_from(job.created_at)


def _planned(job: Job, end: int, drafts: tuple[Draft, ...]) -> Job:
    return replace(job, read=end, plan=drafts, done=0)
