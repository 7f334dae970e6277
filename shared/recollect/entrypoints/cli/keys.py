"""`recollect keys create`, `list`, `rotate` and `revoke`."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, ParamSpec, Protocol, TypeVar
from urllib.parse import quote

import click

from recollect.domain.keys import Role
from recollect.domain.subjects import SubjectKind
from recollect.entrypoints.cli.client import Api, Place, opened
from recollect.entrypoints.cli.options import NameType, json_option, placed
from recollect.entrypoints.cli.output import (
    examples,
    moment,
    names,
    one_line,
    print_json,
    print_table,
    say,
)
from recollect.entrypoints.key_answers import KeyAnswer, KeysAnswer

P = ParamSpec("P")
R = TypeVar("R")

DEFAULT_PROJECT: Final = "default"
MAX_PROJECT_LENGTH: Final = 100
DEFAULT_OVERLAP_SECONDS: Final = 86_400
MAX_OVERLAP_SECONDS: Final = 30 * 86_400
GRANT_OPTIONS: Final = (
    click.option(
        "--role",
        type=click.Choice([*Role], case_sensitive=False),
        help="READER may only read.  [default: OWNER, or as the member has it]",
    ),
    *(
        click.option(
            f"--{kind}-id", type=NameType(kind), help=f"The only {kind} whose memories it opens."
        )
        for kind in SubjectKind
    ),
    click.option(
        "--expires",
        "expires_at",
        metavar="TIME",
        help="Until when it is good: a day or a time in ISO 8601.  [default: for ever]",
    ),
    click.option("--member", metavar="EMAIL", help="The project's member whom it is for."),
    click.option("--requests-per-minute", type=int, help="At most so many.  [default: no limit]"),
    click.option(
        "--tokens-per-day",
        type=int,
        help="Tokens that language models may read and write for it.  [default: no limit]",
    ),
)
"""What a key is made with."""
GRANT_FIELDS: Final = (
    "role",
    *(f"{kind}_id" for kind in SubjectKind),
    "expires_at",
    "member",
    "requests_per_minute",
    "tokens_per_day",
)
"""What commands get of these options: the names of the protocol."""

project_option = click.option(
    "--project",
    help=(
        f"The project, in the local data file; {DEFAULT_PROJECT} if not given. With --host it is"
        " always the project of the key."
    ),
)


def granted(command: Callable[P, R]) -> Callable[P, R]:
    """Give a command the options that say what a key opens; it gets what was said as `grant`."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        given = {field: kwargs.pop(field) for field in GRANT_FIELDS}
        kwargs["grant"] = {field: value for field, value in given.items() if value is not None}
        return command(*args, **kwargs)

    for option in reversed(GRANT_OPTIONS):
        run = option(run)
    return run


class KeyRing(Protocol):
    """The keys of one project."""

    def create(self, fields: Mapping[str, Any]) -> KeyAnswer:
        """Return a new key, with the key itself; raise `InvalidRequestError`.

        The fields are those of the protocol.
        """
        ...

    def all(self) -> list[KeyAnswer]:
        """Return what is known of each key, oldest first."""
        ...

    def revoke(self, key_id: str) -> KeyAnswer:
        """Return the revoked key; raise `NotFoundError` or `RefusedError`."""
        ...

    def rotate(self, key_id: str, fields: Mapping[str, Any]) -> KeyAnswer:
        """Return the key's successor, with the key itself; raise as `revoke`, or refuse."""
        ...


@dataclass(frozen=True)
class RemoteKeys:
    """The keys of the project that a service's key opens."""

    api: Api

    def create(self, fields: Mapping[str, Any]) -> KeyAnswer:
        """Return a new key."""
        return self.api.call(KeyAnswer, "POST", "/v1/keys/", body=dict(fields))

    def all(self) -> list[KeyAnswer]:
        """Return what is known of each key."""
        return self.api.call(KeysAnswer, "GET", "/v1/keys/")["results"]

    def revoke(self, key_id: str) -> KeyAnswer:
        """Return the revoked key."""
        return self.api.call(KeyAnswer, "DELETE", _path(key_id))

    def rotate(self, key_id: str, fields: Mapping[str, Any]) -> KeyAnswer:
        """Return the key's successor."""
        return self.api.call(KeyAnswer, "POST", f"{_path(key_id)}rotate/", body=dict(fields))


