"""The truth about owners' graphs in a SQLite file."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from recollect.adapters import stored, stored_graph
from recollect.adapters.local.database import Database, rows_among
from recollect.adapters.local.graph_outbox import leave_unprojected, leave_unread
from recollect.adapters.local.record import embedding_of
from recollect.adapters.stored_graph import WHOLE
from recollect.domain.graph import Alias, Entity, Owner, Reading, Relation, Triple
from recollect.ports.graph import GraphChange
from recollect.ports.record import LostRaceError, VersionMovedError

TABLES = (
    "entities",
    "aliases",
    "relations",
    "relation_ends",
    "graph_unread",
    "graph_aside",
    "graph_unprojected",
    "graph_readings",
)
"""All that has rows of an owner."""
LARGEST_COMMIT = 200
"""Things a transaction: as many as a change of memories has, for the same reason."""


@dataclass(frozen=True)
class LocalGraph:
    """The graphs in the data file; see the port `GraphRecord` for what it promises."""

    database: Database

    def owners(self, project: str, *, after: Owner | None, limit: int) -> list[Owner]:
        """Return owners of the project that have a graph, behind this one."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT DISTINCT owner_key FROM entities WHERE project = ? AND owner_key > ?"
                " ORDER BY owner_key LIMIT ?",
                (project, after.key if after else "", limit),
            )
            return [Owner(project, row["owner_key"]) for row in rows]

    def readings(self, project: str, memory_ids: Sequence[str]) -> dict[str, Reading]:
        """Return what the graph has of these memories, by their ids."""
        query = "SELECT body FROM graph_readings WHERE project = ? AND memory_id IN"
        with self.database.reading() as connection:
            rows = rows_among(connection, query, (project,), memory_ids)
            found = [stored_graph.load_reading(stored.load(row["body"])) for row in rows]
        return {reading.memory_id: reading for reading in found}

    def entities(self, owner: Owner, entity_ids: Sequence[str]) -> dict[str, Entity]:
        """Return the owner's entities by these ids, which may be those of aliases."""
        with self.database.reading() as connection:
            found = _entities(connection, owner, entity_ids)
            others = [entity_id for entity_id in entity_ids if entity_id not in found]
            aliases = _aliases(connection, owner, others)
            meant = _entities(connection, owner, [alias.entity_id for alias in aliases])
        by_alias = {
            alias.id: meant[alias.entity_id] for alias in aliases if alias.entity_id in meant
        }
        return found | by_alias

    def page(self, owner: Owner, *, after: str | None, limit: int) -> list[Entity]:
        """Return the owner's entities behind this id, in the order of ids."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT body, model, vector FROM entities WHERE project = ? AND owner_key = ?"
                " AND entity_id > ? ORDER BY entity_id LIMIT ?",
                (owner.project, owner.key, after or "", limit),
            )
            return [_entity_of(owner, row) for row in rows]

    def relations(self, owner: Owner, triples: Sequence[Triple]) -> dict[Triple, Relation]:
        """Return the owner's relations among these."""
        query = "SELECT body FROM relations WHERE project = ? AND owner_key = ? AND relation_id IN"
        ids = [triple.id for triple in triples]
        with self.database.reading() as connection:
            rows = rows_among(connection, query, (owner.project, owner.key), ids)
            found = [_relation_of(owner, row) for row in rows]
        return {relation.triple: relation for relation in found}

    def around(self, owner: Owner, entity_ids: Sequence[str], *, limit: int) -> list[Relation]:
        """Return relations that begin or end at these entities, each once."""
        found: dict[Triple, Relation] = {}
        with self.database.reading() as connection:
            for entity_id in dict.fromkeys(entity_ids):
                rows = connection.execute(
                    "SELECT body FROM relation_ends JOIN relations"
                    " USING (project, owner_key, relation_id)"
                    " WHERE project = ? AND owner_key = ? AND entity_id = ?"
                    " ORDER BY relation_id LIMIT ?",
                    (owner.project, owner.key, entity_id, limit),
                )
                for row in rows:
                    relation = _relation_of(owner, row)
                    found[relation.triple] = relation
        return list(found.values())

    def room(self) -> int:
        """Return the `GraphChange.size` that a commit can hold."""
        return LARGEST_COMMIT

    def commit(self, owner: Owner, change: GraphChange) -> None:
        """Store the change at once, or raise a `LostRaceError` and store nothing."""
        with self.database.writing() as connection:
            commit = _Commit(connection, owner, change.created)
            for memory_id, version in change.sources.items():
                commit.check_source(memory_id, version)
            for entity in change.entities:
                commit.put_entity(entity)
            for alias in change.aliases:
                commit.add_alias(alias)
            for relation in change.relations:
                commit.put_relation(relation)
            for reading in change.readings:
                commit.put_reading(reading)
            commit.finish(change)

    def reread(self, owner: Owner, memories: Mapping[str, int], *, at: datetime) -> None:
        """Forget what the graph has of these memories, and have them read again."""
        with self.database.writing() as connection:
            _forget_readings(connection, owner.project, memories)
            for memory_id, version in memories.items():
                leave_unread(connection, owner, memory_id, version, at)

    def erase(self, owner: Owner, *, at: datetime) -> bool:
        """Remove everything of the owner's graph, for good, and what was read in gone memories."""
        key = (owner.project, owner.key)
        with self.database.writing() as connection:
            deletions = [
                f"DELETE FROM {table} WHERE project = ? AND owner_key = ?"  # noqa: S608 - ours
                for table in TABLES
            ]
            removed = sum(connection.execute(each, key).rowcount for each in deletions)
            if removed:
                leave_unprojected(connection, owner, WHOLE, at)
        return bool(removed)


