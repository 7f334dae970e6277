"""How well a text by itself answers a query: by its meaning and by its words."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recollect.domain.memory import Vector

Counts = NDArray[np.integer]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

SATURATION = 1.5
"""BM25's k1, a customary value: how soon repeating a term stops helping."""
LENGTH_WEIGHT = 0.75
"""BM25's b, the customary value: how much longer texts count less."""
UNSEEN_DOCUMENTS = 10
"""Documents without any of the asked terms that are imagined beside the real ones. Among three
memories no word is rare, and what says all the words of a question would score nearly nothing;
with ten the first memory of a scope reaches a fourth by one word, and recall on five long
conversations stays the same to the fourth digit (with 100 it loses .009 at 5)."""
KEYWORD_SCALE = 7.0
"""The BM25 sum at which the keyword score is 1 - 1/e = 0.63: about two rare words in common."""


@dataclass(frozen=True)
class TermStatistics:
    """What BM25 needs to know of the memories that the named subjects hold.

    `frequencies` says for each asked term how many of the `documents` contain it;
    `average_length` is in terms.
    """

    documents: int = 0
    average_length: float = 0.0
    frequencies: Mapping[str, int] = field(default_factory=dict)


class TextScore(NamedTuple):
    """How well a text by itself answers a query; each 0 to 1, the same meaning in every query."""

    semantic: float
    keyword: float


def score_all(
    query_vector: Vector,
    query_terms: Sequence[str],
    candidates: Sequence[tuple[Vector | None, Sequence[str]]],
    statistics: TermStatistics,
) -> list[TextScore]:
    """Return how well each candidate (its vector and its terms) answers the query, in their order.

    `semantic` is the cosine, 0 where it is negative, where a vector is missing, all zero or of
    other dimensions than the query's. `keyword` is BM25 over the different terms of the query,
    brought to 0..1 by 1 - exp(-bm25 / 7).
    """
    rows = directions([vector for vector, _ in candidates], len(query_vector))
    semantic = np.clip(cosines(query_vector, rows), 0.0, 1.0)
    different = list(dict.fromkeys(query_terms))
    counts = counted(different, [Counter(text_terms) for _, text_terms in candidates])
    lengths = np.array([len(text_terms) for _, text_terms in candidates], dtype=np.int64)
    sums = keyword_sums(counts, lengths, rarities(different, statistics), statistics)
    keyword = keyword_scores(sums)
    return list(map(TextScore, semantic.tolist(), keyword.tolist()))


def keyword_scores(sums: Floats) -> Floats:
    """Return BM25 sums brought to 0..1 by 1 - exp(-bm25 / 7)."""
    scores: Floats = -np.expm1(-sums / KEYWORD_SCALE)
    return scores


def rarity_of(frequency: int, documents: int) -> float:
    """Return the inverse document frequency of a term that so many of the documents have.

    ln(1 + (N - df + 0.5) / (df + 0.5)), which is never negative; `N` includes `UNSEEN_DOCUMENTS`.
    """
    others = max(documents - frequency, 0) + UNSEEN_DOCUMENTS
    return math.log1p((others + 0.5) / (frequency + 0.5))


def rarities(query_terms: Sequence[str], statistics: TermStatistics) -> Floats:
    """Return the rarity of each term; one without statistics counts as one that no text has."""
    known, documents = statistics.frequencies, statistics.documents
    return np.array([rarity_of(known.get(term, 0), documents) for term in query_terms])


def saturated(counts: Counts, lengths: Counts, statistics: TermStatistics) -> Floats:
    """Return how much repeating a term adds, of 0 to 2.5, in texts of such lengths (BM25)."""
    relative = lengths / (statistics.average_length or 1.0)
    damping = SATURATION * (1.0 - LENGTH_WEIGHT + LENGTH_WEIGHT * relative)
    repeated: Floats = counts * (SATURATION + 1.0) / (counts + damping)
    return repeated


def term_weights(term: str, counts: Counts, lengths: Counts, statistics: TermStatistics) -> Floats:
    """Return what one term adds to the BM25 sum of texts that have it so often and are so long.

    A term without statistics counts as one that no text has.
    """
    rarity = rarity_of(statistics.frequencies.get(term, 0), statistics.documents)
    return rarity * saturated(counts, lengths, statistics)


def keyword_sums(
    counts: Counts, lengths: Counts, rarity: Floats, statistics: TermStatistics
) -> Floats:
    """Return the BM25 sums of texts; `counts` has a row a text and a column for each term."""
    sums: Floats = saturated(counts, lengths[:, np.newaxis], statistics) @ rarity
    return sums


def unit(vectors: Vector) -> Vector:
    """Return vectors (along the last axis) at unit length; all-zero ones stay so."""
    lengths = np.sqrt(np.einsum("...i,...i->...", vectors, vectors))[..., np.newaxis]
    scaled: Vector = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return scaled


def directions(vectors: Sequence[Vector | None], dimensions: int) -> Vector:
    """Return vectors at unit length, a row each; zeros for none, all zero or other dimensions."""
    rows = np.zeros((len(vectors), dimensions), dtype=np.float32)
    alike = {
        place: vector
        for place, vector in enumerate(vectors)
        if vector is not None and vector.shape == (dimensions,)
    }
    if alike:
        rows[list(alike)] = unit(np.stack(list(alike.values())))
    return rows


def cosines(query: Vector, rows: Vector) -> Floats:
    """Return the cosine of each row, which are `directions`, to a query's vector."""
    # Unlike `@`, in this thread: others would have to be waited for.
    products: Floats = np.vecdot(rows, unit(query)).astype(np.float64)
    return products


def counted(query_terms: Sequence[str], texts: Sequence[Mapping[str, int]]) -> Counts:
    """Return how often each text has each term: a row a text, a column a term."""
    rows = [[text.get(term, 0) for term in query_terms] for text in texts]
    return np.array(rows, dtype=np.int64).reshape(len(texts), len(query_terms))
