"""JSON as text: where its elements stand, what can be saved of a damaged one, decoding."""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Final, NoReturn

from recollect.domain.errors import InvalidRequestError
from recollect.domain.subjects import SubjectKind
from recollect.usecases.transcripts.conversations import (
    BadLine,
    Item,
    Place,
    Turn,
    Where,
    placed,
)
from recollect.usecases.transcripts.json_values import json_items
from recollect.usecases.transcripts.json_window import MAX_ELEMENT_CHARACTERS, Window

LONGEST_TOKEN: Final = 16
"""Characters of `-Infinity` or an escape, and some: an error so near to the end of a text may be
due to that end. Of a string, which can be longer, it is told where it begins."""

_JSON_TOKEN: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"|["\[\]{},]', re.DOTALL)
_JSON_DEPTH: Final = {"[": 1, "{": 1, "]": -1, "}": -1}


class NotJsonError(InvalidRequestError):
    """Text that is no JSON; if it `is_cut` it might be, with more text behind it."""

    def __init__(self, message: str, *, is_cut: bool = False) -> None:
        super().__init__(message)
        self.is_cut = is_cut


def json_elements(window: Window, after: Place, samples: set[str] | None) -> Iterator[Turn | Item]:
    """Read the elements of the array, or whatever stands at the top; commas are not insisted on."""
    place, is_inside, skipped = after.element, after.is_inside, after.skipped
    while start := window.next_character():
        if start == ("]" if is_inside else "["):
            is_inside = not is_inside
            window.pass_to(window.at + 1)
        elif start == ",":
            window.pass_to(window.at + 1)
        else:
            before = window.place(place, is_inside=is_inside)
            place += 1
            where = Where("element", place, before.line + 1, samples)
            items, is_last = _element(window, where)
            end = window.place(place, is_inside=is_inside)
            yield from placed(items, before, end, skipped=skipped)
            skipped = 0
            if is_last:
                return
    if is_inside and not skipped:
        end = replace(window.place(place, is_inside=is_inside), skipped=1)
        yield BadLine(end.line + 1, "the file ends early: its list is not closed", end)


def _element(window: Window, where: Where) -> tuple[Iterable[Turn | Item], bool]:
    """Pass the value that stands here; return what it says, and whether nothing can follow."""
    try:
        value, end = _value(window)
    except NotJsonError as error:
        damaged_end = _damaged_end(window)
        if damaged_end is not None:
            window.pass_to(damaged_end)
            return [where.bad(error)], False
        rest = _complete_part(window.text[window.at : window.limit])
        items = json_items(rest, where, is_whole=False) if rest else ()
        return chain(items, [where.bad(_why_it_ends(window, error))]), True
    if problem := window.pass_to(end):
        return [BadLine(where.line, problem)], False
    return json_items(value, where), False


def _why_it_ends(window: Window, error: NotJsonError) -> str:
    if window.is_full:
        most = MAX_ELEMENT_CHARACTERS
        return f"is longer than {most} characters; JSON Lines can be of any length"
    return f"the file ends early, or is damaged here: {error}"


def _value(window: Window) -> tuple[object, int]:
    """Return the value that stands here and its end, having read as far as that is."""
    while True:
        try:
            value, end = decode(window.text, window.at)
        except NotJsonError as error:
            if not error.is_cut or not window.grow():
                raise
        else:
            if end - window.at > MAX_ELEMENT_CHARACTERS:
                message = "too long"
                raise NotJsonError(message, is_cut=True)
            # A number goes on, if there is more of it.
            if end < len(window.text) or not window.grow():
                return value, end


def _damaged_end(window: Window) -> int | None:
    """Return the end of a damaged value by its brackets alone: behind its own or at a comma."""
    while (end := _end_by_brackets(window)) is None:
        if not window.grow():
            return None
    return end


def _end_by_brackets(window: Window) -> int | None:
    depth, start = 0, window.at
    for token in _JSON_TOKEN.finditer(window.text, start, window.limit):
        step = _JSON_DEPTH.get(token[0], 0)
        depth += step
        if token[0] == '"':
            return None
        if depth <= 0 and step:
            return token.end() if depth == 0 else max(token.start(), start + 1)
        if depth == 0 and token[0] == ",":
            return token.start()
    return None


def _complete_part(text: str) -> Mapping[str, object]:
    """Return an object that is cut off up to its last complete message; empty without an id."""
    opened: list[str] = []
    end = 0
    for token in _JSON_TOKEN.finditer(text):
        step = _JSON_DEPTH.get(token[0], 0)
        if token[0] == '"':
            break
        if step > 0:
            opened.append(token[0])
        elif step < 0:
            del opened[-1:]
            end = token.end() if opened == ["{", "["] else end
    try:
        text[:end].encode()
        value, _ = decode(text[:end] + "]}", 0)
    except (NotJsonError, UnicodeEncodeError):
        return {}
    is_owned = isinstance(value, dict) and any(f"{kind}_id" in value for kind in SubjectKind)
    return value if isinstance(value, dict) and is_owned and "messages" in value else {}


def decode(text: str, start: int) -> tuple[object, int]:
    """Return the JSON value at this place and its end; raise `NotJsonError` if none is."""
    try:
        value, end = _DECODER.raw_decode(text, start)
        if text.find("\\u", start, end) >= 0:
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        message = f"not valid JSON: {error.msg} at character {error.pos - start + 1}"
        is_open = error.msg.startswith("Unterminated string")
        is_cut = is_open or error.pos >= len(text) - LONGEST_TOKEN
        raise NotJsonError(message, is_cut=is_cut) from None
    except UnicodeEncodeError:
        message = "not valid text: an escape stands for half a character"
        raise NotJsonError(message) from None
    except ValueError:
        message = "not valid JSON: a number is too large, infinite or none"
        raise NotJsonError(message) from None
    except RecursionError:
        message = "nested too deeply"
        raise NotJsonError(message) from None
    return value, end


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _no_constant(text: str) -> NoReturn:
    raise ValueError(text)


_DECODER: Final = json.JSONDecoder(parse_float=_finite, parse_constant=_no_constant)


def is_json(text: str) -> bool:
    """Return whether this is one JSON value and nothing else."""
    try:
        return decode(text, 0)[1] == len(text)
    except InvalidRequestError:
        return False
