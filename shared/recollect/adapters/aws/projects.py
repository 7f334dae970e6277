"""Projects and their API keys in the control table."""

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from recollect.adapters import stored
from recollect.adapters.aws.dynamodb import (
    ConditionFailedError,
    Item,
    Key,
    Step,
    Table,
    key_item,
    text,
)
from recollect.adapters.aws.items import project_part
from recollect.domain.errors import NotFoundError
from recollect.domain.keys import ApiKey
from recollect.ports.keys import Keys
from recollect.ports.record import LostRaceError

SECRET_BYTES = 32
REGISTRY = "PROJECTS"
"""Partition of the list of all projects."""
ABSENT = "attribute_not_exists(pk)"
PRESENT = "attribute_exists(pk)"
LONGEST_TRUST = timedelta(seconds=60)
"""How long a key that was revoked elsewhere may still open its project."""
MAX_TRUSTED = 10_000


@dataclass(frozen=True)
class ProjectSecrets:
    """What texts and turns of each project are hashed with; it never changes."""

    control: Table
    _known: dict[str, bytes] = field(default_factory=dict)

    def of(self, project: str) -> bytes:
        """Return a project's secret; raise `NotFoundError` if it has never had a key."""
        if project not in self._known:
            item = self.control.get(_secret_key(project))
            if item is None:
                message = "There is no such project"
                raise NotFoundError(message)
            self._known[project] = item["secret"]["B"]
        return self._known[project]

    def ensure(self, project: str) -> None:
        """Give the project a place in the list of all, and a secret, if it has none."""
        # The list first: that it names a project without anything in it does no harm.
        self.control.put({**key_item(_registered_key(project)), "project": text(project)})
        item = {
            **key_item(_secret_key(project)),
            "secret": {"B": secrets.token_bytes(SECRET_BYTES)},
        }
        with suppress(ConditionFailedError):
            self.control.put(item, ConditionExpression=ABSENT)

    def projects(self) -> Sequence[str]:
        """Return every project that was given a secret, by name."""
        items = self.control.query("pk = :pk", {":pk": text(REGISTRY)})
        return sorted(item["project"]["S"] for item in items)


@dataclass(frozen=True)
class DynamoKeys:
    """API keys in the control table: each under its hash, and in its project's list."""

    control: Table
    project_secrets: ProjectSecrets
    new_token: Callable[[], str]

    def find(self, key_hash: str) -> ApiKey | None:
        """Return the key with this hash, revoked or not, or None."""
        item = self.control.get(_hash_key(key_hash))
        return _key(item) if item else None

    def create(self, project: str, key: ApiKey, key_hash: str) -> None:
        """Store a new key, and the project if it is new."""
        self.project_secrets.ensure(project)
        self._write(key, key_hash, ABSENT)

    def list(self, project: str) -> "list[ApiKey]":
        """Return the project's keys, oldest first."""
        return [_key(item) for item in self._items(project)]

    def replace(self, project: str, key: ApiKey) -> None:
        """Store a key's new state."""
        for item in self._items(project):
            if item["key_id"]["S"] == key.id:
                self._write(key, item["key_hash"]["S"], PRESENT)

    def projects(self) -> Sequence[str]:
        """Return every project that has, or had, a key, by name."""
        return self.project_secrets.projects()

    def _items(self, project: str) -> Sequence[Item]:
        values = {":pk": text(_partition(project)), ":keys": text("K#")}
        return list(self.control.query("pk = :pk AND begins_with(sk, :keys)", values))

    def _write(self, key: ApiKey, key_hash: str, condition: str) -> None:
        body = {
            "key_id": text(key.id),
            "key_hash": text(key_hash),
            "project": text(key.project),
            "name": text(key.name),
            "created_at": text(stored.time_text(key.created_at)),
            **({"revoked_at": text(stored.time_text(key.revoked_at))} if key.revoked_at else {}),
        }
        lost = LostRaceError("The key was written by somebody else")
        places = (_hash_key(key_hash), _listed_key(key))
        steps = [
            Step(
                {
                    "Put": {
                        "TableName": self.control.name,
                        "Item": {**key_item(place), **body},
                        "ConditionExpression": condition,
                    }
                },
                lost,
            )
            for place in places
        ]
        self.control.transact(steps, self.new_token())


@dataclass(frozen=True)
class TrustedKeys:
    """Keys that are looked up at most once a minute by one process; changes go straight through."""

    keys: Keys
    now: Callable[[], datetime]
    _found: dict[str, tuple[datetime, ApiKey]] = field(default_factory=dict)

    def find(self, key_hash: str) -> ApiKey | None:
        """Return the key as it was at most a minute ago; unknown ones are always looked up."""
        now = self.now()
        seen = self._found.get(key_hash)
        if seen and now - seen[0] < LONGEST_TRUST:
            return seen[1]
        key = self.keys.find(key_hash)
        if key:
            if len(self._found) >= MAX_TRUSTED:
                self._found.clear()
            self._found[key_hash] = (now, key)
        return key

    def create(self, project: str, key: ApiKey, key_hash: str) -> None:
        """Store a new key, and the project if it is new."""
        self.keys.create(project, key, key_hash)

    def list(self, project: str) -> "list[ApiKey]":
        """Return the project's keys, oldest first."""
        return self.keys.list(project)

    def replace(self, project: str, key: ApiKey) -> None:
        """Store a key's new state, and trust no older one here."""
        self.keys.replace(project, key)
        self._found.clear()

    def projects(self) -> Sequence[str]:
        """Return every project that has, or had, a key, by name."""
        return self.keys.projects()


def _partition(project: str) -> str:
    return f"P#{project_part(project)}"


def _secret_key(project: str) -> Key:
    return _partition(project), "S"


def _registered_key(project: str) -> Key:
    # Not the name, which can be longer than a sort key.
    return REGISTRY, hashlib.sha256(project.encode()).hexdigest()


def _hash_key(key_hash: str) -> Key:
    return f"K#{key_hash}", "K"


def _listed_key(key: ApiKey) -> Key:
    return _partition(key.project), f"K#{stored.time_text(key.created_at)}#{key.id}"


def _key(item: Mapping[str, Any]) -> ApiKey:
    revoked_at = item.get("revoked_at")
    return ApiKey(
        id=item["key_id"]["S"],
        project=item["project"]["S"],
        name=item["name"]["S"],
        created_at=stored.time_of(item["created_at"]["S"]),
        revoked_at=stored.time_of(revoked_at["S"]) if revoked_at else None,
    )
