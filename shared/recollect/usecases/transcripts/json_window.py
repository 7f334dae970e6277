"""The part of a JSON text that is held at once."""

import codecs
import re
from typing import BinaryIO, Final

from recollect.usecases.transcripts.content import Encoding
from recollect.usecases.transcripts.conversations import Place

MAX_ELEMENT_CHARACTERS: Final = 32 * 1024 * 1024
"""An element of a JSON list, or a whole JSON text that is none: some 100 MB while it is read."""
CHARACTERS_AT_ONCE: Final = 64 * 1024
"""Few beside what reading takes, and many beside a message."""

_NOT_BLANK: Final = re.compile(r"[^ \t\r\n]")


class Window:
    """JSON text from an offset on: `text`, of which the part before `at` has been passed."""

    def __init__(self, stream: BinaryIO, encoding: Encoding, after: Place) -> None:
        self.text = ""
        self.at = 0
        self._stream = stream
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding.codec)(encoding.errors)
        self._offset = max(after.offset, encoding.mark)
        self._line = after.line
        self._is_ended = False

    @property
    def limit(self) -> int:
        """Where what may be an element ends: the end of the text, unless that is too long."""
        return min(len(self.text), self.at + MAX_ELEMENT_CHARACTERS)

    @property
    def is_full(self) -> bool:
        """Whether the text is as long as an element may be."""
        return len(self.text) - self.at >= MAX_ELEMENT_CHARACTERS

    def place(self, element: int, *, is_inside: bool) -> Place:
        """Return where it is, `element` elements having been passed."""
        return Place(offset=self._offset, line=self._line, element=element, is_inside=is_inside)

    def next_character(self) -> str:
        """Pass what is blank and return what stands behind it; nothing at the end."""
        while not (found := _NOT_BLANK.search(self.text, self.at)):
            self.pass_to(len(self.text))
            if not self.grow():
                return ""
        self.pass_to(found.start())
        return found[0]

    def pass_to(self, end: int) -> str:
        """Pass the text before `end`; return what is wrong with it as text, nothing if it is."""
        passed, problem = self.text[self.at : end], ""
        try:
            passed.encode()
        except UnicodeEncodeError as error:
            byte = self._offset + self._encoding.size(passed[: error.start])
            name = self._encoding.name
            problem = f"the file is not valid {name} at byte {byte} (the first is byte 0)"
        self._offset += self._encoding.size(passed)
        self._line += passed.count("\n")
        self.at = end
        return problem

    def grow(self) -> bool:
        """Read on, as much again at least; return whether there was more and room for it."""
        if self._is_ended or self.is_full:
            return False
        left = self.text[self.at :]
        more = self._decoded(max(CHARACTERS_AT_ONCE, len(left)))
        self.text, self.at = left + more, 0
        return bool(more)

    def _decoded(self, size: int) -> str:
        while data := self._stream.read(size):
            if text := self._decoder.decode(data):
                return text
        self._is_ended = True
        try:
            return self._decoder.decode(b"", final=True)
        except UnicodeDecodeError:  # UTF-16 that ends inside a character
            return "\udfff"
