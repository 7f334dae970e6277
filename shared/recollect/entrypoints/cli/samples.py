"""The sample conversation of a first start, and `recollect sample`."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from recollect.domain.subjects import SubjectKind
from recollect.entrypoints.answers import MemoryAnswer, SearchAnswer
from recollect.entrypoints.cli.client import LOCAL_URL, Api, Place, httpx_client
from recollect.entrypoints.cli.imports import Importer
from recollect.entrypoints.cli.local import LocalEdition, LocalKeys, beside, opened, write_key
from recollect.entrypoints.cli.memories import delete_all
from recollect.entrypoints.cli.options import data_option
from recollect.entrypoints.cli.output import examples, is_watched, say
from recollect.sample import QUESTIONS, sample_sessions

PROJECT: Final = "sample"
KEY_NAME: Final = "sample conversation"
SOURCE: Final = "recollect/sample/1"
"""Part of what makes importing it again the same import."""


@dataclass(frozen=True)
class Answered:
    """A question about the sample, and what was found."""

    question: str
    best: MemoryAnswer | None


@dataclass(frozen=True)
class Sample:
    """The sample conversation in a data file.

    Its key is kept in a file beside the data once it is imported as a whole; until then, every
    start goes on with the import. It comes to a data file once: when its keys are revoked, it was
    removed.
    """

    keys: LocalKeys
    data: Path

    @classmethod
    def of(cls, edition: LocalEdition) -> "Sample":
        """Return the sample of an opened data file."""
        return cls(edition.keys(PROJECT), edition.store.path)

    @property
    def key_file(self) -> Path:
        """Where the key of its project is kept."""
        return beside(self.data, ".sample.key")

    @property
    def is_wanted(self) -> bool:
        """Tell whether it was never imported, or not as a whole."""
        keys = self.keys.all()
        was_begun = any(key["name"] == KEY_NAME and not key["revoked_at"] for key in keys)
        return not keys or (was_begun and not self.key_file.exists())

    def bring(self, address: str) -> list[Answered]:
        """Import it through a running service, and return what its questions find there."""
        self._revoke(KEY_NAME)
        key = self.keys.create({"name": KEY_NAME})["key"]
        with httpx_client(address, key) as client:
            api = Api(client, Place(address, key, self.data))
            _import(api)
            answers = [_ask(api, question.text) for question in QUESTIONS]
        write_key(self.key_file, key)
        return answers

    def remove(self, edition: LocalEdition) -> int:
        """Delete all memories of its project and revoke its keys; return how many there were."""
        key = self.keys.create({"name": KEY_NAME})["key"]
        with httpx_client(LOCAL_URL, key, edition.transport()) as client:
            api = Api(client, Place(None, key, self.data))
            deleted = sum(delete_all(api, {f"{kind}_id": "*"}) for kind in SubjectKind)
        self._revoke()
        self.key_file.unlink(missing_ok=True)
        return deleted

    def _revoke(self, name: str | None = None) -> None:
        for key in self.keys.all():
            if name in {None, key["name"]} and not key["revoked_at"]:
                self.keys.revoke(key["id"])


@click.group()
def sample() -> None:
    """Look after the sample conversation.

    The first start imports it, into a project of its own.
    """


@sample.command(epilog=examples("recollect sample remove"))
@data_option
def remove(data: Path) -> None:
    """Remove the sample conversation: its memories, its project's keys and their file."""
    with opened(data) as edition:
        found = Sample.of(edition)
        if all(key["revoked_at"] for key in found.keys.all()):
            say("There is no sample conversation.")
            return
        say(f"Removed the sample conversation: {found.remove(edition)} memories.")


def _import(api: Api) -> None:
    importer = Importer(api, SOURCE)
    with click.progressbar(
        sample_sessions(), label="Importing the sample", file=sys.stderr, hidden=not is_watched()
    ) as sessions:
        for session in sessions:
            importer.take(session)


def _ask(api: Api, question: str) -> Answered:
    ids = sample_sessions()[0].ids
    body = {"query": question, "filters": {"AND": [ids]}, "top_k": 1}
    found = api.call(SearchAnswer, "POST", "/v3/memories/search/", body=body)["results"]
    return Answered(question, found[0] if found else None)
