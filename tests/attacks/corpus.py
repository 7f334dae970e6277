"""Conversations that try to misuse memory, as they are written down in `corpus.json`."""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from recollect.domain.memory import Attachment, MemoryKind, Message
from recollect.domain.requests import AddRequest
from recollect.domain.subjects import Scope

Claim = Literal[
    "everything stays", "what users said stays", "nobody asked", "nothing is remembered"
]
SIGNATURE = b"\x89PNG\r\n\x1a\n"
"""How a PNG begins; what is to be seen on a picture of the corpus follows as text."""


@dataclass(frozen=True)
class Attack:
    """One conversation, and what is true afterwards whatever a model makes of it.

    `absent` are pieces of text that no memory has afterwards. `@OWN@` and `@BOBS@` in the texts
    stand for the ids of memories: one that is immutable, and one of another user.
    """

    name: str
    messages: Sequence[dict[str, Any]]
    scope: dict[str, str] = field(default_factory=lambda: {"user": "ada"})
    metadata: dict[str, Any] = field(default_factory=dict)
    repeat: int = 1
    procedural: bool = False
    holds: Sequence[Claim] = ()
    absent: Sequence[str] = ()

    def request(self, scope: Scope, ids: dict[str, str]) -> AddRequest:
        """Return the add of the conversation to this scope, with these ids in it."""

        def named(text: str) -> str:
            for mark, memory_id in ids.items():
                text = text.replace(mark, memory_id)
            return text

        return AddRequest(
            scope=scope,
            messages=tuple(self._message(each, named) for each in self.messages),
            metadata={name: named(str(value)) for name, value in self.metadata.items()},
            kind=MemoryKind.PROCEDURAL if self.procedural else None,
        )

    def _message(self, written: dict[str, Any], named: Callable[[str], str]) -> Message:
        documents = [Attachment("document", named(each)) for each in written.get("documents", [])]
        pictures = [Attachment("image", url=_painted(each)) for each in written.get("pictures", [])]
        return Message(
            written["role"],
            named(written["content"]) * self.repeat,
            name=written.get("name"),
            attachments=(*documents, *pictures),
        )


def _painted(text: str) -> str:
    data = base64.b64encode(SIGNATURE + text.encode()).decode()
    return f"data:image/png;base64,{data}"


@cache
def attacks() -> dict[str, Attack]:
    """Return all attacks by their names."""
    written = json.loads((Path(__file__).parent / "corpus.json").read_text("utf-8"))
    return {each["name"]: Attack(**each) for each in written}
