"""How well relations answer a question: by their own words, and by those of what they lead to."""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from recollect.domain.graph import USER_TYPE, Entity
from recollect.domain.memory import Vector
from recollect.domain.ranking import (
    KEYWORD_SCALE,
    Counts,
    Floats,
    TermStatistics,
    score_all,
    term_weights,
)
from recollect.domain.text import terms

SEMANTIC_WEIGHT = 0.15
"""Of the cosine of the question and the better of the two names; a name says little by itself."""
KEYWORD_WEIGHT = 1.0 - SEMANTIC_WEIGHT
JOINED = 0.75
"""What a word counts that not the relation itself has but one that it shares an entity with; once
more as often for a word of one behind that. Less than 1, so that of two relations that answer a
question together each is found by its own words first."""
JOINS = 2
"""How many relations can help another one: "my sister's husband's job" needs two."""
LEAST_STEM = 4
LONGEST_ENDING = 3
"""Letters. A stem of at least 4 is that of a predicate that is at most 3 longer, or shorter:
"teacher" of `teaches`, "allergy" of `allergic_to`."""

OWN_WEIGHT = 2.0
"""What it adds to a BM25 sum to be the user's own relation, or to be helped by one, in a question
of the user's: more than the likeness of names makes up for."""
PREPOSITION_WEIGHT = 0.5
"""What it adds that a question for the predicate has its preposition, too, or asks where: to work
somewhere, with somebody and as something is told apart by these alone."""
PREPOSITIONS = frozenset(["as", "at", "by", "for", "from", "in", "near", "of", "on", "to", "with"])
PLACING = frozenset(["at", "from", "in", "near", "on", "to"])
"""Prepositions of an answer to "where"."""
_OF_USER = re.compile(r"\b(?:i|me|my|myself|mine|we|our|ours|the user)\b", re.IGNORECASE)
_WORD = re.compile(r"\w+")

Linking: TypeAlias = NDArray[np.bool_]


def _stems(**words: str) -> Mapping[str, frozenset[str]]:
    return {name: frozenset(terms(said)) for name, said in words.items()}


ASKED_AS = _stems(
    child_of="parent mother father",
    engaged_to="fiance fiancé fiancée partner",
    has_boss="manager superior",
    has_brother="sibling",
    has_cat="pet",
    has_child="kid son daughter",
    has_daughter="child kid",
    has_dog="pet",
    has_father="parent dad",
    has_mother="parent mum mom",
    has_sister="sibling",
    has_son="child kid",
    lives_with="flatmate roommate",
    married_to="husband wife spouse",
    parent_of="child kid son daughter",
    studied_at="university college school degree",
    travelled_to="trip travel journey holiday vacation",
    travels_to="trip travel journey holiday vacation",
    visited="trip travel journey",
    works_as="job profession occupation",
    works_at="job company employ employer",
    works_with="colleague coworker",
)
"""Words of questions for predicates of `domain.predicates` that do not have them in their names."""
TYPES_ASKED_AS = _stems(
    animal="animal pet",
    food="food dish meal",
    organization="organization organisation company firm",
    person="person people",
    place="place city town village country",
    work="book novel film movie song",
)
"""Words of questions for the types that readers are told of, where they say what is asked for."""


@dataclass(frozen=True)
class Link:
    """A relation with its ends, as it is ranked: what it says is the words of these three."""

    source: Entity
    predicate: str
    target: Entity

    @property
    def ends(self) -> tuple[Entity, Entity]:
        """What it joins."""
        return self.source, self.target


def speaks_of_user(question: str) -> bool:
    """Tell whether a question is about the user: in the first person, or as "the user"."""
    return bool(_OF_USER.search(question))


def score_links(
    vector: Vector, asked: Sequence[str], links: Sequence[Link], *, text: str = ""
) -> list[float]:
    """Return how well each relation answers a question, 0 to 1, in their order.

    The question is its vector and its terms. Most of the score is BM25 of the terms over the
    relations at hand, brought to 0..1 as that of memories: for each term what the relation has of
    it or, counted `JOINED` times as much, what relations have that it shares an entity with.
    Everything shares the user: that entity joins nothing. By its `text` a question may be about the
    user, whose own relations then count more where they have any of the terms.
    """
    if not links:
        return []
    weights = _weights(asked, links)
    own = _own(links) & (weights > 0).any(axis=1) & speaks_of_user(text)
    sums = _with_joined(weights, _shared(links), own) + _fitting(asked, text, links)
    keyword = -np.expm1(-sums / KEYWORD_SCALE)
    scores: list[float] = (
        KEYWORD_WEIGHT * keyword + SEMANTIC_WEIGHT * _likeness(vector, links)
    ).tolist()
    return scores


def is_asked(predicate: str, asked: Collection[str]) -> bool:
    """Tell whether one of the terms of a question is for this predicate."""
    return bool(_of_predicate(predicate, frozenset(asked)))


