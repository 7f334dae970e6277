"""`recollect add`, `update` and `delete`."""

import sys
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import click

from recollect.domain.errors import InvalidRequestError
from recollect.entrypoints.answers import (
    AddAnswer,
    DeleteAllAnswer,
    MemoryAnswer,
    MessageOnly,
)
from recollect.entrypoints.cli.client import Api
from recollect.entrypoints.cli.options import (
    JsonType,
    connected,
    graph_option,
    infer_option,
    json_option,
    metadata_option,
    subjects,
    subjects_required,
)
from recollect.entrypoints.cli.output import (
    examples,
    names,
    one_line,
    print_json,
    print_table,
    say,
)
from recollect.entrypoints.event_answers import JobAnswer

expires_option = click.option(
    "--expires", metavar="DAY", help="The last day it is found, such as 2030-12-31 (UTC)."
)
timestamp_option = click.option(
    "--timestamp", metavar="TIME", help="When it was said, as ISO 8601; now if not given."
)


@click.command(
    epilog=examples(
        'recollect add "My dog is called Biscuit." --user maya',
        'recollect add - --user maya --metadata \'{"source": "notes"}\' < notes.txt',
    )
)
@click.argument("text")
@subjects_required
@infer_option
@graph_option
@click.option("--role", default="user", show_default=True, help="Who says it.")
@metadata_option
@timestamp_option
@expires_option
@json_option
@connected
def add(
    api: Api,
    *,
    text: str,
    ids: dict[str, str],
    infer: bool,
    with_graph: bool | None,
    role: str,
    metadata: dict[str, Any] | None,
    timestamp: str | None,
    expires: str | None,
    is_json: bool,
) -> None:
    """Remember a text.

    TEXT is kept word for word; with --infer, the facts in it are kept. "-" reads it from standard
    input. A text that is known already is not kept twice.
    """
    content = _standard_input() if text == "-" else text
    body = {
        "messages": [{"role": role, "content": content}],
        **ids,
        "infer": infer,
        "enable_graph": with_graph,
        "metadata": metadata,
        "timestamp": timestamp,
        "expiration_date": expires,
    }
    answer = api.call(AddAnswer, "POST", "/v3/memories/add/", body=body)
    if is_json:
        print_json(answer)
    elif answer["results"]:
        print_table(
            [(item["event"], item["id"], one_line(item["memory"])) for item in answer["results"]]
        )
    elif answer["status"] == "SUCCEEDED":
        say("Nothing worth remembering was found; without --infer the text is kept as it is.")
    else:
        say(f"It is still being worked on, as {answer['event_id']}.")


@click.command(
    epilog=examples(
        'recollect update ID "My dog is called Crumb."', "recollect update ID --expires 2030-12-31"
    )
)
@click.argument("memory_id", metavar="ID")
@click.argument("text", required=False)
@click.option("--metadata", type=JsonType(), help="The new metadata, instead of the old.")
@timestamp_option
@click.option("--expires", metavar="DAY", help='The last day it is found; "never" removes it.')
@json_option
@connected
def update(
    api: Api,
    *,
    memory_id: str,
    text: str | None,
    metadata: dict[str, Any] | None,
    timestamp: str | None,
    expires: str | None,
    is_json: bool,
) -> None:
    """Change a memory.

    What is not given stays as it is.
    """
    given = {"text": text, "metadata": metadata, "timestamp": timestamp}
    body: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if expires is not None:
        body["expiration_date"] = None if expires == "never" else expires
    if not body:
        message = "Give a new TEXT, --metadata, --timestamp or --expires."
        raise click.UsageError(message)
    memory = api.call(MemoryAnswer, "PUT", _path(memory_id), body=body)
    if is_json:
        print_json(memory)
    else:
        print_table([("UPDATE", memory["id"], one_line(memory["memory"]))])


@click.command(
    epilog=examples(
        "recollect delete 0b5a1c9e-5a4f-4c39-9a56-3e7c02d4b1aa", "recollect delete --user maya"
    )
)
@click.argument("memory_ids", metavar="[ID]...", nargs=-1)
@subjects
@click.option("--yes", is_flag=True, help="Do not ask before deleting everything of somebody.")
@json_option
@connected
def delete(
    api: Api, *, memory_ids: Sequence[str], ids: dict[str, str], yes: bool, is_json: bool
) -> None:
    """Delete memories.

    By their ids, or everything that belongs to all of the given user, agent, app and run, the
    messages it came from included. The history of what was deleted stays.
    """
    if bool(memory_ids) == bool(ids):
        message = "Give the ids of memories, or --user, --agent, --app or --run."
        raise click.UsageError(message)
    if ids:
        if not yes:
            click.confirm(f"Delete all memories of {names(ids)}?", abort=True, err=True)
        deleted = delete_all(api, ids)
    else:
        for memory_id in memory_ids:
            api.call(MessageOnly, "DELETE", _path(memory_id))
        deleted = len(memory_ids)
    if is_json:
        print_json({"deleted": deleted})
    else:
        say(f"Deleted {deleted} memories." if deleted != 1 else "Deleted 1 memory.")


def delete_all(api: Api, ids: dict[str, str]) -> int:
    """Delete the memories that belong to all of these ids; return how many it were."""
    job = api.call(DeleteAllAnswer, "DELETE", "/v1/memories/", query=ids)
    done = api.call(JobAnswer, "GET", f"/v1/event/{quote(job['event_id'], safe='')}/")
    return int(done["metadata"].get("deleted", 0))


def _standard_input() -> str:
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        message = f"Standard input is not UTF-8 at byte {error.start}"
        raise InvalidRequestError(message) from error


def _path(memory_id: str) -> str:
    return f"/v1/memories/{quote(memory_id, safe='')}/"
