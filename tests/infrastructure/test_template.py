"""What template.yaml must say for the functions to be reachable, safe and recoverable."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
HTTP_API_SECONDS = 30
"""The longest an HTTP API waits for a function (AWS: "Maximum integration timeout", fixed)."""
CATCH_ALL = "$default"


class TemplateLoader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms: `!Ref Queue` becomes `{"Ref": "Queue"}`."""


def _short_form(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> dict[str, object]:
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {name: loader.construct_mapping(node, deep=True)}


TemplateLoader.add_multi_constructor("!", _short_form)

TEMPLATE: dict[str, Any] = yaml.load(
    (ROOT / "template.yaml").read_bytes(),
    TemplateLoader,  # noqa: S506 (a safe loader with three more constructors)
)
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]
DEFAULTS: dict[str, Any] = TEMPLATE["Globals"]["Function"]


def _of_type(kind: str) -> dict[str, dict[str, Any]]:
    return {
        name: resource["Properties"]
        for name, resource in RESOURCES.items()
        if resource["Type"] == kind
    }


FUNCTIONS = {
    name: DEFAULTS | properties
    for name, properties in _of_type("AWS::Serverless::Function").items()
}
QUEUES = _of_type("AWS::SQS::Queue")
every_function = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS.keys())


def _events(function: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [event["Properties"] for event in function["Events"].values() if event["Type"] == kind]


def _routes(function: dict[str, Any]) -> list[str]:
    """Return the route keys that reach a function, such as `GET /v1/ping/`."""
    return [
        f"{event['Method']} {event['Path']}" if "Path" in event else CATCH_ALL
        for event in _events(function, "HttpApi")
    ]


def _values(node: object, key: str) -> Iterator[object]:
    """Yield every value that stands under a key, however deep."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name == key:
                yield value
            yield from _values(value, key)
    elif isinstance(node, list):
        for item in node:
            yield from _values(item, key)


def test_every_folder_is_a_function_and_every_function_has_a_folder() -> None:
    folders = sorted(
        f"functions/{path.parent.name}" for path in ROOT.glob("functions/*/handler.py")
    )

    assert sorted(function["CodeUri"] for function in FUNCTIONS.values()) == folders


@every_function
def test_a_function_runs_the_handler_of_its_folder(function: dict[str, Any]) -> None:
    source = (ROOT / function["CodeUri"] / "handler.py").read_text(encoding="utf-8")

    assert function["Handler"] == "handler.lambda_handler"
    assert re.search(r"^(def lambda_handler\(|lambda_handler\b.*=)", source, re.MULTILINE)


@every_function
def test_functions_and_layers_are_built_for_one_runtime(function: dict[str, Any]) -> None:
    layers = [RESOURCES[layer["Ref"]] for layer in function["Layers"]]

    assert function["Runtime"] == "python3.13"
    assert function["Architectures"] == ["arm64"]
    assert {layer["Metadata"]["BuildMethod"] for layer in layers} == {"python3.13"}
    assert {layer["Metadata"]["BuildArchitecture"] for layer in layers} == {"arm64"}
    assert {layer["Properties"]["ContentUri"] for layer in layers} == {
        "layers/dependencies",
        "shared",
    }


@every_function
def test_a_function_gives_up_before_the_gateway_does(function: dict[str, Any]) -> None:
    answers_http = bool(_events(function, "HttpApi"))

    assert function["Timeout"] < HTTP_API_SECONDS + (not answers_http)


@every_function
def test_logs_are_json_and_are_deleted_in_time(function: dict[str, Any]) -> None:
    logging = function["LoggingConfig"]

    assert logging["LogFormat"] == "JSON"
    group = RESOURCES[logging["LogGroup"]["Ref"]]["Properties"]
    assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}


@every_function
def test_a_function_knows_its_edition(function: dict[str, Any]) -> None:
    # SAM adds a function's own variables to the ones for all.
    own = function["Environment"]["Variables"]

    assert (DEFAULTS["Environment"]["Variables"] | own)["RECOLLECT_EDITION"] == "aws"


@every_function
def test_every_path_is_reached_with_and_without_its_last_slash(function: dict[str, Any]) -> None:
    routes = {route for route in _routes(function) if route != CATCH_ALL}

    assert {route.rstrip("/") + "/" for route in routes} <= routes
    assert {route.rstrip("/") for route in routes} <= routes


def test_no_two_events_claim_one_route() -> None:
    routes = [route for function in FUNCTIONS.values() for route in _routes(function)]

    assert sorted(routes) == sorted(set(routes))


def test_all_other_paths_get_the_answer_of_read() -> None:
    assert [name for name in FUNCTIONS if CATCH_ALL in _routes(FUNCTIONS[name])] == ["ReadFunction"]


def test_there_is_one_api_and_its_paths_have_no_prefix() -> None:
    (name, api), *others = _of_type("AWS::Serverless::HttpApi").items()
    events = [event for function in FUNCTIONS.values() for event in _events(function, "HttpApi")]

    assert not others
    assert api["StageName"] == CATCH_ALL
    assert all(event["ApiId"] == {"Ref": name} for event in events)


def test_the_access_log_names_nobody() -> None:
    (api,) = _of_type("AWS::Serverless::HttpApi").values()
    logged = set(re.findall(r"\$context\.([\w.]+)", api["AccessLogSettings"]["Format"]))

    assert logged == {
        "requestId",
        "routeKey",
        "status",
        "responseLatency",
        "integrationErrorMessage",
    }


def _strings(node: object) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, list):
        for item in node:
            yield from _strings(item)


def test_no_permission_is_for_everything() -> None:
    resources = [text for value in _values(RESOURCES, "Resource") for text in _strings(value)]
    actions = [text for value in _values(RESOURCES, "Action") for text in _strings(value)]
    policies = [text for value in _values(RESOURCES, "Policies") for text in _strings(value)]

    assert "*" not in resources
    assert not [action for action in actions if "*" in action]
    assert not policies, "a managed policy says more than its function needs"


def test_only_what_changes_memories_may_wake_the_projector() -> None:
    senders = {name for name in FUNCTIONS if "SQSSendMessagePolicy" in str(FUNCTIONS[name])}
    told = {name for name in FUNCTIONS if "RECOLLECT_INDEX_QUEUE_URL" in str(FUNCTIONS[name])}

    assert senders == told == {"AddFunction", "MutateFunction"}


def _sources() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return every function that a queue feeds, with the event that says how."""
    return [
        (function, event) for function in FUNCTIONS.values() for event in _events(function, "SQS")
    ]


def test_the_projector_is_fed_by_the_index_queue() -> None:
    assert [(f["CodeUri"], event["Queue"]) for f, event in _sources()] == [
        ("functions/projector", {"GetAtt": "IndexQueue.Arn"})
    ]


def test_one_bad_message_does_not_repeat_its_batch() -> None:
    for _, event in _sources():
        assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_a_message_is_hidden_for_six_times_the_work_on_it() -> None:
    for function, event in _sources():
        queue = QUEUES[event["Queue"]["GetAtt"].removesuffix(".Arn")]

        assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]


