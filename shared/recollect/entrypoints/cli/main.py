"""The command `recollect`."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import click

from recollect.domain.errors import RecollectError
from recollect.entrypoints.cli.output import examples


@dataclass(frozen=True)
class LazyCommand:
    """Where a command is defined, and what a list of commands says about it."""

    module: str
    name: str
    summary: str


_HERE: Final = "recollect.entrypoints.cli"
COMMANDS: Final = {
    "start": LazyCommand("service", "start", "Run the service on this machine, until Ctrl-C."),
    "serve": LazyCommand("service", "serve", "Run the service, without the sample conversation."),
    "add": LazyCommand("memories", "add", "Remember a text."),
    "search": LazyCommand("search", "search", "Find the memories that answer a question."),
    "list": LazyCommand("search", "list_", "List memories, last created first."),
    "show": LazyCommand("show", "show", "Show a memory, its history and where it came from."),
    "episode": LazyCommand("show", "episode", "Show the messages that memories came from."),
    "graph": LazyCommand("graph", "graph", "Show who and what memories speak of."),
    "update": LazyCommand("memories", "update", "Change a memory."),
    "delete": LazyCommand("memories", "delete", "Delete memories."),
    "import": LazyCommand("imports", "import_", "Remember a chat log, or bring back memories."),
    "export": LazyCommand(
        "exports", "export", "Write everything that a project remembers to a file."
    ),
    "keys": LazyCommand("keys", "keys", "Make, list, rotate and revoke API keys."),
    "project": LazyCommand("project", "project", "Show and change a project's settings."),
    "usage": LazyCommand("usage", "usage", "Show what keys used, by day."),
    "doctor": LazyCommand("doctor", "doctor", "Check the models with questions of known answers."),
    "eval": LazyCommand("eval", "eval_", "Measure how well searches find what answers questions."),
    "verify": LazyCommand("maintenance", "verify", "Compare the index with the record."),
    "rebuild": LazyCommand("maintenance", "rebuild", "Build the index anew from the record."),
    "reembed": LazyCommand("maintenance", "reembed", "Embed every memory with another model."),
    "backup": LazyCommand("backups", "backup", "Copy the local data file while it is in use."),
    "restore": LazyCommand("backups", "restore", "Put a backup in the data file's place."),
    "erase": LazyCommand("erasures", "erase", "Look after what was erased."),
    "dlq": LazyCommand("dlq", "dlq", "Look after the messages that nobody could handle."),
    "sample": LazyCommand("samples", "sample", "Look after the sample conversation."),
    "smoke": LazyCommand("smoke", "smoke", "Prove that a service works."),
}


class LazyGroup(click.Group):
    """Loads a command's module when the command is used: `--help` alone takes no time.

    A refusal of any command becomes one line on standard error and exit status 1.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the commands in the order of a first visit."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return a command, or None if there is none of this name."""
        found = COMMANDS.get(cmd_name)
        if found is None:
            return None
        command: click.Command = getattr(import_module(f"{_HERE}.{found.module}"), found.name)
        return command

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        """Write the list of commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.summary) for name, command in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        """Run a command."""
        try:
            return super().invoke(ctx)
        except RecollectError as error:
            raise click.ClickException(str(error)) from error


@click.command(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples(
        "recollect start",
        'recollect add "My dog is called Biscuit." --user maya',
        'recollect search "What is the dog\'s name?" --user maya',
        "recollect import chats.jsonl --user maya",
    ),
)
@click.version_option(package_name="recollect")
def main() -> None:
    """Long-term memory for AI agents.

    Commands use the memories in a local data file (~/.recollect/recollect.db, or --data PATH),
    or those of a service (--host URL and --api-key KEY). The environment variables
    RECOLLECT_DATA, RECOLLECT_HOST and RECOLLECT_API_KEY stand for these options.
    """


if __name__ == "__main__":
    main()
