"""What has to be written to a graph so that it says what some memories say now."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

from recollect.domain.graph import (
    Alias,
    Entity,
    Owner,
    Reading,
    Relation,
    Support,
    Triple,
    first_version,
)
from recollect.domain.graph_times import settled
from recollect.ports.graph import GraphChange, Unread

Group: TypeAlias = tuple[str, str]
"""The source and the predicate that relations have in common."""


@dataclass(frozen=True)
class Said:
    """What one memory says at a version, by ids of entities; nothing if it is gone.

    What it said before was so until `said_at`; None if it never was, or nobody knows. One that
    `is_gone` stays so.
    """

    memory_id: str
    version: int
    said_at: datetime | None = None
    entities: tuple[str, ...] = ()
    statements: Mapping[Triple, Support] = field(default_factory=dict)
    is_gone: bool = False


@dataclass(frozen=True)
class Known:
    """The part of a graph that a change is about; if it `is_whole`, the groups of relations are."""

    owner: Owner
    entities: Mapping[str, Entity]
    relations: Mapping[Triple, Relation]
    readings: Mapping[str, Reading]
    is_whole: bool = True

    def before(self, memory_id: str) -> Reading:
        """Return what the graph has of a memory; nothing, at version 0, if it was never read."""
        return self.readings.get(memory_id) or Reading(memory_id=memory_id, version=0)


def revision(
    known: Known,
    said: Sequence[Said],
    exclusive: Mapping[Triple, bool],
    at: datetime,
    *,
    aliases: Iterable[Alias] = (),
    done: Sequence[Unread] = (),
) -> GraphChange:
    """Return the change after which the graph has of these memories exactly what they say.

    What they said before is taken back, so that repeating it changes nothing. `exclusive` tells of
    relations that are new whether they end others. Only what differs is written.
    """
    relations = _relations(known, said, exclusive, at)
    written = [each for triple, each in relations.items() if each != known.relations.get(triple)]
    entities = _entities(known, said)
    created = {each.id for each in entities if not each.version}
    created |= {each.triple.id for each in written if not each.version}
    return GraphChange(
        at=at,
        created=frozenset(created),
        entities=tuple(replace(each, version=_after(each.version, at)) for each in entities),
        aliases=tuple(aliases),
        relations=tuple(replace(each, version=_after(each.version, at)) for each in written),
        readings=tuple(_reading(each, known, written) for each in said),
        sources={each.memory_id: None if each.is_gone else each.version for each in said},
        done=tuple(done),
    )


def _after(version: int, at: datetime) -> int:
    return version + 1 if version else first_version(at)


def _entities(known: Known, said: Sequence[Said]) -> list[Entity]:
    """Return the entities that are mentioned more, or less, often than before."""
    more: dict[str, int] = defaultdict(int)
    for each in said:
        now, before = set(each.entities), set(known.before(each.memory_id).entities)
        for entity_id in now - before:
            more[entity_id] += 1
        for entity_id in before - now:
            more[entity_id] -= 1
    return [
        replace(known.entities[entity_id], mentions=known.entities[entity_id].mentions + change)
        for entity_id, change in sorted(more.items())
        if change and entity_id in known.entities
    ]


def _relations(
    known: Known, said: Sequence[Said], exclusive: Mapping[Triple, bool], at: datetime
) -> dict[Triple, Relation]:
    """Return the relations of all groups that are touched, as they are to be."""
    relations = dict(known.relations)
    touched: set[Group] = set()
    for each in said:
        for triple in known.before(each.memory_id).triples:
            # Unknown is what was erased since.
            if triple not in each.statements and triple in relations:
                relations[triple] = _taken_back(relations[triple], each, at)
                touched.add((triple.source, triple.predicate))
        for triple, support in each.statements.items():
            is_exclusive = exclusive.get(triple, False)
            new = Relation(owner=known.owner, triple=triple, is_exclusive=is_exclusive, version=0)
            relations[triple] = relations.get(triple, new).supported(support)
            touched.add((triple.source, triple.predicate))
    groups: dict[Group, list[Relation]] = defaultdict(list)
    for triple, relation in relations.items():
        groups[triple.source, triple.predicate].append(relation)
    now = [
        each for group in touched for each in settled(groups[group], at, is_whole=known.is_whole)
    ]
    return {each.triple: each for each in sorted(now, key=lambda each: each.triple)}


def _taken_back(relation: Relation, said: Said, now: datetime) -> Relation:
    left = relation.without(said.memory_id)
    if said.said_at is None or left.support:
        return left
    return left.superseded(said.said_at, now)


def _reading(said: Said, known: Known, written: Iterable[Relation]) -> Reading:
    groups = {(triple.source, triple.predicate) for triple in said.statements}
    before = set(known.before(said.memory_id).triples)
    ended = [
        each.triple
        for each in written
        if each.triple not in said.statements
        and (
            (each.triple in before and not each.support)
            or (
                (each.triple.source, each.triple.predicate) in groups
                and _is_ended(known.relations.get(each.triple), each)
            )
        )
    ]
    return Reading(
        memory_id=said.memory_id,
        version=said.version,
        entities=said.entities,
        triples=tuple(said.statements),
        ended=tuple(ended),
    )


def _is_ended(before: Relation | None, after: Relation) -> bool:
    """Tell whether a relation that went on, as far as was known, has an end now."""
    if before is None or before.belief is None or after.belief is None:
        return False
    return before.belief.valid_to is None and after.belief.valid_to is not None
