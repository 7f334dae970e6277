"""API keys: shown once, stored as hashes."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

KEY_PREFIX = "m0-"
"""mem0's tools refuse keys that do not start so."""
KEY_PATTERN = re.compile(r"m0-[A-Za-z0-9_-]{20,128}")


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """What is known of a key; the key itself is not."""

    id: str
    project: str
    name: str
    created_at: datetime
    revoked_at: datetime | None = None


def hash_key(secret: str) -> str:
    """Return the form in which a key is stored and looked up.

    Plain SHA-256 is enough: keys carry 192 bits of randomness, so there is nothing to guess.
    """
    return hashlib.sha256(secret.encode()).hexdigest()
