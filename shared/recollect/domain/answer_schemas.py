"""The JSON Schema that a caller wants an answer in, as far as such schemas are understood.

It is the part of draft 2020-12 that pydantic and mem0's documents write. What cannot be checked is
refused before anybody is asked, never passed over.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from recollect.domain.answer_checks import KEYWORDS, TYPES, Check, Part, pattern_of
from recollect.domain.errors import InvalidRequestError
from recollect.domain.memory import Json

MAX_PARTS = 1_000
"""Of a schema whose references are written out: some 10,000 tokens, and more fields than a model
fills in at once."""
MAX_DEPTH = 40
"""Of keywords and names within each other: some 15 objects or lists."""
MAX_PATTERN_LENGTH = 500
MAX_PLACE_LENGTH = 100

_DEFINITIONS = ("$defs", "definitions")
_TOLD = frozenset({"description", "examples", "format"})
"""Annotations that help to fill in a form."""
_SILENT = frozenset(
    {
        *_DEFINITIONS,
        "$comment",
        "$id",
        "$schema",
        "contentEncoding",
        "contentMediaType",
        "default",
        "deprecated",
        "discriminator",
        "readOnly",
        "title",
        "writeOnly",
    }
)
"""Annotations that say nothing to who fills in a form; a default is not what memories say."""
_SINGLE = frozenset({"additionalProperties", "items", "propertyNames"})
_SEVERAL = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_IN_PLACE = frozenset({"allOf", "anyOf", "oneOf"})
"""Keywords whose parts are about the same value."""


@dataclass(frozen=True)
class AnswerSchema:
    """A well-formed schema of an object.

    `plain` asks for the same without references: only one that comes up within itself, which has
    no end, is cut short there, so that what it asks for is told, but not in full.
    """

    schema: Mapping[str, Json]
    plain: Mapping[str, Json]
    definitions: Mapping[str, Json]

    @classmethod
    def of(cls, schema: Mapping[str, Json]) -> "AnswerSchema":
        """Return the schema that a caller wrote.

        Raises `InvalidRequestError` if it is not of an object, asks for what cannot be checked,
        refers to what is not in its own `$defs`, or is too large.
        """
        definitions = _definitions(schema)
        plain = _Reading(definitions).plain(schema, (), _Trail())
        if plain.get("type", "object") != "object":
            raise _refusal((), "must be of an object")
        return cls(schema, {"properties": {}, **plain, "type": "object"}, definitions)

    def problem_of(self, value: Json) -> str | None:
        """Return what is wrong with an answer, without quoting it; None if it is as asked for."""
        if not isinstance(value, dict):
            return "the answer must be an object"
        try:
            fault = Check(self.definitions).fault(self.schema, value)
        except RecursionError:
            # Of a schema that comes up within itself, which no caller's own answer reaches.
            return "the answer is nested too deeply"
        return str(fault) if fault else None


@dataclass(frozen=True)
class _Trail:
    """The references that led to a part of a schema, and those about the very same value."""

    names: tuple[str, ...] = ()
    here: tuple[str, ...] = ()

    def deeper(self) -> "_Trail":
        return _Trail(self.names)

    def by(self, name: str) -> "_Trail":
        return _Trail((*self.names, name), (*self.here, name))


class _Reading:
    """Writes one schema out, and refuses it if it is not well-formed."""

    def __init__(self, definitions: Mapping[str, Part]) -> None:
        self._definitions = definitions
        self._left = MAX_PARTS

    def plain(self, schema: Part, place: tuple[str, ...], trail: _Trail) -> dict[str, Any]:
        """Return a schema without references and titles."""
        if not isinstance(schema, Mapping):
            raise _refusal(place, "must be an object")
        self._left -= 1
        if self._left < 0:
            raise _refusal((), f"must have at most {MAX_PARTS} parts, its references written out")
        if len(place) > MAX_DEPTH:
            raise _refusal(place, f"is nested too deeply: at most {MAX_DEPTH} levels")
        told: dict[str, Any] = {}
        for keyword, argument in schema.items():
            if keyword in _TOLD:
                told[keyword] = argument
            elif keyword == "$ref":
                told = {**self._referred(argument, place, trail), **told}
            elif keyword not in _SILENT:
                told[keyword] = self._keyword(keyword, argument, (*place, keyword), trail)
        return told

    def _keyword(
        self, keyword: str, argument: Part, place: tuple[str, ...], trail: _Trail
    ) -> object:
        if keyword not in KEYWORDS:
            raise _refusal(place, "is not supported")
        inner = trail if keyword in _IN_PLACE else trail.deeper()
        if keyword == "properties":
            _insist(isinstance(argument, Mapping), place, "must be an object of schemas")
            return {n: self._part(each, (*place, n), inner) for n, each in argument.items()}
        if keyword in _SEVERAL:
            is_list = isinstance(argument, list) and bool(argument)
            _insist(is_list, place, "must be a list of schemas")
            parts = enumerate(argument)
            return [self._part(each, (*place, str(number)), inner) for number, each in parts]
        if keyword in _SINGLE:
            return self._part(argument, place, inner)
        is_good, words = _ARGUMENTS[keyword]
        _insist(is_good(argument), place, words)
        return argument

    def _part(self, schema: Part, place: tuple[str, ...], trail: _Trail) -> object:
        return schema if isinstance(schema, bool) else self.plain(schema, place, trail)

    def _referred(self, name: Part, place: tuple[str, ...], trail: _Trail) -> dict[str, Any]:
        if not isinstance(name, str) or name not in self._definitions:
            raise _refusal((*place, "$ref"), "must lead to one of the schema's own $defs")
        if name in trail.here:
            raise _refusal((*place, "$ref"), "leads back to itself")
        meant = self._definitions[name]
        if name in trail.names and isinstance(meant, Mapping):
            return {word: meant[word] for word in ("type", "description") if word in meant}
        return self.plain(meant, place, trail.by(name))


def _definitions(schema: Mapping[str, Part]) -> dict[str, Part]:
    """Return what references can lead to, by how they write it."""
    found: dict[str, Part] = {}
    for keyword in _DEFINITIONS:
        named = schema.get(keyword, {})
        _insist(isinstance(named, Mapping), (keyword,), "must be an object of schemas")
        for name, each in named.items():
            written = name.replace("~", "~0").replace("/", "~1")
            found[f"#/{keyword}/{written}"] = each
    return found


def _refusal(place: tuple[str, ...], words: str) -> InvalidRequestError:
    where = ".".join(("schema", *place))[:MAX_PLACE_LENGTH]
    return InvalidRequestError(f"{where} {words}")


def _insist(is_good: object, place: tuple[str, ...], words: str) -> None:
    if not is_good:
        raise _refusal(place, words)


def _is_number(argument: Part) -> bool:
    return isinstance(argument, int | float) and not isinstance(argument, bool)


def _is_size(argument: Part) -> bool:
    return isinstance(argument, int) and not isinstance(argument, bool) and argument >= 0


def _is_type(argument: Part) -> bool:
    names = argument if isinstance(argument, list) else [argument]
    return bool(names) and all(isinstance(name, str) and name in TYPES for name in names)


def _is_pattern(argument: Part) -> bool:
    import re2  # noqa: PLC0415 - 15 ms that only schemas with patterns need

    if not isinstance(argument, str) or len(argument) > MAX_PATTERN_LENGTH:
        return False
    try:
        pattern_of(argument)
    except re2.error:
        return False
    return True


_NUMBER = (_is_number, "must be a number")
_SIZE = (_is_size, "must be a whole number, 0 or more")
_ARGUMENTS: Mapping[str, tuple[Callable[[Part], bool], str]] = {
    "type": (_is_type, f"must be one or several of {', '.join(TYPES)}"),
    "enum": (lambda each: isinstance(each, list) and bool(each), "must be a list of values"),
    "const": (lambda _: True, ""),
    "required": (
        lambda names: isinstance(names, list) and all(isinstance(each, str) for each in names),
        "must be a list of names",
    ),
    "pattern": (
        _is_pattern,
        f"must be a regular expression of RE2 of at most {MAX_PATTERN_LENGTH} characters",
    ),
    "multipleOf": (lambda each: _is_number(each) and each > 0, "must be a number above 0"),
    "uniqueItems": (lambda each: isinstance(each, bool), "must be true or false"),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _NUMBER),
    **dict.fromkeys(
        ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), _SIZE
    ),
}
