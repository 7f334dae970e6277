"""The project's own sample conversation: made up, and remembered on the first start."""

from dataclasses import dataclass, replace
from importlib import resources
from typing import Final

from recollect.domain.errors import InvalidRequestError
from recollect.entrypoints.cli.transcripts import read_transcript
from recollect.usecases.transcripts import Conversation


@dataclass(frozen=True)
class Question:
    """A question about the sample, and the message that a search for it should find first."""

    text: str
    answer: str


QUESTIONS: Final = (
    Question(
        "What is the name of Maya's dog?",
        "We settled the name at last: my dog is called Biscuit, "
        "because she stole one from the vet within a minute.",
    ),
    Question(
        "Which foods is she allergic to?",
        "Yes! The test results are in: besides hazelnuts I'm also allergic to kiwi. "
        "Everything else is fine.",
    ),
    Question(
        "On which day does Ines have her wedding?",
        "Ines's wedding is now on 5 October, same farm, same garden. "
        "She says autumn leaves cost less than flowers anyway.",
    ),
)
"""Asked in other words than the answers; the last two facts replaced earlier ones."""


def sample_conversation() -> Conversation:
    """Return all that Maya and her agent Theo said, each message with its own time."""
    sessions = sample_sessions()
    messages = tuple(message for session in sessions for message in session.messages)
    return replace(sessions[0], key="sample", messages=messages)


def sample_sessions() -> tuple[Conversation, ...]:
    """Return the same one session at a time, ready to be added: each has its own `said_at`."""
    with resources.as_file(resources.files(__name__) / "conversation.json") as path:
        items = tuple(read_transcript(path))
    sessions = tuple(item for item in items if isinstance(item, Conversation))
    if len(sessions) < len(items):
        message = "The sample conversation is damaged"
        raise InvalidRequestError(message)
    return sessions
