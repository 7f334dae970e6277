"""Which entity of a graph a text means: by its name and type, else by a name that is much alike."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from recollect.domain.graph import (
    UNKNOWN_TYPE,
    USER_TYPE,
    Alias,
    Entity,
    Owner,
    entity_id,
    label,
    normal_name,
)
from recollect.domain.memory import Embedding, Vector
from recollect.domain.ranking import unit
from recollect.domain.text import terms
from recollect.ports.graph import EntityIndex, EntityQuery, GraphRecord, NamedEntity
from recollect.ports.graph_outbox import GraphOutbox
from recollect.ports.models import Embedder

LEAST_ALIKE = 0.93
"""The cosine from which two names of one type are one entity's. What is wrongly kept apart can be
merged later; what is wrongly one cannot be told apart again."""
CANDIDATES = 5
FRESH_COMMITS = 50
"""Commits whose entities the index may not show yet that are looked at: a thousand memories."""


@dataclass(frozen=True)
class Resolved:
    """The entities that names stand for: `ids`, and `entities` by those ids.

    Those that nobody has named before have the version 0 and no mentions. `aliases` are new.
    """

    ids: Mapping[NamedEntity, str]
    entities: Mapping[str, Entity]
    aliases: tuple[Alias, ...]


@dataclass(frozen=True)
class ResolveEntities:
    """Find the entities of an owner's graph that names stand for."""

    graph: GraphRecord
    outbox: GraphOutbox
    index: EntityIndex
    embedder: Embedder

    def __call__(self, owner: Owner, named: Iterable[NamedEntity], at: datetime) -> Resolved:
        """Return the entity of each name; what is known by name or alias asks no index.

        Everything unknown is embedded in one batch and looked for at once, also among what the
        index may not show yet. What is of no known type is the only one of its name that is named
        with a type. Raises what the embedder and the index raise.
        """
        own_ids = {each: entity_id(owner, each.name, each.type) for each in named}
        known = self.graph.entities(owner, sorted(set(own_ids.values())))
        unknown: dict[str, NamedEntity] = {}
        for each, own_id in own_ids.items():
            if own_id not in known:
                # As it was first written.
                unknown.setdefault(own_id, each)
        vectors = self._vectors(unknown)
        new = {
            own_id: Entity(
                owner=owner,
                name=each.name,
                type=label(each.type),
                mentions=0,
                recorded_at=at,
                version=0,
                embedding=Embedding.of(self.embedder.model, vectors[own_id]),
            )
            for own_id, each in unknown.items()
        }
        twins = self._twins(owner, new, vectors)
        typed = _typed(own_ids, {**new, **known, **twins})
        twins = _with_namesakes(twins, new, typed)
        found = {**new, **known, **twins}
        entities = {entity.id: entity for entity in found.values()}
        aliases = tuple(
            Alias(own_id, twin.id, new[own_id].name, at) for own_id, twin in twins.items()
        )
        return Resolved(
            {each: found[own_id].id for each, own_id in own_ids.items()}, entities, aliases
        )

    def _vectors(self, unknown: Mapping[str, NamedEntity]) -> dict[str, Vector]:
        if not unknown:
            return {}
        names = [each.name for each in unknown.values()]
        return dict(zip(unknown, self.embedder.embed(names, "document"), strict=True))

    def _twins(
        self, owner: Owner, new: Mapping[str, Entity], vectors: Mapping[str, Vector]
    ) -> dict[str, Entity]:
        """Return, by the ids of new entities, the known ones whose names are much alike."""
        sought = {own_id: each for own_id, each in new.items() if each.type != USER_TYPE}
        if not sought:
            return {}
        queries = [
            EntityQuery(vectors[own_id], tuple(terms(each.name)), CANDIDATES)
            for own_id, each in sought.items()
        ]
        proposed = self.index.propose(owner, queries)
        fresh = self.outbox.fresh(owner, limit=FRESH_COMMITS)
        looked_at = {*fresh, *(an_id for ids in proposed for an_id in ids)}
        candidates = self.graph.entities(owner, sorted(looked_at))
        twins: dict[str, Entity] = {}
        for entity, ids in zip(sought.values(), proposed, strict=True):
            near = [candidates[an_id] for an_id in (*ids, *fresh) if an_id in candidates]
            best = max(near, key=lambda other: _likeness(entity, other), default=None)
            if best and _likeness(entity, best) >= LEAST_ALIKE:
                twins[entity.id] = best
        return twins


def _typed(
    own_ids: Mapping[NamedEntity, str], found: Mapping[str, Entity]
) -> dict[str, dict[str, Entity]]:
    """Return who is named with a type, by the normal name and then by id; never the user."""
    typed: defaultdict[str, dict[str, Entity]] = defaultdict(dict)
    for each, own_id in own_ids.items():
        if label(each.type) not in {UNKNOWN_TYPE, USER_TYPE}:
            typed[normal_name(each.name)][found[own_id].id] = found[own_id]
    return typed


def _with_namesakes(
    twins: Mapping[str, Entity],
    new: Mapping[str, Entity],
    typed: Mapping[str, Mapping[str, Entity]],
) -> dict[str, Entity]:
    """Return the twins with those of new things that are named with a type as well.

    A thing with several namesakes has no twin: it may be any of them.
    """
    merged = dict(twins)
    for own_id, entity in new.items():
        name = normal_name(entity.name)
        if entity.type != UNKNOWN_TYPE or name not in typed:
            continue
        namesakes = dict(typed[name])
        twin = merged.pop(own_id, None)
        if twin and normal_name(twin.name) == name:
            namesakes[twin.id] = twin
        if len(namesakes) == 1:
            [merged[own_id]] = namesakes.values()
    return merged


def _likeness(new: Entity, known: Entity) -> float:
    """Return the cosine of the names; 0 for what cannot be one entity, however alike."""
    types = {new.type, known.type}
    if USER_TYPE in types or (len(types) > 1 and UNKNOWN_TYPE not in types):
        return 0.0
    if _digits(new.name) != _digits(known.name):
        # Vectors hardly tell "Route 66" from "Route 67".
        return 0.0
    mine, theirs = new.embedding, known.embedding
    if mine is None or theirs is None or mine.model != theirs.model:
        return 0.0
    return float(unit(mine.vector()) @ unit(theirs.vector()))


def _digits(name: str) -> str:
    return "".join(filter(str.isdigit, name))
