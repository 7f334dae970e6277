"""What a project has set for itself."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from recollect.domain.errors import InvalidRequestError
from recollect.domain.guidance import Guidance
from recollect.domain.keys import Limits, Role
from recollect.domain.members import checked_members
from recollect.domain.redaction import Redaction

MAX_SETTINGS_BYTES = 300_000
"""Bytes of all texts together as JSON: an item of a table can have 400 KB."""
MAX_EPISODE_DAYS = 3650
MAX_NAME_LENGTH = 200
MAX_DESCRIPTION_LENGTH = 2_000


@dataclass(frozen=True, kw_only=True)
class ProjectSettings:
    """How a project wants its conversations to be read and kept.

    With `is_redacted`, card numbers, secrets and what `redaction_patterns` (regular expressions)
    match are taken out before anything is stored or shown to a model. Messages of an add are kept
    for `episode_days`, or as long as its subjects if that is None. With `has_graph`, what is added
    is read for the graph, and searches look there, unless a call says otherwise. With `has_decay`,
    memories that searches do not show fade. `members` has the e-mail addresses of those who may
    work with the project, and the role of each. `version` grows by one with every change, from 0
    for what nobody has changed.

    Raises `InvalidRequestError` for what cannot be used or kept.
    """

    guidance: Guidance = field(default_factory=Guidance)
    is_redacted: bool = False
    redaction_patterns: tuple[str, ...] = ()
    episode_days: int | None = None
    has_graph: bool = False
    has_decay: bool = False
    members: Mapping[str, Role] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    """Of all keys together; only who runs the service sets them."""
    name: str | None = None
    """What people call it; its id unless it was given one."""
    description: str | None = None
    version: int = 0

    def __post_init__(self) -> None:
        """Refuse settings that would fail later, where nobody sees it."""
        Redaction(self.redaction_patterns)
        checked_members(self.members)
        _check_length("name", self.name, MAX_NAME_LENGTH)
        _check_length("description", self.description, MAX_DESCRIPTION_LENGTH)
        days = self.episode_days
        if days is not None and not 1 <= days <= MAX_EPISODE_DAYS:
            message = f"Episodes must be kept for 1 to {MAX_EPISODE_DAYS} days"
            raise InvalidRequestError(message)
        written = json.dumps(self._texts, ensure_ascii=False)
        if len(written.encode(errors="surrogatepass")) > MAX_SETTINGS_BYTES:
            message = f"A project's settings must have at most {MAX_SETTINGS_BYTES} bytes as JSON"
            raise InvalidRequestError(message)

    @property
    def redaction(self) -> Redaction | None:
        """What is taken out of all that is remembered; None if nothing is."""
        return Redaction(self.redaction_patterns) if self.is_redacted else None

    @property
    def _texts(self) -> list[str]:
        wishes = dict(vars(self.guidance))
        categories = wishes.pop("categories") or {}
        return [*wishes.values(), *categories, *categories.values(), *self.redaction_patterns]


def _check_length(name: str, text: str | None, most: int) -> None:
    if text is not None and not 1 <= len(text.strip()) <= len(text) <= most:
        message = f"A project's {name} must have 1 to {most} characters"
        raise InvalidRequestError(message)
