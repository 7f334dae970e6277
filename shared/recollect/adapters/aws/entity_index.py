"""The entity index on OpenSearch."""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from itertools import islice

from opensearchpy import OpenSearch
from opensearchpy.exceptions import NotFoundError

from recollect.adapters.aws.entity_documents import (
    ENTITY_FIELDS,
    page_of,
    put_operations,
    removal_operations,
    searches_for,
    version_of,
)
from recollect.adapters.aws.index_builds import UNSEEN_SECONDS
from recollect.adapters.aws.index_bulk import TargetGoneError, write_all
from recollect.adapters.aws.index_family import (
    IndexSettings,
    aliases_behind,
    make_index,
    set_refresh_interval,
    slug,
)
from recollect.adapters.aws.index_searches import ask
from recollect.adapters.aws.opensearch import opensearch_errors
from recollect.domain.errors import UnavailableError
from recollect.domain.graph import Entity, Owner
from recollect.ports.graph import EntityQuery

PAGE = 1_000
"""Entities of an owner that are listed at once."""
ATTEMPTS = 3
"""How often a write makes the index that is missing, and how often an erasure looks."""


class OpenSearchEntityIndex:
    """An `EntityIndex` on OpenSearch, which sees a change `refresh_seconds` late.

    One index for all owners and one model of embeddings. The document's external version grows with
    the entity's and with that of the terms of names; with `versioning="none"` the last write wins,
    and what is out of date is set right by whoever reads the proposed entities from the record.
    """

    def __init__(
        self, client: OpenSearch, settings: IndexSettings, sleep: Callable[[float], None]
    ) -> None:
        self._client = client
        self._settings = settings
        self._sleep = sleep
        self._all = f"{settings.prefix}-entities"
        self._name = f"{self._all}-{slug(settings.model)}"

    def prepare(self) -> None:
        """Make the index unless there is one; harmless when done by several at once.

        One that is there takes over the configured refresh interval. It does not get what an index
        of another model holds: that has to be put again.
        """
        self._make()
        set_refresh_interval(self._client, self._name, self._settings)

    def put(self, owner: Owner, entities: Sequence[Entity]) -> None:
        """Store or replace each unless the same or a newer version is there.

        The same version is replaced, too, if an older release took its name apart differently. Only
        embeddings of the configured model are stored; entities with others are found by name.
        Raises `UnavailableError` if not all could be written; repeat it then.
        """
        operations = put_operations(self._name, owner, entities, self._settings)
        for _ in range(ATTEMPTS):
            try:
                return write_all(self._client, operations, self._sleep)
            except TargetGoneError:
                self._make()
        message = "The search index of entities is gone as often as it is made"
        raise UnavailableError(message)

    def propose(self, owner: Owner, queries: Sequence[EntityQuery]) -> list[list[str]]:
        """Return ids of mentioned entities, best first and each once, for each query in order.

        The nearest come before the best named. One request for all; before anything was put,
        nothing is proposed. Raises `UnavailableError`.
        """
        asked = [searches_for(owner, query, self._settings) for query in queries]
        searches = [search for each in asked for search in each]
        found = iter(ask(self._client, self._name, searches, self._sleep))
        return [
            list(dict.fromkeys(hit.id for one in islice(found, len(each)) for hit in one.hits.hits))
            for each in asked
        ]

    def held(self, owner: Owner) -> dict[str, int]:
        """Return the version of every entity of the owner, one request for a thousand of them.

        It is 0 where another release took the name apart differently: such a name may not be found,
        and is to be put again. Raises `UnavailableError`.
        """
        held = self._held(self._name, owner)
        return {an_id: version_of(stamp) for an_id, stamp in held.items()}

    def erase(self, owner: Owner, *, keep: Collection[str] = ()) -> None:
        """Remove everything of the owner but these, whichever model it was put with.

        It looks whether it is gone. The versions that were removed are remembered for ten minutes,
        so that nobody who is late brings them back. Takes a minute at least with serverless
        collections, which cannot be told to show what they have. Raises `UnavailableError`, also if
        more is put all the time; repeat it then.
        """
        for name in sorted(aliases_behind(self._client, self._all)):
            self._erase(name, owner, frozenset(keep))

    def _make(self) -> None:
        make_index(self._client, self._name, self._settings, ENTITY_FIELDS, (self._all,))

    def _held(self, name: str, owner: Owner) -> dict[str, int]:
        """Return the stamp of every document of the owner; see `version_of`."""
        stamps: dict[str, int] = {}
        after: str | None = None
        while True:
            [found] = ask(self._client, name, [page_of(owner, after, PAGE)], self._sleep)
            page = {hit.id: hit.version for hit in found.hits.hits}
            stamps |= page
            if len(page) < PAGE:
                return stamps
            after = max(page)

    def _erase(self, name: str, owner: Owner, keep: frozenset[str]) -> None:
        versioning = self._settings.versioning
        for _ in range(ATTEMPTS):
            self._show(name)
            held = self._held(name, owner)
            others = {an_id: held[an_id] for an_id in held.keys() - keep}
            if not others:
                return
            # An index that was dropped in between holds nothing any more.
            with suppress(TargetGoneError):
                operations = removal_operations(name, owner, others, versioning)
                write_all(self._client, operations, self._sleep)
        message = "The search index is given new entities of an owner while they are erased"
        raise UnavailableError(message)

    def _show(self, name: str) -> None:
        """Have searches see what was written."""
        if self._settings.versioning == "none":
            self._sleep(UNSEEN_SECONDS)
            return
        with opensearch_errors(), suppress(NotFoundError):
            # Not by POST: below an index's name the functions may only GET and PUT.
            self._client.http.get(f"/{name}/_refresh")
