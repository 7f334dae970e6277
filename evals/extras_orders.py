"""What may be done to the order of the ranker's candidates, each more or less strongly."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
from numpy.typing import NDArray

from evals.extras_cases import Asked
from evals.ranking import Case
from recollect.domain.decay import HALF_LIFE, vitality
from recollect.domain.ranking import Floats, Mask
from recollect.domain.relevance import EVENNESS, GRAPH_WEIGHT, probabilities
from recollect.usecases.search_memories import MOST_FADING

SHOWN = 20
"""Of the best, that are looked at."""
REREAD = 30
"""Of the best, that a reranker reads."""
COMPARED = 50
"""Of the best, that are compared with each other."""
_NOW = datetime(2026, 1, 1, tzinfo=UTC)

Order = NDArray[np.intp]
"""Rows, best first."""


@dataclass(frozen=True, eq=False)
class Ranker:
    """The score with weights of its own."""

    weights: Floats
    no_answer: float

    def sums(self, case: Case) -> Floats:
        """Return the weighted sum of each candidate's components."""
        sums: Floats = case.rows @ self.weights
        return sums

    def scores(self, case: Case) -> Floats:
        """Return the score of each candidate, 0 to 1."""
        scores: Floats = probabilities(self.sums(case), self.no_answer) ** EVENNESS
        return scores


def alone(ranker: Ranker, asked: Asked, _: float) -> Mask:
    """Tell of the best of the ranker, in its order, which are evidence."""
    return _shown(asked.case, _best_first(ranker.sums(asked.case)))


def decay(ranker: Ranker, asked: Asked, half_life: float) -> Mask:
    """Have the best fade by their age, as in projects that have set so; half of it in these days.

    Nothing was shown to anybody before, so that each is touched only when it is said.
    """
    scores = ranker.scores(asked.case)
    best = _best_first(scores)[:MOST_FADING]
    left = np.array([_vitality(half_life, days) for days in asked.ages[best].tolist()])
    return _shown(asked.case, best[_best_first(scores[best] * left)])


def recency(ranker: Ranker, asked: Asked, strength: float) -> Mask:
    """Add so much to the sum of what was said just now, and half with each half-life."""
    fresh = 0.5 ** (np.maximum(asked.ages, 0.0) / (HALF_LIFE / timedelta(days=1)))
    return _shown(asked.case, _best_first(ranker.sums(asked.case) + strength * fresh))


def diversity(ranker: Ranker, asked: Asked, strength: float) -> Mask:
    """Take one after the other, less of what is like one that is taken: its cosine times strength.

    Maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998).
    """
    scores = ranker.scores(asked.case)
    best = _best_first(scores)[:COMPARED]
    left, alike = scores[best], _likeness(asked, best)
    nearest = np.zeros(len(best))
    taken: list[int] = []
    for _ in range(min(SHOWN, len(best))):
        place = int((left - strength * nearest).argmax())
        taken.append(place)
        left[place] = -np.inf
        nearest = np.maximum(nearest, alike[place])
    return _shown(asked.case, best[taken])


def no_near_duplicates(ranker: Ranker, asked: Asked, least: float) -> Mask:
    """Put what has such a cosine to a better one behind all others."""
    best = _best_first(ranker.scores(asked.case))[:COMPARED]
    is_like_better = (np.tril(_likeness(asked, best), -1) >= least).any(axis=1)
    return _shown(asked.case, best[np.argsort(is_like_better, kind="stable")])


def graph(ranker: Ranker, asked: Asked, strength: float) -> Mask:
    """Raise the score of what the graph's relations are supported by, as searches do."""
    scores = ranker.scores(asked.backed)
    raised = scores + strength * asked.support * (1.0 - scores)
    return _shown(asked.backed, _best_first(raised))


def reranker(ranker: Ranker, asked: Asked, strength: float) -> Mask:
    """Add MiniLM's cosine, so many times, to the sums of the best; alone if that is infinite."""
    sums = ranker.sums(asked.case)
    best = _best_first(sums)[:REREAD]
    cosines = asked.reread[best]
    reread = cosines if math.isinf(strength) else sums[best] + strength * cosines
    return _shown(asked.case, best[_best_first(reread)])


@dataclass(frozen=True)
class Extra:
    """What is tried, and how strongly; `usual` is how searches do it now, if they can."""

    find: Callable[[Ranker, Asked, float], Mask]
    strengths: tuple[float, ...]
    usual: float | None = None


EXTRAS: Mapping[str, Extra] = {
    "decay": Extra(decay, (3650.0, 365.0, 90.0, 30.0), HALF_LIFE / timedelta(days=1)),
    "recency": Extra(recency, (0.25, 0.5, 1.0, 2.0)),
    "diversity": Extra(diversity, (0.02, 0.05, 0.1, 0.2)),
    "no_near_duplicates": Extra(no_near_duplicates, (0.95, 0.9, 0.8, 0.7)),
    "graph": Extra(graph, (0.1, 0.2, 0.4, GRAPH_WEIGHT), GRAPH_WEIGHT),
    "reranker": Extra(reranker, (1.0, 2.0, 4.0, 8.0, math.inf), math.inf),
}
"""From weak to strong. Decay is in days, near duplicates in the cosine from which on they are."""


@cache
def _vitality(half_life: float, days: float) -> float:
    """Return what is left of a score, by the rule of the service for another half-life."""
    scale = HALF_LIFE / timedelta(days=half_life)
    return vitality([_NOW - scale * timedelta(days=days)], _NOW)


def _best_first(values: Floats) -> Order:
    return np.argsort(-values, kind="stable")


def _likeness(asked: Asked, rows: Order) -> Floats:
    return np.asarray(asked.vectors[rows] @ asked.vectors[rows].T, dtype=np.float64)


def _shown(case: Case, order: Order) -> Mask:
    return case.is_evidence[order[:SHOWN]]
