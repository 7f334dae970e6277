"""Every request is counted; who has used up a limit is refused until its minute or day is over."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from recollect.adapters.local.usage import LocalUsage
from recollect.domain.errors import (
    InvalidRequestError,
    LimitReachedError,
    NotFoundError,
    UnavailableError,
)
from recollect.domain.keys import ApiKey, Limits
from recollect.domain.projects import ProjectSettings
from recollect.domain.usage import DAY, KEPT_DAYS, MINUTE, Counts, KeyDay, day_of
from recollect.ports.usage import Usage
from recollect.testing.builders import NOON, a_key
from recollect.testing.store import at_once
from recollect.usecases import metering
from recollect.usecases.manage_projects import ChangeProject
from recollect.usecases.metering import USUAL_DAYS, LimitProject, Meter, ReadUsage
from tests.service import Service

PATIENCE_SECONDS = 10
TODAY = NOON.date()
MANY = 1_000


@dataclass
class Clock:
    """A clock that stands still until it is set."""

    time: datetime = NOON

    def __call__(self) -> datetime:
        return self.time


class Held(Executor):
    """Begins nothing before it is told to."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401
        future: Future[Any] = Future()
        self.waiting.append(lambda: future.set_result(fn(*args, **kwargs)))
        return future


@dataclass(frozen=True)
class Watched(LocalUsage):
    """Notes what it is asked, and fails when told to."""

    asked: list[str] = field(default_factory=list)
    failing: set[str] = field(default_factory=set)

    def _note(self, name: str) -> None:
        self.asked.append(name)
        if name in self.failing:
            message = "The store is away"
            raise UnavailableError(message)

    def add(self, project: str, key_id: str, day: date, counts: Counts) -> Counts:
        self._note("add")
        return super().add(project, key_id, day, counts)

    def add_to_minute(self, project: str, minute: datetime, key_id: str | None = None) -> int:
        self._note("key's minute" if key_id else "project's minute")
        return super().add_to_minute(project, minute, key_id)

    def total(self, project: str, day: date) -> Counts:
        self._note("total")
        return super().total(project, day)


def spend(meter: Meter, key: ApiKey, tokens: int) -> None:
    meter.spend(key.project, key.id, tokens)


