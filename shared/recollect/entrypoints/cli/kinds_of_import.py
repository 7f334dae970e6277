"""Tells what is to be imported: a chat log, memories in a file, or those of a running mem0."""

import zlib
from pathlib import Path
from typing import Any, Final

import click

from recollect.adapters.export_lines import Header, load_header
from recollect.adapters.line_files import opened
from recollect.adapters.mem0_files import is_mem0_file
from recollect.domain.errors import InvalidRequestError

MEM0: Final = "mem0"
MAX_HEADER_BYTES: Final = 64 * 1024
"""Four names of 256 characters and a project's, with room."""


class ImportCommand(click.Command):
    """Imports a chat log, unless what is named holds memories: then another command does."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401 - click's signature
    ) -> click.Context:
        """Return the context of the command that the arguments are for."""
        if args[:1] == [MEM0]:
            from recollect.entrypoints.cli.moves import import_mem0  # noqa: PLC0415 - as below

            return import_mem0.make_context(f"{info_name} {MEM0}", args[1:], parent, **extra)
        if any(map(_holds_memories, args)):
            # Half a second of imports that a chat log for a service has no use for.
            from recollect.entrypoints.cli.moves import import_memories  # noqa: PLC0415

            return import_memories.make_context(info_name, args, parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


def header_of(path: Path) -> Header | None:
    """Return the header of an export; None if the file is none.

    Raises `OSError`, and `InvalidRequestError` as `load_header` does.
    """
    with opened(path) as file:
        return load_header(file.readline(MAX_HEADER_BYTES).decode(errors="replace"))


def _holds_memories(argument: str) -> bool:
    """Tell whether it names a file of memories; whatever else is wrong is told by who reads it."""
    try:
        path = Path(argument).expanduser()
        if not path.is_file():
            return False
        return is_mem0_file(path) or _is_export(path)
    except (OSError, EOFError, ValueError, RuntimeError, zlib.error):
        return False


def _is_export(path: Path) -> bool:
    try:
        return header_of(path) is not None
    except InvalidRequestError:
        # One that is damaged, or of a later release, is one too.
        return True
