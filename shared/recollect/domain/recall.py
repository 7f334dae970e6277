"""Text that was recalled from memory: how it is marked, so that it is not remembered again."""

import re
from collections.abc import Iterable

from recollect.domain.memory import Message
from recollect.domain.roles import SYSTEM_ROLES

OPENING = "<recalled_memories>"
CLOSING = "</recalled_memories>"
_BLOCK = re.compile(f"{OPENING}.*?(?:{CLOSING}|\\Z)", re.DOTALL | re.IGNORECASE)
# Possessive, so that a long run of spaces is looked at once.
_LIKE_A_MARKER = re.compile(r"<(?=\s*+/?\s*+recalled_memories)", re.IGNORECASE)


def recalled(lines: Iterable[str]) -> str:
    """Return memories, one a line, between markers, to be put into a prompt.

    What looks like a marker within a text is escaped, so that none can end the block.
    """
    shown = [harmless(" ".join(line.split())) for line in lines]
    return "\n".join((OPENING, *shown, CLOSING))


def harmless(text: str) -> str:
    """Return a text in which nothing looks like a marker."""
    return _LIKE_A_MARKER.sub("&lt;", text)


def without_recalled(text: str) -> str:
    """Return a text without what was recalled; linear in its length.

    A block that is not closed goes on to the end. What is left around blocks is trimmed and put
    on lines of its own; a text without any is returned as it is.
    """
    outside = _BLOCK.split(text)
    if len(outside) == 1:
        return text
    return "\n".join(part.strip() for part in outside if part.strip())


def said_in(message: Message) -> str:
    """Return what a message says with its documents, without what was recalled from memory."""
    said = without_recalled(message.content).strip()
    attached = [each.text.strip() for each in message.attachments]
    return "\n\n".join(text for text in (said, *attached) if text)


def is_said(message: Message) -> bool:
    """Tell whether a message says anything, to be remembered, that was not recalled from memory."""
    is_system = message.role.casefold() in SYSTEM_ROLES
    return not is_system and bool(said_in(message).strip() or message.attachments)
