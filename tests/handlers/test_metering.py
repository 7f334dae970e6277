"""Requests are counted over HTTP; who is over a limit gets 429, and is told when to come back."""

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from recollect import bootstrap
from recollect.adapters.local.usage import LocalUsage
from recollect.bootstrap import current, stores
from recollect.bootstrap.metering import limit_project
from recollect.domain.errors import ModelAnswerError, NotFoundError, UnavailableError
from recollect.domain.keys import ApiKey, Limits, Role
from recollect.domain.subjects import Subject, SubjectKind
from recollect.domain.usage import DAY, MINUTE, Counts, day_of
from recollect.entrypoints import metering
from recollect.entrypoints.http import HttpApp
from recollect.ports.models import Usage
from recollect.testing.builders import NOON, a_key
from recollect.usecases.manage_keys import KeyGrant
from recollect.usecases.metering import Meter
from tests.callers import Deployment, credentials, now, refused, remembered, resolved

SECRET = f"m0-{'x' * 32}"
ADA = Subject(SubjectKind.USER, "ada")
PATIENCE_SECONDS = 10
Answer = Mapping[str, Any]


@dataclass(frozen=True)
class Hindered(LocalUsage):
    """Fails, or takes its time, when it is told to."""

    errors: list[Exception] = field(default_factory=list)
    go_on: threading.Event = field(default_factory=threading.Event)

    def add(self, project: str, key_id: str, day: date, counts: Counts) -> Counts:
        if self.errors:
            raise self.errors[0]
        assert self.go_on.wait(PATIENCE_SECONDS)
        return super().add(project, key_id, day, counts)


@dataclass
class Door:
    """A router with its meter, a clock that stands still, and one key."""

    meter: Meter
    usage: Hindered
    key: ApiKey
    time: datetime = NOON

    @property
    def app(self) -> HttpApp:
        app = HttpApp({SECRET: self.key}.get, self.meter, writes=True)

        @app.get("/v1/things/<name>")
        def get_thing(name: str) -> dict[str, str]:
            if name == "broken":
                raise ZeroDivisionError
            if name == "missing":
                message = "Not there"
                raise NotFoundError(message)
            if name.startswith("asking"):
                current.spend(Usage(1, 100, 10))
            if name == "asking in vain":
                message = "Gibberish"
                raise ModelAnswerError(message)
            return {"name": name}

        return app

    def ask(self, name: str = "one", secret: str = SECRET) -> Answer:
        http = {"method": "GET", "path": f"/v1/things/{name}"}
        event = {
            "headers": credentials(secret),
            "rawPath": http["path"],
            "requestContext": {"http": http, "stage": "$default"},
        }
        return resolved(self.app, event)

    def limit(self, **limits: int) -> None:
        self.key = replace(self.key, limits=Limits(**limits))

    @property
    def counted(self) -> Counts:
        return self.usage.total(self.key.project, day_of(self.time))


@pytest.fixture
def door() -> Iterator[Door]:
    store = stores.local_store()
    usage = Hindered(store.database)
    usage.go_on.set()
    with ThreadPoolExecutor(2) as threads:
        meter = Meter(usage, store.projects, threads, lambda: built.time)
        built = Door(meter, usage, a_key(f"project-{uuid4().hex}"))
        yield built
        usage.go_on.set()


def rate_headers(answer: Answer) -> dict[str, str]:
    wanted = {name.lower(): value for name, value in answer["headers"].items()}
    prefix = "x-ratelimit-"
    return {
        name.removeprefix(prefix): value
        for name, value in wanted.items()
        if name.startswith(prefix)
    }


def test_answers_without_a_limit_say_nothing_of_limits(door: Door) -> None:
    answer = door.ask()

    assert answer["statusCode"] == 200
    assert rate_headers(answer) == {}
    assert door.counted == Counts(requests=1)


