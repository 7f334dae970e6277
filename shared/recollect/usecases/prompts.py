"""The texts that tell a language model what to do, and data written so that it stays data."""

import hashlib
import json
from dataclasses import dataclass
from importlib.resources import files

from recollect.domain.memory import Json

VERSION_DIGITS = 8
"""Enough of a hash to tell the handful of versions of one prompt apart."""


@dataclass(frozen=True)
class Prompt:
    """Instructions for a language model, shipped as `prompts/<name>.md`."""

    name: str
    text: str

    @classmethod
    def load(cls, name: str) -> "Prompt":
        """Return the prompt of this name; raise `FileNotFoundError` if none is shipped."""
        file = files("recollect") / "prompts" / f"{name}.md"
        return cls(name, file.read_text(encoding="utf-8"))

    @property
    def version(self) -> str:
        """Name and a hash of the text: every change of the text is another version."""
        digest = hashlib.sha256(self.text.encode()).hexdigest()
        return f"{self.name}-{digest[:VERSION_DIGITS]}"


def as_data(value: Json) -> str:
    """Return the value as one line of JSON in which no text can look like a tag of the prompt.

    Halves of surrogate pairs, which no request can carry, become question marks.
    """
    line = json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")
    return line.encode(errors="replace").decode()