@click.group()
def keys() -> None:
    """Make, list, rotate and revoke API keys.

    A key opens one project, and a project shares nothing with another. A project comes to be
    with its first key.
    """


@keys.command(
    epilog=examples(
        "recollect keys create laptop",
        "recollect keys create agent --project research",
        "recollect keys create widget --role reader --user-id maya --expires 2030-01-01",
    )
)
@click.argument("name", default="key")
@granted
@project_option
@json_option
@placed
def create(
    place: Place, *, name: str, grant: Mapping[str, Any], project: str | None, is_json: bool
) -> None:
    """Make a key, which is shown only now; NAME is to recognise it by."""
    with _key_ring(place, project) as ring:
        key = ring.create({"name": name, **grant})
    _show_once(key, is_json=is_json)


@keys.command("list", epilog=examples("recollect keys list --project research"))
@project_option
@json_option
@placed
def list_(place: Place, *, project: str | None, is_json: bool) -> None:
    """List a project's keys, without the keys themselves."""
    with _key_ring(place, project) as ring:
        found = ring.all()
    if is_json:
        print_json(found)
    elif found:
        print_table(
            [
                (key["id"], moment(key["created_at"]), key["role"], names(key), _about(key))
                for key in found
            ]
        )
    else:
        say("There are no keys.")


@keys.command(epilog=examples("recollect keys revoke 0b5a1c9e-5a4f-4c39-9a56-3e7c02d4b1aa"))
@click.argument("key_id", metavar="ID")
@project_option
@json_option
@placed
def revoke(place: Place, *, key_id: str, project: str | None, is_json: bool) -> None:
    """Make a key useless, for good.

    A running service notices it within a minute.
    """
    with _key_ring(place, project) as ring:
        key = ring.revoke(key_id)
    if is_json:
        print_json(key)
    else:
        say(f"Revoked {one_line(key['name'])}.")


@keys.command(
    epilog=examples(
        "recollect keys rotate 0b5a1c9e-5a4f-4c39-9a56-3e7c02d4b1aa --overlap 3600",
    )
)
@click.argument("key_id", metavar="ID")
@click.option(
    "--overlap",
    type=click.IntRange(0, MAX_OVERLAP_SECONDS),
    default=DEFAULT_OVERLAP_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="How long the key itself stays good.",
)
@project_option
@json_option
@placed
def rotate(place: Place, *, key_id: str, overlap: int, project: str | None, is_json: bool) -> None:
    """Make a key's successor, which opens the same and is shown only now."""
    with _key_ring(place, project) as ring:
        key = ring.rotate(key_id, {"overlap_seconds": overlap})
    _show_once(key, is_json=is_json)


@contextmanager
def _key_ring(place: Place, project: str | None) -> Iterator[KeyRing]:
    """Yield the keys of the key's project, or locally those of any project."""
    if project is not None and (place.host or place.api_key):
        message = "--project is for the local data file; an API key has its own project."
        raise click.UsageError(message)
    if place.host or place.api_key:
        with opened(place) as api:
            yield RemoteKeys(api)
        return
    # Half a second of imports that a command for a service has no use for.
    from recollect.entrypoints.cli import local  # noqa: PLC0415

    with local.opened(place.data) as edition:
        yield edition.keys(_checked(project))


def _checked(project: str | None) -> str:
    name = DEFAULT_PROJECT if project is None else project.strip()
    if not name or len(name) > MAX_PROJECT_LENGTH or not name.isprintable():
        message = f"--project must have 1 to {MAX_PROJECT_LENGTH} printable characters."
        raise click.UsageError(message)
    return name


def _show_once(key: KeyAnswer, *, is_json: bool) -> None:
    if is_json:
        print_json(key)
        return
    click.echo(key["key"])
    say(f"Keep it: this is the only time it is shown. It opens the project {key['project_id']}.")


def _about(key: KeyAnswer) -> str:
    name, revoked, expires = one_line(key["name"]), key["revoked_at"], key["expires_at"]
    if revoked:
        return f"{name} (revoked {moment(revoked)})"
    return f"{name} (expires {moment(expires)})" if expires else name


def _path(key_id: str) -> str:
    return f"/v1/keys/{quote(key_id, safe='')}/"
