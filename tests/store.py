"""What tests ask of a record, whichever engine is behind it."""

from typing import Protocol

from recollect.ports.keys import Keys
from recollect.ports.record import Jobs, Listing, Outbox, Record, Scopes


class Store(Protocol):
    """The record's ports, all over the same data."""

    @property
    def record(self) -> Record: ...
    @property
    def scopes(self) -> Scopes: ...
    @property
    def listing(self) -> Listing: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def jobs(self) -> Jobs: ...
    @property
    def keys(self) -> Keys: ...
