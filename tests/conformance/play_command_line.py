"""Every command of mem0-cli."""

import json
from typing import Annotated, Any, Final

from pydantic import Field

from tests.conformance import shapes
from tests.conformance.outcomes import Play
from tests.conformance.play_python import BEES, PIANO, remembered

USER: Final = ("--user-id", "ada")
AS_JSON: Final = ("-o", "json")
LONG: Final = "I enjoy solving constraint satisfaction problems before breakfast."


def adds(play: Play) -> None:
    play.call("add", BEES, *USER, "--no-infer", *AS_JSON, shape=shapes.Added)
    talk = json.dumps([{"role": "user", "content": "I live in Lisbon."}])
    play.call("add", "--messages", talk, *USER, *AS_JSON, shape=shapes.Added)
    play.call(
        "add",
        PIANO,
        *USER,
        "--no-infer",
        "--immutable",
        "--expires",
        "2999-12-31",
        "--metadata",
        '{"a": 1}',
        *AS_JSON,
        shape=shapes.Added,
    )
    printed = play.call("add", PIANO, *USER, "--no-infer", shape=str)
    assert "Memory processed" in printed


def finds(play: Play) -> None:
    for text in (BEES, PIANO):
        remembered(play, text)
    hits = play.call(
        "search", "Who plays the piano?", *USER, "--top-k", "1", *AS_JSON, shape=list[shapes.Found]
    )
    assert [each["memory"] for each in hits] == [PIANO]
    condition = '{"AND": [{"user_id": "ada"}, {"created_at": {"gte": "2020-01-01"}}]}'
    play.call(
        "search",
        "piano",
        "--filter",
        condition,
        "--rerank",
        "--keyword",
        *AS_JSON,
        shape=list[shapes.Found],
    )
    assert PIANO in play.call("search", "piano", *USER, shape=str)


def lists(play: Play) -> None:
    for text in (BEES, PIANO):
        remembered(play, text)
    asked = ("--page", "1", "--page-size", "10", "--after", "2020-01-01", "--latest-only")
    listed = play.call("list", *USER, *asked, *AS_JSON, shape=shapes.Envelope)
    assert [each["memory"] for each in listed["data"]] == [PIANO, BEES]
    assert BEES[:20] in play.call("list", *USER, shape=str)


def changes(play: Play) -> None:
    memory_id = remembered(play)
    memory = play.call("get", memory_id, *AS_JSON, shape=shapes.Memory)
    assert memory["memory"] == BEES
    changed = play.call(
        "update",
        memory_id,
        PIANO,
        "--metadata",
        '{"b": 2}',
        "--expires",
        "2999-12-31",
        *AS_JSON,
        shape=shapes.Memory,
    )
    assert (changed["memory"], changed["expiration_date"]) == (PIANO, "2999-12-31")
    assert PIANO in play.call("delete", memory_id, "--dry-run", shape=str)
    play.call("delete", memory_id, "--delete-linked", *AS_JSON, shape=shapes.Message)


def deletes_all(play: Play) -> None:
    remembered(play)
    play.call("delete", "--all", *USER, "--dry-run", shape=str)
    play.call("delete", "--all", *USER, "--force", *AS_JSON, shape=shapes.Deleting)
    remembered(play)
    play.call("delete", "--all", "--project", "--force", *AS_JSON, shape=shapes.Deleting)
    assert play.send("GET", "/v1/entities/")["results"] == []


def forgets_entities(play: Play) -> None:
    remembered(play, user_id="al ice/x", agent_id="bot")
    for kind, name in (("users", "al ice/x"), ("agents", "bot")):
        [entity] = play.call("entity list", kind, *AS_JSON, shape=list[shapes.Entity])
        assert entity["name"] == name
    deleted = dict[str, shapes.Deleting]
    play.call("entity delete", "--user-id", "al ice/x", "--force", *AS_JSON, shape=deleted)
    play.call("delete", "--entity", "--agent-id", "bot", "--force", *AS_JSON, shape=deleted)
    assert play.send("GET", "/v1/entities/")["results"] == []


def imports(play: Play) -> None:
    file = json.dumps([{"memory": BEES, "user_id": "grace"}, {"text": PIANO}])
    done = play.call(
        "import", play.file("memories.json", file), *USER, *AS_JSON, shape=shapes.Envelope
    )
    assert done["data"] == {"added": 2, "failed": 0}


def follows_events(play: Play) -> None:
    remembered(play)
    events = Annotated[list[shapes.Event], Field(min_length=1)]
    [event, *_] = play.call("event list", *AS_JSON, shape=events)
    play.call("event status", event["id"], *AS_JSON, shape=shapes.Event)
    assert "SUCCEEDED" in play.call("event status", event["id"], shape=str)


def is_set_up(play: Play) -> None:
    status = play.call("status", *AS_JSON, shape=shapes.Envelope)
    assert status["data"]["connected"] is True
    play.call("init", "--api-key", play.key, "--user-id", "ada", "--force", shape=str)
    play.call("config set", "defaults.user_id", "ada", shape=str)
    assert "ada" in play.call("config get", "defaults.user_id", shape=str)
    play.call("config show", *AS_JSON, shape=Any)
    play.call("version", shape=str)
    play.call("help", shape=Any)


def is_for_mem0_alone(play: Play) -> None:
    play.call("identify", "claude-code", shape=str)
    play.call("whoami", shape=str)
    play.call("agent-rush add", LONG, shape=str)
    play.call("agent-rush search", "puzzles", shape=str)


SCENES: Final = (
    adds,
    finds,
    lists,
    changes,
    deletes_all,
    forgets_entities,
    imports,
    follows_events,
    is_set_up,
    is_for_mem0_alone,
)
