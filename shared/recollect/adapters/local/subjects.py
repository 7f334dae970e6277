"""What is said of subjects, in a SQLite file."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from recollect.adapters import stored
from recollect.adapters.local.database import Database
from recollect.adapters.local.listing import ENTRIES, subject_entry
from recollect.domain.memory import Json
from recollect.domain.subjects import Subject, SubjectKind
from recollect.ports.record import SubjectEntry


@dataclass(frozen=True)
class LocalSubjects:
    """What the data file has of subjects beside their memories."""

    database: Database

    def describe(
        self, project: str, subject: Subject, metadata: Mapping[str, Json], *, at: datetime
    ) -> SubjectEntry:
        """Keep this of a subject instead of what was kept before; return what is known of it."""
        now = stored.time_text(at)
        with self.database.writing() as connection:
            connection.execute(
                "INSERT INTO subjects VALUES (?, ?, ?, ?, ?, ?, 0) ON CONFLICT DO NOTHING",
                (project, subject.key, subject.kind, subject.name, now, now),
            )
            connection.execute(
                "INSERT INTO subject_metadata VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET body = excluded.body",
                (project, subject.key, stored.dump({"metadata": metadata})),
            )
            row = connection.execute(
                f"{ENTRIES} WHERE project = ? AND subject_key = ?", (project, subject.key)
            ).fetchone()
        return subject_entry(row)

    def forget(self, project: str, subject: Subject) -> None:
        """Keep nothing of what was said of the subject."""
        with self.database.writing() as connection:
            connection.execute(
                "DELETE FROM subject_metadata WHERE project = ? AND subject_key = ?",
                (project, subject.key),
            )

    def known(self, project: str, *, limit: int, after: str = "") -> dict[str, Subject]:
        """Return place -> subject for all that ever had memories or messages, or were described."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT kind, name, kind || '#' || name AS place FROM ("
                " SELECT kind, name FROM subjects WHERE project = ?1"
                " UNION SELECT kind, name FROM scopes_of_subjects WHERE project = ?1)"
                " WHERE place > ?2 ORDER BY place LIMIT ?3",
                (project, after, limit),
            ).fetchall()
        return {row["place"]: Subject(SubjectKind(row["kind"]), row["name"]) for row in rows}
