"""Whether a value is what a JSON Schema asks for, in a time that no schema can stretch."""

import json
from collections.abc import Callable, Iterator, Mapping, Sized
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias

Part: TypeAlias = Any
"""Any part of a schema, or of what is checked."""

PATTERN_MEMORY_BYTES = 1 << 20
"""What one pattern's automaton may take; RE2 goes on without it, slower, where that is too little.
"""


def _is_number(value: Part) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


TYPES: Mapping[str, Callable[[Part], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: _is_number(value) and value == value // 1,
    "number": _is_number,
}


@dataclass(frozen=True)
class Fault:
    """What is wrong, and where: never a word of the value that was checked."""

    message: str
    place: tuple[str, ...] = ()

    def within(self, name: str) -> "Fault":
        """Return the same as seen from one level above."""
        return Fault(self.message, (name, *self.place))

    def __str__(self) -> str:
        """Return it as a sentence for whoever wrote the value."""
        return f"{'.'.join(self.place) or 'the answer'}: {self.message}"


@dataclass(frozen=True)
class Check:
    """Holds values against the parts of one well-formed schema, in which `definitions` are.

    Every pair of a part and a value is looked at once, whatever refers to it: the work is at most
    the size of the schema times that of the value. Both must stay alive meanwhile.
    """

    definitions: Mapping[str, Part]
    """By what a reference says."""
    _known: dict[tuple[int, int], Fault | None] = field(default_factory=dict)

    def fault(self, schema: Part, value: Part) -> Fault | None:
        """Return the first fault of a value; None if it is what the schema asks for."""
        pair = (id(schema), id(value))
        if pair not in self._known:
            self._known[pair] = next(self._faults(schema, value), None)
        return self._known[pair]

    def _faults(self, schema: Part, value: Part) -> Iterator[Fault]:
        if isinstance(schema, bool):
            if not schema:
                yield Fault("it must not be there")
            return
        for keyword, argument in schema.items():
            if keyword in _SIMPLE:
                problem = _SIMPLE[keyword](argument, value)
                if problem:
                    yield Fault(problem)
            elif keyword in _APPLIED:
                yield from _APPLIED[keyword](self, schema, value)


def _key(value: Part) -> str:
    """Return the same text for equal values of JSON, for which 1 is 1.0 and not true."""
    return json.dumps(_whole(value), sort_keys=True)


def _whole(value: Part) -> Part:
    if isinstance(value, dict):
        return {name: _whole(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def pattern_of(text: str) -> Any:  # noqa: ANN401 - RE2's own
    """Return a compiled pattern of RE2, which takes a time linear in the text, or raise."""
    import re2  # noqa: PLC0415 - 15 ms that only schemas with patterns need

    options = re2.Options()
    options.max_mem = PATTERN_MEMORY_BYTES
    options.log_errors = False
    return re2.compile(text, options)


def _type(argument: Part, value: Part) -> str | None:
    names = [argument] if isinstance(argument, str) else argument
    if any(TYPES[name](value) for name in names):
        return None
    return f"it must be of the type {' or '.join(names)}"


def _enum(argument: Part, value: Part) -> str | None:
    is_listed = _key(value) in map(_key, argument)
    return None if is_listed else "it must be one of the values that the schema lists"


def _const(argument: Part, value: Part) -> str | None:
    return None if _key(value) == _key(argument) else "it must be the value that the schema names"


def _pattern(argument: Part, value: Part) -> str | None:
    if not isinstance(value, str) or pattern_of(argument).search(value):
        return None
    return "it must match the pattern"


def _multiple(argument: Part, value: Part) -> str | None:
    if not _is_number(value):
        return None
    count = Fraction(str(value)) / Fraction(str(argument))
    return None if count.denominator == 1 else f"it must be a multiple of {argument}"


def _unique(argument: Part, value: Part) -> str | None:
    if not argument or not isinstance(value, list):
        return None
    return None if len(set(map(_key, value))) == len(value) else "its items must differ"


def _required(argument: Part, value: Part) -> str | None:
    missing = [name for name in argument if name not in value] if isinstance(value, dict) else []
    return f"{missing[0]} is missing" if missing else None


def _size(kind: type[Sized], is_good: Callable[[int, int], bool], words: str) -> "Simple":
    def check(argument: Part, value: Part) -> str | None:
        is_fine = not isinstance(value, kind) or is_good(len(value), argument)
        return None if is_fine else f"it must have {words} {argument}"

    return check


def _bound(is_good: Callable[[Part, Part], bool], words: str) -> "Simple":
    def check(argument: Part, value: Part) -> str | None:
        is_fine = not _is_number(value) or is_good(value, argument)
        return None if is_fine else f"it must be {words} {argument}"

    return check


def _at_least(size: Part, bound: Part) -> bool:
    return bool(size >= bound)


def _at_most(size: Part, bound: Part) -> bool:
    return bool(size <= bound)


Simple: TypeAlias = Callable[[Part, Part], str | None]
_SIMPLE: Mapping[str, Simple] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "required": _required,
    "pattern": _pattern,
    "multipleOf": _multiple,
    "uniqueItems": _unique,
    "minLength": _size(str, _at_least, "as many characters, or more:"),
    "maxLength": _size(str, _at_most, "no more characters than"),
    "minItems": _size(list, _at_least, "as many items, or more:"),
    "maxItems": _size(list, _at_most, "no more items than"),
    "minProperties": _size(dict, _at_least, "as many properties, or more:"),
    "maxProperties": _size(dict, _at_most, "no more properties than"),
    "minimum": _bound(_at_least, "at least"),
    "maximum": _bound(_at_most, "at most"),
    "exclusiveMinimum": _bound(lambda value, bound: bool(value > bound), "more than"),
    "exclusiveMaximum": _bound(lambda value, bound: bool(value < bound), "less than"),
}


def _properties(check: Check, schema: Part, value: Part) -> Iterator[Fault]:
    if isinstance(value, dict):
        for name, each in schema["properties"].items():
            if name in value and (fault := check.fault(each, value[name])):
                yield fault.within(name)


def _others(check: Check, schema: Part, value: Part) -> Iterator[Fault]:
    if isinstance(value, dict):
        for name, each in value.items():
            if name in schema.get("properties", {}):
                continue
            # Its name was made up by whoever wrote the value, so that it is not told.
            if check.fault(schema["additionalProperties"], each):
                yield Fault("a property that the schema does not name is not as it asks for")


def _names(check: Check, schema: Part, value: Part) -> Iterator[Fault]:
    if isinstance(value, dict) and any(check.fault(schema["propertyNames"], n) for n in value):
        yield Fault("the name of a property is not as the schema asks for")


def _items(check: Check, schema: Part, value: Part) -> Iterator[Fault]:
    if isinstance(value, list):
        for place, each in enumerate(value[len(schema.get("prefixItems", ())) :]):
            if fault := check.fault(schema["items"], each):
                yield fault.within(str(place + len(schema.get("prefixItems", ()))))


def _first_items(check: Check, schema: Part, value: Part) -> Iterator[Fault]:
    if isinstance(value, list):
        # There may be fewer, or more, than the schema has.
        for place, (part, each) in enumerate(zip(schema["prefixItems"], value, strict=False)):
            if fault := check.fault(part, each):
                yield fault.within(str(place))


def _any(check: Check, schema: Part, value: Part) -> Iterator[Fault]:
    if all(check.fault(each, value) for each in schema["anyOf"]):
        yield Fault("it is none of what the schema allows there")


def _one(check: Check, schema: Part, value: Part) -> Iterator[Fault]:
    good = [each for each in schema["oneOf"] if not check.fault(each, value)]
    if len(good) != 1:
        yield Fault("it is none, or more than one, of what the schema allows there")


def _all(check: Check, schema: Part, value: Part) -> Iterator[Fault]:
    for each in schema["allOf"]:
        if fault := check.fault(each, value):
            yield fault


def _reference(check: Check, schema: Part, value: Part) -> Iterator[Fault]:
    if fault := check.fault(check.definitions[schema["$ref"]], value):
        yield fault


_APPLIED: Mapping[str, Callable[[Check, Part, Part], Iterator[Fault]]] = {
    "properties": _properties,
    "additionalProperties": _others,
    "propertyNames": _names,
    "items": _items,
    "prefixItems": _first_items,
    "anyOf": _any,
    "oneOf": _one,
    "allOf": _all,
    "$ref": _reference,
}
KEYWORDS = frozenset({*_SIMPLE, *_APPLIED})
"""All that can be checked."""
