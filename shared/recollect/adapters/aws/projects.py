"""Projects, their API keys and their settings in the control table."""

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Generic, TypeVar

from recollect.adapters import stored
from recollect.adapters.aws.dynamodb import (
    ConditionFailedError,
    Item,
    Key,
    Step,
    Table,
    key_item,
    number,
    text,
)
from recollect.adapters.aws.items import project_part
from recollect.adapters.stored_projects import dump_settings, load_settings
from recollect.domain.errors import NotFoundError
from recollect.domain.keys import ApiKey
from recollect.domain.projects import ProjectSettings
from recollect.ports.keys import Keys
from recollect.ports.projects import SettingsStore
from recollect.ports.record import LostRaceError

SECRET_BYTES = 32
REGISTRY = "PROJECTS"
"""Partition of the list of all projects."""
ABSENT = "attribute_not_exists(pk)"
PRESENT = "attribute_exists(pk)"
LONGEST_TRUST = timedelta(seconds=60)
"""How long a key that was revoked elsewhere may still open its project, and how long settings that
were changed elsewhere may still be followed."""
MAX_TRUSTED = 10_000
MAX_TRUSTED_SETTINGS = 100
"""Each may have 300 KB."""

Found = TypeVar("Found")


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
class _Trusted(Generic[Found]):
    """What was found under at most so many names, each for at most a minute."""

    most: int
    _kept: dict[str, tuple[datetime, Found]] = field(default_factory=dict)

    def recall(self, name: str, now: datetime) -> Found | None:
        """Return what was found less than a minute before, or None."""
        seen = self._kept.get(name)
        return seen[1] if seen and now - seen[0] < LONGEST_TRUST else None

    def keep(self, name: str, found: Found, since: datetime) -> Found:
        """Return what was found, and remember it."""
        if len(self._kept) >= self.most:
            self._kept.clear()
        self._kept[name] = (since, found)
        return found

    def forget(self, name: str) -> None:
        """Have this looked up the next time."""
        self._kept.pop(name, None)

    def forget_all(self) -> None:
        """Have everything looked up the next time."""
        self._kept.clear()


@dataclass(frozen=True)
class TrustedKeys:
    """Keys that are looked up at most once a minute by one process; changes go straight through."""

    keys: Keys
    now: Callable[[], datetime]

    @cached_property
    def _trusted(self) -> _Trusted[ApiKey]:
        return _Trusted(MAX_TRUSTED)

    def find(self, key_hash: str) -> ApiKey | None:
        """Return the key as it was at most a minute ago; unknown ones are always looked up."""
        asked_at = self.now()
        seen = self._trusted.recall(key_hash, asked_at)
        if seen:
            return seen
        key = self.keys.find(key_hash)
        return self._trusted.keep(key_hash, key, asked_at) if key else None

    def create(self, project: str, key: ApiKey, key_hash: str) -> None:
        """Store a new key, and the project if it is new."""
        self.keys.create(project, key, key_hash)

    def list(self, project: str) -> "list[ApiKey]":
        """Return the project's keys, oldest first."""
        return self.keys.list(project)

    def replace(self, project: str, key: ApiKey) -> None:
        """Store a key's new state, and trust no older one here."""
        self.keys.replace(project, key)
        self._trusted.forget_all()

    def projects(self) -> Sequence[str]:
        """Return every project that has, or had, a key, by name."""
        return self.keys.projects()


@dataclass(frozen=True)
class DynamoSettings:
    """Projects' settings in the control table."""

    control: Table

    def get(self, project: str) -> ProjectSettings:
        """Return the project's settings; the defaults if it never changed any."""
        item = self.control.get(_settings_key(project))
        if item is None:
            return ProjectSettings()
        return load_settings(stored.load(item["body"]["S"]), int(item["version"]["N"]))

    def replace(self, project: str, settings: ProjectSettings) -> None:
        """Store settings that were made from the version before theirs."""
        item = {
            **key_item(_settings_key(project)),
            "version": number(settings.version),
            "body": text(stored.dump(dump_settings(settings))),
        }
        condition: dict[str, Any] = {"ConditionExpression": ABSENT}
        if settings.version > 1:
            condition = {
                "ConditionExpression": "version = :before",
                "ExpressionAttributeValues": {":before": number(settings.version - 1)},
            }
        try:
            self.control.put(item, **condition)
        except ConditionFailedError as error:
            message = "The project's settings were changed by somebody else"
            raise LostRaceError(message) from error


@dataclass(frozen=True)
class TrustedSettings:
    """Settings that one process looks up at most once a minute; its own changes it sees at once."""

    settings: SettingsStore
    now: Callable[[], datetime]

    @cached_property
    def _trusted(self) -> _Trusted[ProjectSettings]:
        return _Trusted(MAX_TRUSTED_SETTINGS)

    def get(self, project: str) -> ProjectSettings:
        """Return the settings as they were at most a minute ago."""
        asked_at = self.now()
        seen = self._trusted.recall(project, asked_at)
        return seen or self._trusted.keep(project, self.settings.get(project), asked_at)

    def replace(self, project: str, settings: ProjectSettings) -> None:
        """Store new settings, and look them up the next time, also if somebody else was faster."""
        try:
            self.settings.replace(project, settings)
        finally:
            self._trusted.forget(project)


def _partition(project: str) -> str:
    return f"P#{project_part(project)}"


def _secret_key(project: str) -> Key:
    return _partition(project), "S"


def _settings_key(project: str) -> Key:
    return _partition(project), "A"


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