@pytest.fixture
def threads() -> Iterator[Executor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def usage(service: Service) -> Watched:
    return Watched(service.store.database)


@pytest.fixture
def meter(service: Service, usage: Watched, threads: Executor, clock: Clock) -> Meter:
    return Meter(usage, service.store.projects, threads, clock)


def a_limited_key(name: str = "a", project: str = "acme", **limits: int) -> ApiKey:
    return replace(a_key(project), id=name, limits=Limits(**limits))


def limit_project(service: Service, project: str = "acme", **limits: int) -> None:
    service.change_project(project, lambda before: replace(before, limits=Limits(**limits)))


def lines(usage: Usage, project: str = "acme", day: date = TODAY) -> dict[str, Counts]:
    return {each.key_id: each.counts for each in usage.days(project, day, day, limit=MANY)}


def refusal(meter: Meter, key: ApiKey) -> LimitReachedError:
    with pytest.raises(LimitReachedError) as refused:
        meter.admit(key)
    return refused.value


# What is counted


def test_a_request_without_limits_is_one_count_and_waits_for_nothing(
    service: Service, usage: Watched, clock: Clock
) -> None:
    held = Held()

    admission = Meter(usage, service.store.projects, held, clock).admit(a_limited_key())

    assert admission.window is None
    assert usage.asked == []
    with pytest.raises(TimeoutError):
        admission.settle(0)
    [count] = held.waiting
    count()
    admission.settle(0)
    assert usage.asked == ["add"]
    assert lines(usage) == {"a": Counts(requests=1)}


def test_tokens_are_spent_on_the_day_of_their_end(
    meter: Meter, usage: Watched, clock: Clock
) -> None:
    meter.admit(a_limited_key()).settle(PATIENCE_SECONDS)
    clock.time += DAY

    spend(meter, a_limited_key(), 70)

    assert lines(usage) == {"a": Counts(requests=1)}
    assert lines(usage, day=TODAY + DAY) == {"a": Counts(tokens=70)}


def test_no_tokens_are_no_count(meter: Meter, usage: Watched) -> None:
    spend(meter, a_limited_key(), 0)

    assert usage.asked == []


def test_what_is_refused_is_counted_as_a_request(meter: Meter, usage: Watched) -> None:
    key = a_limited_key(requests_per_minute=1)
    meter.admit(key)

    for _ in range(2):
        refusal(meter, key)

    assert lines(usage) == {"a": Counts(requests=3)}


def test_days_are_those_of_utc(meter: Meter, usage: Watched, clock: Clock) -> None:
    clock.time = datetime.fromisoformat("2026-03-02T01:30:00+02:00")

    meter.admit(a_limited_key()).settle(PATIENCE_SECONDS)

    assert lines(usage, day=date(2026, 3, 1)) == {"a": Counts(requests=1)}


def test_a_request_that_was_not_counted_says_so_at_its_end(meter: Meter, usage: Watched) -> None:
    usage.failing.add("add")

    admission = meter.admit(a_limited_key())

    with pytest.raises(UnavailableError):
        admission.settle(PATIENCE_SECONDS)


@pytest.mark.parametrize("failing", ["add", "key's minute", "project's minute", "total"])
def test_a_limit_that_cannot_be_checked_lets_nothing_through(
    service: Service, meter: Meter, usage: Watched, failing: str
) -> None:
    limit_project(service, requests_per_minute=9, tokens_per_day=9)
    usage.failing.add(failing)

    with pytest.raises(UnavailableError):
        meter.admit(a_limited_key(requests_per_minute=9))


# Requests a minute


def test_a_key_has_so_many_requests_and_then_waits_for_the_next_minute(
    meter: Meter, clock: Clock
) -> None:
    key = a_limited_key(requests_per_minute=3)
    clock.time = NOON + timedelta(seconds=20.5)

    left = [meter.admit(key).window for _ in range(3)]
    refused = refusal(meter, key)

    assert [window and (window.limit, window.left) for window in left] == [(3, 2), (3, 1), (3, 0)]
    assert {window and window.resets_at for window in left} == {NOON + MINUTE}
    assert (refused.limit, refused.retry_after) == (3, 40)
    assert refused.resets_at == NOON + MINUTE
    assert str(refused) == (
        "This API key has used up its limit of requests a minute, which is 3; try again in 40 s"
    )


def test_the_next_minute_starts_anew(meter: Meter, clock: Clock) -> None:
    key = a_limited_key(requests_per_minute=1)
    clock.time = NOON + MINUTE - timedelta(microseconds=1)
    meter.admit(key)
    assert refusal(meter, key).retry_after == 1

    clock.time = NOON + MINUTE

    assert meter.admit(key).window
    assert refusal(meter, key).retry_after == 60


def test_of_many_requests_at_once_as_many_as_may_are_let_through(
    service: Service, meter: Meter
) -> None:
    limit_project(service, requests_per_minute=10)

    def ask(number: int) -> bool:
        try:
            meter.admit(a_limited_key(str(number % 2), requests_per_minute=7))
        except LimitReachedError:
            return False
        return True

    assert at_once(ask).count(True) == 10


def test_keys_do_not_use_up_each_others_minute(meter: Meter) -> None:
    meter.admit(a_limited_key("a", requests_per_minute=1))

    meter.admit(a_limited_key("b", requests_per_minute=1))

    refusal(meter, a_limited_key("a", requests_per_minute=1))


def test_all_keys_of_a_project_share_its_minute(service: Service, meter: Meter) -> None:
    limit_project(service, requests_per_minute=2)
    meter.admit(a_limited_key("a"))
    meter.admit(a_limited_key("b"))

    refused = refusal(meter, a_limited_key("c"))

    assert str(refused) == (
        "This project has used up its limit of requests a minute, which is 2; try again in 60 s"
    )
    assert meter.admit(a_limited_key("a", project="globex")).window is None


def test_what_is_refused_for_a_key_uses_up_nothing_of_its_project(
    service: Service, meter: Meter, usage: Watched
) -> None:
    limit_project(service, requests_per_minute=2)
    key = a_limited_key("a", requests_per_minute=1)
    meter.admit(key)
    for _ in range(5):
        refusal(meter, key)

    admission = meter.admit(a_limited_key("b"))

    assert admission.window
    assert admission.window.left == 0
    assert usage.asked.count("project's minute") == 2


def test_a_limited_request_asks_only_for_its_limits(
    service: Service, meter: Meter, usage: Watched
) -> None:
    meter.admit(a_limited_key("a", requests_per_minute=9))
    of_key = usage.asked.copy()
    usage.asked.clear()
    limit_project(service, requests_per_minute=9)
    meter.admit(a_limited_key("b"))

    assert sorted(of_key) == ["add", "key's minute"]
    assert sorted(usage.asked) == ["add", "project's minute"]


# Tokens a day


def test_a_key_has_so_many_tokens_and_then_waits_for_the_next_day(
    meter: Meter, clock: Clock
) -> None:
    key = a_limited_key(tokens_per_day=100)
    spend(meter, key, 99)
    before = meter.admit(key).window
    spend(meter, key, 500)

    refused = refusal(meter, key)

    assert before
    assert (before.limit, before.left) == (100, 1)
    assert before.resets_at == datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC) + DAY
    assert (refused.limit, refused.retry_after) == (100, 12 * 3600)
    assert refused.resets_at == before.resets_at
    assert "tokens a day, which is 100; " in str(refused)
    clock.time = refused.resets_at
    assert meter.admit(key).window


