"""Chat logs to import, and what was read of them."""

import json
from collections.abc import Callable
from pathlib import Path

from recollect.entrypoints.cli.transcripts import read_transcript
from recollect.usecases.transcripts import BadLine, Conversation

Item = Conversation | BadLine
Read = Callable[[str, object], list[Item]]
EXTENSIONS = [".json", ".jsonl", ".ndjson", ".txt", ".log", ""]


def reader(folder: Path) -> Read:
    def written(name: str, content: object) -> list[Item]:
        path = folder / name
        if not isinstance(content, str | bytes):
            content = json.dumps(content)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return list(read_transcript(path))

    return written


def said(content: str, **others: object) -> dict[str, object]:
    return {"role": "user", "content": content, **others}


def lines(*values: object) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


def contents(items: list[Item]) -> list[list[str]]:
    return [[m.content for m in item.messages] for item in items if isinstance(item, Conversation)]


def bad(items: list[Item]) -> list[BadLine]:
    return [item for item in items if isinstance(item, BadLine)]


def keys(items: list[Item]) -> list[str]:
    return [item.key for item in items if isinstance(item, Conversation)]
