"""What callers send about API keys, and its meaning in our words."""

from datetime import timedelta

from pydantic import BaseModel, Field, StrictStr

from recollect.domain.errors import InvalidRequestError
from recollect.domain.keys import Limits, Role
from recollect.domain.subjects import Subject
from recollect.entrypoints.models import ENTITY_IDS, Whole
from recollect.entrypoints.times import Timestamp, time_from
from recollect.usecases.manage_keys import DEFAULT_OVERLAP, MAX_OVERLAP, KeyGrant

_BOUND = "Binds the key to this {}: it opens nothing else."


class KeyBody(BaseModel):
    """The body that makes a key; of the four entity ids there may be one."""

    name: StrictStr = Field("key", description="To recognise it by.")
    role: Role | None = Field(
        None, description="READER may only read; OWNER if not given, or as the member has it."
    )
    user_id: StrictStr | None = Field(None, description=_BOUND.format("user"))
    agent_id: StrictStr | None = Field(None, description=_BOUND.format("agent"))
    app_id: StrictStr | None = Field(None, description=_BOUND.format("app"))
    run_id: StrictStr | None = Field(None, description=_BOUND.format("run"))
    expires_at: Timestamp | None = Field(
        None, description="Until when it is good: ISO 8601 or unix seconds; for ever if not given."
    )
    requests_per_minute: Whole | None = Field(None, description="No limit if not given.")
    tokens_per_day: Whole | None = Field(
        None, description="Tokens that language models may read and write; no limit if not given."
    )
    member: StrictStr | None = Field(
        None, description="E-mail address of the member it is for: it goes when the member does."
    )

    @property
    def grant(self) -> KeyGrant:
        """What the key opens; raises `InvalidRequestError`."""
        limits = Limits(
            requests_per_minute=self.requests_per_minute, tokens_per_day=self.tokens_per_day
        )
        return KeyGrant(
            role=self.role,
            subject=self._subject,
            expires_at=time_from(self.expires_at, "expires_at"),
            limits=limits,
            member=self.member,
        )

    @property
    def _subject(self) -> Subject | None:
        given = {kind: getattr(self, field) for field, kind in ENTITY_IDS.items()}
        subjects = [Subject.of(kind, name) for kind, name in given.items() if name is not None]
        if len(subjects) > 1:
            message = f"A key can be bound to one of {', '.join(ENTITY_IDS)} only"
            raise InvalidRequestError(message)
        return subjects[0] if subjects else None


class RotateBody(BaseModel):
    """The body that makes a key's successor."""

    overlap_seconds: Whole = Field(
        int(DEFAULT_OVERLAP.total_seconds()),
        description="How long the key itself stays good.",
        ge=0,
        le=int(MAX_OVERLAP.total_seconds()),
    )

    @property
    def overlap(self) -> timedelta:
        """How long the key itself stays good."""
        return timedelta(seconds=self.overlap_seconds)
