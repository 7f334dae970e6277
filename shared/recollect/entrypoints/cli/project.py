"""`recollect project show`, `set` and `limit`."""

import json
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import click

from recollect.entrypoints.answers import MessageOnly, PingAnswer, ProjectAnswer
from recollect.entrypoints.cli.client import Api
from recollect.entrypoints.cli.limits import limit
from recollect.entrypoints.cli.options import connected, json_option
from recollect.entrypoints.cli.output import examples, one_line, print_json, print_table, say

TEXTS: Final = (
    "custom_instructions",
    "agent_custom_instructions",
    "inclusion_prompt",
    "exclusion_prompt",
    "custom_fact_extraction_prompt",
    "custom_update_memory_prompt",
)
VALUES: Final = (
    *("custom_categories", "redaction", "redaction_patterns", "episode_days"),
    *("enable_graph", "decay"),
)
"""Settings that are given as JSON."""


@click.group()
def project() -> None:
    """Show and change a project's settings.

    It is the project of the API key; in a local data file the project `default` without one.
    """


project.add_command(limit)


@project.command(epilog=examples("recollect project show"))
@json_option
@connected
def show(api: Api, *, is_json: bool) -> None:
    """Show what the project has set."""
    answer = api.call(ProjectAnswer, "GET", _path(api))
    if is_json:
        print_json(answer)
        return
    settings = {name: answer[name] for name in (*TEXTS, *VALUES)}
    rows = [("project_id", one_line(answer["project_id"]))]
    rows += [
        (name, _shown(value)) for name, value in {**settings, **answer["limits"]}.items() if value
    ]
    print_table(rows)


@project.command(
    "set",
    epilog=examples(
        'recollect project set custom_instructions="Remember what people like to eat."',
        "recollect project set redaction=true 'redaction_patterns=[\"EMP-[0-9]{6}\"]'",
        "recollect project set custom_fact_extraction_prompt=@prompt.md episode_days=",
    ),
)
@click.argument("changes", metavar="NAME=VALUE...", nargs=-1, required=True)
@connected
def set_(api: Api, *, changes: tuple[str, ...]) -> None:
    """Change settings; all others stay as they are.

    custom_instructions, agent_custom_instructions, inclusion_prompt, exclusion_prompt,
    custom_fact_extraction_prompt and custom_update_memory_prompt are texts, and @FILE stands for
    the text of a file. custom_categories (an object or a list of names), redaction (true or
    false), redaction_patterns (a list of regular expressions) and episode_days (a number) are
    JSON, and so are enable_graph and decay (true or false). NAME= clears a setting.
    """
    body = dict(map(_change, changes))
    api.call(MessageOnly, "PATCH", _path(api), body=body)
    say(f"Changed {', '.join(body)}.")


def _path(api: Api) -> str:
    ping = api.call(PingAnswer, "GET", "/v1/ping/")
    # Twice, because the gateway decodes a path once, and a name may have a slash.
    name = quote(quote(ping["project_id"], safe=""), safe="")
    return f"/api/v1/orgs/organizations/{name}/projects/{name}/"


def _change(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or name not in {*TEXTS, *VALUES}:
        message = f"Give NAME=VALUE, with a NAME of {', '.join((*TEXTS, *VALUES))}."
        raise click.UsageError(message)
    if not value:
        return name, None
    return name, _text(value) if name in TEXTS else _json(name, value)


def _text(value: str) -> str:
    if not value.startswith("@"):
        return value
    try:
        return Path(value[1:]).expanduser().read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        message = f"{value[1:]} cannot be read: {error}"
        raise click.UsageError(message) from error


def _json(name: str, value: str) -> Any:  # noqa: ANN401 - whatever JSON can say
    try:
        found = json.loads(value)
    except (ValueError, RecursionError) as error:
        message = f"{name} must be JSON: {error}"
        raise click.UsageError(message) from error
    if name == "custom_categories" and isinstance(found, dict):
        return [{category: description} for category, description in found.items()]
    return found


def _shown(value: object) -> str:
    return one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
