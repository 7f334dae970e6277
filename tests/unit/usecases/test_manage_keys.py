"""What API keys promise: shown once, kept as hashes, useless once revoked."""

import pytest

from recollect.domain.errors import InvalidRequestError, NotFoundError
from recollect.domain.keys import KEY_PATTERN, hash_key
from recollect.usecases.manage_keys import (
    MAX_NAME_LENGTH,
    CheckKey,
    CreateKey,
    ListKeys,
    RevokeKey,
)
from tests.service import Service

SECRET = "m0-abcdefghijklmnopqrstuvwxyz"
OTHER_SECRET = "m0-zyxwvutsrqponmlkjihgfedcba"


@pytest.fixture
def create(service: Service) -> CreateKey:
    secrets = iter([SECRET, OTHER_SECRET])
    ports = service.ports
    return CreateKey(service.store.keys, ports.now, ports.new_id, lambda: next(secrets))


def test_a_key_opens_its_project(service: Service, create: CreateKey) -> None:
    key, secret = create("acme", " laptop ")

    assert secret == SECRET
    assert KEY_PATTERN.fullmatch(secret)
    assert (key.project, key.name, key.revoked_at) == ("acme", "laptop", None)
    assert CheckKey(service.store.keys)(secret) == key


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

    assert CheckKey(service.store.keys)(secret) is None


def test_the_hash_of_a_key_is_not_a_key(service: Service, create: CreateKey) -> None:
    _, secret = create("acme", "laptop")

    assert CheckKey(service.store.keys)("m0-" + hash_key(secret)) is None


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
    assert CheckKey(keys)(secret) is None
    assert CheckKey(keys)(other_secret) == other
    assert ListKeys(keys)("acme") == [revoked, other]


def test_revoking_twice_changes_nothing(service: Service, create: CreateKey) -> None:
    revoke = RevokeKey(service.store.keys, service.clock)
    key, _ = create("acme", "laptop")

    assert revoke("acme", key.id) == revoke("acme", key.id)


def test_a_key_of_another_project_cannot_be_revoked(service: Service, create: CreateKey) -> None:
    key, secret = create("acme", "laptop")

    with pytest.raises(NotFoundError):
        RevokeKey(service.store.keys, service.clock)("other", key.id)

    assert CheckKey(service.store.keys)(secret) == key
