"""What members promise: one role each, which their keys follow."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from recollect.domain.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
)
from recollect.domain.keys import ApiKey, Role
from recollect.domain.projects import ProjectSettings
from recollect.ports.keys import Keys
from recollect.ports.projects import SettingsStore
from recollect.testing.builders import NOON, a_key
from recollect.usecases.manage_members import ManageMembers
from recollect.usecases.racing import MAX_LOST_RACES
from tests.service import Service

ADA, BOB = "ada@example.com", "bob@example.com"


@pytest.fixture
def members(service: Service) -> ManageMembers:
    return ManageMembers(service.ports.projects, service.store.keys, service.clock)


@pytest.fixture
def make_key(service: Service) -> Callable[..., ApiKey]:
    """Make a key of the project."""

    def make(**fields: Any) -> ApiKey:  # noqa: ANN401 - whatever an ApiKey has
        key = a_key("acme", **fields)
        service.store.keys.create("acme", key, f"hash of {key.id}")
        return key

    return make


def keys_of(service: Service) -> dict[str, ApiKey]:
    return {key.id: key for key in service.store.keys.list("acme")}


def test_members_are_listed_by_address(members: ManageMembers) -> None:
    members.add("acme", f" {BOB.upper()} ", Role.READER)
    members.add("acme", ADA, Role.OWNER)

    assert list(members.list("acme").items()) == [(ADA, Role.OWNER), (BOB, Role.READER)]
    assert members.list("other") == {}


def test_members_leave_the_other_settings_alone(service: Service, members: ManageMembers) -> None:
    service.change_project("acme", lambda settings: replace(settings, episode_days=3))

    members.add("acme", ADA, Role.OWNER)
    members.change_role("acme", ADA, Role.READER)

    settings = service.read_project("acme")
    assert (settings.episode_days, settings.version) == (3, 3)


@pytest.mark.parametrize("address", [ADA, " Ada@Example.COM "])
def test_a_member_is_added_once(members: ManageMembers, address: str) -> None:
    members.add("acme", ADA, Role.OWNER)

    with pytest.raises(ConflictError, match="already"):
        members.add("acme", address, Role.READER)

    assert members.list("acme") == {ADA: Role.OWNER}


def test_what_is_no_address_is_refused(members: ManageMembers) -> None:
    for change in (members.add, members.change_role):
        with pytest.raises(InvalidRequestError, match="email must be"):
            change("acme", "ada", Role.OWNER)
    with pytest.raises(InvalidRequestError, match="email must be"):
        members.remove("acme", "ada")


def test_who_is_no_member_is_neither_changed_nor_removed(members: ManageMembers) -> None:
    members.add("acme", ADA, Role.OWNER)

    with pytest.raises(NotFoundError, match="Member not found"):
        members.change_role("acme", BOB, Role.OWNER)
    with pytest.raises(NotFoundError, match="Member not found"):
        members.remove("acme", BOB)
    with pytest.raises(NotFoundError, match="Member not found"):
        members.remove("other", ADA)

    assert members.list("acme") == {ADA: Role.OWNER}


def test_the_keys_of_a_member_follow_the_role(
    service: Service, members: ManageMembers, make_key: Callable[..., ApiKey]
) -> None:
    members.add("acme", ADA, Role.OWNER)
    theirs, revoked = make_key(member=ADA), make_key(member=ADA, revoked_at=NOON)
    others = [make_key(), make_key(member=BOB)]

    members.change_role("acme", ADA, Role.READER)

    assert members.list("acme") == {ADA: Role.READER}
    found = keys_of(service)
    assert found.pop(theirs.id) == replace(theirs, role=Role.READER)
    assert found == {key.id: key for key in (*others, revoked)}


def test_the_keys_of_a_member_go_with_the_member(
    service: Service, members: ManageMembers, make_key: Callable[..., ApiKey]
) -> None:
    members.add("acme", ADA, Role.OWNER)
    theirs, revoked = make_key(member=ADA), make_key(member=ADA, revoked_at=NOON)
    others = [make_key(), make_key(member=BOB)]

    members.remove("acme", ADA)

    assert members.list("acme") == {}
    found = keys_of(service)
    assert found.pop(theirs.id).revoked_at is not None
    assert found == {key.id: key for key in (*others, revoked)}


@dataclass(frozen=True)
class FailingKeys:
    """Keys that cannot be listed, so many times."""

    keys: Keys
    failures: list[str]

    def list(self, project: str) -> "list[ApiKey]":
        """Return the keys, or fail."""
        if self.failures:
            raise UnavailableError(self.failures.pop())
        return self.keys.list(project)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever Keys has
        return getattr(self.keys, name)


def test_a_removal_that_failed_half_way_is_completed_by_repeating_it(
    service: Service, members: ManageMembers, make_key: Callable[..., ApiKey]
) -> None:
    members.add("acme", ADA, Role.OWNER)
    key = make_key(member=ADA)
    failing = replace(members, keys=FailingKeys(service.store.keys, ["down"]))
    with pytest.raises(UnavailableError):
        failing.remove("acme", ADA)
    assert keys_of(service)[key.id].revoked_at is None

    failing.remove("acme", ADA)

    assert keys_of(service)[key.id].revoked_at is not None
    with pytest.raises(NotFoundError):
        failing.remove("acme", ADA)


@dataclass(frozen=True)
class ContestedSettings:
    """Settings in which a member gets the next of these roles at each read after the first write.

    That is while the keys follow.
    """

    projects: SettingsStore
    roles: list[Role]
    writes: list[int] = field(default_factory=list)

    def get(self, project: str) -> ProjectSettings:
        """Return the settings before the change."""
        found = self.projects.get(project)
        if self.writes and self.roles:
            after = replace(
                found,
                members={**found.members, ADA: self.roles.pop(0)},
                version=found.version + 1,
            )
            self.projects.replace(project, after)
        return found

    def replace(self, project: str, settings: ProjectSettings) -> None:
        """Store new settings."""
        self.writes.append(settings.version)
        self.projects.replace(project, settings)


def test_keys_end_with_the_role_that_was_set_last(
    service: Service, members: ManageMembers, make_key: Callable[..., ApiKey]
) -> None:
    members.add("acme", ADA, Role.OWNER)
    key = make_key(member=ADA)
    contested = ContestedSettings(service.ports.projects, [Role.OWNER])

    replace(members, projects=contested).change_role("acme", ADA, Role.READER)

    assert members.list("acme") == {ADA: Role.OWNER}
    assert keys_of(service)[key.id].role is Role.OWNER


def test_whoever_is_always_slower_is_told(
    service: Service, members: ManageMembers, make_key: Callable[..., ApiKey]
) -> None:
    members.add("acme", ADA, Role.OWNER)
    make_key(member=ADA)
    flapping = [Role.OWNER, Role.READER] * MAX_LOST_RACES
    contested = ContestedSettings(service.ports.projects, flapping)

    with pytest.raises(ConflictError, match="try again"):
        replace(members, projects=contested).change_role("acme", ADA, Role.READER)
