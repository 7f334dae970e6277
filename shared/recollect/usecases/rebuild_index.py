"""Building the index anew from the record."""

from collections.abc import Callable
from dataclasses import dataclass

from recollect.ports.index import IndexBuilds
from recollect.ports.keys import Keys
from recollect.ports.record import Listing
from recollect.usecases.walking import Progress, pages


@dataclass(frozen=True)
class RebuildIndex:
    """Write every living memory of every project into a new index, and search that one then.

    Nothing is embedded: the record holds the vectors. The old index answers until the end.
    `settle` returns when lists of whole projects show all that was committed before.
    """

    keys: Keys
    listing: Listing
    builds: IndexBuilds
    settle: Callable[[], None]

    def __call__(self, progress: Progress) -> int:
        """Return how many memories were written.

        What breaks off is begun again: repeating it is safe, since a newer version is never
        overwritten. Raises `ConflictError` if somebody else finished or dropped the new index.
        """
        self.builds.begin()
        # A memory that was committed and indexed just before is in the old index only.
        self.settle()
        written = 0
        for project in self.keys.projects():
            for memories in pages(self.listing, project):
                self.builds.put(project, memories)
                written += len(memories)
                progress("indexed", len(memories))
        self.builds.finish()
        return written
