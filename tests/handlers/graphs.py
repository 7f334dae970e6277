"""A graph written by hand, where tests over HTTP and of commands can see it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from recollect.adapters.local.store import LocalStore
from recollect.domain.graph import Belief, Entity, Owner, Reading, Relation
from recollect.domain.memory import Memory
from recollect.domain.subjects import Scope
from recollect.testing.builders import (
    a_change,
    a_graph_change,
    a_memory,
    a_relation,
    a_support,
    adding,
    an_entity,
)

NEW_YEAR = datetime(2024, 1, 1, tzinfo=UTC)
SPRING = datetime(2024, 4, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Graph:
    """Somebody's graph in a data file; what is not said otherwise is so since the new year."""

    store: LocalStore
    scope: Scope

    @property
    def owner(self) -> Owner:
        return Owner.of(self.scope)

    def entity(self, name: str, kind: str = "person", *, mentions: int = 1) -> Entity:
        entity = an_entity(self.owner, name, type=kind, mentions=mentions, recorded_at=NEW_YEAR)
        self.store.graph.commit(self.owner, a_graph_change(entities=(entity,)))
        return entity

    def memory(self, text: str) -> Memory:
        memory = a_memory(self.scope, text, created_at=NEW_YEAR, recorded_at=NEW_YEAR)
        self.store.record.commit(self.scope.project, a_change(adding(memory)))
        return memory

    def relation(
        self,
        source: Entity,
        predicate: str,
        target: Entity,
        *,
        said: Sequence[Memory] = (),
        **belief: Any,  # noqa: ANN401 - whatever a Belief has
    ) -> Relation:
        """Commit a relation that these memories say; without any, it was so only in the past."""
        is_past = not said
        times = {"valid_from": None, "valid_to": None, "recorded_at": NEW_YEAR, "is_past": is_past}
        relation = a_relation(
            source,
            target,
            predicate,
            support=tuple(a_support(each.id, said_at=each.said_at) for each in said),
            beliefs=(Belief(**{**times, **belief}),),
        )
        readings = tuple(Reading(memory_id=each.id, version=each.version) for each in said)
        change = a_graph_change(relations=(relation,), readings=readings)
        self.store.graph.commit(self.owner, change)
        return relation

    def believed(self, relation: Relation, belief: Belief) -> None:
        """Commit another belief about a relation."""
        beliefs = (*relation.beliefs, belief)
        after = replace(relation, beliefs=beliefs, version=relation.version + 1)
        self.store.graph.commit(self.owner, a_graph_change(relations=(after,)))