def test_a_limited_caller_is_told_what_is_left_and_then_when_to_come_back(door: Door) -> None:
    door.limit(requests_per_minute=2)
    door.time = NOON + timedelta(seconds=15)
    reset = str(int((NOON + MINUTE).timestamp()))

    answers = [door.ask() for _ in range(3)]

    assert [answer["statusCode"] for answer in answers] == [200, 200, 429]
    assert [rate_headers(answer) for answer in answers] == [
        {"limit": "2", "remaining": left, "reset": reset} for left in ("1", "0", "0")
    ]
    assert answers[2]["headers"]["Retry-After"] == "45"
    assert "Retry-After" not in answers[1]["headers"]
    message = (
        "This API key has used up its limit of requests a minute, which is 2; try again in 45 s"
    )
    body = httpx.Response(200, text=answers[2]["body"]).json()
    assert body == {"detail": message, "error": message, "message": message}
    assert door.counted == Counts(requests=3)


def test_the_next_minute_is_open_again(door: Door) -> None:
    door.limit(requests_per_minute=1)
    door.ask()
    assert door.ask()["statusCode"] == 429

    door.time += MINUTE

    assert door.ask()["statusCode"] == 200


@pytest.mark.parametrize(("name", "status"), [("missing", 404), ("broken", 500), ("a/b", 404)])
def test_failures_are_counted_and_tell_what_is_left(door: Door, name: str, status: int) -> None:
    door.limit(requests_per_minute=2)

    answers = [door.ask(name) for _ in range(3)]

    assert [answer["statusCode"] for answer in answers] == [status, status, 429]
    assert [rate_headers(answer)["remaining"] for answer in answers] == ["1", "0", "0"]
    assert door.counted == Counts(requests=3)


def test_what_the_key_may_not_do_is_counted(door: Door) -> None:
    door.key = replace(door.key, role=Role.READER)

    assert door.ask()["statusCode"] == 403
    assert door.counted == Counts(requests=1)


