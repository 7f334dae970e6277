"""What callers get of API keys."""

from typing import NotRequired

from typing_extensions import TypedDict

from recollect.domain.keys import ApiKey
from recollect.domain.subjects import SubjectKind
from recollect.entrypoints.times import time_text, time_text_or_none


class KeyAnswer(TypedDict):
    """What is known of a key; `key` itself only when it is made.

    Of the four entity ids the one that it is bound to is set. Limits that are null are none.
    """

    id: str
    name: str
    project_id: str
    role: str
    user_id: str | None
    agent_id: str | None
    app_id: str | None
    run_id: str | None
    requests_per_minute: int | None
    tokens_per_day: int | None
    member: str | None
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    key: NotRequired[str]


class KeysAnswer(TypedDict):
    """The keys of a project."""

    results: list[KeyAnswer]


def key_answer(key: ApiKey, secret: str | None = None) -> KeyAnswer:
    """Return what is known of a key, with the key itself if it was just made."""
    answer: KeyAnswer = {
        "id": key.id,
        "name": key.name,
        "project_id": key.project,
        "role": key.role,
        "user_id": _name(key, SubjectKind.USER),
        "agent_id": _name(key, SubjectKind.AGENT),
        "app_id": _name(key, SubjectKind.APP),
        "run_id": _name(key, SubjectKind.RUN),
        "requests_per_minute": key.limits.requests_per_minute,
        "tokens_per_day": key.limits.tokens_per_day,
        "member": key.member,
        "created_at": time_text(key.created_at),
        "expires_at": time_text_or_none(key.expires_at),
        "revoked_at": time_text_or_none(key.revoked_at),
    }
    if secret is not None:
        answer["key"] = secret
    return answer


def _name(key: ApiKey, kind: SubjectKind) -> str | None:
    return key.subject.name if key.subject and key.subject.kind is kind else None
