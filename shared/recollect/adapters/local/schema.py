"""The tables of the record in one SQLite file, named after the items of the record's design."""

from collections.abc import Mapping, Sequence

APPLICATION_ID = 0x5265636F
"""`Reco` in ASCII, in the file's header: marks it as ours (PRAGMA application_id)."""
FORMAT = 3
"""Format of the file as a whole (PRAGMA user_version); newer ones are refused."""

SCOPES_OF_SUBJECTS = """CREATE TABLE IF NOT EXISTS scopes_of_subjects (
    project TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, scope_key TEXT NOT NULL,
    PRIMARY KEY (project, kind, name, scope_key)) WITHOUT ROWID"""
"""Leads from a subject to the scopes that have episodes."""

SUBJECTS_OF_DELETED = tuple(f"json_extract(body, '$.subjects[{place}]')" for place in range(4))
"""The subjects of a deleted memory, which its history has: of each kind at most one."""

UPGRADES: Mapping[int, Sequence[str]] = {
    1: (
        "ALTER TABLE episodes ADD COLUMN recorded_at TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE episodes ADD COLUMN expires_at TEXT",
        # Not when it was said, which a caller may have dated into the future. Without its job an
        # episode is older than any.
        """UPDATE episodes SET recorded_at = coalesce(
            (SELECT json_extract(job.body, '$.created_at') FROM jobs AS job
                WHERE job.project = episodes.project AND job.job_id = episode_id), '')""",
        SCOPES_OF_SUBJECTS,
        """INSERT OR IGNORE INTO scopes_of_subjects
            SELECT project, json_extract(value, '$[0]'), json_extract(value, '$[1]'), scope_key
            FROM episodes, json_each(body, '$.subjects')""",
    ),
    # Opening the file fills it in: the terms are another version's, too.
    2: ("ALTER TABLE index_documents ADD COLUMN traits TEXT",),
}
"""Format of a file -> what takes it to the next one."""

