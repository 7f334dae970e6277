"""Looks after the folder whose files the local edition remembers, as S3 does after a bucket."""

import json
import logging
import os
import stat
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from recollect.adapters.local.object_store import file_version
from recollect.domain.errors import InvalidRequestError
from recollect.domain.object_keys import PROJECTS, ObjectKey
from recollect.entrypoints.invocation import Handler
from recollect.entrypoints.object_events import notification
from recollect.entrypoints.worker import Clock, hand

LOOK_EVERY_SECONDS = 2.0
AT_REST = timedelta(seconds=3)
"""A file that has not changed for so long has been written."""
AT_ONCE = 10
"""Files that the function is told of together."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class _File:
    key: str
    version: str
    size: int
    modified_at: datetime


@dataclass
class Inbox:
    """Tells a function of each version of a file below `folder`/projects, once it is written.

    Files and folders whose names begin with a dot are none of its business, and neither is a
    version that there is a report on. Nor are links, which may lead to what is not for whoever may
    put something here, and what is no file.
    """

    folder: Path
    function: Handler
    _told: dict[str, str] = field(default_factory=dict)
    _seen: dict[str, tuple[str, datetime]] = field(default_factory=dict)

    def wait(self, stopping: threading.Event) -> bool:
        """Wait until it is time to look; tell whether it is."""
        return not stopping.wait(LOOK_EVERY_SECONDS)

    def drive(self, clock: Clock) -> int:
        """Tell of what was written; return of how many files."""
        now = clock.now()
        files = {file.key: file for file in self._files()}
        self._told = {key: version for key, version in self._told.items() if key in files}
        self._seen = {key: seen for key, seen in self._seen.items() if key in files}
        ready = [file for file in files.values() if self._is_ready(file, now)]
        for start in range(0, len(ready), AT_ONCE):
            some = {self._message(file): file for file in ready[start : start + AT_ONCE]}
            for again in hand(self.function, list(some), clock):
                del some[again]
            self._told.update((file.key, file.version) for file in some.values())
        return len(ready)

    def _is_ready(self, file: _File, now: datetime) -> bool:
        if self._told.get(file.key) == file.version:
            return False
        version, since = self._seen.get(file.key, ("", now))
        if version != file.version:
            self._seen[file.key] = (file.version, now)
            return False
        return now - since >= AT_REST and not self._is_reported(file)

    def _is_reported(self, file: _File) -> bool:
        try:
            report = ObjectKey.of(file.key).report(file.version)
        except InvalidRequestError:
            return False
        is_there = (self.folder / report).exists()
        if is_there:
            self._told[file.key] = file.version
        return is_there

    def _message(self, file: _File) -> str:
        told = notification(
            self.folder, file.key, size=file.size, version=file.version, at=file.modified_at
        )
        return json.dumps(told)

    def _files(self) -> Iterator[_File]:
        for place, folders, names in os.walk(self.folder / PROJECTS):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                if not name.startswith(".") and (file := self._file(Path(place, name))):
                    yield file

    def _file(self, path: Path) -> _File | None:
        key = path.relative_to(self.folder).as_posix()
        try:
            key.encode()
            status = path.lstat()
        except UnicodeEncodeError:
            _LOG.warning("a file in the inbox has a name that is no text")
            return None
        except OSError:  # removed meanwhile
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        modified_at = datetime.fromtimestamp(status.st_mtime, UTC)
        return _File(key, file_version(status), status.st_size, modified_at)
