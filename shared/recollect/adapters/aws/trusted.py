"""What one process trusts of keys and settings for a minute, instead of looking it up each time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Generic, TypeVar

from recollect.domain.keys import ApiKey
from recollect.domain.projects import ProjectSettings
from recollect.domain.webhooks import ProjectWebhooks
from recollect.ports.keys import Keys
from recollect.ports.projects import SettingsStore
from recollect.ports.webhooks import Webhooks

LONGEST_TRUST = timedelta(seconds=60)
"""How long a key that was revoked elsewhere may still open its project, and how long settings that
were changed elsewhere may still be followed."""
MAX_TRUSTED = 10_000
MAX_TRUSTED_SETTINGS = 100
"""Each may have 300 KB."""
MAX_TRUSTED_WEBHOOKS = 1_000
"""Those of a project may have 60 KB; most projects have none."""

Found = TypeVar("Found")


@dataclass(frozen=True)
class _Trusted(Generic[Found]):
    """What was found under at most so many names, each for at most a minute."""

    most: int
    _kept: dict[str, tuple[datetime, Found]] = field(default_factory=dict)

    def recall(self, name: str, now: datetime) -> Found | None:
        """Return what was found less than a minute before, or None."""
        seen = self._kept.get(name)
        return seen[1] if seen and now - seen[0] < LONGEST_TRUST else None

    def keep(self, name: str, found: Found, since: datetime) -> Found:
        """Return what was found, and remember it."""
        if len(self._kept) >= self.most:
            self._kept.clear()
        self._kept[name] = (since, found)
        return found

    def forget(self, name: str) -> None:
        """Have this looked up the next time."""
        self._kept.pop(name, None)

    def forget_all(self) -> None:
        """Have everything looked up the next time."""
        self._kept.clear()


@dataclass(frozen=True)
class TrustedKeys:
    """Keys that are looked up at most once a minute by one process; changes go straight through."""

    keys: Keys
    now: Callable[[], datetime]

    @cached_property
    def _trusted(self) -> _Trusted[ApiKey]:
        return _Trusted(MAX_TRUSTED)

    def find(self, key_hash: str) -> ApiKey | None:
        """Return the key as it was at most a minute ago; unknown ones are always looked up."""
        asked_at = self.now()
        seen = self._trusted.recall(key_hash, asked_at)
        if seen:
            return seen
        key = self.keys.find(key_hash)
        return self._trusted.keep(key_hash, key, asked_at) if key else None

    def create(self, project: str, key: ApiKey, key_hash: str) -> None:
        """Store a new key, and the project if it is new."""
        self.keys.create(project, key, key_hash)

    def list(self, project: str) -> "list[ApiKey]":
        """Return the project's keys, oldest first."""
        return self.keys.list(project)

    def replace(self, project: str, before: ApiKey, after: ApiKey) -> None:
        """Store a key's new state, and trust no older one here."""
        try:
            self.keys.replace(project, before, after)
        finally:
            self._trusted.forget_all()

    def projects(self) -> Sequence[str]:
        """Return every project that has, or had, a key, by name."""
        return self.keys.projects()


@dataclass(frozen=True)
class TrustedSettings:
    """Settings that one process looks up at most once a minute; its own changes it sees at once."""

    settings: SettingsStore
    now: Callable[[], datetime]

    @cached_property
    def _trusted(self) -> _Trusted[ProjectSettings]:
        return _Trusted(MAX_TRUSTED_SETTINGS)

    def get(self, project: str) -> ProjectSettings:
        """Return the settings as they were at most a minute ago."""
        asked_at = self.now()
        seen = self._trusted.recall(project, asked_at)
        return seen or self._trusted.keep(project, self.settings.get(project), asked_at)

    def replace(self, project: str, settings: ProjectSettings) -> None:
        """Store new settings, and look them up the next time, also if somebody else was faster."""
        try:
            self.settings.replace(project, settings)
        finally:
            self._trusted.forget(project)


@dataclass(frozen=True)
class TrustedWebhooks:
    """Webhooks that one process looks up at most once a minute, also that there are none."""

    webhooks: Webhooks
    now: Callable[[], datetime]

    @cached_property
    def _trusted(self) -> _Trusted[ProjectWebhooks]:
        return _Trusted(MAX_TRUSTED_WEBHOOKS)

    def of(self, project: str) -> ProjectWebhooks:
        """Return the webhooks as they were at most a minute ago."""
        asked_at = self.now()
        seen = self._trusted.recall(project, asked_at)
        return seen or self._trusted.keep(project, self.webhooks.of(project), asked_at)

    def replace(self, project: str, webhooks: ProjectWebhooks) -> None:
        """Store new webhooks, and look them up the next time, also if somebody else was faster."""
        try:
            self.webhooks.replace(project, webhooks)
        finally:
            self._trusted.forget(project)
