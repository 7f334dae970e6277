"""Time, ids and secrets, the only things that differ from one run to the next."""

import secrets
import uuid
from datetime import UTC, datetime

from recollect.domain.keys import KEY_PREFIX

KEY_BYTES = 24


def now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """Return a random UUID."""
    return str(uuid.uuid4())


def new_secret() -> str:
    """Return a new API key."""
    return KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)
