"""The stored form of what API keys open, the same in every record."""

from typing import Any

from recollect.adapters.stored import Document, time_in, time_or_none
from recollect.domain.keys import ApiKey, Limits, Role
from recollect.domain.subjects import Subject, SubjectKind


def dump_grant(key: ApiKey) -> Document:
    """Return what the key opens, and for how long, as a document."""
    return {
        "role": key.role,
        "subject": [key.subject.kind, key.subject.name] if key.subject else None,
        "expires_at": time_or_none(key.expires_at),
        "limits": vars(key.limits),
        "member": key.member,
    }


def load_grant(document: Document | None) -> dict[str, Any]:
    """Return the fields of a key that `dump_grant` wrote.

    There is no document of keys that the release before made: each opens its whole project.
    """
    if document is None:
        return {}
    return {
        "role": Role(document["role"]),
        "subject": _subject(document["subject"]),
        "expires_at": time_in(document["expires_at"]),
        "limits": Limits(**document["limits"]),
        "member": document["member"],
    }


def _subject(pair: list[str] | None) -> Subject | None:
    return Subject(SubjectKind(pair[0]), pair[1]) if pair else None
