"""Bringing an owner's graph to what its memories say, from what nobody has read yet."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from recollect.domain.errors import InvalidRequestError, ModelAnswerError, UnavailableError
from recollect.domain.graph import Entity, Owner, Reading, Relation, Support, Triple, label
from recollect.domain.memory import Memory
from recollect.domain.predicates import EXCLUSIVE, MULTIPLE
from recollect.ports.graph import GraphReader, GraphRecord, Rival, Unread
from recollect.ports.graph_outbox import GraphOutbox, SetAside
from recollect.ports.queue import WakeUps
from recollect.ports.record import LostRaceError, Record
from recollect.usecases.graph_notes import Notes, bounded, readable
from recollect.usecases.graph_revision import Known, Said, revision
from recollect.usecases.resolving import Resolved, ResolveEntities

BATCH = 20
"""Changes that are read at once: some 2,000 tokens of facts."""
MAX_BATCHES = 100
"""What one wake-up reads; what is left is still unread, and maintenance wakes the writer again."""
MAX_TRIES = 12
"""Of one commit: others may be faster, and what does not fit one is halved, up to five times."""
MAX_AROUND = 1_000
"""Relations of an entity among which those of one predicate are looked for."""


MAX_RIVALS = 10
"""Relations that a new one may end, if the reader says so; with more at once it ends none."""
QUESTIONS = 40
"""New relations that the reader is asked of at once, with up to ten others each."""


class _TooLargeError(Exception):
    """There is no room for all of this in one commit."""


def _nobody(_: SetAside) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class WriteGraph:
    """Read what changed of an owner's memories, and commit what it means for the graph.

    A batch costs one question to the reader (several only if the texts are long), and one more if a
    new relation may end others and its predicate does not tell; each commit of it one embedding and
    one search of the entity index if something is named for the first time.

    A memory of which no model's answer can be used, or that says more than there is room for, is
    set aside: it stops no other one, and says nothing until it is read.
    """

    graph: GraphRecord
    outbox: GraphOutbox
    record: Record
    reader: GraphReader
    resolve: ResolveEntities
    wake_ups: WakeUps
    now: Callable[[], datetime]
    is_late: Callable[[], bool] = lambda: False
    """Tells whether what is left should be left to the next one, for the time is nearly up."""

    def __call__(self, owner: Owner, tell: Callable[[SetAside], None] = _nobody) -> int:
        """Read what is unread, wake the projections, and return how many changes it was.

        `tell` is called with each that is about to be set aside. Repeating it writes nothing new.
        Raises `UnavailableError` if a model or the entity index cannot be used now, or others
        change the same things all the time: what was committed by then stays.
        """
        notes = Notes()
        read = 0
        try:
            for _ in range(MAX_BATCHES):
                unread = self.outbox.unread(owner, limit=BATCH)
                if not unread:
                    break
                if self.is_late():
                    self.wake_ups.read_graph(owner)
                    break
                read += self._read(owner, unread, notes, tell)
        finally:
            if read:
                self.wake_ups.project_graph(owner)
        return read

    def _read(
        self,
        owner: Owner,
        unread: Sequence[Unread],
        notes: Notes,
        tell: Callable[[SetAside], None],
    ) -> int:
        """Commit the first of these changes, all that fit, and return how many it were.

        None if others have read them all. Of what nobody can read, the first one alone is set
        aside.
        """
        for _ in range(MAX_TRIES):
            try:
                self._write(owner, unread, notes)
            except LostRaceError:
                waiting = self.outbox.unread(owner, limit=BATCH)
                unread = [each for each in unread if each in waiting]
                if not unread:
                    return 0
            except (ModelAnswerError, InvalidRequestError, _TooLargeError) as error:
                if len(unread) > 1:
                    unread = unread[: len(unread) // 2]
                elif self._has_taken_back(owner, unread[0]):
                    aside = SetAside(owner, unread[0], str(error))
                    tell(aside)
                    self.outbox.set_aside(owner, aside.unread, reason=aside.reason)
                    return 1
            else:
                return len(unread)
        message = "The graph is being changed by others all the time; try again"
        raise UnavailableError(message)

    def _write(self, owner: Owner, unread: Sequence[Unread], notes: Notes) -> None:
        versions = {each.memory_id: 0 for each in unread}
        for each in unread:
            versions[each.memory_id] = max(versions[each.memory_id], each.version)
        living = self.record.get(owner.project, list(versions))
        readings = self.graph.readings(owner.project, list(versions))
        gone = {key: version for key, version in versions.items() if key not in living}
        told = [living[key] for key in versions if key in living]
        memories = [each for each in told if not _is_read(each, readings)]
        self._ask([each for each in memories if each.is_graphed], notes)
        at = self.now()
        resolved = self.resolve(owner, notes.named(memories), at)
        said = [_said(each, notes, resolved) for each in memories]
        said += [
            Said(key, version, is_gone=True) for key, version in gone.items() if key in readings
        ]
        known = self._known(owner, said, readings, resolved.entities)
        self._decide(said, known, notes)
        change = revision(known, said, notes.exclusive, at, aliases=resolved.aliases, done=unread)
        if change.size > self.graph.room():
            message = "It says more, or ends more, than one commit can hold"
            raise _TooLargeError(message)
        self.graph.commit(owner, change)

    def _has_taken_back(self, owner: Owner, unread: Unread) -> bool:
        """Tell whether the graph has nothing of a memory any more; take it back if it has.

        Only its own: what it ended goes on when somebody speaks of that again.
        """
        readings = self.graph.readings(owner.project, [unread.memory_id])
        before = readings.get(unread.memory_id)
        if before is None or not (before.entities or before.triples):
            return True
        memory = self.record.get(owner.project, [unread.memory_id]).get(unread.memory_id)
        said = [Said(unread.memory_id, 0, memory.said_at if memory else None)]
        entities = self._entities(owner, before.entities)
        relations = self.graph.relations(owner, before.triples)
        known = Known(owner, entities, relations, readings, is_whole=False)
        change = revision(known, said, {}, self.now())
        with suppress(LostRaceError):
            # Whatever the memory says by now, this is not it.
            self.graph.commit(owner, replace(change, sources={}))
        return False

    def _ask(self, memories: Sequence[Memory], notes: Notes) -> None:
        asked = [each for each in memories if (each.id, each.version) not in notes.mentioned]
        for some in readable(asked):
            found, _ = self.reader.read(some)
            for memory, mentioned in zip(some, found, strict=True):
                notes.mentioned[memory.id, memory.version] = bounded(mentioned)

    def _known(
        self,
        owner: Owner,
        said: Sequence[Said],
        readings: Mapping[str, Reading],
        named: Mapping[str, Entity],
    ) -> Known:
        """Return the part of the graph that these memories speak of, or spoke of before."""
        before = [readings[each.memory_id] for each in said if each.memory_id in readings]
        of_old = {entity_id for reading in before for entity_id in reading.entities}
        entities = {**named, **self._entities(owner, of_old - named.keys())}
        triples = {triple for reading in before for triple in reading.triples}
        triples |= {triple for each in said for triple in each.statements}
        # Nothing is known of what is named for the first time, or was erased.
        known = {each.id for each in entities.values() if each.version}
        old = [each for each in triples if known.issuperset(each.ends)]
        sources = sorted({each.source for each in triples} & known)
        around = self.graph.around(owner, sources, limit=MAX_AROUND) if sources else []
        relations = {each.triple: each for each in around}
        if unseen := [each for each in old if each not in relations]:
            relations.update(self.graph.relations(owner, unseen))
        return Known(owner, entities, relations, readings, is_whole=len(around) < MAX_AROUND)

    def _entities(self, owner: Owner, entity_ids: Iterable[str]) -> dict[str, Entity]:
        wanted = sorted(entity_ids)
        return self.graph.entities(owner, wanted) if wanted else {}

    def _decide(self, said: Iterable[Said], known: Known, notes: Notes) -> None:
        """Find out which new relations end others; ask only where the predicate does not tell.

        Where many hold at once, it does: one more does not end them all.
        """
        stated = {triple for each in said for triple in each.statements}
        rivals: dict[Triple, list[Relation]] = {}
        for triple in sorted(stated - notes.exclusive.keys() - known.relations.keys()):
            notes.exclusive[triple] = triple.predicate in EXCLUSIVE
            if triple.predicate not in EXCLUSIVE | MULTIPLE:
                rivals[triple] = _rivals(triple, known)
        asked = {
            triple: others for triple, others in rivals.items() if 0 < len(others) <= MAX_RIVALS
        }
        for start in range(0, len(asked), QUESTIONS):
            some = dict(islice(asked.items(), start, start + QUESTIONS))
            answers, _ = self.reader.exclude(self._in_words(some, known))
            notes.exclusive.update(zip(some, answers, strict=True))

    def _in_words(self, asked: Mapping[Triple, Sequence[Relation]], known: Known) -> list[Rival]:
        ends = {other.triple.target for others in asked.values() for other in others}
        entities = {**known.entities, **self._entities(known.owner, ends - known.entities.keys())}

        def words(triple: Triple) -> str:
            source, target = entities[triple.source], entities[triple.target]
            return f"{source.name} {triple.predicate.replace('_', ' ')} {target.name}"

        return [
            Rival(stated=words(triple), known=tuple(words(each.triple) for each in others))
            for triple, others in asked.items()
        ]


def _is_read(memory: Memory, readings: Mapping[str, Reading]) -> bool:
    return memory.id in readings and readings[memory.id].is_of(memory)


def _said(memory: Memory, notes: Notes, resolved: Resolved) -> Said:
    mentioned = notes.of(memory)
    statements = {
        Triple(
            resolved.ids[each.source], label(each.predicate), resolved.ids[each.target]
        ): Support(
            memory.id,
            memory.said_at,
            each.valid_from or memory.valid_from,
            each.valid_to or memory.valid_to,
            memory.recorded_at,
        )
        for each in mentioned.statements
    }
    entities = dict.fromkeys(resolved.ids[each] for each in mentioned.entities)
    return Said(memory.id, memory.version, memory.said_at, tuple(entities), statements)


def _rivals(triple: Triple, known: Known) -> list[Relation]:
    return [
        each
        for other, each in known.relations.items()
        if (other.source, other.predicate) == (triple.source, triple.predicate)
        and other.target != triple.target
        and each.belief
    ]
