"""The options that commands share."""

import json
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import click

from recollect.domain.errors import InvalidRequestError
from recollect.domain.subjects import Subject, SubjectKind
from recollect.entrypoints.cli.client import Api, Place, opened

P = ParamSpec("P")
R = TypeVar("R")

DEFAULT_DATA: Final = "~/.recollect/recollect.db"
"""In the home folder: the same memories from every folder, also for a service started elsewhere."""


class PathType(click.ParamType[Path]):
    """A file's path, with `~` for the home folder, wherever it comes from."""

    name = "path"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Path:
        """Return the absolute path."""
        try:
            return Path(str(value)).expanduser().absolute()
        except RuntimeError as error:
            self.fail(f"{value}: {error}", param, ctx)


class JsonType(click.ParamType[dict[str, Any]]):
    """A JSON object."""

    name = "json"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, Any]:
        """Return the object."""
        try:
            found = json.loads(str(value))
        except (ValueError, RecursionError) as error:
            self.fail(f"not valid JSON: {error}", param, ctx)
        if not isinstance(found, dict):
            self.fail('must be a JSON object such as {"topic": "music"}', param, ctx)
        return found


class NameType(click.ParamType[str]):
    """A subject's name."""

    name = "name"

    def __init__(self, kind: SubjectKind) -> None:
        self._kind = kind

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Return the name as it is stored."""
        try:
            return Subject.of(self._kind, value).name
        except InvalidRequestError as error:
            self.fail(str(error), param, ctx)


data_option = click.option(
    "--data",
    type=PathType(),
    envvar="RECOLLECT_DATA",
    default=DEFAULT_DATA,
    show_default=True,
    show_envvar=True,
    help="The local data file; it is made when it is missing.",
)
json_option = click.option(
    "--json", "is_json", is_flag=True, help="Print JSON, as the service answers it."
)
graph_option = click.option(
    "--graph/--no-graph",
    "with_graph",
    default=None,
    help="With the graph or without it.  [default: as the project has set]",
)
infer_option = click.option(
    "--infer",
    is_flag=True,
    help="Keep the facts that are extracted, instead of each message word for word.",
)
metadata_option = click.option(
    "--metadata", type=JsonType(), help="A JSON object that is kept with the memory."
)


def placed(command: Callable[Concatenate[Place, P], R]) -> Callable[P, R]:
    """Give a command the options that say where the memories are; it gets the place."""

    @click.option("--host", envvar="RECOLLECT_HOST", show_envvar=True, help="A service's URL.")
    @click.option(
        "--api-key",
        envvar="RECOLLECT_API_KEY",
        show_envvar=True,
        help="An API key. Without --host it opens its project in the local data file.",
    )
    @data_option
    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        return command(_place(kwargs), *args, **kwargs)

    return run


def connected(command: Callable[Concatenate[Api, P], R]) -> Callable[P, R]:
    """Give a command the same options; it gets the way to the memories."""

    @wraps(command)
    def run(place: Place, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with opened(place) as api:
            return command(api, *args, **kwargs)

    return placed(run)


def subjects(command: Callable[P, R]) -> Callable[P, R]:
    """Give a command --user, --agent, --app and --run; it gets them as `ids` of the protocol."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        given = {f"{kind}_id": kwargs.pop(kind.value) for kind in SubjectKind}
        kwargs["ids"] = {field: name for field, name in given.items() if name is not None}
        return command(*args, **kwargs)

    for kind in reversed(SubjectKind):
        text = f"The {kind} whose memories they are."
        run = click.option(f"--{kind}", type=NameType(kind), help=text)(run)
    return run


def subjects_required(command: Callable[P, R]) -> Callable[P, R]:
    """Do as `subjects`, and insist on one of them unless there is another `condition`."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if not kwargs["ids"] and not kwargs.get("condition"):
            message = "Give at least one of --user, --agent, --app and --run."
            raise click.UsageError(message)
        return command(*args, **kwargs)

    return subjects(run)


def _place(options: dict[str, Any]) -> Place:
    place = Place(options.pop("host"), options.pop("api_key"), options.pop("data"))
    source = click.get_current_context().get_parameter_source
    from_line = click.core.ParameterSource.COMMANDLINE
    if place.host and source("data") is from_line:
        if source("host") is from_line:
            message = "Give either --host or --data."
            raise click.UsageError(message)
        return Place(None, place.api_key, place.data)
    if place.host and not place.api_key:
        message = "--host needs --api-key."
        raise click.UsageError(message)
    return place