def test_what_fails_again_and_again_is_kept_for_a_person_to_see() -> None:
    targets = {
        name: queue["RedrivePolicy"]["deadLetterTargetArn"]["GetAtt"].removesuffix(".Arn")
        for name, queue in QUEUES.items()
        if "RedrivePolicy" in queue
    }

    assert set(QUEUES) == set(targets) | set(targets.values())
    for name, target in targets.items():
        assert QUEUES[name]["RedrivePolicy"]["maxReceiveCount"] > 1
        assert QUEUES[target]["MessageRetentionPeriod"] == 14 * 24 * 60 * 60


def test_queues_are_encrypted() -> None:
    assert all(queue["SqsManagedSseEnabled"] is True for queue in QUEUES.values())


def test_the_layer_has_the_versions_that_were_tested() -> None:
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    locked = {f"{package['name']}=={package['version']}" for package in lock["package"]}
    lines = (ROOT / "layers/dependencies/requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = {line.partition(";")[0].strip() for line in lines if not line.lstrip().startswith("#")}

    assert pins
    assert pins <= locked, "run `make lock`"


@pytest.mark.parametrize("place", ["uv.lock", "scripts/sam-requirements.txt"])
def test_packages_come_from_the_public_index_alone(place: str) -> None:
    text = (ROOT / place).read_text(encoding="utf-8")
    hosts = set(re.findall(r"https?://([^/\"\s]+)", text))

    assert hosts <= {"pypi.org", "files.pythonhosted.org"}
    assert "--index-url" not in text
