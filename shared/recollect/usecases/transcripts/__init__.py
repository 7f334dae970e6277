"""Reads chat logs of any size as a stream: JSON, JSON Lines, text, Markdown, the LoCoMo layout.

What a log may hold (the content decides, where it leaves doubt the extension of its name); any of
it may be compressed by gzip:

- JSON: a list of messages, an object with `messages`, or a list of such objects (or lists).
- JSON Lines: on each line a message or such an object; read line by line.
- LoCoMo: samples with `conversation`; each is one user, called as its `sample_id` or
  `conversation-N`. A turn becomes "Speaker: text", the caption of its picture follows in square
  brackets: "Maya: Look! [a dog on a beach]".
- Anything else is text, read line by line: "Speaker: text" begins a turn, which goes on until
  the next one or an empty line; text without a speaker is taken by paragraph.
- Markdown (`.md`, `.markdown`) is text, in which a heading begins a paragraph and belongs to the
  one behind it, and indentation is kept.

A message is `{role, content, name?, timestamp?, metadata?}`; it and an object with `messages` may
carry `user_id`, `agent_id`, `app_id` and `run_id`, the object also `timestamp` and `metadata`.
`content` is a text or a list of `{"type": "text", "text": ...}` parts. Other members are ignored.
Timestamps are Unix seconds, ISO 8601 (UTC where no offset is given) or "1:56 pm on 8 May, 2023".
"""

from recollect.usecases.transcripts.content import Content
from recollect.usecases.transcripts.conversations import (
    MAX_MESSAGES,
    START,
    BadLine,
    Conversation,
    Item,
    Place,
    TranscriptMessage,
    shared_metadata,
)
from recollect.usecases.transcripts.formats import EMPTY, read_content

__all__ = [
    "EMPTY",
    "MAX_MESSAGES",
    "START",
    "BadLine",
    "Content",
    "Conversation",
    "Item",
    "Place",
    "TranscriptMessage",
    "read_content",
    "shared_metadata",
]
