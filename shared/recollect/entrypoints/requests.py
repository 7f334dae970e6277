"""Requests as the routers read them, whoever sent them and however."""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

_NAMED = re.compile(
    r"/(?:v[12]/+)?(?:entities|memories)/+(?:user|agent|app|run)s?/(?=.*[^/])", re.DOTALL
)
"""What stands before the name of an entity: the one part of a path whose slashes mean something."""


class Event(APIGatewayProxyEventV2):
    """A request whose query is read from the raw string.

    API Gateway joins repeated parameters with commas, which turns `user_id=a,b` into two users.
    """

    @cached_property
    def query(self) -> dict[str, list[str]]:
        """Every parameter with its decoded values."""
        return parse_qs(self.get("rawQueryString") or "", keep_blank_values=True)

    @property
    def resolved_query_string_parameters(self) -> dict[str, list[str]]:
        """The query for the validation of declared parameters, which changes what it is given."""
        return {name: list(values) for name, values in self.query.items()}


def normal(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event with doubled and trailing slashes gone; every body is read as JSON.

    Of the name of an entity only the last slash goes: `a//b` is somebody else than `a/b`. What a
    stage or a custom domain's mapping puts before the route's own path is gone, too.
    """
    context = event.get("requestContext", {})
    path = _without_idle_slashes(_own_path(event, context.get("stage", "")))
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    return {
        **event,
        "rawPath": path,
        # So that nobody takes the stage away once more.
        "requestContext": {**context, "stage": "$default"},
        "headers": {**headers, "content-type": "application/json"},
    }


def _own_path(event: Mapping[str, Any], stage: str) -> str:
    """Return the path from where the route that the gateway took begins."""
    raw: str = event["rawPath"]
    given = event.get("pathParameters") or {}
    route = event.get("routeKey", "").partition(" ")[2]
    path = re.sub(r"\{(\w+)\+?\}", lambda name: given.get(name[1], ""), route)
    return path if path and raw.endswith(path) else raw.removeprefix(f"/{stage}")


def _without_idle_slashes(path: str) -> str:
    named = _NAMED.search(path)
    end = named.end() if named else len(path)
    head, name = re.sub(r"/{2,}", "/", path[:end]), path[end:]
    return head + name.removesuffix("/") if name else head.rstrip("/") or "/"
