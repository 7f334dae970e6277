"""Bringing an owner's graph to what its memories say, from what nobody has read yet."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from recollect.domain.errors import UnavailableError
from recollect.domain.graph import Entity, Owner, Reading, Relation, Support, Triple, label
from recollect.domain.memory import Memory
from recollect.domain.predicates import EXCLUSIVE, MULTIPLE
from recollect.ports.graph import GraphReader, GraphRecord, Mentioned, NamedEntity, Rival, Unread
from recollect.ports.record import LostRaceError, Record
from recollect.usecases.graph_revision import Known, Said, revision
from recollect.usecases.parts import MAX_CHARACTERS
from recollect.usecases.resolving import Resolved, ResolveEntities

BATCH = 20
"""Changes that are read at once: some 2,000 tokens of facts."""
MAX_BATCHES = 100
"""What one wake-up reads; what is left is still unread, and maintenance wakes the writer again."""
MAX_TRIES = 12
"""Of one commit: others may be faster, and what does not fit one is halved, up to five times."""
MAX_STATEMENTS = 12
MAX_ENTITIES = 2 * MAX_STATEMENTS
"""Of one memory, so that what it says fits one commit, and what it said before another one."""
MAX_AROUND = 1_000
"""Relations of an entity among which those of one predicate are looked for."""


class _TooLargeError(Exception):
    """There is no room for all of this in one commit."""


@dataclass(frozen=True)
class WriteGraph:
    """Read what changed of an owner's memories, and commit what it means for the graph.

    A batch costs one question to the reader (several only if the texts are long), and one more if a
    new relation may end others and its predicate does not tell; one embedding and one search of the
    entity index if something is named for the first time.
    """

    graph: GraphRecord
    record: Record
    reader: GraphReader
    resolve: ResolveEntities
    now: Callable[[], datetime]

    def __call__(self, owner: Owner) -> int:
        """Return how many unread changes were read; repeating it writes nothing new.

        Raises what the reader and the entity index raise, and `UnavailableError` if others change
        the same things all the time: what was committed by then stays.
        """
        notes = _Notes()
        read = 0
        for _ in range(MAX_BATCHES):
            unread = self.graph.unread(owner, limit=BATCH)
            if not unread:
                break
            read += self._read(owner, unread, notes)
        return read

    def _read(self, owner: Owner, unread: Sequence[Unread], notes: "_Notes") -> int:
        """Commit the first of these changes, all that fit, and return how many it were."""
        for _ in range(MAX_TRIES):
            try:
                self._write(owner, unread, notes)
            except LostRaceError:
                continue
            except _TooLargeError:
                unread = unread[: max(1, len(unread) // 2)]
                continue
            return len(unread)
        message = "The graph is being changed by others all the time; try again"
        raise UnavailableError(message)

    def _write(self, owner: Owner, unread: Sequence[Unread], notes: "_Notes") -> None:
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
        said += [Said(key, version) for key, version in gone.items() if key in readings]
        known = self._known(owner, said, readings, resolved.entities)
        self._decide(said, known, notes)
        change = revision(known, said, notes.exclusive, at, aliases=resolved.aliases, done=unread)
        if change.size > self.graph.room():
            if len(unread) == 1:
                self._take_back(known, said, at)
            raise _TooLargeError
        self.graph.commit(owner, change)

    def _take_back(self, known: Known, said: Sequence[Said], at: datetime) -> None:
        """Commit that a memory says nothing any more; it is still to be read."""
        nothing = [replace(each, entities=(), statements={}) for each in said]
        change = revision(known, nothing, {}, at)
        unread = tuple(replace(each, version=0) for each in change.readings)
        self.graph.commit(known.owner, replace(change, readings=unread))

    def _ask(self, memories: Sequence[Memory], notes: "_Notes") -> None:
        asked = [each for each in memories if (each.id, each.version) not in notes.mentioned]
        for some in _readable(asked):
            found, _ = self.reader.read(some)
            for memory, mentioned in zip(some, found, strict=True):
                notes.mentioned[memory.id, memory.version] = _bounded(mentioned)

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
        # Nothing is known of what is named for the first time.
        old = [each for each in triples if all(entities[end].version for end in each.ends)]
        sources = sorted({each.source for each in triples if entities[each.source].version})
        around = self.graph.around(owner, sources, limit=MAX_AROUND) if sources else []
        relations = {each.triple: each for each in around}
        if unseen := [each for each in old if each not in relations]:
            relations.update(self.graph.relations(owner, unseen))
        return Known(owner, entities, relations, readings)

    def _entities(self, owner: Owner, entity_ids: Iterable[str]) -> dict[str, Entity]:
        wanted = sorted(entity_ids)
        return self.graph.entities(owner, wanted) if wanted else {}

    def _decide(self, said: Iterable[Said], known: Known, notes: "_Notes") -> None:
        """Find out which new relations end others; ask only where the predicate does not tell."""
        stated = {triple for each in said for triple in each.statements}
        rivals: dict[Triple, list[Relation]] = {}
        for triple in sorted(stated - notes.exclusive.keys() - known.relations.keys()):
            notes.exclusive[triple] = triple.predicate in EXCLUSIVE
            if triple.predicate not in EXCLUSIVE | MULTIPLE:
                rivals[triple] = _rivals(triple, known)
        asked = {triple: others for triple, others in rivals.items() if others}
        if asked:
            answers, _ = self.reader.exclude(self._in_words(asked, known))
            notes.exclusive.update(zip(asked, answers, strict=True))

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


@dataclass
class _Notes:
    """What the reader has found out, so that nothing is asked twice."""

    mentioned: dict[tuple[str, int], Mentioned] = field(default_factory=dict)
    """By a memory's id and version; nothing of those that are not to be in the graph."""
    exclusive: dict[Triple, bool] = field(default_factory=dict)

    def of(self, memory: Memory) -> Mentioned:
        return self.mentioned.get((memory.id, memory.version), Mentioned())

    def named(self, memories: Iterable[Memory]) -> list[NamedEntity]:
        return [named for memory in memories for named in self.of(memory).entities]


def _is_read(memory: Memory, readings: Mapping[str, Reading]) -> bool:
    reading = readings.get(memory.id)
    return reading is not None and reading.version == memory.version


def _readable(memories: Iterable[Memory]) -> Iterator[list[Memory]]:
    """Yield the memories in order, as many at once as a model can read; long ones alone."""
    some: list[Memory] = []
    for memory in memories:
        if some and sum(len(each.text) for each in (*some, memory)) > MAX_CHARACTERS:
            yield some
            some = []
        some.append(memory)
    if some:
        yield some


def _bounded(mentioned: Mentioned) -> Mentioned:
    """Return what one commit has room for: the first statements with their ends, then the rest."""
    statements = mentioned.statements[:MAX_STATEMENTS]
    ends = [end for each in statements for end in (each.source, each.target)]
    return Mentioned(
        entities=tuple(dict.fromkeys([*ends, *mentioned.entities]))[:MAX_ENTITIES],
        statements=statements,
    )


def _said(memory: Memory, notes: _Notes, resolved: Resolved) -> Said:
    mentioned = notes.of(memory)
    statements = {
        Triple(
            resolved.ids[each.source], label(each.predicate), resolved.ids[each.target]
        ): Support(
            memory.id,
            memory.said_at,
            each.valid_from or memory.valid_from,
            each.valid_to or memory.valid_to,
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
