"""Files that hold memories as mem0's platform and dashboard export them."""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from recollect.adapters.line_files import opened, read_lines
from recollect.adapters.mem0_memories import is_memory, kept_memory
from recollect.domain.errors import InvalidRequestError
from recollect.ports.archive import KeptMemory, NotTaken

LISTS: Final = ("results", "memories")
"""What the members are called that hold the list in some exports."""
MAX_FILE_BYTES: Final = 512 * 1024 * 1024
"""A list is read whole; a larger one has to be JSON Lines."""
LOOKED_AT: Final = 1024 * 1024
"""Bytes of the beginning in which the first memory has to end: it has at most 32 KB of text, which
JSON takes six bytes a character for at worst, and as much metadata."""

_LIST = re.compile(r'\s*(?:\{[^\[{]*"(?:results|memories)"\s*:\s*)?\[\s*')


def is_mem0_file(path: Path) -> bool:
    """Tell whether a file begins with a memory, in a list or on a line; raise `OSError`."""
    with opened(path) as file:
        beginning = file.read(LOOKED_AT).decode("utf-8-sig", errors="replace")
    in_a_list = _LIST.match(beginning)
    start = in_a_list.end() if in_a_list else 0
    try:
        first, _ = json.JSONDecoder().raw_decode(beginning[start:].lstrip())
    except (ValueError, RecursionError):
        return False
    return is_memory(first)


def read_mem0_file(
    project: str, path: Path, learned_at: datetime
) -> Iterator[KeptMemory | NotTaken]:
    """Yield the memories of a file, in its order, and what cannot be one.

    Raises `InvalidRequestError` if it cannot be read.
    """
    for place, value in _values(path):
        if not is_memory(value):
            yield NotTaken(place, "it does not have the form of a memory of mem0")
            continue
        try:
            yield kept_memory(project, value, value.get("history") or (), learned_at=learned_at)
        except InvalidRequestError as error:
            yield NotTaken(f"{place} ({value['id'][:64]})", str(error))


def _values(path: Path) -> Iterator[tuple[str, Any]]:
    lines = read_lines(path)
    first = next(lines, "").removeprefix("\ufeff")
    if _LIST.match(first) or not _is_json(first):
        yield from ((f"item {n}", each) for n, each in enumerate(_listed([first, *lines]), 1))
        return
    yield "line 1", json.loads(first)
    for number, line in enumerate(lines, 2):
        if line.strip():
            yield f"line {number}", json.loads(line) if _is_json(line) else None


def _listed(lines: Iterable[str]) -> list[Any]:
    text, size = [], 0
    for line in lines:
        text.append(line)
        size += len(line)
        if size > MAX_FILE_BYTES:
            message = (
                f"A list of more than {MAX_FILE_BYTES} bytes is not read: write each memory on a"
                " line of its own instead"
            )
            raise InvalidRequestError(message)
    try:
        found = json.loads("".join(text))
    except (ValueError, RecursionError) as error:
        message = f"The file is no JSON: {error}"
        raise InvalidRequestError(message) from error
    if isinstance(found, dict):
        found = next((found[name] for name in LISTS if name in found), [found])
    return found if isinstance(found, list) else [found]


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
