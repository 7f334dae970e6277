"""What graphs have yet to follow: changes of memories, and for their projections their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from recollect.domain.graph import Owner, Triple
from recollect.ports.graph import Unread


@dataclass(frozen=True)
class SetAside:
    """A change of a memory that could not be read, and why; it waits until it is taken up."""

    owner: Owner
    unread: Unread
    reason: str


@dataclass(frozen=True)
class Unprojected:
    """A commit to a graph that the graph store and the entity index have not confirmed.

    One that `is_whole` is about all that they have of the owner: it may be more than there is.
    """

    id: str
    entity_ids: tuple[str, ...] = ()
    triples: tuple[Triple, ...] = ()
    is_whole: bool = False


class GraphOutbox(Protocol):
    """What awaits the graph writer, and what awaits the graph store and the entity index.

    Reads of an owner see every commit that was answered.
    """

    def unread(self, owner: Owner, *, limit: int) -> list[Unread]:
        """Return changes of the owner's memories that await the graph writer, oldest first.

        Whoever commits a change of a memory that is, or was, in the graph makes one, in the same
        transaction.
        """
        ...

    def unread_owners(self, *, before: datetime, limit: int) -> list[Owner]:
        """Return owners with changes unread since before then, of all projects."""
        ...

    def set_aside(self, owner: Owner, unread: Unread, *, reason: str) -> None:
        """Take a change out of what is unread, for nobody can read it; nothing of it is lost.

        Nothing happens if it is not unread.
        """
        ...

    def aside(self, *, limit: int) -> list[SetAside]:
        """Return what was set aside, of all projects."""
        ...

    def take_up(self, aside: SetAside, *, at: datetime) -> None:
        """Have a change that was set aside be unread again; nothing happens if it was not."""
        ...

    def unprojected(self, owner: Owner, *, limit: int) -> list[Unprojected]:
        """Return the owner's commits that its projections have not confirmed, oldest first.

        Every commit that writes entities or relations makes one.
        """
        ...

    def confirm(self, owner: Owner, done: Sequence[Unprojected]) -> None:
        """Take note that the projections have these."""
        ...

    def unprojected_owners(self, *, before: datetime, limit: int) -> list[Owner]:
        """Return owners with commits unprojected since before then, of all projects."""
        ...

    def fresh(self, owner: Owner, *, limit: int) -> list[str]:
        """Return ids of entities that were committed so lately that an index may not show them.

        Of the last `limit` commits at most.
        """
        ...

    def project_again(self, owner: Owner, *, at: datetime) -> None:
        """Have the owner's whole graph be unprojected."""
        ...
