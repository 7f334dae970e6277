"""`recollect smoke`, on a service that works and on services that do not."""

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from recollect.entrypoints.cli.client import Api, RefusedError
from recollect.entrypoints.cli.main import main
from tests.callers import LiveService, credentials, total

STEPS = [
    "ping",
    "add",
    "get",
    "list",
    "search",
    "update",
    "history",
    "search after the update",
    "delete",
    "get after the delete",
    "list after the delete",
    "search after the delete",
    "clean up",
]
ONE, SEARCH, LIST = r"/v1/memories/[^/]+/", "/v3/memories/search/", "/v3/memories/"
Answer = Callable[[Any], Any]


@pytest.fixture
def key(live_service: LiveService) -> str:
    return live_service.new_key()


@pytest.fixture
def spoil(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Change the answer to the n-th request of a kind, such as `GET /v1/ping/`."""

    def spoil_it(request: str, change: Answer, *, turn: int = 0) -> None:
        answered, turns = Api.call, iter(range(100))

        def spoilt(api: Api, kind: Any, method: str, path: str, **more: Any) -> Any:  # noqa: ANN401
            answer = answered(api, kind, method, path, **more)
            is_meant = re.fullmatch(request, f"{method} {path}")
            return change(answer) if is_meant and next(turns) == turn else answer

        monkeypatch.setattr(Api, "call", spoilt)

    return spoil_it


def smoke(service: LiveService, key: str) -> Result:
    place = {"RECOLLECT_HOST": service.address, "RECOLLECT_API_KEY": key, "RECOLLECT_DATA": None}
    result = CliRunner().invoke(main, ["smoke"], env=place)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def left(service: LiveService, key: str) -> int:
    """Return how many memories the key's project has."""
    headers = credentials(key)
    with httpx.Client(base_url=service.address, headers=headers, trust_env=False) as client:
        return total(client)


def steps(result: Result) -> list[str]:
    return [line[:24].strip() for line in result.stdout.splitlines() if line.endswith(" ms")]


def refuse(_: object) -> None:
    status, reason = 500, "Internal Server Error"
    raise RefusedError(status, reason)


def interrupt(_: object) -> None:
    raise KeyboardInterrupt


def changing(**members: object) -> Answer:
    return lambda answer: {**answer, **members}


def test_a_service_that_works_passes_every_step(live_service: LiveService, key: str) -> None:
    result = smoke(live_service, key)

    assert result.exit_code == 0
    assert steps(result) == STEPS
    assert result.stdout.splitlines()[-1] == f"{live_service.address} works."
    assert left(live_service, key) == 0


@pytest.mark.parametrize(
    ("step", "request_", "turn", "change", "reason"),
    [
        ("ping", "GET /v1/ping/", 0, refuse, "Internal Server Error"),
        ("add", "POST .*/add/", 0, changing(results=[]), "the results should be ['ADD']"),
        ("get", f"GET {ONE}", 0, changing(memory="?"), "is '?'"),
        ("list", f"POST {LIST}", 0, changing(results=[]), "the list should be"),
        ("search", f"POST {SEARCH}", 0, changing(results=[]), "what was found should be"),
        ("search", f"POST {SEARCH}", 0, changing(degraded=["index"]), "is ['index']"),
        ("update", f"PUT {ONE}", 0, changing(memory="?"), "is '?'"),
        ("history", f"GET {ONE}history/", 0, lambda events: events[:1], "'UPDATE'"),
        ("search after the update", f"POST {SEARCH}", 1, changing(results=[{}]), "is [None]"),
        ("delete", f"DELETE {ONE}", 0, refuse, "Internal Server Error"),
        ("list after the delete", f"POST {LIST}", 1, changing(results=[{}]), "should be []"),
        ("search after the delete", f"POST {SEARCH}", 2, changing(results=[{}]), "should be []"),
        ("clean up", "GET /v1/event/.*", 0, changing(metadata={"deleted": 1}), "should be 0"),
    ],
)
def test_the_first_wrong_answer_ends_it_and_nothing_is_left(
    live_service: LiveService,
    key: str,
    spoil: Callable[..., None],
    *,
    step: str,
    request_: str,
    turn: int,
    change: Answer,
    reason: str,
) -> None:
    spoil(request_, change, turn=turn)

    result = smoke(live_service, key)

    assert result.exit_code == 1
    assert steps(result) == STEPS[: STEPS.index(step)]
    assert result.stderr.startswith(f"Error: {step} failed: ")
    assert reason in result.stderr
    assert "Look at the " in result.stderr
    assert left(live_service, key) == 0


def test_a_delete_that_deletes_nothing_is_noticed_and_made_up_for(
    live_service: LiveService, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = Api.call

    def deaf(api: Api, kind: Any, method: str, path: str, **more: Any) -> Any:  # noqa: ANN401
        if re.fullmatch(f"DELETE {ONE}", f"{method} {path}"):
            return {"message": "Memory deleted successfully!"}
        return answered(api, kind, method, path, **more)

    monkeypatch.setattr(Api, "call", deaf)

    result = smoke(live_service, key)

    assert result.stderr.startswith("Error: get after the delete failed: the memory is still there")
    assert left(live_service, key) == 0


def test_an_interrupted_run_leaves_nothing(
    live_service: LiveService, key: str, spoil: Callable[..., None]
) -> None:
    spoil(f"GET {ONE}", interrupt)

    result = smoke(live_service, key)

    assert result.exit_code == 1
    assert steps(result) == ["ping", "add"]
    assert left(live_service, key) == 0


def test_what_cannot_be_cleaned_up_is_said_beside_the_first_failure(
    live_service: LiveService, key: str, spoil: Callable[..., None]
) -> None:
    spoil(f"POST {SEARCH}", changing(results=[]))
    spoil("DELETE /v1/memories/", refuse)

    result = smoke(live_service, key)

    first, second = result.stderr.splitlines()
    assert re.fullmatch("Nothing .* Later: recollect delete --user smoke-[0-9a-f]+ --yes", first)
    assert second.startswith("Error: search failed: ")


def test_a_key_that_nobody_made_fails_at_once(live_service: LiveService) -> None:
    result = smoke(live_service, "m0-" + "x" * 32)

    assert (result.exit_code, result.stdout) == (1, "")
    [line] = result.stderr.splitlines()
    assert "does not know this API key" in line
