"""Time, ids and secrets, the only things that differ from one run to the next."""

import secrets
import uuid
from datetime import UTC, datetime

from recollect.domain.keys import KEY_PREFIX

KEY_BYTES = 24
SIGNING_PREFIX = "whsec_"
SIGNING_BYTES = 32
"""What HMAC-SHA256 makes full use of."""


def now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """Return a random UUID."""
    return str(uuid.uuid4())


def new_secret() -> str:
    """Return a new API key."""
    return KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)


def new_signing_secret() -> str:
    """Return a new secret that requests to a webhook are signed with."""
    return SIGNING_PREFIX + secrets.token_urlsafe(SIGNING_BYTES)
