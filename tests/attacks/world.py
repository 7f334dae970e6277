"""What is remembered before an attack, in its scope and beside it, and what it looks like then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recollect.domain.filters import EVERYTHING, in_scope
from recollect.domain.memory import HistoryEvent, Memory, Message
from recollect.domain.requests import AddRequest
from recollect.domain.subjects import Scope, Subject, SubjectKind
from recollect.testing.builders import a_scope
from tests.service import UseCases

KNOWN = (
    "I live in Lisbon.",
    "I like green tea.",
    "My sister Ana is a nurse.",
    "I work at the harbour office.",
    "My dog is called Bello.",
    "I play the cello on Sundays.",
    "My passport is in the blue drawer.",
    "I am learning Finnish.",
    "My car is a red Fiat.",
    "I meet Tom on Fridays for chess.",
    "I prefer short answers.",
    "My daughter is called Mia.",
)
"""More than an add may delete."""
IMMUTABLE = ("I am allergic to peanuts.", "My blood group is A negative.")
OF_THE_AGENT = ("I recommended the restaurant at the harbour.", "I speak in rhymes.")
OF_BOB = ("Bob lives in Kyoto.", "Bob's locker has the number 4711.")
OF_ANOTHER_RUN = ("In this run Ada pretends to be a pirate.",)
OF_THE_RIVAL = ("I live in Reykjavik, says the rival's Ada.", "My rival likes green tea.")
MOST = 1_000
"""Memories of one scope; far more than there are."""


@dataclass(frozen=True)
class State:
    """All that is kept of one scope: its clock, its memories by id, and their histories."""

    clock: int
    memories: Mapping[str, Memory]
    histories: Mapping[str, Sequence[HistoryEvent]]

    @property
    def deleted(self) -> set[str]:
        return self.histories.keys() - self.memories.keys()


@dataclass(frozen=True)
class World:
    """The attacked scope, those beside it in its project, and one of the same name in another."""

    scope: Scope
    strangers: tuple[Scope, ...]
    ids: dict[str, str]

    @property
    def scopes(self) -> tuple[Scope, ...]:
        return (self.scope, *self.strangers)


def build(service: UseCases, names: Mapping[str, str]) -> World:
    """Remember what is known of everybody before an attack on the scope of these names."""
    project, rival = service.open_project("acme"), service.open_project("rival")
    scope = a_scope(project, **names)
    bob = a_scope(project, user="bob")
    other_run = a_scope(project, user="ada", run="pirates")
    rivals = a_scope(rival, **names)
    _say(service, scope, "user", KNOWN)
    _say(service, scope, "assistant", OF_THE_AGENT)
    own = _say(service, scope, "user", IMMUTABLE, is_immutable=True)
    bobs = _say(service, bob, "user", OF_BOB)
    _say(service, other_run, "user", OF_ANOTHER_RUN)
    _say(service, rivals, "user", OF_THE_RIVAL)
    # So that the index would propose what belongs to others.
    for each in (scope, bob, other_run, rivals):
        service.index_all(each)
    return World(scope, (bob, other_run, rivals), {"@OWN@": own, "@BOBS@": bobs})


def _say(
    service: UseCases, scope: Scope, role: str, texts: Sequence[str], *, is_immutable: bool = False
) -> str:
    messages = tuple(Message(role, text) for text in texts)
    request = AddRequest(scope=scope, messages=messages, infer=False, is_immutable=is_immutable)
    return service.add(request).outcomes[0].memory_id


def state_of(service: UseCases, scope: Scope, before: State | None = None) -> State:
    """Return what is kept of a scope, also of what it had before."""
    ports = service.ports
    page = ports.listing.memories(scope.project, in_scope(scope), limit=MOST)
    memories = {memory.id: memory for memory in page.memories}
    ids = sorted({*memories, *(before.memories if before else ())})
    histories = {each: ports.record.history(scope.project, each) for each in ids}
    return State(ports.scopes.clock(scope), memories, histories)


def all_ids(service: UseCases, project: str) -> set[str]:
    """Return the ids of all memories of a project, whatever scope they are in."""
    page = service.ports.listing.memories(project, EVERYTHING, limit=MOST)
    return {memory.id for memory in page.memories}


def subjects(service: UseCases, project: str) -> list[Subject]:
    """Return everybody of whom a project remembers something."""
    entries = service.ports.listing.subjects(project, tuple(SubjectKind), limit=MOST)
    return [entry.subject for entry in entries]