@dataclass(frozen=True)
class _Commit:
    """The steps of one commit to an owner's graph, in an open transaction."""

    connection: sqlite3.Connection
    owner: Owner
    created: frozenset[str]

    def check_source(self, memory_id: str, version: int | None) -> None:
        row = self.connection.execute(
            "SELECT version, body IS NULL AS is_gone FROM memories"
            " WHERE project = ? AND memory_id = ?",
            (self.owner.project, memory_id),
        ).fetchone()
        is_gone = row is None or bool(row["is_gone"])
        if not is_gone if version is None else row is None or row["version"] != version:
            message = f"Memory {memory_id} changed while it was read"
            raise VersionMovedError(message)

    def put_entity(self, entity: Entity) -> None:
        embedding = entity.embedding
        state = (
            stored.dump(stored_graph.dump_entity(entity)),
            embedding.model if embedding else None,
            embedding.data if embedding else None,
        )
        if entity.id in self.created:
            self._write_one(
                "INSERT INTO entities (version, body, model, vector, project, owner_key, entity_id)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (entity.version, *state, *self._key(entity.id)),
            )
        else:
            self._write_one(
                "UPDATE entities SET version = version + 1, body = ?, model = ?, vector = ?"
                " WHERE project = ? AND owner_key = ? AND entity_id = ? AND version = ?",
                (*state, *self._key(entity.id), entity.version - 1),
            )

    def add_alias(self, alias: Alias) -> None:
        self._write_one(
            "INSERT INTO aliases VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (*self._key(alias.id), stored.dump(stored_graph.dump_alias(alias))),
        )

    def put_relation(self, relation: Relation) -> None:
        triple = relation.triple
        body = stored.dump(stored_graph.dump_relation(relation))
        if triple.id not in self.created:
            self._write_one(
                "UPDATE relations SET version = version + 1, body = ?"
                " WHERE project = ? AND owner_key = ? AND relation_id = ? AND version = ?",
                (body, *self._key(triple.id), relation.version - 1),
            )
            return
        self._write_one(
            "INSERT INTO relations (version, body, project, owner_key, relation_id)"
            " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (relation.version, body, *self._key(triple.id)),
        )
        self.connection.executemany(
            "INSERT INTO relation_ends VALUES (?, ?, ?, ?)",
            [(*self._key(entity_id), triple.id) for entity_id in triple.ends],
        )

    def put_reading(self, reading: Reading) -> None:
        self.connection.execute(
            "INSERT INTO graph_readings VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET body = excluded.body",
            (
                self.owner.project,
                reading.memory_id,
                self.owner.key,
                stored.dump(stored_graph.dump_reading(reading)),
            ),
        )

    def finish(self, change: GraphChange) -> None:
        for each in change.done:
            self._write_one(
                "DELETE FROM graph_unread WHERE place = ? AND project = ? AND owner_key = ?",
                (int(each.id), self.owner.project, self.owner.key),
            )
        if change.entities or change.relations:
            document = stored_graph.unprojected_by(change)
            leave_unprojected(self.connection, self.owner, document, change.at)

    def _key(self, name: str) -> tuple[str, str, str]:
        return self.owner.project, self.owner.key, name

    def _write_one(self, statement: str, values: Sequence[object]) -> None:
        if self.connection.execute(statement, values).rowcount != 1:
            message = "Somebody else changed the graph first"
            raise LostRaceError(message)


def _forget_readings(
    connection: sqlite3.Connection, project: str, memory_ids: Iterable[str]
) -> None:
    connection.executemany(
        "DELETE FROM graph_readings WHERE project = ? AND memory_id = ?",
        [(project, memory_id) for memory_id in memory_ids],
    )


def _entities(
    connection: sqlite3.Connection, owner: Owner, entity_ids: Sequence[str]
) -> dict[str, Entity]:
    query = (
        "SELECT body, model, vector FROM entities"
        " WHERE project = ? AND owner_key = ? AND entity_id IN"
    )
    rows = rows_among(connection, query, (owner.project, owner.key), entity_ids)
    found = [_entity_of(owner, row) for row in rows]
    return {entity.id: entity for entity in found}


def _aliases(connection: sqlite3.Connection, owner: Owner, alias_ids: Sequence[str]) -> list[Alias]:
    query = "SELECT body FROM aliases WHERE project = ? AND owner_key = ? AND alias_id IN"
    rows = rows_among(connection, query, (owner.project, owner.key), alias_ids)
    return [stored_graph.load_alias(stored.load(row["body"])) for row in rows]


def _entity_of(owner: Owner, row: sqlite3.Row) -> Entity:
    return stored_graph.load_entity(owner, stored.load(row["body"]), embedding_of(row))


def _relation_of(owner: Owner, row: sqlite3.Row) -> Relation:
    return stored_graph.load_relation(owner, stored.load(row["body"]))
