"""The texts that tell a language model what to do, and data written so that it stays data."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from recollect.domain.memory import Json

_ESCAPED = {ord(mark): f"\\u{ord(mark):04x}" for mark in "<\x85\u2028\u2029"}
"""What begins a tag, and what some readers take for the end of a line."""
VERSION_DIGITS = 8
"""Enough of a hash to tell the handful of versions of one prompt apart."""


@cache
def shipped(name: str) -> str:
    """Return the text of `prompts/<name>.md`; raise `FileNotFoundError` if none is shipped."""
    return (files("recollect") / "prompts" / f"{name}.md").read_text(encoding="utf-8").strip()


@dataclass(frozen=True)
class Prompt:
    """What tells a language model what to do; the name is that of its purpose."""

    name: str
    text: str

    @classmethod
    def of(cls, name: str, *parts: str) -> "Prompt":
        """Return the prompt made of these parts, without the empty ones."""
        return cls(name, "\n\n".join(part.strip() for part in parts if part.strip()))

    @property
    def version(self) -> str:
        """Name and a hash of the text: every change of the text is another version."""
        digest = hashlib.sha256(self.text.encode(errors="replace")).hexdigest()
        return f"{self.name}-{digest[:VERSION_DIGITS]}"


def as_data(value: Json) -> str:
    """Return the value as one line of JSON in which no text can look like a tag of the prompt.

    Halves of surrogate pairs, which no request can carry, become question marks.
    """
    line = json.dumps(value, ensure_ascii=False).translate(_ESCAPED)
    return line.encode(errors="replace").decode()
