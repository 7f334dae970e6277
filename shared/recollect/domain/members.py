"""Who may work with a project: e-mail addresses, and the role of each."""

import re
from collections.abc import Mapping

from recollect.domain.errors import InvalidRequestError
from recollect.domain.keys import Role

MAX_MEMBERS = 100
MAX_EMAIL_LENGTH = 254
"""Characters: RFC 5321 lets no longer address be written to."""
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+")


def checked_email(text: str) -> str:
    """Return an e-mail address, trimmed and in lower case, in which one is always written here.

    Raises `InvalidRequestError` for what cannot be one. Nothing is ever sent to it.
    """
    email = text.strip().lower()
    if len(email) > MAX_EMAIL_LENGTH or not _EMAIL.fullmatch(email) or not email.isprintable():
        message = "email must be an e-mail address such as ada@example.com"
        raise InvalidRequestError(message)
    return email


def checked_members(members: Mapping[str, Role]) -> Mapping[str, Role]:
    """Return the members of a project; raise `InvalidRequestError` if they are too many."""
    if len(members) > MAX_MEMBERS:
        message = f"A project can have at most {MAX_MEMBERS} members"
        raise InvalidRequestError(message)
    return members
