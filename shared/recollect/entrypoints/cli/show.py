"""`recollect show` and `episode`."""

import json
from collections.abc import Sequence
from typing import Final, TypeVar
from urllib.parse import quote

import click

from recollect.entrypoints.answers import EpisodeAnswer, HistoryAnswer, MemoryAnswer
from recollect.entrypoints.cli.client import Api, RefusedError
from recollect.entrypoints.cli.options import connected, json_option
from recollect.entrypoints.cli.output import (
    examples,
    moment,
    names,
    one_line,
    print_json,
    print_table,
)

T = TypeVar("T")

NOT_FOUND: Final = 404


@click.command(epilog=examples("recollect show 0b5a1c9e-5a4f-4c39-9a56-3e7c02d4b1aa"))
@click.argument("memory_id", metavar="ID")
@json_option
@connected
def show(api: Api, *, memory_id: str, is_json: bool) -> None:
    """Show a memory, its history and where it came from.

    The history of a deleted memory is shown too. ">" marks the messages that say what the memory
    said at first.
    """
    path = f"/v1/memories/{quote(memory_id, safe='')}/"
    history = api.call(list[HistoryAnswer], "GET", f"{path}history/")
    memory = _unless_gone(api, MemoryAnswer, path)
    said = _unless_gone(api, EpisodeAnswer, f"{path}episode/")
    if is_json:
        print_json({"memory": memory, "history": history, "episode": said})
        return
    _print_memory(memory, history)
    _print_history(history)
    if said:
        first = next((event["new_memory"] for event in history if event["new_memory"]), "")
        click.echo()
        _print_episode(said, first or "")


@click.command(epilog=examples("recollect episode 7d3c9f52-1f04-4b9b-8a3e-2f6f0f5b8c11"))
@click.argument("an_id", metavar="ID")
@json_option
@connected
def episode(api: Api, *, an_id: str, is_json: bool) -> None:
    """Show the messages that memories came from.

    ID is that of an add (its "event_id"), or of a memory that came from it.
    """
    part = quote(an_id, safe="")
    found = _unless_gone(api, EpisodeAnswer, f"/v1/episodes/{part}/") or api.call(
        EpisodeAnswer, "GET", f"/v1/memories/{part}/episode/"
    )
    if is_json:
        print_json(found)
    else:
        _print_episode(found)


def _unless_gone(api: Api, kind: type[T], path: str) -> T | None:
    try:
        return api.call(kind, "GET", path)
    except RefusedError as refusal:
        if refusal.status == NOT_FOUND:
            return None
        raise


def _print_memory(memory: MemoryAnswer | None, history: Sequence[HistoryAnswer]) -> None:
    if memory is None:
        click.echo("(deleted)")
        print_table([("id", history[-1]["memory_id"])])
        return
    click.echo(one_line(memory["memory"]))
    rows = [
        ("id", memory["id"]),
        ("of", names(memory)),
        ("said", moment(memory["created_at"])),
        ("changed", moment(memory["updated_at"])),
        ("version", str(memory["version"])),
        ("expires", memory["expiration_date"] or ""),
        ("metadata", one_line(json.dumps(memory["metadata"], ensure_ascii=False))),
    ]
    print_table([(f"  {name}", value) for name, value in rows if value not in {"", "{}"}])


def _print_history(history: Sequence[HistoryAnswer]) -> None:
    click.echo("\nHistory")
    rows = [
        (f"  {moment(event['updated_at'])}", event["event"], _change(event)) for event in history
    ]
    print_table(rows)


def _change(event: HistoryAnswer) -> str:
    texts = [one_line(text) for text in (event["old_memory"], event["new_memory"]) if text]
    return " -> ".join(texts)


def _print_episode(said: EpisodeAnswer, first_text: str = "") -> None:
    click.echo(f"Episode of {moment(said['created_at'])}")
    sought = one_line(first_text)
    for turn in said["messages"]:
        content = one_line(turn["content"])
        mark = ">" if sought and sought in content else " "
        click.echo(f"{mark} {one_line(turn['name'] or turn['role'])}: {content}")
        for each in turn["attachments"]:
            click.echo(f"    [{each['kind']}] {one_line(each['text'] or each['url'])}")
