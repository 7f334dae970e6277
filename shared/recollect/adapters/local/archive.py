"""What only exports read, in a SQLite file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from recollect.adapters import stored, stored_graph
from recollect.adapters.local.database import Database
from recollect.adapters.local.schema import SUBJECTS_OF_DELETED
from recollect.domain.graph import Alias, Owner
from recollect.domain.memory import Episode, Json
from recollect.domain.subjects import Subject

_DELETED = " UNION ".join(
    f"SELECT memory_id FROM history WHERE project = ?1 AND {subject} = ?2"  # noqa: S608 - ours
    " AND memory_id > ?3 AND json_extract(body, '$.action') = 'DELETE'"
    for subject in SUBJECTS_OF_DELETED
)
_EPISODES = (
    "SELECT scope_key || '/' || recorded_at || '/' || episode_id AS place, body,"
    " expires_at IS NOT NULL AND expires_at <= ?1 AS is_expired"
    " FROM scopes_of_subjects JOIN episodes USING (project, scope_key)"
    " WHERE project = ?2 AND kind = ?3 AND name = ?4"
    " AND (scope_key, recorded_at, episode_id) > (?5, ?6, ?7)"
    " ORDER BY scope_key, recorded_at, episode_id LIMIT ?8"
)


@dataclass(frozen=True)
class LocalArchive:
    """The data file as exports read it; see the port `Archive` for what it promises."""

    database: Database

    def metadata(self, project: str, subject: Subject) -> Mapping[str, Json]:
        """Return what was said of the subject."""
        with self.database.reading() as connection:
            row = connection.execute(
                "SELECT body FROM subject_metadata WHERE project = ? AND subject_key = ?",
                (project, subject.key),
            ).fetchone()
        found: Mapping[str, Json] = stored.load(row["body"])["metadata"] if row else {}
        return found

    def deleted(
        self, project: str, subject: Subject, *, limit: int, after: str = ""
    ) -> dict[str, str]:
        """Return id -> id for memories of the subject that were deleted."""
        pair = json.dumps([subject.kind, subject.name], ensure_ascii=False, separators=(",", ":"))
        with self.database.reading() as connection:
            rows = connection.execute(
                f"{_DELETED} ORDER BY memory_id LIMIT ?4", (project, pair, after, limit)
            )
            return {row["memory_id"]: row["memory_id"] for row in rows}

    def episodes(
        self, project: str, subject: Subject, *, now: datetime, limit: int, after: str = ""
    ) -> dict[str, Episode | None]:
        """Return place -> episode for all scopes that the subject is in."""
        with self.database.reading() as connection:
            rows = connection.execute(
                _EPISODES,
                (
                    stored.time_text(now),
                    project,
                    subject.kind,
                    subject.name,
                    *(after.split("/", 2) if after else ("", "", "")),
                    limit,
                ),
            ).fetchall()
        return {
            row["place"]: None
            if row["is_expired"]
            else stored.load_episode(project, stored.load(row["body"]))
            for row in rows
        }

    def aliases(self, owner: Owner, *, limit: int, after: str = "") -> list[Alias]:
        """Return the aliases of the owner's entities, in the order of ids."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT body FROM aliases WHERE project = ? AND owner_key = ? AND alias_id > ?"
                " ORDER BY alias_id LIMIT ?",
                (owner.project, owner.key, after, limit),
            )
            return [stored_graph.load_alias(stored.load(row["body"])) for row in rows]