def _weights(asked: Sequence[str], links: Sequence[Link]) -> Floats:
    """Return what each term (column) adds to the BM25 sum of each relation (row)."""
    words = frozenset(asked)
    of_predicate = {each: _of_predicate(each, words) for each in {one.predicate for one in links}}
    of_entity = {end: _of_entity(end, words) for one in links for end in one.ends}
    said = [
        Counter([*of_entity[one.source], *of_predicate[one.predicate], *of_entity[one.target]])
        for one in links
    ]
    found = sorted(set().union(*said))
    counts: Counts = np.array([[each[term] for term in found] for each in said], dtype=np.int64)
    lengths: Counts = np.array([len(_text_terms(one)) for one in links], dtype=np.int64)
    frequencies = dict(zip(found, np.count_nonzero(counts, axis=0).tolist(), strict=True))
    statistics = TermStatistics(len(links), float(lengths.mean()), frequencies)
    weights = np.zeros(counts.shape)
    for column, term in enumerate(found):
        weights[:, column] = term_weights(term, counts[:, column], lengths, statistics)
    return weights


def _own(links: Sequence[Link]) -> Linking:
    """Tell of each relation whether it is one of the user."""
    return np.array([any(end.type == USER_TYPE for end in one.ends) for one in links])


def _fitting(asked: Sequence[str], text: str, links: Sequence[Link]) -> Floats:
    """Return what the preposition of each relation's predicate adds to its sum."""
    said = frozenset(_WORD.findall(text.casefold())) & (PREPOSITIONS | {"where"})
    wanted = said | PLACING if "where" in said else said
    fitting = [
        one.predicate.rpartition("_")[2] in wanted and is_asked(one.predicate, asked)
        for one in links
    ]
    return PREPOSITION_WEIGHT * np.array(fitting, dtype=np.float64)


def _with_joined(weights: Floats, shared: Linking, own: Linking) -> Floats:
    """Return the sum of each relation's weights with what joined ones add to it, best first.

    What one of the user's own adds a word to counts as much as that: "my sister's city".
    """
    covered, reach, worth = weights.copy(), shared, 1.0
    led = own
    for _ in range(JOINS):
        worth *= JOINED
        gains = _gains(covered, worth * weights, reach)
        led = led | (gains[:, own] > 0).any(axis=1)
        best = gains.argmax(axis=1)
        helped = gains.max(axis=1) > 0
        joined = np.where(helped[:, np.newaxis], worth * weights[best], 0.0)
        covered = np.maximum(covered, joined)
        reach = reach | (shared[best] & helped[:, np.newaxis])
    total: Floats = covered.sum(axis=1) + OWN_WEIGHT * led
    return total


def _gains(covered: Floats, offered: Floats, reach: Linking) -> Floats:
    """Return what each relation (row) would gain by each other one (column)."""
    gains = np.zeros(reach.shape)
    for term in range(covered.shape[1]):
        gains += np.maximum(offered[np.newaxis, :, term] - covered[:, np.newaxis, term], 0.0)
    return np.where(reach, gains, 0.0)


def _shared(links: Sequence[Link]) -> Linking:
    """Tell of each two relations whether they share an entity that is not the user."""
    places = {end.id: at for at, end in enumerate(end for one in links for end in one.ends)}
    # Multiplied a hundred times as fast as integers.
    touches = np.zeros((len(links), max(places.values()) + 1), dtype=np.float32)
    for row, one in enumerate(links):
        for end in one.ends:
            touches[row, places[end.id]] = end.type != USER_TYPE
    shared: Linking = (touches @ touches.T) > 0
    np.fill_diagonal(shared, val=False)
    return shared


def _likeness(vector: Vector, links: Sequence[Link]) -> Floats:
    """Return the cosine of the question and the better of each relation's names, from 0."""
    named = [(_vector(end), ()) for one in links for end in one.ends]
    each = score_all(vector, (), named, TermStatistics())
    cosines: Floats = np.array([one.semantic for one in each])
    best: Floats = cosines.reshape(-1, 2).max(axis=1)
    return best


def _vector(entity: Entity) -> Vector | None:
    return entity.embedding.vector() if entity.embedding else None


def _text_terms(link: Link) -> list[str]:
    return [*terms(link.source.name), *_words(link.predicate), *terms(link.target.name)]


def _words(label: str) -> list[str]:
    return terms(label.replace("_", " "))


def _of_predicate(predicate: str, asked: frozenset[str]) -> frozenset[str]:
    """Return the asked terms that are for a predicate."""
    words = _words(predicate)
    alike = {term for term in asked if any(_is_alike(term, word) for word in words)}
    return (asked & ASKED_AS.get(predicate, frozenset())) | alike


def _of_entity(entity: Entity, asked: frozenset[str]) -> frozenset[str]:
    """Return the asked terms that are in an entity's name, or for its type."""
    names = asked.intersection(terms(entity.name))
    if entity.type == USER_TYPE:
        return names
    return names | (asked & (TYPES_ASKED_AS.get(entity.type) or frozenset(_words(entity.type))))


def _is_alike(term: str, word: str) -> bool:
    shorter, longer = sorted((term, word), key=len)
    return term == word or (
        len(shorter) >= LEAST_STEM
        and len(longer) - len(shorter) <= LONGEST_ENDING
        and longer.startswith(shorter)
    )
