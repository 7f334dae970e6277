"""Which play each client is given, and the whole of it."""

from typing import Any

from tests.callers import LiveService
from tests.conformance import play_command_line, play_node, play_python
from tests.conformance.clients import Client, Driver
from tests.conformance.outcomes import Outcome, Play


def played(client: Client, driver: Driver, service: LiveService) -> list[Outcome]:
    """Return what came of all scenes, and which methods no scene called."""
    play = Play(client, driver, service, _reader(client))
    for scene in _scenes(client):
        play.perform(scene)
    play.finish()
    return play.outcomes


def _scenes(client: Client) -> Any:  # noqa: ANN401 - functions of a play
    if client.flavour == "Node":
        return play_node.SCENES
    if client.flavour == "command line":
        return play_command_line.SCENES
    return play_python.SCENES


def _reader(client: Client) -> Any:  # noqa: ANN401 - a function of any JSON
    is_renamed = client.flavour == "Node" and not client.is_legacy
    return play_node.snake if is_renamed else _as_it_is


def _as_it_is(answer: Any) -> Any:  # noqa: ANN401 - any JSON
    return answer
