"""What a memory has besides its words, as tokens that filters can be answered from.

Marks answer exactly; grams answer whether some characters may stand in a text. Both are made in
one place, so that what is stored and what is asked for are the same.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import get_args

from recollect.domain.filters.conditions import Trait
from recollect.domain.filters.values import MAX_DEPTH
from recollect.domain.memory import Json, Memory

GRAM_LENGTH = 3
"""Characters. Two would hardly tell texts apart; of four, a text has many more different ones."""
PLACE_LENGTH = 8
"""Hexadecimal digits that say where a gram stands: grams only narrow, so two places may collide."""

TRAITS: tuple[Trait, ...] = get_args(Trait)
HAS_TRAIT_MARKS = ("marked", *TRAITS)
"""A claim that is marked of every memory, except of those indexed before their traits were."""

_PADDING = "\0" * GRAM_LENGTH
"""Behind each text, so that a gram begins at every character and even at its end."""
_DEEPER = "\0deeper"


def marks_of(memory: Memory) -> set[str]:
    """Return a mark for each exact condition on what it has, besides times, that it meets."""
    marks = trait_marks_of(memory)
    marks |= {mark("scope", memory.scope.key), mark("text", memory.text)}
    marks.update(mark("kind", subject.kind) for subject in memory.scope.subjects)
    marks.update(mark("category", category) for category in memory.categories)
    marks.update(mark("set", name) for name in ("categories", "metadata") if getattr(memory, name))
    for key, value in memory.metadata.items():
        marks.add(mark("metadata", key, value))
        if value is not None:
            marks.add(mark("has", key))
        if isinstance(value, list | tuple):
            marks.update(mark("item", key, item) for item in value)
    return marks


def trait_marks_of(memory: Memory) -> set[str]:
    """Return the marks for its actor, role and kind, and the one that says that it has them."""
    marks = {mark(*HAS_TRAIT_MARKS)}
    for trait in TRAITS:
        value = getattr(memory, trait)
        if value:
            marks |= {mark("set", trait), mark("trait", trait, value)}
    return marks


def mark(*claim: Json) -> str:
    """Return a hash of a claim about memories; equal as JSON is: 1 is 1.0 but not true.

    128 bits, so that no two claims share one: a negated condition would lose a memory by it.
    """
    canonical = json.dumps(_canonical(claim, MAX_DEPTH), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def grams_of(memory: Memory) -> set[str]:
    """Return the grams of the memory's text, categories and texts in its metadata."""
    grams = set(_stored_grams(place("text"), memory.text))
    for category in memory.categories:
        grams.update(_stored_grams(place("category"), category))
    for key, value in memory.metadata.items():
        if isinstance(value, str):
            grams.update(_stored_grams(place("metadata", key), value))
    return grams


def place(*where: str) -> str:
    """Return what the grams of a text begin with, which says whether it is the memory's own."""
    return mark(*where)[:PLACE_LENGTH]


def asked_grams(where: str, part: str) -> list[str]:
    """Return grams that a text has, in any case, if the part stands in it; none if it is short."""
    folded = part.casefold()
    return list(dict.fromkeys(where + gram for gram in _windows(folded)))


def asked_prefix(where: str, part: str) -> str:
    """Return how one of a text's grams begins if the part, shorter than a gram, stands in it."""
    return where + part.casefold()


def _stored_grams(where: str, text: str) -> Iterator[str]:
    return (where + gram for gram in _windows(text.casefold() + _PADDING))


def _windows(text: str) -> Iterable[str]:
    return (text[at : at + GRAM_LENGTH] for at in range(len(text) - GRAM_LENGTH + 1))


def _canonical(value: Json, levels: int) -> Json:
    """Return the value with equal numbers spelled alike, as deep as a filter can ask."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict() | list() | tuple() if not levels:
            return _DEEPER
        case Mapping():
            return {key: _canonical(each, levels - 1) for key, each in value.items()}
        case list() | tuple():
            return [_canonical(each, levels - 1) for each in value]
        case _:
            return value
