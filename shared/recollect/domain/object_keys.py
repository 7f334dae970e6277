"""What the key of an object says: whose it is, how it is to be remembered, where its report is."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from recollect.domain.errors import InvalidRequestError
from recollect.domain.subjects import Subject, SubjectKind

PROJECTS: Final = "projects"
"""The folder of what is to be remembered, by project."""
REPORTS: Final = "reports"
"""The folder of what became of it; nobody reads an object because it is there."""
VERBATIM: Final = "verbatim"
"""A folder below which messages are kept word for word."""
KINDS: Final[Mapping[str, SubjectKind]] = {f"{kind}s": kind for kind in SubjectKind}
"""Folders below which the next one is named as a subject."""

MAX_KEY_BYTES: Final = 1024
"""Of an object in S3."""
MAX_NAME_BYTES: Final = 255
"""Of a file in most file systems."""


@dataclass(frozen=True)
class ObjectKey:
    """A key read as `projects/<project>/<folders>/<name>`.

    Of the folders the first ones may be, in any order, `verbatim` and pairs such as `users/maya`
    and `agents/theo`; those behind the first other one mean nothing. `names` says whose the object
    is as far as it does not say so itself.
    """

    project: str
    path: str
    names: Mapping[SubjectKind, str]
    infer: bool

    @classmethod
    def of(cls, key: str) -> "ObjectKey":
        """Read a key; raise `InvalidRequestError` if it is no such key, or a name cannot be one."""
        top, _, below = key.partition("/")
        project, _, path = below.partition("/")
        if top != PROJECTS or not project or not path or path.endswith("/"):
            message = f"The key is not {PROJECTS}/<project>/..., with the name of a file at its end"
            raise InvalidRequestError(message)
        names, infer = _read(path.split("/")[:-1])
        return cls(project, path, names, infer)

    def report(self, version: str) -> str:
        """Return the key of the report on this version of the object."""
        path = f"{self.path}.{version}.json"
        key = f"{REPORTS}/{self.project}/{path}"
        last = path.rpartition("/")[2]
        if len(key.encode()) <= MAX_KEY_BYTES and len(last.encode()) <= MAX_NAME_BYTES:
            return key
        digest = hashlib.sha256(path.encode()).hexdigest()
        return f"{REPORTS}/{self.project}/{digest}.json"


def _read(folders: Sequence[str]) -> tuple[dict[SubjectKind, str], bool]:
    names: dict[SubjectKind, str] = {}
    infer = True
    waiting = list(folders)
    while waiting:
        folder = waiting.pop(0)
        if folder == VERBATIM:
            infer = False
        elif folder in KINDS and waiting and KINDS[folder] not in names:
            kind = KINDS[folder]
            names[kind] = Subject.of(kind, waiting.pop(0)).name
        else:
            break
    return names, infer