def test_who_has_no_good_key_is_not_counted(door: Door) -> None:
    answers = [door.ask(secret=secret) for secret in ("", f"{SECRET}y")]

    assert [answer["statusCode"] for answer in answers] == [401, 401]
    assert door.counted == Counts()


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is logged with all its details."""
    told: list[str] = []

    def tell(text: str, **details: object) -> None:
        told.append(f"{text} {details}")

    monkeypatch.setattr(metering.logger, "warning", tell)
    return told


def test_a_store_that_cannot_count_refuses_nobody_without_a_limit(
    door: Door, warnings: list[str]
) -> None:
    door.usage.errors.append(UnavailableError(f"{door.key.project} cannot be counted"))

    answer = door.ask()

    assert answer["statusCode"] == 200
    [told] = warnings
    assert "UnavailableError" in told
    assert door.key.project not in told
    assert door.key.id not in told


def test_it_refuses_whoever_has_a_limit(door: Door, warnings: list[str]) -> None:
    door.limit(tokens_per_day=9)
    door.usage.errors.append(UnavailableError("The store is away"))

    answer = door.ask()

    assert answer["statusCode"] == 503
    assert answer["headers"]["Retry-After"] == "2"
    assert warnings == []


def test_a_defect_in_counting_is_not_hidden(door: Door) -> None:
    door.usage.errors.append(ZeroDivisionError())

    assert door.ask()["statusCode"] == 500


def test_nobody_without_a_limit_waits_long_for_a_count(
    door: Door, warnings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metering, "SETTLING_SECONDS", 0.01)
    door.usage.go_on.clear()

    answer = door.ask()

    assert answer["statusCode"] == 200
    assert len(warnings) == 1
    assert door.counted == Counts()


# Tokens


@pytest.mark.parametrize("name", ["asking", "asking in vain"])
def test_a_request_costs_its_key_what_models_read_and_wrote_for_it(door: Door, name: str) -> None:
    door.ask(name)
    door.ask("one")

    assert door.counted == Counts(requests=2, tokens=110)


def test_failing_gets_nobody_around_a_limit_on_tokens(door: Door) -> None:
    door.limit(tokens_per_day=200)

    statuses = [door.ask("asking in vain")["statusCode"] for _ in range(4)]

    assert statuses == [502, 502, 429, 429]
    assert door.counted.tokens == 220


def test_without_a_model_a_request_costs_nothing(door: Door) -> None:
    door.ask()

    assert door.counted == Counts(requests=1)


def test_tokens_that_cannot_be_counted_fail_no_request(door: Door, warnings: list[str]) -> None:
    door.usage.errors.append(UnavailableError("The store is away"))

    assert door.ask("asking")["statusCode"] == 200
    assert len(warnings) == 2


# Usage is readable


def usage_of(client: httpx.Client, **query: str) -> Any:  # noqa: ANN401 - JSON
    response = client.get("/v1/usage/", params=query)
    assert response.status_code == 200, response.text
    return response.json()


def test_usage_is_shown_by_day_and_key(
    deployment: Deployment, service: httpx.Client, stranger: httpx.Client
) -> None:
    today = now().date()
    remembered(service, "Ada keeps bees", user_id="ada")
    service.get("/v1/memories/nothing/")
    stranger.get("/v1/ping/")
    made = service.post("/v1/keys/", json={"name": "other"}).json()
    with deployment.client(made["key"]) as other:
        other.get("/v1/ping/")
        other.get("/v1/nothing/")
        found = usage_of(other)

    assert date.fromisoformat(found["end"]) - date.fromisoformat(found["start"]) == 29 * DAY
    assert {line["date"] for line in found["results"]} <= {str(today), str(now().date())}
    requests = {line["key_id"]: line["requests"] for line in found["results"]}
    # The request that reads it may be counted already.
    assert requests.pop(made["id"]) in {2, 3}
    assert list(requests.values()) == [3]
    assert found["totals"]["tokens"] == 0
    assert found["totals"]["requests"] == sum(line["requests"] for line in found["results"])


def test_a_reader_reads_usage_and_a_bound_key_does_not(
    deployment: Deployment, new_key: Callable[[KeyGrant], str]
) -> None:
    with deployment.client(new_key(KeyGrant(role=Role.READER))) as reader:
        assert usage_of(reader)["totals"]["tokens"] == 0
    with deployment.client(new_key(KeyGrant(subject=ADA))) as bound:
        assert "one entity" in refused(bound.get("/v1/usage"), 403)


@pytest.fixture
def new_key() -> Callable[[KeyGrant], str]:
    project = f"project-{uuid4().hex}"
    return lambda grant: bootstrap.create_key()(project, "test", grant)[1]


def test_days_may_be_chosen(service: httpx.Client) -> None:
    service.get("/v1/ping/")

    assert usage_of(service, start="2020-01-01", end="2020-12-31")["results"] == []
    assert usage_of(service, start=str(now().date() - timedelta(days=1)))["totals"]["requests"] >= 1
    assert usage_of(service, start="", end="")["totals"]["requests"] >= 1


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"start": "yesterday"}, "start must be a day"),
        ({"end": "2026-02-30"}, "end must be a day"),
        ({"end": "20260228"}, "end must be a day"),
        ({"start": "2026-02-02", "end": "2026-02-01"}, "1 to 400 days"),
        ({"start": "2020-01-01", "end": "2026-02-01"}, "1 to 400 days"),
    ],
)
def test_other_days_are_refused(service: httpx.Client, query: dict[str, str], said: str) -> None:
    assert said in refused(service.get("/v1/usage/", params=query))


# Limits of keys and projects over HTTP


def test_a_key_that_is_made_with_a_limit_keeps_to_it(
    deployment: Deployment, service: httpx.Client
) -> None:
    made = service.post("/v1/keys/", json={"name": "slow", "requests_per_minute": 1}).json()

    with deployment.client(made["key"]) as slow:
        # A new minute may begin in between, but not twice.
        statuses = [slow.get("/v1/ping/").status_code for _ in range(4)]

    assert statuses[0] == 200
    assert statuses.count(429) >= 2
    assert service.get("/v1/ping/").status_code == 200


def test_only_who_runs_the_service_limits_a_project(service: httpx.Client) -> None:
    project = service.get("/v1/ping/").json()["project_id"]
    path = f"/api/v1/orgs/organizations/{project}/projects/{project}/"
    limit_project()(project, {"requests_per_minute": 1_000_000})

    changed = service.patch(path, json={"limits": None, "episode_days": 3})

    assert changed.status_code == 200
    assert changed.headers["x-ratelimit-limit"] == "1000000"
    shown = service.get(path).json()
    assert shown["episode_days"] == 3
    assert shown["limits"] == {"requests_per_minute": 1_000_000, "tokens_per_day": None}
