"""What an add must keep to before anything of it is stored."""

from recollect.domain.errors import InvalidRequestError
from recollect.domain.memory import MemoryKind, checked_text
from recollect.domain.recall import is_said, said_in
from recollect.domain.requests import AddRequest
from recollect.domain.subjects import SubjectKind
from recollect.usecases.describing import has_pictures
from recollect.usecases.parts import characters

MAX_MESSAGES = 2_000
"""Every message may become a memory with a copy of the metadata: bounds what one request writes."""
MAX_MESSAGE_CHARACTERS = 200_000
"""A message is read in pieces, but no piece is remembered before all are read."""
MAX_SUMMARISED_CHARACTERS = 200_000
"""Of a task that is to become one procedural memory: about 50,000 tokens, read in one call."""


def check_add(request: AddRequest) -> None:
    """Raise `InvalidRequestError` unless the messages can be remembered as asked for."""
    said = [message for message in request.messages if is_said(message)]
    if not said:
        message = "messages must contain at least one message with text"
        raise InvalidRequestError(message)
    if len(request.messages) > MAX_MESSAGES:
        message = f"messages must be at most {MAX_MESSAGES} an add; send them in several"
        raise InvalidRequestError(message)
    if request.kind is MemoryKind.PROCEDURAL:
        _check_procedural(request)
    if any(characters(message) > MAX_MESSAGE_CHARACTERS for message in said):
        message = f"A message must have at most {MAX_MESSAGE_CHARACTERS} characters"
        raise InvalidRequestError(message)
    if request.infer:
        return
    if has_pictures(request.messages):
        message = "Pictures are put into words by a model: send them with infer=true"
        raise InvalidRequestError(message)
    for turn in said:
        checked_text(said_in(turn))


def _check_procedural(request: AddRequest) -> None:
    if request.scope.name_of(SubjectKind.AGENT) is None:
        message = "procedural_memory needs an agent_id"
        raise InvalidRequestError(message)
    if sum(map(characters, request.messages)) > MAX_SUMMARISED_CHARACTERS:
        message = (
            f"What becomes one procedural memory must have at most {MAX_SUMMARISED_CHARACTERS}"
            " characters"
        )
        raise InvalidRequestError(message)
