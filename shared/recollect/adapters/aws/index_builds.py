"""Building the search index anew on OpenSearch, while the old one answers."""

from collections.abc import Callable, Sequence

from opensearchpy import OpenSearch

from recollect.adapters.aws.index_bulk import TargetGoneError, write_all
from recollect.adapters.aws.index_documents import put_operations
from recollect.adapters.aws.index_family import IndexFamily, IndexSettings
from recollect.domain.errors import ConflictError
from recollect.domain.memory import Memory

UNSEEN_SECONDS = 60.0
"""How late a serverless collection may show what was written; it cannot be told to hurry."""


class OpenSearchIndexBuilds:
    """`IndexBuilds` by a second index behind the write alias and one switch of the read alias.

    Nothing is lost to it. Whoever writes a change reads the record first, then looks the write
    alias up, then writes. If it looked after `begin`, it writes to both indices, and by versions
    the newer state wins over what `put` fills in, whichever comes first. If it looked before, it
    writes to the old index only; but it had read the record before that, and `put` is given what
    was read after, so that the new index gets the same state or a newer one. After `finish`, a
    write to an index that was dropped fails and starts again with those that are there.
    """

    def __init__(
        self, client: OpenSearch, settings: IndexSettings, sleep: Callable[[float], None]
    ) -> None:
        self._client = client
        self._settings = settings
        self._sleep = sleep
        self._family = IndexFamily(client, settings)

    def prepare(self) -> None:
        """Make the first index unless there is one; harmless when done by several at once.

        Those that are there take over the configured refresh interval.
        """
        self._family.writable()
        self._family.set_refresh_interval()

    def is_outdated(self) -> bool:
        """Tell whether what is searched was taken apart by a release with other terms."""
        return self._family.is_outdated()

    def begin(self) -> None:
        """Have an empty index for the configured model take every change, or go on with one."""
        self._family.begin()

    def put(self, project: str, memories: Sequence[Memory]) -> None:
        """Fill memories into the index that is being built, as they are in the record now.

        Raises `ConflictError` if there is none, since somebody else finished or dropped it.
        """
        member = self._family.building()
        if member is None:
            raise ConflictError(_NO_BUILD)
        try:
            operations = put_operations(member, project, memories, self._settings.versioning)
            write_all(self._client, operations, self._sleep)
        except TargetGoneError as error:
            raise ConflictError(_NO_BUILD) from error

    def finish(self) -> None:
        """Have the new index read and written, alone; drop the others. Safe to repeat."""
        built = self._family.building()
        if built is not None:
            if self._settings.versioning == "external":
                self._family.refresh(built)
            else:
                self._sleep(UNSEEN_SECONDS)
            self._family.switch_to(built)
        self._family.drop_unused()


_NO_BUILD = "The search index is not being built (any more): begin again"
