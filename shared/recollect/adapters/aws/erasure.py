"""Erased subjects in the control table, and the scopes of the record table that refuse them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice

from recollect.adapters import stored
from recollect.adapters.aws.dynamodb import Item, Key, Table, key_item, text
from recollect.adapters.aws.dynamodb_errors import ConditionFailedError
from recollect.adapters.aws.episodes import SCOPES_AT_ONCE, DynamoEpisodes
from recollect.adapters.aws.items import project_part, scope_partition
from recollect.domain.subjects import Subject


@dataclass(frozen=True)
class Stamp:
    """What a scope's item says of erasures: when the last one was, and another id for each step.

    Who does not know the last id has remembered something of the scope for too long.
    """

    erased_at: str
    id: str


@dataclass(frozen=True)
class Stamps:
    """The stamps on scopes' items, by project and scope key."""

    table: Table
    new_token: Callable[[], str]

    def put(self, project: str, at: str, scope_key: str) -> None:
        """Put a new stamp on a scope; the time of the last erasure stays on it."""
        key, values = _scope(project, scope_key), {":id": text(self.new_token())}
        try:
            self.table.update(
                key,
                "SET erased_at = :at, erasure = :id",
                {**values, ":at": text(at)},
                ConditionExpression="attribute_not_exists(erased_at) OR erased_at <= :at",
            )
        except ConditionFailedError:
            self.table.update(key, "SET erasure = :id", values)

    def of(self, project: str, scope_keys: Collection[str]) -> dict[str, Stamp]:
        """Return the stamps of those scopes that have one. A BatchGetItem for 100."""
        places = {_scope(project, scope_key): scope_key for scope_key in scope_keys}
        return {
            places[key]: Stamp(item["erased_at"]["S"], item["erasure"]["S"])
            for key, item in self.table.get_all(places).items()
            if "erasure" in item
        }


@dataclass(frozen=True)
class Marks:
    """When subjects were erased, an item each in the control table, which is never restored."""

    control: Table

    def of(self, project: str, subject_keys: Collection[str]) -> dict[str, str]:
        """Return subject key -> when it was erased, of those that were. A BatchGetItem for 100."""
        items = self.control.get_all(_mark(project, each) for each in subject_keys)
        return {sort: item["at"]["S"] for (_, sort), item in items.items()}

    def put(self, project: str, subject_key: str, at: str) -> None:
        """Note when a subject was erased, unless it was erased later, too."""
        item = {**key_item(_mark(project, subject_key)), "at": text(at)}
        try:
            self.control.put(
                item,
                ConditionExpression="attribute_not_exists(pk) OR #at < :at",
                ExpressionAttributeNames={"#at": "at"},
                ExpressionAttributeValues={":at": text(at)},
            )
        except ConditionFailedError:
            return

    def page(self, project: str, *, limit: int, after: str) -> list[Item]:
        """Return the project's marks behind this subject key. One Query."""
        partition, start = _mark(project, after or " ")
        found = self.control.query(
            "pk = :pk AND sk > :after",
            {":pk": text(partition), ":after": text(start)},
            Limit=limit,
        )
        return list(islice(found, limit))


@dataclass(frozen=True)
class DynamoErasures:
    """Erased subjects of the AWS edition; see the port `Erasures` for what it promises.

    Exact without an additional read, since every commit writes its scopes' items: an erasure marks
    the subject, lists its scopes and stamps each; a writer that is new to a scope makes it known as
    the subject's, and reads the marks then. So either the one sees the scope or the other the mark.
    """

    marked: Marks
    stamps: Stamps
    episodes: DynamoEpisodes

    def mark(self, project: str, subject: Subject, *, at: datetime) -> None:
        """Note that the subject was erased at that time, unless it was erased later, too."""
        self.marked.put(project, subject.key, stored.time_text(at))

    def refuse(
        self, project: str, subject: Subject, *, at: datetime, after: str = ""
    ) -> str | None:
        """Stamp the next scopes of the subject."""
        scope_keys = self.episodes.scopes_of(project, subject, after)
        put = partial(self.stamps.put, project, stored.time_text(at))
        self.stamps.table.together(put, scope_keys)
        return scope_keys[-1] if len(scope_keys) == SCOPES_AT_ONCE else None

    def marks(self, project: str, *, limit: int, after: str = "") -> dict[str, datetime]:
        """Return subject key -> when it was erased, in the order of keys, behind this key."""
        items = self.marked.page(project, limit=limit, after=after)
        return {item["sk"]["S"]: stored.time_of(item["at"]["S"]) for item in items}


def last_marks(scopes: Mapping[str, Sequence[str]], marked: Mapping[str, str]) -> dict[str, str]:
    """Return scope key -> its last mark, given the subject keys of each and the marks of these."""
    of_scopes = {
        scope_key: [marked[key] for key in subject_keys if key in marked]
        for scope_key, subject_keys in scopes.items()
    }
    return {scope_key: max(times) for scope_key, times in of_scopes.items() if times}


def _scope(project: str, scope_key: str) -> Key:
    return scope_partition(project, scope_key), "A"


def _mark(project: str, subject_key: str) -> Key:
    return f"E#{project_part(project)}", subject_key
