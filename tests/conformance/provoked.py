"""Refusals of the service itself, provoked by the clients' own calls."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tests.callers import LiveService, new_id
from tests.conformance.clients import RaisedError
from tests.conformance.outcomes import Play
from tests.conformance.play_python import BEES, PIANO, remembered
from tests.conformance.refusals import BARE, EXCEPTIONS, WHOLE, manner_of

TOO_LARGE: Final = "x" * 7_000_000
"""More than the 6 MB that a function can be given."""
MOST_TRIES: Final = 3
"""A minute may end between the one request that is allowed and the next."""


@dataclass(frozen=True)
class Provocation:
    """How to be refused with a status, and what is told then."""

    status: int
    text: str
    provoke: Callable[[Play], Any]


def ask(play: Play, verb: str, *args: str) -> Any:  # noqa: ANN401 - any JSON
    """Make one of the calls that every client has under the same name."""
    if play.client.flavour == "command line":
        user = () if verb in {"get", "delete", "update"} else ("--user-id", "ada")
        return play.driver.call(verb, *args, *user)
    if verb == "add":
        talk = [{"role": "user", "content": args[0]}]
        return play.driver.call("add", talk, user_id="ada")
    if verb == "search":
        scope = {"user_id": "ada"} if play.client.flavour == "Node" else {}
        is_old = play.client.is_legacy
        return play.driver.call("search", *args, **(scope if is_old and scope else _FILTERED))
    options = {"text": args[1]} if verb == "update" else {}
    return play.driver.call(verb, args[0], **options)


def _get_no_id(play: Play) -> None:
    ask(play, "get", "no-id")


def _get_after_revocation(play: Play) -> None:
    [key] = play.send("GET", "/v1/keys/")["results"]
    play.send("DELETE", f"/v1/keys/{key['id']}/")
    ask(play, "get", new_id())


def _delete_as_reader(play: Play) -> None:
    memory_id = remembered(play)
    _with_key(play, role="READER")
    ask(play, "delete", memory_id)


def _get_unknown(play: Play) -> None:
    ask(play, "get", new_id())


def _update_immutable(play: Play) -> None:
    body = {"messages": BEES, "user_id": "ada", "infer": False, "immutable": True}
    [memory] = play.send("POST", "/v3/memories/add/", body)["results"]
    ask(play, "update", memory["id"], PIANO)


def _add_too_much(play: Play) -> None:
    ask(play, "add", TOO_LARGE)


def _get_too_often(play: Play) -> None:
    memory_id = remembered(play)
    _with_key(play, requests_per_minute=1)
    for _ in range(MOST_TRIES):
        ask(play, "get", memory_id)


def _search(play: Play) -> None:
    ask(play, "search", "bees")


PROVOCATIONS: Final = (
    Provocation(400, "valid UUID", _get_no_id),
    Provocation(401, "Invalid API key", _get_after_revocation),
    Provocation(403, "may only read", _delete_as_reader),
    Provocation(404, "Memory not found!", _get_unknown),
    Provocation(409, "immutable", _update_immutable),
    Provocation(413, "too large", _add_too_much),
    Provocation(429, "requests a minute", _get_too_often),
)
WITHOUT_EMBEDDER: Final = Provocation(503, "", _search)
_FILTERED: Final = {"filters": {"user_id": "ada"}}


def surprises(play: Play, broken: LiveService | None) -> list[str]:
    """Return what is not refused as it should be, or not told as the client tells it."""
    found = [_surprise(play, each) for each in PROVOCATIONS]
    if broken is not None:
        cut_off = Play(play.client, play.driver, broken)
        found.append(_surprise(cut_off, WITHOUT_EMBEDDER))
    return [f"{play.client.label}: {each}" for each in found if each]


def _surprise(play: Play, provocation: Provocation) -> str:
    play.begin()
    try:
        provocation.provoke(play)
    except RaisedError as error:
        return "" if _is_told(play, provocation, error) else f"{provocation.status}: {error}"
    return f"{provocation.status}: nothing was raised"


def _is_told(play: Play, provocation: Provocation, error: RaisedError) -> bool:
    manner, status = manner_of(play.client), provocation.status
    if manner in {EXCEPTIONS, WHOLE}:
        return error.kind == manner.kind(status) and provocation.text in error.message
    if manner is BARE:
        return error.kind == manner.kind(status) and f"'{status} " in error.message
    told = {400: provocation.text, 401: "Invalid or expired API key", 404: "Resource not found"}
    return told.get(status, f"'{status} ") in error.message


def _with_key(play: Play, **wishes: object) -> None:
    """Have the client go on with a key that opens less of the same project."""
    made = play.send("POST", "/v1/keys/", {"name": "less", **wishes})
    play.driver.open(play.client, play.service.address, made["key"])