def test_exactly_as_many_tokens_as_there_may_be_are_enough(meter: Meter) -> None:
    key = a_limited_key(tokens_per_day=100)
    spend(meter, key, 100)

    refusal(meter, key)


def test_all_keys_of_a_project_share_its_tokens(service: Service, meter: Meter) -> None:
    spend(meter, a_limited_key("a"), 60)
    spend(meter, a_limited_key("a", project="globex"), 1_000)
    # Set later, it counts what was used before.
    limit_project(service, tokens_per_day=100)
    admission = meter.admit(a_limited_key("b"))
    spend(meter, a_limited_key("b"), 40)

    refused = refusal(meter, a_limited_key("c"))

    assert admission.window
    assert admission.window.left == 40
    assert str(refused).startswith("This project has used up its limit of tokens")


def test_keys_do_not_use_up_each_others_tokens(meter: Meter) -> None:
    spend(meter, a_limited_key("a"), 100)

    assert meter.admit(a_limited_key("b", tokens_per_day=100)).window


def test_the_nearest_of_several_limits_is_told(service: Service, meter: Meter) -> None:
    limit_project(service, requests_per_minute=2, tokens_per_day=50)

    admission = meter.admit(a_limited_key(requests_per_minute=7, tokens_per_day=9))

    assert admission.window
    assert (admission.window.limit, admission.window.left) == (2, 1)


# Reading it


@pytest.fixture
def read(usage: Watched, clock: Clock) -> ReadUsage:
    return ReadUsage(usage, clock)


def test_usage_is_read_by_day_and_key(read: ReadUsage, meter: Meter, clock: Clock) -> None:
    for name, days in (("b", 0), ("a", 0), ("a", -1), ("a", -USUAL_DAYS)):
        clock.time = NOON + days * DAY
        meter.admit(a_limited_key(name)).settle(PATIENCE_SECONDS)
        spend(meter, a_limited_key(name), 5)
    spend(meter, a_limited_key("a", project="globex"), 9)
    clock.time = NOON

    usual, all_days = read("acme"), read("acme", TODAY - USUAL_DAYS * DAY)

    one = Counts(requests=1, tokens=5)
    assert (usual.first, usual.last) == (TODAY - (USUAL_DAYS - 1) * DAY, TODAY)
    assert usual.lines == [
        KeyDay(TODAY - DAY, "a", one),
        KeyDay(TODAY, "a", one),
        KeyDay(TODAY, "b", one),
    ]
    assert usual.total == Counts(requests=3, tokens=15)
    assert len(all_days.lines) == 4


