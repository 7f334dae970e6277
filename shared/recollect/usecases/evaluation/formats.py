"""Reading JSON whose form is known, element by element or line by line, with places in refusals."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Final, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from recollect.domain.errors import InvalidRequestError
from recollect.usecases.evaluation.questions import Conversation
from recollect.usecases.transcripts import START, BadLine, Content
from recollect.usecases.transcripts.content import Unpacked
from recollect.usecases.transcripts.conversations import refuse
from recollect.usecases.transcripts.json_text import NotJsonError, decode
from recollect.usecases.transcripts.json_window import MAX_ELEMENT_CHARACTERS, Window
from recollect.usecases.transcripts.lines import read_lines

EXAMPLE: Final = datetime(2023, 5, 8, 13, 56, tzinfo=UTC)
MOST_PROBLEMS: Final = 3
"""Of one element; more of them are hardly read."""

Shape = TypeVar("Shape", bound="Told")


class ReadConversations(Protocol):
    """Reads conversations with their questions, in a format of its own."""

    def __call__(self, content: Content) -> Iterator[Conversation]:
        """Yield conversation by conversation; no more than one is held.

        Raises `InvalidRequestError`, with the place, for what is not of the format.
        """
        ...


class Told(BaseModel):
    """A JSON object of a known form; other members are ignored, and numbers taken for texts."""

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)


def checked(shape: type[Shape], value: object, place: str) -> Shape:
    """Return the value in this form; raise `InvalidRequestError` with what is wrong with it."""
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False)[:MOST_PROBLEMS]
        told = "; ".join(
            ": ".join(filter(None, (".".join(map(str, each["loc"])), each["msg"])))
            for each in problems
        )
        message = f"{place}: {told}"
        # Not its cause: it quotes the data.
        raise InvalidRequestError(message) from None


def moment(text: str, form: str, place: str) -> datetime:
    """Return a time in a form of `strptime`, as UTC unless it says otherwise."""
    try:
        return datetime.strptime(text.strip(), form).replace(tzinfo=UTC)
    except ValueError:
        message = f"{place}: {text!r} is not a time such as {EXAMPLE.strftime(form)!r}"
        raise InvalidRequestError(message) from None


def elements(content: Content) -> Iterator[tuple[str, object]]:
    """Yield the elements of the JSON list that a file is, each with its place for messages.

    No more than one element is held. Raises `InvalidRequestError` where it is no such list.
    """
    unpacked = Unpacked(content)
    with unpacked.open_at(0) as stream:
        window = Window(stream, unpacked.encoding, START)
        if window.next_character() != "[":
            refuse("The file must be a JSON list")
        window.pass_to(window.at + 1)
        number, is_more = 0, window.next_character() != "]"
        while is_more:
            number += 1
            place = f"element {number}"
            yield place, _element(window, place)
            is_more = _is_more(window, place)


def lines(content: Content) -> Iterator[tuple[str, object]]:
    """Yield the JSON values of the lines that are not blank, each with its place for messages.

    Raises `InvalidRequestError` for a line that is no JSON.
    """
    unpacked = Unpacked(content)
    stream = unpacked.open_at(0)
    with closing(read_lines(stream, unpacked.encoding, START)) as found:
        for line in found:
            if isinstance(line, BadLine):
                refuse(f"line {line.line}: {line.reason}")
            if text := line.text.strip():
                yield f"line {line.number}", _value(text, f"line {line.number}")
    if unpacked.is_damaged:
        refuse("The gzip data is damaged, or ends early")


def _value(text: str, place: str) -> object:
    try:
        value, end = decode(text, 0)
    except NotJsonError as error:
        message = f"{place}: {error}"
        raise InvalidRequestError(message) from None
    if end < len(text):
        refuse(f"{place}: more after the JSON value, at character {end + 1}")
    return value


def _element(window: Window, place: str) -> object:
    while True:
        try:
            value, end = decode(window.text, window.at)
        except NotJsonError as error:
            if error.is_cut and window.grow():
                continue
            too_long = f"longer than {MAX_ELEMENT_CHARACTERS} characters"
            message = f"{place}: {too_long if window.is_full else error}"
            raise InvalidRequestError(message) from None
        if problem := window.pass_to(end):
            refuse(f"{place}: {problem}")
        return value


def _is_more(window: Window, place: str) -> bool:
    """Pass what stands behind an element; return whether there is another."""
    found = window.next_character()
    if found not in {",", "]"}:
        refuse(f"{place}: neither a comma nor the end of the list stands behind it")
    window.pass_to(window.at + 1)
    window.next_character()
    return found == ","
