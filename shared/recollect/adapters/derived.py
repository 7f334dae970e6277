"""What is derived from a project's secret: markers of texts and ids of turns, in every record."""

import hashlib
import hmac

from recollect.domain.subjects import Scope


def text_marker(secret: bytes, text: str) -> bytes:
    """Return what stands for a text where it must be unique but not readable."""
    return hmac.digest(secret, text.encode(), "sha256")[:16]


def turn_id(secret: bytes, scope: Scope, number: int) -> str:
    """Return the id of a scope's verbatim memory by its turn, in the shape of a UUID version 4.

    Anyone who knows the project's secret can compute the ids of the turns before and after.
    """
    digest = hmac.digest(secret, f"{scope.key}/{number}".encode(), hashlib.sha256)
    text = bytearray(digest[:16])
    text[6] = text[6] & 0x0F | 0x40
    text[8] = text[8] & 0x3F | 0x80
    raw = text.hex()
    return f"{raw[:8]}-{raw[8:12]}-{raw[12:16]}-{raw[16:20]}-{raw[20:]}"
