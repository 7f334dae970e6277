"""Which function serves which path, read from the template that is deployed.

The precedence is the one of the API Gateway developer guide, "Create routes for HTTP APIs".
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import NamedTuple, TypeAlias

import yaml

from recollect.domain.errors import InvalidRequestError

DEFAULT_ROUTE = "$default"
_Tree: TypeAlias = "str | list[_Tree] | dict[str, _Tree]"
_GREEDY, _LAST = 2, 3
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Match(NamedTuple):
    """Which function serves a request, through which route, with which path parameters."""

    function: str
    route_key: str
    path_parameters: Mapping[str, str]


@dataclass(frozen=True)
class Route:
    """One route of the template; `method` may be ANY and `path` may be `$default`."""

    function: str
    method: str
    path: str

    @property
    def key(self) -> str:
        """The route's name in events, such as `GET /v1/ping`."""
        return DEFAULT_ROUTE if self.path == DEFAULT_ROUTE else f"{self.method} {self.path}"

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches whole decoded paths, with one group for each path parameter."""
        if self.path == DEFAULT_ROUTE:
            return re.compile(".*", re.DOTALL)
        groups = {1: "([^/]+)", _GREEDY: "(.+)"}
        parts = [groups.get(_rank(part), re.escape(part)) for part in self.path.split("/")]
        return re.compile("/".join(parts), re.DOTALL)

    @property
    def precedence(self) -> tuple[tuple[int, ...], bool]:
        """Sorts the best match first: fixed segments, {one}, {greedy+}, `$default`; ANY last."""
        if self.path == DEFAULT_ROUTE:
            return (_LAST,), True
        return tuple(_rank(segment) for segment in self.path.split("/")), self.method == "ANY"


@dataclass(frozen=True)
class RouteTable:
    """Says which function serves a method and a path, as an HTTP API would.

    Raises `InvalidRequestError` if two routes have one key.
    """

    routes: tuple[Route, ...]

    def __post_init__(self) -> None:
        """Refuse what the gateway would refuse to deploy."""
        keys = [route.key for route in self.routes]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if twice:
            message = f"Two functions claim the route {twice[0]}"
            raise InvalidRequestError(message)

    @classmethod
    def from_template(cls, path: Path) -> "RouteTable":
        """Return the routes of a SAM template's `HttpApi` events.

        A function is called by the last folder of its `CodeUri`: `functions/add/` is `add`.
        Raises `InvalidRequestError` if the file cannot be read or has no routes.
        """
        try:
            node = yaml.compose(path.read_bytes(), Loader=_LOADER)
        except (OSError, yaml.YAMLError) as error:
            message = f"The template {path} cannot be read: {' '.join(str(error).split())}"
            raise InvalidRequestError(message) from error
        routes = tuple(_routes({} if node is None else _tree(node)))
        if not routes:
            message = f"The template {path} has no function with an HttpApi event"
            raise InvalidRequestError(message)
        return cls(routes)

    def route(self, method: str, path: str) -> Match | None:
        """Return who serves a decoded path, or None if nobody does.

        A method's own routes and those of ANY compete by path first. The trailing slash counts,
        and a parameter takes one segment that is not empty.
        """
        for route in self._by_precedence:
            if route.method not in {method, "ANY"}:
                continue
            found = route.pattern.fullmatch(path)
            if found is not None:
                names = re.findall(r"\{([^}+]+)\+?\}", route.path)
                values = dict(zip(names, found.groups(), strict=True))
                return Match(route.function, route.key, values)
        return None

    @cached_property
    def _by_precedence(self) -> tuple[Route, ...]:
        return tuple(sorted(self.routes, key=lambda route: route.precedence))


def _rank(segment: str) -> int:
    if not (segment.startswith("{") and segment.endswith("}")):
        return 0
    return _GREEDY if segment.endswith("+}") else 1


def _routes(template: _Tree) -> Iterator[Route]:
    for resource in _section(template, "Resources").values():
        properties = _section(resource, "Properties")
        folder = properties.get("CodeUri")
        for event in _section(properties, "Events").values():
            if isinstance(event, dict) and event.get("Type") == "HttpApi":
                yield _route(folder, _section(event, "Properties"))


def _route(folder: "_Tree | None", properties: Mapping[str, _Tree]) -> Route:
    path, method = properties.get("Path", DEFAULT_ROUTE), properties.get("Method", "ANY")
    if not (isinstance(folder, str) and isinstance(path, str) and isinstance(method, str)):
        message = "An HttpApi event needs text for Path and Method, and its function a CodeUri"
        raise InvalidRequestError(message)
    return Route(PurePosixPath(folder).name, method.upper(), path)


def _section(tree: _Tree, name: str) -> dict[str, _Tree]:
    section = tree.get(name) if isinstance(tree, dict) else None
    return section if isinstance(section, dict) else {}


def _tree(node: yaml.Node) -> _Tree:
    """Return the node's plain value; tags such as !Ref and !Sub are dropped."""
    if isinstance(node, yaml.MappingNode):
        return {str(_tree(key)): _tree(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_tree(item) for item in node.value]
    return str(node.value)
