"""Projects, their API keys and their settings in the control table."""

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from recollect.adapters import stored
from recollect.adapters.aws.documents import read_document, replace_document
from recollect.adapters.aws.dynamodb import (
    Item,
    Key,
    Step,
    Table,
    key_item,
    text,
)
from recollect.adapters.aws.dynamodb_errors import ConditionFailedError
from recollect.adapters.aws.items import project_part
from recollect.adapters.stored_keys import dump_grant, load_grant
from recollect.adapters.stored_projects import dump_settings, load_settings
from recollect.domain.errors import NotFoundError
from recollect.domain.keys import ApiKey
from recollect.domain.projects import ProjectSettings
from recollect.ports.record import LostRaceError

SECRET_BYTES = 32
REGISTRY = "PROJECTS"
"""Partition of the list of all projects."""
ABSENT = "attribute_not_exists(pk)"


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
        self._write(key, key_hash, {"ConditionExpression": ABSENT})

    def list(self, project: str) -> "list[ApiKey]":
        """Return the project's keys, oldest first."""
        return [_key(item) for item in self._items(project)]

    def replace(self, project: str, before: ApiKey, after: ApiKey) -> None:
        """Store a key's new state, unless it is not as it was before any more."""
        for item in self._items(project):
            if item["key_id"]["S"] == before.id:
                if _key(item) != before:
                    raise _lost()
                self._write(after, item["key_hash"]["S"], _unchanged(item))

    def projects(self) -> Sequence[str]:
        """Return every project that has, or had, a key, by name."""
        return self.project_secrets.projects()

    def _items(self, project: str) -> Sequence[Item]:
        values = {":pk": text(_partition(project)), ":keys": text("K#")}
        return list(self.control.query("pk = :pk AND begins_with(sk, :keys)", values))

    def _write(self, key: ApiKey, key_hash: str, condition: Item) -> None:
        body = {
            "key_id": text(key.id),
            "key_hash": text(key_hash),
            "project": text(key.project),
            "name": text(key.name),
            "created_at": text(stored.time_text(key.created_at)),
            **({"revoked_at": text(stored.time_text(key.revoked_at))} if key.revoked_at else {}),
            "body": text(stored.dump(dump_grant(key))),
        }
        places = (_hash_key(key_hash), _listed_key(key))
        steps = [
            Step(
                {
                    "Put": {
                        "TableName": self.control.name,
                        "Item": {**key_item(place), **body},
                        **condition,
                    }
                },
                _lost(),
            )
            for place in places
        ]
        self.control.transact(steps, self.new_token())


@dataclass(frozen=True)
class DynamoSettings:
    """Projects' settings in the control table."""

    control: Table

    def get(self, project: str) -> ProjectSettings:
        """Return the project's settings; the defaults if it never changed any."""
        found = read_document(self.control, _settings_key(project))
        return load_settings(*found) if found else ProjectSettings()

    def replace(self, project: str, settings: ProjectSettings) -> None:
        """Store settings that were made from the version before theirs."""
        key, document = _settings_key(project), dump_settings(settings)
        replace_document(self.control, key, document, version=settings.version)


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


def _lost() -> LostRaceError:
    return LostRaceError("The key was changed by somebody else")


def _unchanged(item: Item) -> Item:
    """Return the condition that what may change of a key is as it was read."""
    changing = {name: item.get(name) for name in ("name", "revoked_at", "body")}
    parts = [
        f"attribute_not_exists(#{name})" if value is None else f"#{name} = :{name}"
        for name, value in changing.items()
    ]
    return {
        "ConditionExpression": " AND ".join(parts),
        "ExpressionAttributeNames": {f"#{name}": name for name in changing},
        "ExpressionAttributeValues": {
            f":{name}": value for name, value in changing.items() if value is not None
        },
    }


def _key(item: Mapping[str, Any]) -> ApiKey:
    revoked_at = item.get("revoked_at")
    return ApiKey(
        id=item["key_id"]["S"],
        project=item["project"]["S"],
        name=item["name"]["S"],
        created_at=stored.time_of(item["created_at"]["S"]),
        revoked_at=stored.time_of(revoked_at["S"]) if revoked_at else None,
        **load_grant(stored.load(item["body"]["S"]) if "body" in item else None),
    )
