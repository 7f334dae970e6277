"""The built functions in processes of their own, as Lambda runs them."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scripts.artefacts import Artefact, layers
from scripts.build import ROOT, folder_of, own_architecture
from scripts.interpreter import find_python
from scripts.invoke import EVENT_KEY, EXPORTED, runtime
from scripts.runtime_api import FunctionFailedError, RunningFunction, running
from tests.aws_edition import configured
from tests.handlers.test_events import AN_EVENT_ID, HTTP, OTHERS

NEPTUNES = ("search", "mcp", "graph_projector")
"""The functions that have the driver's layer where the graph is in Neptune."""

Start = Callable[[str], Any]
Functions = Mapping[str, Artefact]


@contextmanager
def started(
    functions: Functions, name: str, environment: Mapping[str, str]
) -> Iterator[RunningFunction]:
    python, artefact = find_python(), functions[name]
    if name in NEPTUNES and environment.get("RECOLLECT_GRAPH") == "neptune":
        driver = layers(folder_of(own_architecture()))["Gremlin37Layer"]
        artefact = replace(artefact, layers=(*artefact.layers, driver))
    with running(artefact, python, runtime(python), environment) as function:
        yield function


def event(name: str, **members: str) -> dict[str, Any]:
    loaded = json.loads((ROOT / "events" / f"{name}.json").read_text(encoding="utf-8"))
    return {**loaded, **members}


def with_key(name: str, key: str) -> Any:  # noqa: ANN401 - an event
    return json.loads(json.dumps(event(name)).replace(EVENT_KEY, key))


@pytest.fixture
def local(tmp_path: Path) -> Mapping[str, str]:
    """The local edition, as far as it works with what is in the layers."""
    return {
        "RECOLLECT_EDITION": "local",
        "RECOLLECT_DATA": str(tmp_path / "memories.db"),
        "RECOLLECT_EMBEDDER": "letters:LetterEmbedder",
        "RECOLLECT_LANGUAGE_MODEL": "rules",
        "PYTHONPATH": str(Path(__file__).parent),
    }


@pytest.fixture
def aws() -> Iterator[Mapping[str, str]]:
    """The AWS edition on the engines."""
    before = dict(os.environ)
    with configured():
        yield {name: text for name, text in os.environ.items() if name.startswith(EXPORTED)}
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.slow
@pytest.mark.parametrize("edition", ["local", pytest.param("aws", marks=pytest.mark.engines)])
def test_what_one_function_stores_the_others_find(
    functions: Functions, request: pytest.FixtureRequest, edition: str
) -> None:
    environment = request.getfixturevalue(edition)

    def body(name: str, of: str, key: str) -> Any:  # noqa: ANN401 - whatever JSON can say
        with started(functions, name, environment) as function:
            answer = function.invoke(with_key(of, key))
        assert not answer.is_error, answer.value
        assert answer.value["statusCode"] == 200, answer.value["body"]
        return json.loads(answer.value["body"])

    with started(functions, "admin", environment) as admin:
        admin.invoke(event("admin_prepare_index"))
        key = admin.invoke(event("admin_create_key")).value["key"]
    assert body("read", "ping", key)["project_id"] == "default"
    [added] = body("add", "add", key)["results"]
    with started(functions, "projector", environment) as projector:
        projected = projector.invoke(event("projector")).value
    [found] = body("search", "search", key)["results"]
    [told] = body("mcp", "mcp", key)["result"]["structuredContent"]["results"]
    with started(functions, "maintenance", environment) as maintenance:
        driven_on = maintenance.invoke(event("maintenance")).value
    assert projected == {"batchItemFailures": []}
    assert found["id"] == told["id"] == added["id"]
    assert driven_on == {"driven_on": 0}
    assert body("mutate", "delete_all", key)["event_id"]
    assert body("read", "list", key)["count"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("edition", ["local", pytest.param("aws", marks=pytest.mark.engines)])
def test_what_comes_as_a_message_is_accepted_by_one_function_and_remembered_by_another(
    functions: Functions, request: pytest.FixtureRequest, edition: str
) -> None:
    environment = {**request.getfixturevalue(edition), "RECOLLECT_INGEST_PROJECT": "default"}
    done: dict[str, list[object]] = {"batchItemFailures": []}

    with started(functions, "admin", environment) as admin:
        admin.invoke(event("admin_prepare_index"))
        key = admin.invoke(event("admin_create_key")).value["key"]
    with started(functions, "ingest_messages", environment) as ingest:
        assert ingest.invoke(event("ingest_messages")).value == done
    told = json.dumps(with_key("job", key))
    with started(functions, "read", environment) as read:
        listed = json.loads(told.replace(f"/v1/event/{AN_EVENT_ID}/", "/v1/events/"))
        [accepted] = json.loads(read.invoke(listed).value["body"])["results"]
    waiting = json.dumps(event("worker")).replace(AN_EVENT_ID, accepted["id"])
    with started(functions, "worker", environment) as worker:
        assert worker.invoke(json.loads(waiting)).value == done
    with started(functions, "read", environment) as read:
        job = read.invoke(json.loads(told.replace(AN_EVENT_ID, accepted["id"])))

    assert accepted["status"] == "PENDING"
    assert json.loads(job.value["body"])["status"] == "SUCCEEDED"


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(OTHERS.values()) | {of for of, *_ in HTTP.values()}))
def test_every_event_runs_from_what_is_built(
    functions: Functions, local: Mapping[str, str], name: str
) -> None:
    environment = {**local, "RECOLLECT_INGEST_PROJECT": "default"}
    takers = {each: of for each, (of, *_) in HTTP.items()} | OTHERS

    with started(functions, "admin", environment) as admin:
        key = admin.invoke(event("admin_create_key")).value["key"]
    with started(functions, name, environment) as function:
        for each in (each for each, taker in takers.items() if taker == name):
            answer = function.invoke(with_key(each, key))
            assert not answer.is_error, (each, answer.value)
            # What the events name is not there; that is told by the function's own answer.
            assert answer.value.get("statusCode", 200) in {200, 404}, (each, answer.value)
            assert not answer.value.get("batchItemFailures"), (each, answer.value)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"RECOLLECT_EDITION": "nowhere"}, "RECOLLECT_EDITION"),
        ({}, "RECOLLECT_RECORD_TABLE"),
    ],
)
def test_a_wrong_configuration_fails_the_init_and_names_the_variable(
    functions: Functions, settings: Mapping[str, str], named: str
) -> None:
    with (
        pytest.raises(FunctionFailedError, match=f"read cannot start: .* {named}"),
        started(functions, "read", settings),
    ):
        pass