RECORD_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE IF NOT EXISTS projects (
        project TEXT PRIMARY KEY, secret BLOB NOT NULL, created_at TEXT NOT NULL) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS keys (
        key_hash TEXT PRIMARY KEY, key_id TEXT NOT NULL, project TEXT NOT NULL, name TEXT NOT NULL,
        created_at TEXT NOT NULL, revoked_at TEXT) WITHOUT ROWID""",
    "CREATE UNIQUE INDEX IF NOT EXISTS keys_of_project ON keys (project, key_id)",
    """CREATE TABLE IF NOT EXISTS key_grants (
        key_hash TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS settings (
        project TEXT PRIMARY KEY, version INTEGER NOT NULL, body TEXT NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS usage_days (
        project TEXT NOT NULL, day TEXT NOT NULL, key_id TEXT NOT NULL,
        requests INTEGER NOT NULL, tokens INTEGER NOT NULL,
        PRIMARY KEY (project, day, key_id)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS usage_minutes (
        project TEXT NOT NULL, minute TEXT NOT NULL, key_id TEXT NOT NULL,
        requests INTEGER NOT NULL, PRIMARY KEY (project, minute, key_id)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS touches (
        project TEXT NOT NULL, memory_id TEXT NOT NULL, times TEXT NOT NULL,
        PRIMARY KEY (project, memory_id)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS webhooks (
        project TEXT PRIMARY KEY, version INTEGER NOT NULL, body TEXT NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS deliveries (
        project TEXT NOT NULL, webhook_id TEXT NOT NULL, delivery_id TEXT NOT NULL,
        status TEXT NOT NULL, attempts INTEGER NOT NULL, next_attempt_at TEXT NOT NULL,
        expires_at TEXT NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (project, webhook_id, delivery_id))""",
    """CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (next_attempt_at)
        WHERE status = 'PENDING'""",
    "CREATE INDEX IF NOT EXISTS deliveries_expiring ON deliveries (expires_at)",
    """CREATE TABLE IF NOT EXISTS memories (
        project TEXT NOT NULL, memory_id TEXT NOT NULL, version INTEGER NOT NULL,
        created_at TEXT NOT NULL, expires_on TEXT, body TEXT, model TEXT, vector BLOB,
        PRIMARY KEY (project, memory_id))""",
    """CREATE INDEX IF NOT EXISTS memories_by_time ON memories (project, created_at, memory_id)
        WHERE body IS NOT NULL""",
    """CREATE INDEX IF NOT EXISTS memories_expiring ON memories (expires_on)
        WHERE body IS NOT NULL AND expires_on IS NOT NULL""",
    """CREATE TABLE IF NOT EXISTS members (
        project TEXT NOT NULL, subject_key TEXT NOT NULL, created_at TEXT NOT NULL,
        memory_id TEXT NOT NULL, expires_on TEXT,
        PRIMARY KEY (project, subject_key, created_at, memory_id)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS subjects (
        project TEXT NOT NULL, subject_key TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
        created_at TEXT NOT NULL, updated_at TEXT NOT NULL, memories INTEGER NOT NULL,
        PRIMARY KEY (project, subject_key)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS subject_metadata (
        project TEXT NOT NULL, subject_key TEXT NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (project, subject_key)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS markers (
        project TEXT NOT NULL, scope_key TEXT NOT NULL, marker BLOB NOT NULL,
        memory_id TEXT NOT NULL, expires_on TEXT,
        PRIMARY KEY (project, scope_key, marker)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS scopes (
        project TEXT NOT NULL, scope_key TEXT NOT NULL, clock INTEGER NOT NULL DEFAULT 0,
        turns INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (project, scope_key)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS history (
        project TEXT NOT NULL, memory_id TEXT NOT NULL, version INTEGER NOT NULL,
        body TEXT NOT NULL, PRIMARY KEY (project, memory_id, version)) WITHOUT ROWID""",
    *(
        f"CREATE INDEX IF NOT EXISTS deleted_of_subject_{place}"
        f" ON history (project, {subject}, memory_id)"
        f" WHERE json_extract(body, '$.action') = 'DELETE' AND {subject} IS NOT NULL"
        for place, subject in enumerate(SUBJECTS_OF_DELETED)
    ),
    """CREATE TABLE IF NOT EXISTS episodes (
        project TEXT NOT NULL, episode_id TEXT NOT NULL, scope_key TEXT NOT NULL,
        body TEXT NOT NULL, recorded_at TEXT NOT NULL DEFAULT '', expires_at TEXT,
        PRIMARY KEY (project, episode_id))""",
    """CREATE INDEX IF NOT EXISTS episodes_by_time
        ON episodes (project, scope_key, recorded_at, episode_id)""",
    """CREATE INDEX IF NOT EXISTS episodes_expiring ON episodes (expires_at)
        WHERE expires_at IS NOT NULL""",
    SCOPES_OF_SUBJECTS,
    """CREATE TABLE IF NOT EXISTS jobs (
        project TEXT NOT NULL, job_id TEXT NOT NULL, status TEXT NOT NULL,
        attempt INTEGER NOT NULL, lease_end TEXT NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (project, job_id))""",
    """CREATE INDEX IF NOT EXISTS jobs_unfinished ON jobs (lease_end)
        WHERE status IN ('PENDING', 'RUNNING')""",
    """CREATE INDEX IF NOT EXISTS jobs_by_time
        ON jobs (project, json_extract(body, '$.created_at'), job_id)""",
    """CREATE INDEX IF NOT EXISTS jobs_ended ON jobs (json_extract(body, '$.completed_at'))
        WHERE status IN ('SUCCEEDED', 'FAILED')""",
    """CREATE TABLE IF NOT EXISTS idempotency (
        project TEXT NOT NULL, key_hash TEXT NOT NULL, body_hash TEXT NOT NULL,
        job_id TEXT NOT NULL, PRIMARY KEY (project, key_hash)) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS keys_of_job ON idempotency (project, job_id)",
    """CREATE TABLE IF NOT EXISTS pending (
        place INTEGER PRIMARY KEY AUTOINCREMENT, project TEXT NOT NULL, subject_key TEXT NOT NULL,
        memory_id TEXT NOT NULL, version INTEGER NOT NULL, since TEXT NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS pending_of_subject ON pending (project, subject_key, place)",
    """CREATE TABLE IF NOT EXISTS graph_unread (
        place INTEGER PRIMARY KEY AUTOINCREMENT, project TEXT NOT NULL, owner_key TEXT NOT NULL,
        memory_id TEXT NOT NULL, version INTEGER NOT NULL, since TEXT NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS unread_of_owner ON graph_unread (project, owner_key, place)",
    """CREATE TABLE IF NOT EXISTS graph_aside (
        place INTEGER PRIMARY KEY, project TEXT NOT NULL, owner_key TEXT NOT NULL,
        memory_id TEXT NOT NULL, version INTEGER NOT NULL, reason TEXT NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS graph_unprojected (
        place INTEGER PRIMARY KEY AUTOINCREMENT, project TEXT NOT NULL, owner_key TEXT NOT NULL,
        since TEXT NOT NULL, body TEXT NOT NULL)""",
    """CREATE INDEX IF NOT EXISTS unprojected_of_owner
        ON graph_unprojected (project, owner_key, place)""",
    """CREATE TABLE IF NOT EXISTS graph_readings (
        project TEXT NOT NULL, memory_id TEXT NOT NULL, owner_key TEXT NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (project, memory_id))""",
    """CREATE TABLE IF NOT EXISTS entities (
        project TEXT NOT NULL, owner_key TEXT NOT NULL, entity_id TEXT NOT NULL,
        version INTEGER NOT NULL, body TEXT NOT NULL, model TEXT, vector BLOB,
        PRIMARY KEY (project, owner_key, entity_id))""",
    """CREATE TABLE IF NOT EXISTS aliases (
        project TEXT NOT NULL, owner_key TEXT NOT NULL, alias_id TEXT NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (project, owner_key, alias_id)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS relations (
        project TEXT NOT NULL, owner_key TEXT NOT NULL, relation_id TEXT NOT NULL,
        version INTEGER NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (project, owner_key, relation_id))""",
    """CREATE TABLE IF NOT EXISTS relation_ends (
        project TEXT NOT NULL, owner_key TEXT NOT NULL, entity_id TEXT NOT NULL,
        relation_id TEXT NOT NULL,
        PRIMARY KEY (project, owner_key, entity_id, relation_id)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS erasures (
        project TEXT NOT NULL, subject_key TEXT NOT NULL, at TEXT NOT NULL,
        PRIMARY KEY (project, subject_key)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS dead_letters (
        letter_id TEXT PRIMARY KEY, queue TEXT NOT NULL, buried_at TEXT NOT NULL,
        message TEXT NOT NULL, reason TEXT NOT NULL, origin TEXT NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS letters_by_time ON dead_letters (queue, buried_at, letter_id)",
)
