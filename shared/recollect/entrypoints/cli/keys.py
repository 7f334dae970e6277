"""`recollect keys create`, `list` and `revoke`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import quote

import click

from recollect.entrypoints.answers import KeyAnswer, KeysAnswer
from recollect.entrypoints.cli.client import Api, Place, opened
from recollect.entrypoints.cli.options import json_option, placed
from recollect.entrypoints.cli.output import (
    examples,
    moment,
    one_line,
    print_json,
    print_table,
    say,
)

DEFAULT_PROJECT: Final = "default"
MAX_PROJECT_LENGTH: Final = 100

project_option = click.option(
    "--project",
    help=(
        f"The project, in the local data file; {DEFAULT_PROJECT} if not given. With --host it is"
        " always the project of the key."
    ),
)


class KeyRing(Protocol):
    """The keys of one project."""

    def create(self, name: str) -> KeyAnswer:
        """Return a new key, with the key itself; raise `InvalidRequestError`."""
        ...

    def all(self) -> list[KeyAnswer]:
        """Return what is known of each key, oldest first."""
        ...

    def revoke(self, key_id: str) -> KeyAnswer:
        """Return the revoked key; raise `NotFoundError` or `RefusedError`."""
        ...


@dataclass(frozen=True)
class RemoteKeys:
    """The keys of the project that a service's key opens."""

    api: Api

    def create(self, name: str) -> KeyAnswer:
        """Return a new key."""
        return self.api.call(KeyAnswer, "POST", "/v1/keys/", body={"name": name})

    def all(self) -> list[KeyAnswer]:
        """Return what is known of each key."""
        return self.api.call(KeysAnswer, "GET", "/v1/keys/")["results"]

    def revoke(self, key_id: str) -> KeyAnswer:
        """Return the revoked key."""
        return self.api.call(KeyAnswer, "DELETE", f"/v1/keys/{quote(key_id, safe='')}/")


@click.group()
def keys() -> None:
    """Make, list and revoke API keys.

    A key opens one project, and a project shares nothing with another. A project comes to be
    with its first key.
    """


@keys.command(
    epilog=examples(
        "recollect keys create laptop", "recollect keys create agent --project research"
    )
)
@click.argument("name", default="key")
@project_option
@json_option
@placed
def create(place: Place, *, name: str, project: str | None, is_json: bool) -> None:
    """Make a key, which is shown only now; NAME is to recognise it by."""
    with _key_ring(place, project) as ring:
        key = ring.create(name)
    if is_json:
        print_json(key)
        return
    click.echo(key["key"])
    say(f"Keep it: this is the only time it is shown. It opens the project {key['project_id']}.")


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
        print_table([(key["id"], moment(key["created_at"]), _about(key)) for key in found])
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


def _about(key: KeyAnswer) -> str:
    revoked = key["revoked_at"]
    return one_line(key["name"]) + (f" (revoked {moment(revoked)})" if revoked else "")
