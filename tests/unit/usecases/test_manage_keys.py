"""What API keys promise: shown once, kept as hashes, useless once revoked or expired."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from recollect.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from recollect.domain.keys import KEY_PATTERN, ApiKey, Limits, Role, hash_key
from recollect.domain.subjects import Subject, SubjectKind
from recollect.ports.keys import Keys
from recollect.testing.builders import NOON
from recollect.usecases.manage_keys import (
    DEFAULT_OVERLAP,
    MAX_NAME_LENGTH,
    MAX_OVERLAP,
    CheckKey,
    CreateKey,
    KeyGrant,
    ListKeys,
    RevokeKey,
    RotateKey,
)
from recollect.usecases.racing import MAX_LOST_RACES
from tests.service import Service

SECRET = "m0-abcdefghijklmnopqrstuvwxyz"
OTHER_SECRET = "m0-zyxwvutsrqponmlkjihgfedcba"
HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)
ADA = Subject(SubjectKind.USER, "ada")


class StoppedClock:
    """Stands still unless a test moves it."""

    def __init__(self) -> None:
        self._now = NOON

    def __call__(self) -> datetime:
        return self._now

    def forward(self, time: timedelta) -> None:
        self._now += time


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def create(service: Service, clock: StoppedClock) -> CreateKey:
    secrets = iter([SECRET, OTHER_SECRET])
    ports = service.ports
    return CreateKey(service.store.keys, ports.projects, clock, ports.new_id, lambda: next(secrets))


@pytest.fixture
def check(service: Service, clock: StoppedClock) -> CheckKey:
    return CheckKey(service.store.keys, clock)


@pytest.fixture
def rotate(service: Service, clock: StoppedClock) -> RotateKey:
    return RotateKey(service.store.keys, clock, service.ports.new_id, lambda: OTHER_SECRET)


def members(service: Service, **roles: Role) -> None:
    """Let the project have members, `ada=Role.OWNER`."""
    found = {f"{name}@example.com": role for name, role in roles.items()}
    service.change_project("acme", lambda settings: replace(settings, members=found))


def test_a_key_opens_its_project(service: Service, create: CreateKey) -> None:
    key, secret = create("acme", " laptop ")

    assert secret == SECRET
    assert KEY_PATTERN.fullmatch(secret)
    assert (key.project, key.name, key.revoked_at) == ("acme", "laptop", None)
    assert CheckKey(service.store.keys, service.clock)(secret) == key


@pytest.mark.parametrize("name", ["", "  ", "x" * (MAX_NAME_LENGTH + 1)])
def test_a_key_needs_a_name(service: Service, create: CreateKey, name: str) -> None:
    with pytest.raises(InvalidRequestError, match="name must have"):
        create("acme", name)

    assert ListKeys(service.store.keys)("acme") == []


@pytest.mark.parametrize("project", ["", "x" * 201, "\N{CJK UNIFIED IDEOGRAPH-9803}" * 67])
def test_a_project_needs_a_name_that_can_be_a_key(create: CreateKey, project: str) -> None:
    with pytest.raises(InvalidRequestError, match="project's name"):
        create(project, "laptop")


@pytest.mark.parametrize("secret", ["", "m0-", "m0-unknown-but-well-formed", "sk-" + SECRET[3:]])
def test_an_unknown_key_opens_nothing(service: Service, create: CreateKey, secret: str) -> None:
    create("acme", "laptop")

    assert CheckKey(service.store.keys, service.clock)(secret) is None


def test_the_hash_of_a_key_is_not_a_key(service: Service, create: CreateKey) -> None:
    _, secret = create("acme", "laptop")

    assert CheckKey(service.store.keys, service.clock)("m0-" + hash_key(secret)) is None


def test_a_project_lists_its_keys_oldest_first(service: Service, create: CreateKey) -> None:
    first, _ = create("acme", "b")
    second, _ = create("acme", "a")

    assert ListKeys(service.store.keys)("acme") == [first, second]
    assert ListKeys(service.store.keys)("other") == []


def test_a_revoked_key_opens_nothing_and_stays_listed(service: Service, create: CreateKey) -> None:
    keys = service.store.keys
    key, secret = create("acme", "laptop")
    other, other_secret = create("acme", "phone")

    revoked = RevokeKey(keys, service.clock)("acme", key.id)

    assert revoked.revoked_at is not None
    assert CheckKey(keys, service.clock)(secret) is None
    assert CheckKey(keys, service.clock)(other_secret) == other
    assert ListKeys(keys)("acme") == [revoked, other]


def test_revoking_twice_changes_nothing(service: Service, create: CreateKey) -> None:
    revoke = RevokeKey(service.store.keys, service.clock)
    key, _ = create("acme", "laptop")

    assert revoke("acme", key.id) == revoke("acme", key.id)


def test_a_key_of_another_project_cannot_be_revoked(service: Service, create: CreateKey) -> None:
    key, secret = create("acme", "laptop")

    with pytest.raises(NotFoundError):
        RevokeKey(service.store.keys, service.clock)("other", key.id)

    assert CheckKey(service.store.keys, service.clock)(secret) == key


def test_a_key_opens_what_it_was_made_for(create: CreateKey, check: CheckKey) -> None:
    grant = KeyGrant(
        role=Role.READER,
        subject=ADA,
        expires_at=NOON + HOUR,
        limits=Limits(requests_per_minute=1, tokens_per_day=2),
    )

    key, secret = create("acme", "laptop", grant)

    assert check(secret) == key
    assert {name: getattr(key, name) for name in vars(grant)} == vars(grant)


def test_a_key_of_which_nothing_is_said_opens_everything(create: CreateKey) -> None:
    key, _ = create("acme", "laptop")

    assert (key.role, key.subject, key.expires_at) == (Role.OWNER, None, None)
    assert (key.limits, key.member) == (Limits(), None)


def test_an_expired_key_opens_nothing_and_stays_listed(
    service: Service, create: CreateKey, check: CheckKey, clock: StoppedClock
) -> None:
    key, secret = create("acme", "laptop", KeyGrant(expires_at=NOON + HOUR))

    clock.forward(HOUR - TICK)
    assert check(secret) == key
    clock.forward(TICK)

    assert check(secret) is None
    assert ListKeys(service.store.keys)("acme") == [key]


@pytest.mark.parametrize("ahead", [-HOUR, timedelta(0)])
def test_a_key_cannot_be_made_expired(
    service: Service, create: CreateKey, ahead: timedelta
) -> None:
    with pytest.raises(InvalidRequestError, match="expires_at must lie in the future"):
        create("acme", "laptop", KeyGrant(expires_at=NOON + ahead))

    assert ListKeys(service.store.keys)("acme") == []


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("is_said", [False, True])
def test_a_members_key_has_the_members_role(
    service: Service, create: CreateKey, role: Role, *, is_said: bool
) -> None:
    members(service, ada=role)

    key, _ = create(
        "acme", "laptop", KeyGrant(member=" ADA@example.com", role=role if is_said else None)
    )

    assert (key.member, key.role) == ("ada@example.com", role)


@pytest.mark.parametrize(
    ("grant", "said"),
    [
        (KeyGrant(member="bob@example.com"), "member must be"),
        (KeyGrant(member="bob"), "email must be"),
        (KeyGrant(member="ada@example.com", role=Role.OWNER), "the member's role, READER"),
    ],
)
def test_a_key_is_for_a_member_as_the_member_is(
    service: Service, create: CreateKey, grant: KeyGrant, said: str
) -> None:
    members(service, ada=Role.READER)

    with pytest.raises(InvalidRequestError, match=said):
        create("acme", "laptop", grant)

    assert ListKeys(service.store.keys)("acme") == []


def test_a_successor_opens_the_same_and_the_key_expires_after_the_overlap(
    service: Service, create: CreateKey, check: CheckKey, rotate: RotateKey, clock: StoppedClock
) -> None:
    members(service, ada=Role.READER)
    limits = Limits(requests_per_minute=5)
    grant = KeyGrant(subject=ADA, limits=limits, member="ada@example.com")
    key, secret = create("acme", "laptop", grant)

    successor, new_secret = rotate("acme", key.id)

    assert successor == replace(key, id=successor.id, created_at=NOON)
    assert successor.id != key.id
    assert (check(new_secret), new_secret) == (successor, OTHER_SECRET)
    assert ListKeys(service.store.keys)("acme")[0].expires_at == NOON + DEFAULT_OVERLAP
    clock.forward(DEFAULT_OVERLAP - TICK)
    assert check(secret) is not None
    clock.forward(TICK)
    assert check(secret) is None
    assert check(new_secret) == successor


def test_without_overlap_a_rotated_key_is_useless_at_once(
    create: CreateKey, check: CheckKey, rotate: RotateKey
) -> None:
    key, secret = create("acme", "laptop")

    rotate("acme", key.id, timedelta(0))

    assert check(secret) is None
    assert check(OTHER_SECRET) is not None


def test_a_rotation_never_lengthens_a_keys_life(
    service: Service, create: CreateKey, rotate: RotateKey
) -> None:
    ends = NOON + HOUR
    key, _ = create("acme", "laptop", KeyGrant(expires_at=ends))

    successor, _ = rotate("acme", key.id, MAX_OVERLAP)

    [old, new] = ListKeys(service.store.keys)("acme")
    assert (old.expires_at, new.expires_at) == (ends, ends)
    assert new == successor


@pytest.mark.parametrize("overlap", [-TICK, MAX_OVERLAP + TICK])
def test_an_overlap_has_limits(
    service: Service, create: CreateKey, rotate: RotateKey, overlap: timedelta
) -> None:
    key, _ = create("acme", "laptop")

    with pytest.raises(InvalidRequestError, match="overlap_seconds must be between 0 and 2592000"):
        rotate("acme", key.id, overlap)

    assert ListKeys(service.store.keys)("acme") == [key]


def test_a_revoked_key_is_not_rotated(
    service: Service, create: CreateKey, rotate: RotateKey
) -> None:
    key, _ = create("acme", "laptop")
    revoked = RevokeKey(service.store.keys, service.clock)("acme", key.id)

    with pytest.raises(ConflictError, match="revoked or has expired"):
        rotate("acme", key.id)

    assert ListKeys(service.store.keys)("acme") == [revoked]


def test_an_expired_key_is_not_rotated(
    service: Service, create: CreateKey, rotate: RotateKey, clock: StoppedClock
) -> None:
    key, _ = create("acme", "laptop", KeyGrant(expires_at=NOON + HOUR))
    clock.forward(HOUR)

    with pytest.raises(ConflictError, match="revoked or has expired"):
        rotate("acme", key.id)

    assert ListKeys(service.store.keys)("acme") == [key]


def test_a_key_of_another_project_cannot_be_rotated(create: CreateKey, rotate: RotateKey) -> None:
    key, _ = create("acme", "laptop")

    with pytest.raises(NotFoundError):
        rotate("other", key.id)


@dataclass(frozen=True)
class ContestedKeys:
    """Keys that somebody else changes whenever they were read, so many times."""

    keys: Keys
    changes: list[dict[str, Any]]

    def list(self, project: str) -> "list[ApiKey]":
        """Return the keys as they were before the change."""
        found = self.keys.list(project)
        if self.changes:
            change = self.changes.pop(0)
            self.keys.replace(project, found[0], replace(found[0], **change))
        return found

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever Keys has
        return getattr(self.keys, name)


def test_revoking_keeps_what_others_change_meanwhile(service: Service, create: CreateKey) -> None:
    key, _ = create("acme", "laptop")
    contested = ContestedKeys(service.store.keys, [{"role": Role.READER}])

    revoked = RevokeKey(contested, service.clock)("acme", key.id)

    assert revoked.revoked_at is not None
    assert revoked.role is Role.READER
    assert ListKeys(service.store.keys)("acme") == [revoked]


def test_whoever_is_always_slower_is_told(service: Service, create: CreateKey) -> None:
    key, _ = create("acme", "laptop")
    names = [{"name": f"name {number}"} for number in range(MAX_LOST_RACES)]

    with pytest.raises(ConflictError, match="try again"):
        RevokeKey(ContestedKeys(service.store.keys, names), service.clock)("acme", key.id)

    assert ListKeys(service.store.keys)("acme")[0].revoked_at is None


def test_a_key_that_is_demoted_while_it_is_rotated_has_no_known_successor(
    service: Service, create: CreateKey, rotate: RotateKey
) -> None:
    key, _ = create("acme", "laptop")
    contested = ContestedKeys(service.store.keys, [{"role": Role.READER}])

    with pytest.raises(ConflictError, match="changed by somebody else"):
        replace(rotate, keys=contested)("acme", key.id)

    [old, _orphan] = ListKeys(service.store.keys)("acme")
    assert (old.role, old.expires_at) == (Role.READER, None)
