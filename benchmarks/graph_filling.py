"""Graphs of many owners to measure with, drawn from seeds, and putting them into stores."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import Any, TypeVar

from benchmarks.corpus import PLACES, SUBJECTS, THINGS
from recollect.domain.graph import (
    USER_TYPE,
    Belief,
    Entity,
    Owner,
    Reading,
    Relation,
    Support,
    Triple,
)
from recollect.domain.memory import Embedding
from recollect.domain.subjects import Scope, Subject, SubjectKind
from recollect.testing.builders import NOON, a_graph_change
from tests.service import UseCases, embedder

OWNERS = 100
OWNERS_IF_SLOW = 20
RELATIONS = 1_000
"""Of an owner: a hundred owners have 100,000."""
FEW_RELATIONS = 100
"""Of each of the hundred owners whose graphs are rebuilt together."""
FILL_SECONDS = 240
"""A store that would take longer to fill gets a fifth."""
PROBED = 4
"""Owners whose graphs tell how long the others will take."""
THREADS = 4
MESSAGES = 100
"""Of one add."""
EVERYTHING = 10_000
PREDICATES = ("likes", "owns", "visited", "works_with", "friend_of", "reads_about", "part_of")
NAMES = (
    *((f"{who} of {where}", "person") for who, where in product(SUBJECTS, PLACES)),
    *((f"{what} from {where}", "thing") for what, where in product(THINGS, PLACES)),
)

Item = TypeVar("Item")


@dataclass(frozen=True)
class OwnersGraph:
    """All of one owner's graph."""

    owner: Owner
    entities: tuple[Entity, ...]
    relations: tuple[Relation, ...]
    readings: tuple[Reading, ...] = ()

    @classmethod
    def drawn(cls, project: str, number: int, size: int) -> "OwnersGraph":
        """Return so many relations, half of them of the user, among a third as many entities."""
        chance = random.Random(number)
        owner = Owner(project, Subject.of(SubjectKind.USER, _name(number)).key)
        named = [(_name(number), USER_TYPE), *NAMES[: size * 3 // 10]]
        user, *others = (
            Entity(
                owner=owner,
                name=name,
                type=kind,
                mentions=1,
                recorded_at=NOON,
                embedding=_embedding(name),
            )
            for name, kind in named
        )
        triples: dict[Triple, None] = {}
        while len(triples) < size:
            source, target = chance.choice((user, chance.choice(others))), chance.choice(others)
            if source is not target:
                triples[Triple(source.id, chance.choice(PREDICATES), target.id)] = None
        said = [_said_once(owner, triple, triple.id) for triple in triples]
        return cls(owner, (user, *others), tuple(said))

    def texts(self) -> list[str]:
        """Return what memories say that support the relations, in order."""
        names = {each.id: each.name for each in self.entities}
        triples = [each.triple for each in self.relations]
        return [
            f"{names[each.source]} {each.predicate.replace('_', ' ')} {names[each.target]}"
            for each in triples
        ]

    def said_in(self, memory_ids: Sequence[str]) -> "OwnersGraph":
        """Return it as read in these new memories, each of which says one relation, in order."""
        triples = [each.triple for each in self.relations]
        told = list(zip(memory_ids, triples, strict=True))
        return replace(
            self,
            relations=tuple(_said_once(self.owner, triple, an_id) for an_id, triple in told),
            readings=tuple(
                Reading(memory_id=an_id, version=1, entities=triple.ends, triples=(triple,))
                for an_id, triple in told
            ),
        )


@cache
def _embedding(name: str) -> Embedding:
    [vector] = embedder().embed([name], "document")
    return Embedding.of(embedder().model, vector)


def _name(number: int) -> str:
    return f"user{number}"


def _said_once(owner: Owner, triple: Triple, memory_id: str) -> Relation:
    return Relation(
        owner=owner,
        triple=triple,
        support=(Support(memory_id, NOON),),
        beliefs=(Belief(None, None, NOON),),
    )


@dataclass(frozen=True)
class Filled:
    """The graphs that a store has, the first of them with its memories, and how fast it got them.

    `small` are those that are rebuilt together, of another project.
    """

    scope: Scope
    graphs: tuple[OwnersGraph, ...]
    small: tuple[OwnersGraph, ...]
    seconds: float

    @classmethod
    def by(cls, use_cases: UseCases, write: Callable[[OwnersGraph], object]) -> "Filled":
        """Return what was written: all, or a part if all would take too long."""
        scope = use_cases.new_scope("large", user=_name(0))
        few = use_cases.open_project("small")
        graphs = [OwnersGraph.drawn(scope.project, each, RELATIONS) for each in range(OWNERS)]
        graphs[0] = graphs[0].said_in(_remembered(use_cases, scope, graphs[0].texts()))
        small = tuple(OwnersGraph.drawn(few, each, FEW_RELATIONS) for each in range(OWNERS))
        return cls(scope, tuple(graphs), small, 0.0).also_by(write)

    def also_by(self, write: Callable[[OwnersGraph], object]) -> "Filled":
        """Return what was written in another way: all, or a part."""
        with ThreadPoolExecutor(THREADS) as threads:
            start = time.perf_counter()
            list(threads.map(write, self.graphs[:PROBED]))
            expected = (time.perf_counter() - start) * OWNERS / PROBED
            wanted = OWNERS if expected <= FILL_SECONDS else OWNERS_IF_SLOW
            list(threads.map(write, self.graphs[PROBED:wanted]))
            seconds = time.perf_counter() - start
            list(threads.map(write, self.small[:wanted]))
        return replace(
            self, graphs=self.graphs[:wanted], small=self.small[:wanted], seconds=seconds
        )

    @property
    def told(self) -> dict[str, Any]:
        """What there is, and how fast it came to be."""
        relations = sum(len(each.relations) for each in self.graphs)
        return {
            "relations_in_project": relations,
            "relations_of_owner": len(self.graphs[0].relations),
            "entities_of_owner": len(self.graphs[0].entities),
            "is_less_for_it_was_slow_to_fill": len(self.graphs) < OWNERS,
            "filled_per_second": round(relations / self.seconds, 1),
        }


def _remembered(use_cases: UseCases, scope: Scope, texts: Sequence[str]) -> list[str]:
    """Add these texts, each for a memory of its own; return the memories' ids, in order."""
    jobs = [use_cases.say(scope, *some, is_graphed=False) for some in in_parts(texts, MESSAGES)]
    return [outcome.memory_id for job in jobs for outcome in job.outcomes]


def commit(use_cases: UseCases, graph: OwnersGraph) -> None:
    """Have the record and the entity index know a graph, and nothing be left to project."""
    ports, owner = use_cases.ports, graph.owner
    room = ports.graph.room()
    for entities in in_parts(graph.entities, room):
        ports.graph.commit(owner, a_graph_change(entities=tuple(entities)))
    for relations in in_parts(graph.relations, room // 2):
        ports.graph.commit(owner, a_graph_change(relations=tuple(relations)))
    for readings in in_parts(graph.readings, room):
        ports.graph.commit(owner, a_graph_change(readings=tuple(readings)))
    ports.entities.put(owner, graph.entities)
    ports.graph_outbox.confirm(owner, ports.graph_outbox.unprojected(owner, limit=EVERYTHING))


def in_parts(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """Yield them in order, so many at once."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
