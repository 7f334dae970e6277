"""What makes, checks and changes API keys and members in the configured edition."""

from recollect.bootstrap import stores
from recollect.bootstrap.chance import new_id, new_secret, now
from recollect.bootstrap.configuration import once
from recollect.usecases.manage_keys import CheckKey, CreateKey, ListKeys, RevokeKey, RotateKey
from recollect.usecases.manage_members import ManageMembers


@once
def check_key() -> CheckKey:
    """Return the use case that tells which project a key opens."""
    return CheckKey(stores.trusted_keys(), now)


@once
def create_key() -> CreateKey:
    """Return the use case that makes keys."""
    return CreateKey(stores.trusted_keys(), stores.store().projects, now, new_id, new_secret)


@once
def list_keys() -> ListKeys:
    """Return the use case that lists keys."""
    return ListKeys(stores.trusted_keys())


@once
def revoke_key() -> RevokeKey:
    """Return the use case that revokes keys."""
    return RevokeKey(stores.trusted_keys(), now)


@once
def rotate_key() -> RotateKey:
    """Return the use case that makes successors of keys."""
    return RotateKey(stores.trusted_keys(), now, new_id, new_secret)


@once
def manage_members() -> ManageMembers:
    """Return the use case behind members."""
    return ManageMembers(stores.store().projects, stores.trusted_keys(), now)
