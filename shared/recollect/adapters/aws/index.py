"""The search index on OpenSearch."""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice

from opensearchpy import OpenSearch

from recollect.adapters.aws.index_bulk import Operation, TargetGoneError, write_all
from recollect.adapters.aws.index_documents import put_operations, removal_operations
from recollect.adapters.aws.index_family import IndexFamily, IndexSettings, Member
from recollect.adapters.aws.index_filters import held_by
from recollect.adapters.aws.index_queries import searches_for
from recollect.adapters.aws.index_searches import Found, Search, ask, in_id_order
from recollect.domain.errors import UnavailableError
from recollect.domain.memory import Memory
from recollect.ports.index import IndexQuery, Proposal

ATTEMPTS = 3
"""How often a write starts again because an index was dropped under it."""


class OpenSearchIndex:
    """A `MemoryIndex` on OpenSearch, which sees a change `refresh_seconds` late.

    The memory's version is the document's external version, so that an older one never replaces a
    newer one; with `versioning="none"` the last write wins, and what is out of date in the index
    is set right by whoever reads the proposed memories from the record.
    """

    def __init__(
        self, client: OpenSearch, settings: IndexSettings, sleep: Callable[[float], None]
    ) -> None:
        self._client = client
        self._settings = settings
        self._sleep = sleep
        self._family = IndexFamily(client, settings)

    def put(self, project: str, memories: Sequence[Memory]) -> None:
        """Store or replace each unless the same or a newer version, or its removal, is there.

        Raises `UnavailableError` if not all could be written; repeat it then.
        """
        versioning = self._settings.versioning
        self._write(lambda member: put_operations(member, project, memories, versioning))

    def remove(self, project: str, removals: Mapping[str, int]) -> None:
        """Remove memories (id -> version of the deletion); they never come back.

        The removal is remembered for ten minutes, longer than anybody can be late with an old
        state. Raises `UnavailableError` if not all could be removed; repeat it then.
        """
        versioning = self._settings.versioning
        self._write(lambda member: removal_operations(member, project, removals, versioning))

    def propose(self, project: str, queries: Sequence[IndexQuery]) -> list[Proposal]:
        """Return, for each query in order, the nearest and the best-worded matching memories.

        One request for all. Before anything was put, nothing is proposed. A filter that can only
        be asked for roughly is given four times as many, of which some may not match.
        """
        asked = [searches_for(project, query, self._settings) for query in queries]
        found = iter(self._ask([search for each in asked for search in each.all]))
        return [each.proposal(list(islice(found, len(each.all)))) for each in asked]

    def held(self, project: str, *, after: str | None, limit: int) -> list[tuple[str, int]]:
        """Return (id, version) of the project's memories in id order behind `after`."""
        [found] = self._ask([in_id_order(held_by(project, None), after, limit)])
        return [(hit.id, hit.version) for hit in found.hits.hits]

    def _ask(self, searches: Sequence[Search]) -> list[Found]:
        return ask(self._client, self._family.read, searches, self._sleep)

    def _write(self, operations: Callable[[Member], list[Operation]]) -> None:
        for _ in range(ATTEMPTS):
            members = self._family.writable()
            try:
                return write_all(
                    self._client,
                    (each for member in members for each in operations(member)),
                    self._sleep,
                )
            except TargetGoneError:
                continue
        message = "The search index is being replaced again and again"
        raise UnavailableError(message)
