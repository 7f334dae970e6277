"""What template.yaml must say for the functions to be reachable and built as they were tested."""

import ast
import re
import tomllib
from typing import Any

import pytest

from tests.infrastructure.templates import CHOICES, MAIN, ROOT, Stack, template

HTTP_API_SECONDS = 30
"""The longest an HTTP API waits for a function (AWS: "Maximum integration timeout", fixed)."""
CATCH_ALL = "$default"

STACK = Stack(MAIN, CHOICES["every function"])
FUNCTIONS = STACK.functions
every_function = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS.keys())


def _events(function: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    events = function.get("Events", {}).values()
    return [event["Properties"] for event in events if event["Type"] == kind]


def _routes(function: dict[str, Any]) -> list[str]:
    """Return the route keys that reach a function, such as `GET /v1/ping/`."""
    return [
        f"{event['Method']} {event['Path']}" if "Path" in event else CATCH_ALL
        for event in _events(function, "HttpApi")
    ]


# Functions


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
def test_a_handler_knows_no_vendor_and_no_environment(function: dict[str, Any]) -> None:
    tree = ast.parse((ROOT / function["CodeUri"] / "handler.py").read_text(encoding="utf-8"))
    modules = {
        name.split(".adapters")[0] if ".adapters" in name else name.split(".")[0]
        for node in ast.walk(tree)
        for name in _imported(node)
    }

    language = {"collections", "contextlib", "typing"}
    assert modules <= {"aws_lambda_powertools", "pydantic", "recollect"} | language
    assert "bootstrap" in ast.unparse(tree)


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


@every_function
@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_functions_and_layers_are_built_for_one_runtime(
    function: dict[str, Any], architecture: str
) -> None:
    stack = Stack(MAIN, {"Architecture": architecture})
    layers = [stack.resources[layer.strip("${}")] for layer in function["Layers"]]

    assert function["Runtime"] == "python3.13"
    assert stack.functions["AddFunction"]["Architectures"] == [architecture]
    assert {layer["Metadata"]["BuildMethod"] for layer in layers} == {"python3.13"}
    assert {layer["Metadata"]["BuildArchitecture"] for layer in layers} == {architecture}
    assert all(layer["Properties"]["CompatibleArchitectures"] == [architecture] for layer in layers)
    assert {layer["Properties"]["ContentUri"] for layer in layers} == {
        "layers/dependencies",
        "shared",
    }


@every_function
def test_a_function_gives_up_before_the_gateway_does(function: dict[str, Any]) -> None:
    if _events(function, "HttpApi"):
        assert function["Timeout"] < HTTP_API_SECONDS
    assert "Timeout" in function


@every_function
def test_logs_are_json_and_are_deleted_in_time(function: dict[str, Any]) -> None:
    logging = function["LoggingConfig"]
    group = template(MAIN)["Resources"][logging["LogGroup"].strip("${}")]["Properties"]

    assert logging["LogFormat"] == "JSON"
    assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_no_two_functions_share_a_log_group_or_a_role() -> None:
    groups = {function["LoggingConfig"]["LogGroup"] for function in FUNCTIONS.values()}
    roles = {function["Role"] for function in FUNCTIONS.values()}

    assert len(groups) == len(roles) == len(FUNCTIONS)


def test_tracing_is_off_unless_it_is_asked_for() -> None:
    assert FUNCTIONS["AddFunction"]["Tracing"] == "Disabled"


# The API


@every_function
def test_every_path_is_reached_with_and_without_its_last_slash(function: dict[str, Any]) -> None:
    routes = {route for route in _routes(function) if route != CATCH_ALL and "+}" not in route}

    assert {route.rstrip("/") + "/" for route in routes} <= routes
    assert {route.rstrip("/") for route in routes} <= routes


def test_no_two_events_claim_one_route() -> None:
    routes = [route for function in FUNCTIONS.values() for route in _routes(function)]

    assert sorted(routes) == sorted(set(routes))


def test_all_other_paths_get_the_answer_of_read() -> None:
    assert [name for name in FUNCTIONS if CATCH_ALL in _routes(FUNCTIONS[name])] == ["ReadFunction"]


def test_there_is_one_api_and_its_paths_have_no_prefix() -> None:
    (name, api), *others = STACK.of_type("AWS::Serverless::HttpApi").items()
    events = [event for function in FUNCTIONS.values() for event in _events(function, "HttpApi")]

    assert not others
    assert api["StageName"] == CATCH_ALL
    assert all(event["ApiId"] == f"${{{name}}}" for event in events)


def test_the_access_log_names_nobody() -> None:
    (api,) = STACK.of_type("AWS::Serverless::HttpApi").values()
    logged = set(re.findall(r"\$context\.([\w.]+)", api["AccessLogSettings"]["Format"]))

    assert logged == {
        "requestId",
        "routeKey",
        "status",
        "responseLatency",
        "integrationErrorMessage",
    }


def test_requests_are_limited() -> None:
    (api,) = Stack(MAIN, {"ThrottlingRate": "7"}).of_type("AWS::Serverless::HttpApi").values()

    assert api["DefaultRouteSettings"]["ThrottlingRateLimit"] == "7"
    assert api["DefaultRouteSettings"]["ThrottlingBurstLimit"] > 0


def test_web_pages_may_call_only_from_where_it_is_allowed() -> None:
    (api,) = STACK.of_type("AWS::Serverless::HttpApi").values()
    cors = api["CorsConfiguration"]

    assert cors["AllowOrigins"] == {"Split": [",", "https://nobody.invalid"]}
    assert {"Authorization", "Idempotency-Key"} <= set(cors["AllowHeaders"])
    assert set(cors["ExposeHeaders"]) == {
        "Retry-After",
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
        "X-RateLimit-Reset",
    }
    assert "AllowCredentials" not in cors


# What is built


def _pins(layer: str) -> set[str]:
    path = ROOT / "layers" / layer / "requirements.txt"
    lines = path.read_text(encoding="utf-8").splitlines()
    return {line.partition(";")[0].strip() for line in lines if not line.lstrip().startswith("#")}


@pytest.mark.parametrize(
    ("layer", "besides"),
    [("dependencies", set()), ("gremlin37", set()), ("gremlin38", {"gremlinpython==3.8.2"})],
)
def test_the_layers_have_the_versions_that_were_tested(layer: str, besides: set[str]) -> None:
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    locked = {f"{package['name']}=={package['version']}" for package in lock["package"]}

    assert _pins(layer)
    assert _pins(layer) - locked == besides, "run `make lock`"


@pytest.mark.parametrize(
    ("layer", "client"),
    [("gremlin37", "gremlinpython==3.7.3"), ("gremlin38", "gremlinpython==3.8.2")],
)
def test_a_layer_for_neptune_repeats_nothing_of_the_other_one(layer: str, client: str) -> None:
    common = {pin.partition("==")[0] for pin in _pins("dependencies")}

    assert client in _pins(layer)
    assert not common & {pin.partition("==")[0] for pin in _pins(layer)}


@pytest.mark.parametrize(
    "place", ["uv.lock", "scripts/sam-requirements.txt", "scripts/mem0-requirements.txt"]
)
def test_packages_come_from_the_public_index_alone(place: str) -> None:
    text = (ROOT / place).read_text(encoding="utf-8")
    hosts = set(re.findall(r"https?://([^/\"\s]+)", text))

    assert hosts <= {"pypi.org", "files.pythonhosted.org"}
    assert "--index-url" not in text