def test_without_a_first_day_there_are_thirty_to_the_last(read: ReadUsage) -> None:
    found = read("acme", last=date(2026, 3, 30))

    assert (found.first, found.last) == (date(2026, 3, 1), date(2026, 3, 30))
    assert read("acme", last=date(1, 1, 2)).first == date(1, 1, 1)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2026, 3, 2), date(2026, 3, 1)),
        (date(2026, 3, 1), date(2026, 3, 1) + KEPT_DAYS * DAY),
        (date(1, 1, 1), None),
        (date(9999, 12, 31), None),
    ],
)
def test_there_is_a_most_and_a_least_of_days(
    read: ReadUsage, first: date, last: date | None
) -> None:
    with pytest.raises(InvalidRequestError, match="1 to 400 days"):
        read("acme", first, last)


def test_four_hundred_days_are_read(read: ReadUsage) -> None:
    first = TODAY - (KEPT_DAYS - 1) * DAY

    assert read("acme", first, TODAY).first == first


def test_what_fits_no_answer_is_refused(
    read: ReadUsage, usage: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metering, "MOST_LINES", 2)
    for name in ("a", "b"):
        usage.add("acme", name, TODAY, Counts(requests=1))
    assert len(read("acme").lines) == 2
    usage.add("acme", "c", TODAY, Counts(requests=1))

    with pytest.raises(InvalidRequestError, match="fewer days"):
        read("acme")


# Old counts


def test_old_counts_are_removed_by_new_ones(service: Service, usage: Watched) -> None:
    first = TODAY - (KEPT_DAYS + 1) * DAY
    for day in (first, first + DAY, TODAY):
        usage.add("acme", "a", day, Counts(requests=1))
    for minute in (NOON - 2 * timedelta(hours=1), NOON):
        usage.add_to_minute("acme", minute, "a")

    with service.store.database.reading() as connection:
        days = [row["day"] for row in connection.execute("SELECT day FROM usage_days")]
        minutes = connection.execute("SELECT count(*) FROM usage_minutes").fetchone()[0]

    assert days == [(first + DAY).isoformat(), TODAY.isoformat()]
    assert minutes == 1


# Limits of projects


@pytest.fixture
def limit(service: Service) -> LimitProject:
    service.open_project("acme")
    store = service.store
    return LimitProject(store.keys, ChangeProject(store.projects))


def test_limits_of_a_project_are_set_and_taken_away_one_by_one(
    limit: LimitProject, service: Service
) -> None:
    first = limit("acme", {"requests_per_minute": 60})
    second = limit("acme", {"tokens_per_day": 1_000})
    third = limit("acme", {"requests_per_minute": None})

    assert first == Limits(requests_per_minute=60)
    assert second == Limits(requests_per_minute=60, tokens_per_day=1_000)
    assert third == service.read_project("acme").limits == Limits(tokens_per_day=1_000)


def test_the_rest_of_what_the_project_has_set_stays(limit: LimitProject, service: Service) -> None:
    service.change_project("acme", lambda _: ProjectSettings(episode_days=7))

    limit("acme", {"requests_per_minute": 60})
    service.change_project("acme", lambda before: replace(before, is_redacted=True))

    settings = service.read_project("acme")
    assert (settings.episode_days, settings.is_redacted) == (7, True)
    assert settings.limits == Limits(requests_per_minute=60)


def test_there_is_nothing_to_limit_in_an_unknown_project(limit: LimitProject) -> None:
    with pytest.raises(NotFoundError):
        limit("acmee", {"requests_per_minute": 60})


@pytest.mark.parametrize("number", [0, -1, 1_000_000_001])
def test_a_limit_must_be_one(limit: LimitProject, service: Service, number: int) -> None:
    with pytest.raises(InvalidRequestError, match="must be between 1 and"):
        limit("acme", {"tokens_per_day": number})

    assert service.read_project("acme").limits == Limits()


def test_days_begin_and_end_in_utc() -> None:
    assert day_of(datetime.fromisoformat("2026-03-02T01:59:59+02:00")) == date(2026, 3, 1)
    assert day_of(datetime.fromisoformat("2026-03-01T23:00:00-01:00")) == date(2026, 3, 2)
