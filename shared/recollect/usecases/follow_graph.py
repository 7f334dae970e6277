"""Following what an add did to the graph, which is written after the add was answered."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from recollect.domain.graph import Owner, Reading, Triple
from recollect.domain.jobs import Decision, Job, JobStatus
from recollect.domain.memory import Memory
from recollect.domain.requests import AddRequest
from recollect.domain.subjects import Subject
from recollect.ports.graph import GraphRecord, Unread
from recollect.ports.graph_outbox import GraphOutbox
from recollect.ports.record import Record

MOST_UNREAD = 1_000
"""Changes of an owner that are looked through; with more, nobody has failed yet."""


class GraphStatus(StrEnum):
    """How far the graph has followed an add; FAILED: a memory could not be read, and waits."""

    PENDING = "PENDING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


@dataclass(frozen=True)
class NamedTriple:
    """A relation in words."""

    source: str
    predicate: str
    target: str


@dataclass(frozen=True)
class GraphOutcome:
    """What an add did to the graph: relations that it states, and those that it ended."""

    status: GraphStatus
    added: tuple[NamedTriple, ...] = ()
    ended: tuple[NamedTriple, ...] = ()


@dataclass(frozen=True)
class FollowGraph:
    """Tell what a job did to the graph."""

    graph: GraphRecord
    outbox: GraphOutbox
    record: Record

    def __call__(self, job: Job, *, within: Subject | None = None) -> GraphOutcome | None:
        """Return how far it is, with what is known by now; None if it is not for the graph.

        What it ended is told to those alone who see all that is the owner's: `within` a subject
        that is not the owner nobody may learn what other memories said.
        """
        request = job.request
        if not isinstance(request, AddRequest) or not request.is_graphed:
            return None
        if job.status is not JobStatus.SUCCEEDED:
            return GraphOutcome(GraphStatus.PENDING)
        owner = Owner.of(request.scope)
        changed = [each for each in job.outcomes if each.decision is not Decision.NONE]
        ids = list(dict.fromkeys(each.memory_id for each in changed))
        living = self.record.get(job.project, ids)
        # Before the readings: what is read in between must not be missing in both.
        unread = self.outbox.unread(owner, limit=MOST_UNREAD)
        readings = self.graph.readings(job.project, ids)
        behind = {each for each in ids if not _is_read(living.get(each), readings.get(each))}
        told = self._told(owner, _status(behind, unread), readings.values())
        return told if within in {None, request.scope.owner} else replace(told, ended=())

    def _told(self, owner: Owner, status: GraphStatus, readings: Iterable[Reading]) -> GraphOutcome:
        added = {triple: None for each in readings for triple in each.triples}
        ended = {triple: None for each in readings for triple in each.ended}
        ends = {end for triple in (*added, *ended) for end in triple.ends}
        entities = self.graph.entities(owner, sorted(ends))
        names = {an_id: entity.name for an_id, entity in entities.items()}
        return GraphOutcome(status, _named(added, names), _named(ended, names))


def _status(behind: Collection[str], unread: Sequence[Unread]) -> GraphStatus:
    if not behind:
        return GraphStatus.SUCCEEDED
    waiting = {each.memory_id for each in unread}
    is_lost = len(unread) < MOST_UNREAD and not waiting.issuperset(behind)
    return GraphStatus.FAILED if is_lost else GraphStatus.PENDING


def _is_read(memory: Memory | None, reading: Reading | None) -> bool:
    """Tell whether the graph has what the memory says now."""
    if memory is None:
        # What nobody had read before it was deleted need not be read any more.
        return reading is None or not (reading.entities or reading.triples)
    # It may have been changed, and read again, since it was looked at.
    return not memory.is_graphed or (reading is not None and reading.version >= memory.version)


def _named(triples: Iterable[Triple], names: Mapping[str, str]) -> tuple[NamedTriple, ...]:
    # Whose ends are not known has been erased since.
    return tuple(
        NamedTriple(names[each.source], each.predicate, names[each.target])
        for each in triples
        if names.keys() >= set(each.ends)
    )
