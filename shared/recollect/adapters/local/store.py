"""The local edition's data file with everything that lives in it."""

import os
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from recollect.adapters.local.archive import LocalArchive
from recollect.adapters.local.database import Database
from recollect.adapters.local.episodes import LocalEpisodes
from recollect.adapters.local.erasure import LocalErasures, LocalRemains
from recollect.adapters.local.graph import LocalGraph
from recollect.adapters.local.graph_outbox import LocalGraphOutbox
from recollect.adapters.local.index import INDEX_SCHEMA, LocalIndex
from recollect.adapters.local.index_terms import renew_terms
from recollect.adapters.local.jobs import LocalJobs
from recollect.adapters.local.left_jobs import free_left_jobs
from recollect.adapters.local.listing import LocalListing
from recollect.adapters.local.outbox import LocalOutbox
from recollect.adapters.local.projects import LocalKeys, LocalSettings
from recollect.adapters.local.record import LocalRecord
from recollect.adapters.local.schema import RECORD_SCHEMA
from recollect.adapters.local.scopes import LocalScopes
from recollect.adapters.local.subjects import LocalSubjects
from recollect.adapters.local.touches import LocalTouches
from recollect.adapters.local.usage import LocalUsage
from recollect.adapters.local.vectors import LocalVectors, is_reembedding, model_of
from recollect.adapters.local.webhooks import LocalDeliveries, LocalWebhooks
from recollect.domain.errors import UnavailableError

OWNER_ONLY = 0o600


class LocalStore:
    """One SQLite file as record, index and outbox; opened when it is first used."""

    def __init__(self, path: Path, *, embedding_model: str, resident_bytes: int) -> None:
        self.path = path
        self.database = Database(path, (*RECORD_SCHEMA, *INDEX_SCHEMA))
        self.record = LocalRecord(self.database)
        self.episodes = LocalEpisodes(self.database)
        self.scopes = LocalScopes(self.database)
        self.listing = LocalListing(self.database)
        self.subjects = LocalSubjects(self.database)
        self.archive = LocalArchive(self.database)
        self.erasures = LocalErasures(self.database)
        self.remains = LocalRemains(self.database)
        self.outbox = LocalOutbox(self.database)
        self.graph = LocalGraph(self.database)
        self.graph_outbox = LocalGraphOutbox(self.database)
        self.jobs = LocalJobs(self.database)
        self.keys = LocalKeys(self.database)
        self.projects = LocalSettings(self.database)
        self.webhooks = LocalWebhooks(self.database)
        self.deliveries = LocalDeliveries(self.database)
        self.usage = LocalUsage(self.database)
        self.touches = LocalTouches(self.database)
        self.vectors = LocalVectors(self.database, embedding_model)
        self._embedding_model = embedding_model
        self._resident_bytes = resident_bytes

    @cached_property
    def index(self) -> LocalIndex:
        """The search index over the same file."""
        return LocalIndex(self.database, max_resident_bytes=self._resident_bytes)

    def open(self, *, to_reembed: bool = False) -> None:
        """Make the file if it is missing, and check that this installation can use it.

        If nobody else has it open, unfinished jobs are abandoned at once: those who worked on them
        are dead. If another release took the texts apart that are searched, they are taken apart
        anew, which takes seconds for 10,000 memories. Raises `UnavailableError` with one clear
        sentence if the file cannot be made, read or written, is locked, damaged, another program's
        or of a newer format, or, unless that is `to_reembed`, holds vectors of another embedder or
        of several.
        """
        _make(self.path)
        free_left_jobs(self.path)
        with self.database.writing() as connection:
            connection.execute(
                "INSERT INTO meta VALUES ('embedding_model', ?) ON CONFLICT DO NOTHING",
                (self._embedding_model,),
            )
            model, is_mixed = model_of(connection), is_reembedding(connection)
        if not to_reembed:
            self._check_vectors(model, is_mixed=is_mixed)
        renew_terms(self.database)

    def _check_vectors(self, model: str | None, *, is_mixed: bool) -> None:
        if is_mixed:
            message = (
                f"The data file {self.path} is being re-embedded with {model}: run"
                " 'recollect reembed' again, which goes on where it stopped"
            )
            raise UnavailableError(message)
        if model != self._embedding_model:
            message = (
                f"The data file {self.path} holds vectors of {model}, but {self._embedding_model}"
                " is configured: choose the former with RECOLLECT_EMBEDDER, exchange the vectors"
                " with 'recollect reembed', or choose another data file"
            )
            raise UnavailableError(message)


def _make(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # An existing file is left to SQLite: closing any descriptor of a file gives up this
        # process's locks on it (https://www.sqlite.org/howtocorrupt.html, 2.2).
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, OWNER_ONLY))
    except OSError as error:
        message = f"The data file {path} cannot be made: {error.strerror}"
        raise UnavailableError(message) from error
