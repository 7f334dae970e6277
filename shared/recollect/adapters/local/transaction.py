"""The steps of one commit to a SQLite file."""

import sqlite3
from datetime import datetime

from recollect.adapters import stored
from recollect.adapters.derived import text_marker
from recollect.adapters.local.graph_outbox import leave_unread
from recollect.adapters.local.projects import project_secret
from recollect.domain.graph import Owner
from recollect.domain.memory import Episode, Memory
from recollect.domain.subjects import Scope
from recollect.ports.record import (
    Change,
    ClockMovedError,
    MemoryWrite,
    TextTakenError,
    VersionMovedError,
)


class Transaction:
    """The steps of one commit, in an open transaction."""

    def __init__(self, connection: sqlite3.Connection, project: str, at: datetime) -> None:
        self.connection = connection
        self.project = project
        self.at = at
        self.now = stored.time_text(at)
        self.secret = project_secret(connection, project)

    def move_clocks(self, change: Change) -> None:
        """Check the expected clocks, then advance that of every scope written to."""
        for scope_key, expected in (change.expected_clocks or {}).items():
            row = self.connection.execute(
                "SELECT clock FROM scopes WHERE project = ? AND scope_key = ?",
                (self.project, scope_key),
            ).fetchone()
            if (row["clock"] if row else 0) != expected:
                message = "The scope changed while this was decided"
                raise ClockMovedError(message)
        written = {write.scope.key for write in change.writes}
        self.connection.executemany(
            "INSERT INTO scopes (project, scope_key, clock) VALUES (?, ?, 1)"
            " ON CONFLICT DO UPDATE SET clock = clock + 1",
            [(self.project, scope_key) for scope_key in sorted(written)],
        )

    def free_text(self, write: MemoryWrite) -> None:
        """Give up the text that a memory had, unless another one has taken it over.

        To be done for all writes of a change before the first one takes a text: it is their end
        that must be unique, not their order.
        """
        if write.before is not None:
            self.connection.execute(
                "DELETE FROM markers WHERE project = ? AND scope_key = ? AND marker = ?"
                " AND memory_id = ?",
                (
                    self.project,
                    write.scope.key,
                    text_marker(self.secret, write.before.text),
                    write.before.id,
                ),
            )

    def write(self, write: MemoryWrite) -> None:
        """Take one memory from its state before to the one after."""
        if write.before is None and write.after is not None:
            self._insert(write.after)
        elif write.before is not None and write.after is not None:
            self._replace(write.before, write.after)
        elif write.before is not None:
            self._delete(write.before, write.event.version)
        else:
            self._bury(write)
        self._log(write)
        if write.is_graphed:
            event = write.event
            owner = Owner.of(write.scope)
            leave_unread(self.connection, owner, event.memory_id, event.version, self.at)

    def put_episode(self, episode: Episode) -> None:
        """Store an add's messages; a resumed add finds them there already."""
        scope = episode.scope
        self.connection.execute(
            "INSERT INTO episodes (project, episode_id, scope_key, body, recorded_at, expires_at)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (
                self.project,
                episode.id,
                scope.key,
                stored.dump(stored.dump_episode(episode)),
                stored.time_text(episode.recorded_at),
                stored.time_or_none(episode.expires_at),
            ),
        )
        self.connection.executemany(
            "INSERT INTO scopes_of_subjects VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [(self.project, kind, name, scope.key) for kind, name in scope.pairs],
        )

    def _insert(self, memory: Memory) -> None:
        # An expired one would lose its text at once to whoever has it.
        self._take_text(memory, is_needed=not memory.is_expired(self.at))
        self._occupy(memory.id, memory.version, _state(memory))
        self._join(memory)
        self._know(memory.scope, joined=1)

    def _replace(self, before: Memory, after: Memory) -> None:
        self._move_version(before, after.version, _state(after))
        self._take_text(after)
        self._leave(before)
        self._join(after)
        self._touch_subjects(before.scope, joined=0)

    def _delete(self, memory: Memory, version: int) -> None:
        tombstone = (stored.time_text(memory.created_at), None, None, None, None)
        self._move_version(memory, version, tombstone)
        self._leave(memory)
        self._touch_subjects(memory.scope, joined=-1)
        self.connection.execute(
            "DELETE FROM touches WHERE project = ? AND memory_id = ?", (self.project, memory.id)
        )

    def _bury(self, write: MemoryWrite) -> None:
        """Store what is left of a memory that was deleted elsewhere."""
        event = write.event
        first = (*write.earlier, event)[0]
        self._occupy(event.memory_id, event.version, (stored.time_text(first.at), *[None] * 4))
        self._know(write.scope, joined=0)

    def _occupy(self, memory_id: str, version: int, state: tuple[object, ...]) -> None:
        inserted = self.connection.execute(
            "INSERT INTO memories (project, memory_id, version, created_at, expires_on, body,"
            " model, vector) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (self.project, memory_id, version, *state),
        )
        if inserted.rowcount != 1:
            message = f"Memory {memory_id} exists already"
            raise VersionMovedError(message)

    def _know(self, scope: Scope, *, joined: int) -> None:
        self.connection.executemany(
            "INSERT INTO subjects VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " updated_at = excluded.updated_at, memories = memories + excluded.memories",
            [
                (self.project, subject.key, subject.kind, subject.name, self.now, self.now, joined)
                for subject in scope.subjects
            ],
        )

    def _move_version(self, before: Memory, version: int, state: tuple[object, ...]) -> None:
        moved = self.connection.execute(
            "UPDATE memories SET version = ?, created_at = ?, expires_on = ?, body = ?, model = ?,"
            " vector = ? WHERE project = ? AND memory_id = ? AND version = ? AND body IS NOT NULL",
            (version, *state, self.project, before.id, before.version),
        )
        if moved.rowcount != 1:
            message = f"Memory {before.id} was changed by somebody else"
            raise VersionMovedError(message)

    def _take_text(self, memory: Memory, *, is_needed: bool = True) -> None:
        taken = self.connection.execute(
            "INSERT INTO markers VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " memory_id = excluded.memory_id, expires_on = excluded.expires_on"
            " WHERE markers.expires_on < ?",
            (
                self.project,
                memory.scope.key,
                text_marker(self.secret, memory.text),
                memory.id,
                memory.expires_on.isoformat() if memory.expires_on else None,
                stored.day_text(self.at),
            ),
        )
        if taken.rowcount != 1 and is_needed:
            message = "Another memory of the same scope has this text already"
            raise TextTakenError(message)

    def _join(self, memory: Memory) -> None:
        created_at = stored.time_text(memory.created_at)
        expires_on = memory.expires_on.isoformat() if memory.expires_on else None
        self.connection.executemany(
            "INSERT INTO members VALUES (?, ?, ?, ?, ?)",
            [
                (self.project, subject.key, created_at, memory.id, expires_on)
                for subject in memory.scope.subjects
            ],
        )

    def _leave(self, memory: Memory) -> None:
        created_at = stored.time_text(memory.created_at)
        self.connection.executemany(
            "DELETE FROM members WHERE project = ? AND subject_key = ? AND created_at = ?"
            " AND memory_id = ?",
            [
                (self.project, subject.key, created_at, memory.id)
                for subject in memory.scope.subjects
            ],
        )

    def _touch_subjects(self, scope: Scope, *, joined: int) -> None:
        self.connection.executemany(
            "UPDATE subjects SET updated_at = ?, memories = memories + ?"
            " WHERE project = ? AND subject_key = ?",
            [(self.now, joined, self.project, subject.key) for subject in scope.subjects],
        )

    def _log(self, write: MemoryWrite) -> None:
        event = write.event
        self.connection.executemany(
            "INSERT INTO history VALUES (?, ?, ?, ?)",
            [
                (
                    self.project,
                    event.memory_id,
                    each.version,
                    stored.dump(stored.dump_event(each)),
                )
                for each in (*write.earlier, event)
            ],
        )
        self.connection.executemany(
            "INSERT INTO pending (project, subject_key, memory_id, version, since)"
            " VALUES (?, ?, ?, ?, ?)",
            [
                (self.project, subject.key, event.memory_id, event.version, self.now)
                for subject in write.scope.subjects
            ],
        )


def _state(memory: Memory) -> tuple[object, ...]:
    embedding = memory.embedding
    return (
        stored.time_text(memory.created_at),
        memory.expires_on.isoformat() if memory.expires_on else None,
        stored.dump(stored.dump_memory(memory)),
        embedding.model if embedding else None,
        embedding.data if embedding else None,
    )
