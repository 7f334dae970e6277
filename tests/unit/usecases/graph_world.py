"""A graph writer over a data file, and a reader that understands a notation of its own."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from recollect.adapters.local.entity_index import LocalEntityIndex
from recollect.domain.graph import Entity, Owner, Relation, Triple, entity_id
from recollect.domain.memory import Memory
from recollect.domain.subjects import Scope
from recollect.ports.graph import GraphRecord, Mentioned, NamedEntity, Rival, Statement
from recollect.ports.models import Usage
from recollect.testing.builders import NOON, a_change, a_memory, adding, deleting, updating
from recollect.usecases.resolving import ResolveEntities
from recollect.usecases.write_graph import WriteGraph
from tests.service import Service, embedder

DAY = timedelta(days=1)
_ENTITY = r"([^:;]+):(\w+)"
_STATED = re.compile(rf"{_ENTITY} (\w+) {_ENTITY}(?: from (\S+))?(?: to (\S+))?")


@dataclass
class Notation:
    """Reads `Mia:person works_at Acme:organization from 2026-01-01; Tom:person`.

    Of the predicates in `ending`, one holds at a time. Keeps the questions that it was asked.
    """

    ending: frozenset[str] = frozenset()
    read_texts: list[list[str]] = field(default_factory=list)
    rivals: list[Rival] = field(default_factory=list)

    def read(self, memories: Sequence[Memory]) -> tuple[list[Mentioned], Usage]:
        self.read_texts.append([memory.text for memory in memories])
        return [_mentioned(memory.text) for memory in memories], Usage(1, 10, 10)

    def exclude(self, rivals: Sequence[Rival]) -> tuple[list[bool], Usage]:
        self.rivals += rivals
        answers = [any(f" {word} " in each.stated for word in self.ending) for each in rivals]
        return answers, Usage(1, 10, 10)


def _mentioned(text: str) -> Mentioned:
    entities: list[NamedEntity] = []
    statements: list[Statement] = []
    for part in text.split("; "):
        if stated := _STATED.fullmatch(part):
            source, target = NamedEntity(*stated.group(1, 2)), NamedEntity(*stated.group(4, 5))
            statements.append(
                Statement(
                    source=source,
                    predicate=stated[3],
                    target=target,
                    valid_from=_day(stated[6]),
                    valid_to=_day(stated[7]),
                )
            )
            entities += [source, target]
        elif named := re.fullmatch(_ENTITY, part):
            entities.append(NamedEntity(*named.group(1, 2)))
    return Mentioned(entities=tuple(entities), statements=tuple(statements))


def _day(text: str | None) -> datetime | None:
    return datetime.fromisoformat(f"{text}T00:00+00:00") if text else None


@dataclass
class World:
    """Memories of one owner, committed as any use case does, and the graph made of them."""

    service: Service
    scope: Scope
    reader: Notation
    write: WriteGraph

    @classmethod
    def over(
        cls,
        service: Service,
        scope: Scope,
        *,
        ending: str = "",
        graph: GraphRecord | None = None,
    ) -> "World":
        record = graph or service.store.graph
        reader = Notation(frozenset(ending.split()))
        outbox, ports = service.store.graph_outbox, service.ports
        resolve = ResolveEntities(record, outbox, LocalEntityIndex(record), embedder())
        write = WriteGraph(record, outbox, ports.record, reader, resolve, ports.wake_ups, ports.now)
        return cls(service, scope, reader, write)

    @property
    def owner(self) -> Owner:
        return Owner.of(self.scope)

    def said(self, text: str, at: datetime = NOON) -> Memory:
        memory = a_memory(self.scope, text, created_at=at, is_graphed=True)
        self.service.store.record.commit(self.scope.project, a_change(adding(memory)))
        return memory

    def corrected(self, memory: Memory, text: str, at: datetime = NOON) -> Memory:
        write = updating(memory, text=text, stated_at=at)
        self.service.store.record.commit(self.scope.project, a_change(write))
        return write.after or memory

    def deleted(self, memory: Memory) -> None:
        self.service.store.record.commit(self.scope.project, a_change(deleting(memory)))

    def written(self) -> int:
        return self.write(self.owner)

    def entities(self) -> dict[str, int]:
        """Return how often each entity is mentioned, by name and type."""
        found = self.service.store.graph.page(self.owner, after=None, limit=1_000)
        return {f"{each.name}:{each.type}": each.mentions for each in found}

    def all_entities(self) -> list[Entity]:
        return self.service.store.graph.page(self.owner, after=None, limit=1_000)

    def relation(self, stated: str) -> Relation:
        """Return the relation of a statement in the reader's notation."""
        [statement] = _mentioned(stated).statements
        source, target = (
            entity_id(self.owner, end.name, end.type)
            for end in (statement.source, statement.target)
        )
        triple = Triple(source, statement.predicate, target)
        return self.service.store.graph.relations(self.owner, [triple])[triple]

    def state(self) -> list[object]:
        """Return everything that is known."""
        ids = [each.id for each in self.all_entities()]
        return [self.all_entities(), self.service.store.graph.around(self.owner, ids, limit=1_000)]
