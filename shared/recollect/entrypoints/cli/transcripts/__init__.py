"""Reads chat logs for import: JSON, JSON Lines, plain text and the LoCoMo layout.

What a file may hold (the content decides, where it leaves doubt the extension):

- JSON: a list of messages, an object with `messages`, or a list of such objects (or lists).
- JSON Lines: on each line a message or such an object; read line by line.
- LoCoMo: samples with `conversation`; each is one user, called as its `sample_id` or
  `conversation-N`. A turn becomes "Speaker: text", the caption of its picture follows in square
  brackets: "Maya: Look! [a dog on a beach]".
- Anything else is text, read line by line: "Speaker: text" begins a turn, which goes on until
  the next one or an empty line; text without a speaker is taken by paragraph.

A message is `{role, content, name?, timestamp?, metadata?}`; it and an object with `messages` may
carry `user_id`, `agent_id`, `app_id` and `run_id`, the object also `timestamp` and `metadata`.
`content` is a text or a list of `{"type": "text", "text": ...}` parts. Other members are ignored.
Timestamps are Unix seconds, ISO 8601 (UTC where no offset is given) or "1:56 pm on 8 May, 2023".
"""

from recollect.entrypoints.cli.transcripts.conversations import (
    MAX_MESSAGES,
    BadLine,
    Conversation,
    TranscriptMessage,
)
from recollect.entrypoints.cli.transcripts.files import read_transcript

__all__ = [
    "MAX_MESSAGES",
    "BadLine",
    "Conversation",
    "TranscriptMessage",
    "read_transcript",
]
