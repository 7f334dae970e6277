"""Counting what keys use, and refusing what is over their limits or their project's."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from datetime import date, datetime

from recollect.domain.errors import InvalidRequestError, NotFoundError
from recollect.domain.keys import ApiKey, Limits
from recollect.domain.usage import KEPT_DAYS, Bearer, Counts, KeyDay, Window, day_of, minute_of
from recollect.ports.keys import Keys
from recollect.ports.projects import SettingsStore
from recollect.ports.usage import Usage
from recollect.usecases.manage_projects import ChangeProject

UNLIMITED = Limits()
USUAL_DAYS = 30
MOST_LINES = 20_000
"""Of one answer: as JSON some 100 bytes each, and a function may answer 6 MB."""


@dataclass(frozen=True)
class Admission:
    """A request that may go on, and of its limits the one that is nearest, if it has any."""

    counting: Future[Counts]
    window: Window | None = None

    def settle(self, seconds: float) -> None:
        """Wait until the request is counted, but no longer.

        Raises `TimeoutError`, and `UnavailableError` if it was not counted.
        """
        self.counting.result(timeout=seconds)


@dataclass(frozen=True)
class Meter:
    """Count requests and tokens, and stop whoever has used up a limit.

    Every request costs one write. Those of keys without a limit, in projects without one, do not
    wait for it: it is made by one of the `threads`.
    """

    usage: Usage
    projects: SettingsStore
    threads: Executor
    now: Callable[[], datetime]

    def admit(self, key: ApiKey) -> Admission:
        """Count a request of the key.

        Raises `LimitReachedError` if the key or its project has used up a limit; what is refused
        for the key is not counted against the project's minute, so that no key can use that up for
        others. Raises `UnavailableError` if it is not known what is used of a limit.
        """
        now = self.now()
        of_all = self.projects.get(key.project).limits
        counting = self.threads.submit(
            self.usage.add, key.project, key.id, day_of(now), Counts(requests=1)
        )
        if key.limits == of_all == UNLIMITED:
            return Admission(counting)
        windows = [
            *_checked(self._of_key(key, counting, now), now),
            *_checked(self._of_project(key.project, of_all, now), now),
        ]
        return Admission(counting, min(windows, key=lambda window: window.left))

    def spend(self, project: str, key_id: str, tokens: int) -> None:
        """Count tokens that language models read and wrote for the key.

        Whoever is refused for them is refused the next time. Raises `UnavailableError`.
        """
        if tokens:
            self.usage.add(project, key_id, day_of(self.now()), Counts(tokens=tokens))

    def _of_key(self, key: ApiKey, counting: Future[Counts], now: datetime) -> list[Window]:
        limits, windows = key.limits, []
        if limits.requests_per_minute:
            made = self.usage.add_to_minute(key.project, minute_of(now), key.id)
            windows.append(Window.of_minute(Bearer.KEY, limits.requests_per_minute, made, now))
        tokens = counting.result().tokens
        if limits.tokens_per_day:
            windows.append(Window.of_day(Bearer.KEY, limits.tokens_per_day, tokens, now))
        return windows

    def _of_project(self, project: str, limits: Limits, now: datetime) -> list[Window]:
        windows = []
        if limits.requests_per_minute:
            made = self.usage.add_to_minute(project, minute_of(now))
            windows.append(Window.of_minute(Bearer.PROJECT, limits.requests_per_minute, made, now))
        if limits.tokens_per_day:
            tokens = self.usage.total(project, day_of(now)).tokens
            windows.append(Window.of_day(Bearer.PROJECT, limits.tokens_per_day, tokens, now))
        return windows


@dataclass(frozen=True)
class UsageOfDays:
    """What the keys of a project used from the first day to the last, both included."""

    first: date
    last: date
    lines: Sequence[KeyDay]

    @property
    def total(self) -> Counts:
        """What all keys used on all days."""
        return sum((line.counts for line in self.lines), Counts())


@dataclass(frozen=True)
class ReadUsage:
    """Tell what the keys of a project use."""

    usage: Usage
    now: Callable[[], datetime]

    def __call__(
        self, project: str, first: date | None = None, last: date | None = None
    ) -> UsageOfDays:
        """Return what was used on these days, by day and then by key.

        The last is today if not given, and the first so that there are 30. Raises
        `InvalidRequestError` for no day at all, for more than 400, and for more than one answer can
        hold.
        """
        end = last or day_of(self.now())
        start = first or date.fromordinal(max(1, end.toordinal() - USUAL_DAYS + 1))
        if not 0 <= (end - start).days < KEPT_DAYS:
            message = f"From start to end there must be 1 to {KEPT_DAYS} days"
            raise InvalidRequestError(message)
        lines = self.usage.days(project, start, end, limit=MOST_LINES + 1)
        if len(lines) > MOST_LINES:
            message = "Too many keys were used on these days: ask for fewer days"
            raise InvalidRequestError(message)
        return UsageOfDays(start, end, lines)


@dataclass(frozen=True)
class LimitProject:
    """Set how much all keys of a project together may use."""

    keys: Keys
    change: ChangeProject

    def __call__(self, project: str, limits: Mapping[str, int | None]) -> Limits:
        """Return the project's limits; those that are not given stay, and None takes one away.

        Raises `NotFoundError` if there is no such project, `InvalidRequestError` for a limit that
        is none, and `ConflictError`.
        """
        if not self.keys.list(project):
            message = "There is no such project"
            raise NotFoundError(message)
        changed = self.change(
            project, lambda before: replace(before, limits=replace(before.limits, **limits))
        )
        return changed.limits


def _checked(windows: Sequence[Window], now: datetime) -> Sequence[Window]:
    for window in windows:
        window.check(now)
    return windows
