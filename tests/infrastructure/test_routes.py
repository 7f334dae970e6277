"""The template assigns paths to functions, the routers answer them: the two must agree."""

import re
from itertools import groupby
from typing import Any

import httpx
import pytest

from recollect.entrypoints.functions import HTTP_FUNCTIONS, load_module, routes
from recollect.entrypoints.openapi import openapi_text
from recollect.entrypoints.route_table import DEFAULT_ROUTE, Route
from tests.callers import ADDRESS, AN_ID, refusal_of

NO_ROUTE = "There is no such route"
NAMED = [
    route
    for route in routes().routes
    if route.path != DEFAULT_ROUTE and not route.path.endswith("+}")
]
OF_ANY_METHOD = [route for route in NAMED if route.method == "ANY"]
"""What describes itself, in another protocol's way, and is in no OpenAPI document."""
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
MOST_ROUTES = 40
"""Of one function: each takes some 400 bytes of its policy, which can have 20 KB."""
WITHOUT_BODY = {"DELETE", "GET"}


def declared(function: str) -> set[tuple[str, str]]:
    """Return what a function's own router declares, with and without the last slash."""
    schema: dict[str, Any] = (
        load_module(function).app.get_openapi_schema().model_dump(by_alias=True, exclude_none=True)
    )
    return {
        (method.upper(), path + slash)
        for path, operations in schema["paths"].items()
        for method in operations
        for slash in ("", "/")
    }


DECLARED = sorted(each for function in HTTP_FUNCTIONS for each in declared(function))


@pytest.mark.parametrize("function", HTTP_FUNCTIONS)
def test_the_template_leads_every_route_to_the_router_that_declares_it(function: str) -> None:
    for method, path in declared(function):
        match = routes().route(method, path.replace("{", "").replace("}", ""))
        assert match
        assert match.function == function, f"{method} {path}"


@pytest.mark.parametrize("route", NAMED, ids=lambda route: route.key)
def test_what_the_template_names_is_declared(route: Route) -> None:
    assert (route.method, route.path) in declared(route.function) or route in OF_ANY_METHOD


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("route", OF_ANY_METHOD, ids=lambda route: route.key)
def test_what_takes_any_method_answers_every_one(
    service: httpx.Client, route: Route, method: str
) -> None:
    response = service.request(method, route.path)

    assert response.status_code in {400, 405}
    assert NO_ROUTE not in response.text


@pytest.mark.parametrize("function", HTTP_FUNCTIONS)
def test_the_routes_of_a_function_fit_into_its_policy(function: str) -> None:
    led = [route for route in routes().routes if route.function == function]

    assert 0 < len(led) <= MOST_ROUTES


def test_no_other_function_answers_http() -> None:
    assert {route.function for route in routes().routes} == set(HTTP_FUNCTIONS)


def test_every_route_is_there_with_and_without_its_last_slash() -> None:
    by_path = sorted(NAMED, key=lambda route: (route.method, route.path.rstrip("/")))
    for key, same in groupby(by_path, key=lambda route: (route.method, route.path.rstrip("/"))):
        paths = {route.path for route in same}
        assert paths == {key[1], f"{key[1]}/"}


@pytest.mark.parametrize(("method", "path"), DECLARED)
def test_every_declared_route_is_answered(service: httpx.Client, method: str, path: str) -> None:
    body: dict[str, str] | None = None if method in WITHOUT_BODY else {}
    existing = path.replace("{entity_type}", "user")
    response = service.request(method, re.sub(r"\{\w+\}", AN_ID, existing), json=body)

    assert response.status_code in {200, 400, 404}
    assert NO_ROUTE not in response.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/v1/nothing/"),
        ("GET", f"/v1/memories/{AN_ID}/nothing/"),
        ("GET", "/v1/memories/a%2Fb/"),
        ("PATCH", "/v1/ping/"),
        ("POST", "/v1/ping/"),
        ("OPTIONS", "/v3/memories/add/"),
        ("DELETE", "/v3/memories/"),
        ("PUT", "/v1/keys/"),
    ],
)
def test_what_no_route_takes_is_a_404_of_our_own(
    service: httpx.Client, method: str, path: str
) -> None:
    response = service.request(method, path)

    assert (response.status_code, refusal_of(response)) == (404, NO_ROUTE)


def test_doubled_slashes_are_one_where_the_client_asks_first(service: httpx.Client) -> None:
    assert service.get(f"{ADDRESS}//v1//ping//").status_code == 200


def test_the_committed_openapi_document_is_what_the_routers_declare(
    pytestconfig: pytest.Config,
) -> None:
    committed = (pytestconfig.rootpath / "docs" / "openapi.json").read_text(encoding="utf-8")

    assert committed == openapi_text(), "run `make openapi`"
