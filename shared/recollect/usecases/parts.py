"""Dividing a conversation into parts that a language model can read at once."""

from collections.abc import Sequence
from dataclasses import replace

from recollect.domain.memory import Attachment, Message
from recollect.ports.models import Conversation

MAX_CHARACTERS = 24_000
"""About 6,000 tokens of English, or 20,000 of Chinese: what models read without overlooking much,
and whose facts fit into an answer of 4,096 tokens."""
MAX_TURNS = 50
"""Some 25 facts: one or two an exchange."""
CONTEXT_MESSAGES = 10
"""Messages before a part that help to understand it."""
LEAST_SPLIT_CHARACTERS = 500
"""A text below twice this is not divided."""


def characters(message: Message) -> int:
    """Return how long a message is with everything that came with it."""
    return len(message.content) + sum(len(each.text) for each in message.attachments)


def end_of_part(messages: Sequence[Message], start: int) -> int:
    """Return where the part that starts here ends: whole messages, at least one."""
    total = 0
    for place in range(start, min(start + MAX_TURNS, len(messages))):
        total += characters(messages[place])
        if total > MAX_CHARACTERS and place > start:
            return place
    return min(start + MAX_TURNS, len(messages))


def halves(conversation: Conversation) -> list[tuple[int, Conversation]]:
    """Return two halves with the places where they start; none if it cannot be divided.

    One message is divided within its text and its documents, at the end of a paragraph, a sentence
    or a word if there is one.
    """
    messages = conversation.messages
    if len(messages) == 1:
        return [(0, replace(conversation, messages=(half,))) for half in _of_one(messages[0])]
    middle = len(messages) // 2
    before = (*conversation.before, *messages[:middle])[-CONTEXT_MESSAGES:]
    return [
        (0, replace(conversation, messages=messages[:middle])),
        (middle, replace(conversation, messages=messages[middle:], before=before)),
    ]


def _of_one(message: Message) -> list[Message]:
    if characters(message) < 2 * LEAST_SPLIT_CHARACTERS:
        return []
    attached = [_attachment_halves(each) for each in message.attachments]
    contents = _text_halves(message.content)
    if not contents[1] and not any(second for _, second in attached):
        return []
    return [
        replace(
            message,
            content=contents[at],
            attachments=tuple(half for pair in attached if (half := pair[at])),
        )
        for at in (0, 1)
    ]


def _attachment_halves(attachment: Attachment) -> tuple[Attachment, Attachment | None]:
    first, second = _text_halves(attachment.text)
    rest = replace(attachment, text=second) if second else None
    return replace(attachment, text=first), rest


def _text_halves(text: str) -> tuple[str, str]:
    if len(text) < 2 * LEAST_SPLIT_CHARACTERS:
        return text, ""
    middle = len(text) // 2
    near = text[middle : middle + LEAST_SPLIT_CHARACTERS]
    ends = [near.find(end) + len(end) for end in ("\n\n", "\n", ". ", " ") if end in near]
    cut = middle + (ends[0] if ends else 0)
    return text[:cut], text[cut:]
