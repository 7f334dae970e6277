"""JSON as text: where its elements stand, what can be saved of a damaged one, decoding."""

import json
import math
import re
from collections.abc import Generator, Iterator, Mapping
from typing import Final, NoReturn

from recollect.domain.errors import InvalidRequestError
from recollect.domain.subjects import SubjectKind
from recollect.entrypoints.cli.transcripts.conversations import BadLine, Item, Turn, Where, refuse
from recollect.entrypoints.cli.transcripts.json_values import json_items

_JSON_TOKEN: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"|["\[\]{},]', re.DOTALL)
_JSON_DEPTH: Final = {"[": 1, "{": 1, "]": -1, "}": -1}
_NOT_BLANK: Final = re.compile(r"[^ \t\r\n]")


def json_elements(text: str) -> Iterator[Turn | Item]:
    """Read the elements of the array, or whatever stands at the top; commas are not insisted on."""
    samples: set[str] = set()
    end, line, place, is_inside = 0, 1, 0, False
    while found := _NOT_BLANK.search(text, end):
        start = found.start()
        line += text.count("\n", end, start)
        end = start + 1
        if text[start] == ("]" if is_inside else "["):
            is_inside = not is_inside
        elif text[start] != ",":
            place += 1
            behind = yield from _json_element(text, start, Where("element", place, line, samples))
            if behind is None:
                return
            line += text.count("\n", start, behind)
            end = behind
    if is_inside:
        yield BadLine(line, "the file ends early: its list is not closed")


def _json_element(text: str, start: int, where: Where) -> Generator[Turn | Item, None, int | None]:
    """Read the value that starts here; return its end, None if the text ends before it does."""
    try:
        value, end = decode(text, start)
    except InvalidRequestError as error:
        damaged_end = _damaged_end(text, start)
        if damaged_end is not None:
            yield where.bad(error)
            return damaged_end
        if rest := _complete_part(text, start):
            yield from json_items(rest, where, is_whole=False)
        yield where.bad(f"the file ends early, or is damaged here: {error}")
        return None
    yield from json_items(value, where)
    return end


def _damaged_end(text: str, start: int) -> int | None:
    """Return the end of a damaged value by its brackets alone: behind its own or at a comma."""
    depth = 0
    for token in _JSON_TOKEN.finditer(text, start):
        step = _JSON_DEPTH.get(token[0], 0)
        depth += step
        if token[0] == '"':
            return None
        if depth <= 0 and step:
            return token.end() if depth == 0 else max(token.start(), start + 1)
        if depth == 0 and token[0] == ",":
            return token.start()
    return None


def _complete_part(text: str, start: int) -> Mapping[str, object]:
    """Return an object that is cut off up to its last complete message; empty without an id."""
    opened: list[str] = []
    end = start
    for token in _JSON_TOKEN.finditer(text, start):
        step = _JSON_DEPTH.get(token[0], 0)
        if token[0] == '"':
            break
        if step > 0:
            opened.append(token[0])
        elif step < 0:
            del opened[-1:]
            end = token.end() if opened == ["{", "["] else end
    try:
        value, _ = decode(text[start:end] + "]}", 0)
    except InvalidRequestError:
        return {}
    is_owned = isinstance(value, dict) and any(f"{kind}_id" in value for kind in SubjectKind)
    return value if isinstance(value, dict) and is_owned and "messages" in value else {}


def decode(text: str, start: int) -> tuple[object, int]:
    """Return the JSON value at this place and its end; raise `InvalidRequestError` if none is."""
    try:
        value, end = _DECODER.raw_decode(text, start)
        if text.find("\\u", start, end) >= 0:
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        refuse(f"not valid JSON: {error.msg} at character {error.pos - start + 1}")
    except UnicodeEncodeError:
        refuse("not valid text: an escape stands for half a character")
    except ValueError:
        refuse("not valid JSON: a number is too large, infinite or none")
    except RecursionError:
        refuse("nested too deeply")
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
