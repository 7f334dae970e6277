"""How well a memory answers a query: one calibrated score from meaning and words."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from recollect.domain.memory import Vector

Counts = NDArray[np.integer]
Floats = NDArray[np.float64]

SATURATION = 1.5
"""BM25's k1, a customary value: how soon repeating a term stops helping."""
LENGTH_WEIGHT = 0.75
"""BM25's b, the customary value: how much longer texts count less."""
UNSEEN_DOCUMENTS = 10
"""Documents without any of the asked terms that are imagined beside the real ones. Among three
memories no word is rare, and what says all the words of a question would score nearly nothing;
with ten the first memory of a scope can reach .15 by one word, and recall on the conversations
below stays the same to the fourth digit (with 100 it loses .009 at 5)."""
KEYWORD_SCALE = 7.0
"""The BM25 sum at which the keyword score is 1 - 1/e = 0.63: about two rare words in common.

This and the two weights below were measured together on five long development conversations
(LoCoMo) with the bundled embedder: recall@5/10/20/30 of .539/.628/.707/.746, against
.530/.628/.705/.739 for the even mean of min-max scores, which say how a memory compares with the
other candidates of the same query but nothing about how well it answers.
"""
SEMANTIC_WEIGHT = 0.4
KEYWORD_WEIGHT = 0.6
GRAPH_WEIGHT = 0.2
"""How far the best answer of the graph raises a memory that says it: about as far as one more of a
question's words. Chosen, not measured: of the conversations above rules read nine relations, which
change nothing (recall@5 .540 instead of .539, the same at 30)."""


@dataclass(frozen=True)
class TermStatistics:
    """What BM25 needs to know of the memories that the named subjects hold.

    `frequencies` says for each asked term how many of the `documents` contain it;
    `average_length` is in terms.
    """

    documents: int = 0
    average_length: float = 0.0
    frequencies: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ScoreBreakdown:
    """A score and its parts; each 0 to 1, higher is better, the same meaning in every query.

    `graph` is how well relations answer that the memory supports; 0 where the graph is not asked.
    `decay`, which is none of these, is what the score was multiplied by; 1 where nothing fades.
    """

    semantic: float
    keyword: float
    score: float
    graph: float = 0.0
    decay: float = 1.0

    def faded(self, vitality: float) -> "ScoreBreakdown":
        """Return it multiplied by a memory's vitality (see `domain.decay`), and 1 at most."""
        return replace(self, score=min(self.score * vitality, 1.0), decay=vitality)

    def supporting(self, graph: float) -> "ScoreBreakdown":
        """Return it raised towards 1 for a memory that supports what the graph answers so well."""
        raised = self.score + GRAPH_WEIGHT * graph * (1.0 - self.score)
        return replace(self, score=raised, graph=graph)


def relevance(
    query_vector: Vector,
    query_terms: Sequence[str],
    vector: Vector | None,
    text_terms: Sequence[str],
    statistics: TermStatistics,
) -> ScoreBreakdown:
    """Return how well one text answers the query; see `score_all`."""
    return score_all(query_vector, query_terms, [(vector, text_terms)], statistics)[0]


def score_all(
    query_vector: Vector,
    query_terms: Sequence[str],
    candidates: Sequence[tuple[Vector | None, Sequence[str]]],
    statistics: TermStatistics,
) -> list[ScoreBreakdown]:
    """Return how well each candidate (its vector and its terms) answers the query, in their order.

    `semantic` is the cosine, 0 where it is negative, where a vector is missing, all zero or of
    other dimensions than the query's. `keyword` is BM25 over the different terms of the query,
    brought to 0..1 by 1 - exp(-bm25 / 7). `score` is their weighted sum.
    """
    semantic = np.clip(_cosines(query_vector, [vector for vector, _ in candidates]), 0.0, 1.0)
    bm25 = _bm25(query_terms, [text_terms for _, text_terms in candidates], statistics)
    keyword = -np.expm1(-bm25 / KEYWORD_SCALE)
    score = SEMANTIC_WEIGHT * semantic + KEYWORD_WEIGHT * keyword
    return [
        ScoreBreakdown(*parts)
        for parts in zip(semantic.tolist(), keyword.tolist(), score.tolist(), strict=True)
    ]


def term_weights(term: str, counts: Counts, lengths: Counts, statistics: TermStatistics) -> Floats:
    """Return what one term adds to the BM25 sum of texts that have it so often and are so long.

    With the inverse document frequency ln(1 + (N - df + 0.5) / (df + 0.5)), which is never
    negative; `N` includes `UNSEEN_DOCUMENTS`. A term without statistics counts as one that no
    text has.
    """
    frequency = statistics.frequencies.get(term, 0)
    others = max(statistics.documents - frequency, 0) + UNSEEN_DOCUMENTS
    rarity = math.log1p((others + 0.5) / (frequency + 0.5))
    relative = lengths / (statistics.average_length or 1.0)
    damping = SATURATION * (1.0 - LENGTH_WEIGHT + LENGTH_WEIGHT * relative)
    weights: Floats = rarity * counts * (SATURATION + 1.0) / (counts + damping)
    return weights


def unit(vectors: Vector) -> Vector:
    """Return vectors (along the last axis) at unit length; all-zero ones stay so."""
    lengths = np.sqrt(np.einsum("...i,...i->...", vectors, vectors))[..., np.newaxis]
    scaled: Vector = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return scaled


def _cosines(query: Vector, vectors: Sequence[Vector | None]) -> Floats:
    cosines = np.zeros(len(vectors))
    alike = {
        place: vector
        for place, vector in enumerate(vectors)
        if vector is not None and vector.shape == query.shape
    }
    if alike:
        cosines[list(alike)] = unit(np.stack(list(alike.values()))) @ unit(query)
    return cosines


def _bm25(
    query_terms: Iterable[str], texts: Sequence[Sequence[str]], statistics: TermStatistics
) -> Floats:
    columns = {term: column for column, term in enumerate(dict.fromkeys(query_terms))}
    counts = np.zeros((len(columns), len(texts)), dtype=np.int64)
    for place, text in enumerate(texts):
        for term in text:
            if term in columns:
                counts[columns[term], place] += 1
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    total = np.zeros(len(texts))
    for term, column in columns.items():
        total += term_weights(term, counts[column], lengths, statistics)
    return total
