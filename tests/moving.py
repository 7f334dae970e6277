"""Places that memories are moved from and to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from recollect.adapters.export_lines import Header, dump_lines, load_header, load_items
from recollect.domain.subjects import Subject
from recollect.ports.archive import Item, NotTaken
from recollect.testing.builders import NOON
from recollect.usecases.export_records import ExportRecords
from recollect.usecases.import_graph import ImportGraph
from recollect.usecases.import_records import ImportRecords
from recollect.usecases.import_report import ImportReport
from tests.service import THREADS, UseCases


def ignore(_: str, __: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True)
class Place:
    """A project that things are moved from and to."""

    service: UseCases
    project: str = "acme"

    @property
    def exporting(self) -> ExportRecords:
        ports = self.service.ports
        return ExportRecords(
            ports.keys,
            ports.record,
            ports.listing,
            ports.archive,
            ports.subjects,
            ports.graph,
            THREADS,
            ports.now,
        )

    @property
    def importing(self) -> ImportRecords:
        ports = self.service.ports
        return ImportRecords(
            ports.keys,
            ports.record,
            ports.scopes,
            ports.episodes,
            ports.subjects,
            ports.erasures,
            ports.archive,
            ImportGraph(ports.graph, ports.embedder, ports.wake_ups, ports.now),
            ports.embedder,
            ports.wake_ups,
            ports.now,
        )

    def items(self, *subjects: Subject) -> list[Item]:
        return list(self.exporting(self.project, subjects))

    def lines(self, *subjects: Subject) -> list[str]:
        """Return the lines of an export, whose header tells nothing of the place."""
        items = self.exporting(self.project, subjects)
        return list(dump_lines(Header("acme", NOON), items))

    def take(self, lines: Sequence[str], **options: Any) -> ImportReport:  # noqa: ANN401 - the use case's
        header = load_header(lines[0])
        assert header is not None
        return self.importing(
            self.project, lambda: load_items(self.project, header, lines[1:]), ignore, **options
        )

    def take_items(self, *items: Item | NotTaken, **options: Any) -> ImportReport:  # noqa: ANN401 - the use case's
        return self.importing(self.project, lambda: items, ignore, **options)
