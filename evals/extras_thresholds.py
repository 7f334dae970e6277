"""How far the precision of a threshold differs between conversations, and how far by chance alone.

Of the questions whose best score reaches a threshold, precision is the share of those whose best
memory is the evidence of an answer. Every score is learned without the question's conversation.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.extras_choice import BOUNDS, SEED, resampled_means
from evals.extras_orders import Ranker
from evals.ranking import Case
from recollect.domain.ranking import Floats, Mask
from recollect.domain.relevance import EVENNESS
from recollect.usecases.evaluation.statistics import separation

THRESHOLDS = (0.1, 0.3, 0.5, 0.7)
GOAL = 0.05
"""By how much the precision in a conversation should differ from that elsewhere, at most."""
SHUFFLES = 2_000
NEWTON_STEPS = 30
RIDGE = 1e-3
"""Keeps a fit finite where a line separates the outcomes."""

Names = NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class Best:
    """The best memory of each question: its score, whether it is evidence, and where it is from."""

    scores: Floats
    is_right: Mask
    conversations: Names

    def gaps(self, least: float, conversations: Names) -> dict[str, float]:
        """Return by how much the precision in each of these conversations is above the others'."""
        reached = self.scores >= least
        right = self.is_right[reached]
        names = conversations[reached]
        return {
            str(name): float(right[names == name].mean() - right[names != name].mean())
            for name in np.unique(names)
            if (names != name).any()
        }

    def largest(self, conversations: Names) -> Floats:
        """Return the largest gap of any conversation at each threshold, whatever its sign."""
        gaps = [self.gaps(least, conversations) for least in THRESHOLDS]
        return np.array([max(map(abs, each.values()), default=0.0) for each in gaps])

    def by_chance(self) -> Floats:
        """Return the largest gaps (columns) where questions are shuffled between conversations."""
        random = np.random.default_rng(SEED)
        return np.array(
            [self.largest(random.permutation(self.conversations)) for _ in range(SHUFFLES)]
        )


def told(cases: Sequence[Case], without: Callable[[frozenset[str]], Ranker]) -> dict[str, Any]:
    """Return how each way of scoring does; `without` learns a ranker without conversations."""
    return {name: _told(best) for name, best in scored(cases, without).items()}


def scored(cases: Sequence[Case], without: Callable[[frozenset[str]], Ranker]) -> dict[str, Best]:
    """Return what each way of scoring makes of the questions.

    `score` is as searches have it. `platt` is the probability that the best memory is right, fitted
    to the log-odds of its own. `answered` is how likely a memory is if there is an answer, times
    how likely that is, fitted to the logarithm of the sum of all exp(s); its root as of the score.
    """
    names = np.array([case.conversation for case in cases])
    seen = [_Seen.of(case, without(frozenset({case.conversation}))) for case in cases]
    is_right = np.array([each.is_right for each in seen], dtype=np.bool_)
    has_answer = np.array([case.is_answerable and case.is_evidence.any() for case in cases])
    chances = np.array([each.probability for each in seen])
    shares = np.array([each.share for each in seen])
    answered = _left_out_fits(np.array([each.log_sum for each in seen]), has_answer, names)
    scores = {
        "score": chances**EVENNESS,
        "platt": _left_out_fits(np.log(chances) - np.log1p(-chances), is_right, names),
        "answered": (shares * answered) ** EVENNESS,
    }
    return {name: Best(each, is_right, names) for name, each in scores.items()}


@dataclass(frozen=True)
class _Seen:
    """The best memory of a question: its probability, with and without that of no answer."""

    probability: float
    share: float
    log_sum: float
    is_right: bool

    @classmethod
    def of(cls, case: Case, ranker: Ranker) -> "_Seen":
        sums = ranker.sums(case)
        first = int(sums.argmax())
        log_sum = float(np.logaddexp.reduce(sums))
        return cls(
            float(np.exp(sums[first] - np.logaddexp(log_sum, ranker.no_answer))),
            float(np.exp(sums[first] - log_sum)),
            log_sum,
            case.is_answerable and bool(case.is_evidence[first]),
        )


def _left_out_fits(values: Floats, outcomes: Mask, names: Names) -> Floats:
    """Return the probability of each outcome, as fitted to those of the other conversations."""
    fitted = np.empty(len(values))
    for name in np.unique(names):
        here = names == name
        slope, start = logistic(values[~here], outcomes[~here])
        fitted[here] = 1 / (1 + np.exp(-(slope * values[here] + start)))
    return fitted


def logistic(values: Floats, outcomes: Mask) -> tuple[float, float]:
    """Return a and b with which 1 / (1 + exp(-(a x + b))) fits outcomes best, by Newton's method.

    Platt, Probabilistic Outputs for Support Vector Machines (1999).
    """
    middle, width = float(values.mean()), float(values.std()) or 1.0
    rows = np.column_stack([(values - middle) / width, np.ones(len(values))])
    at = np.zeros(2)
    for _ in range(NEWTON_STEPS):
        likely = 1 / (1 + np.exp(-rows @ at))
        slope = rows.T @ (outcomes - likely) - RIDGE * at
        curve = (rows * (likely * (1 - likely))[:, np.newaxis]).T @ rows + RIDGE * np.eye(2)
        at += np.linalg.solve(curve, slope)
    return float(at[0] / width), float(at[1] - at[0] * middle / width)


def _told(best: Best) -> dict[str, Any]:
    largest, chance = best.largest(best.conversations), best.by_chance()
    return {
        "separation": separation(best.scores[best.is_right], best.scores[~best.is_right]),
        "all_within_goal_by_chance": round(float((chance <= GOAL).all(axis=1).mean()), 3),
        "thresholds": {
            f"{least}": {
                **_at(best, least),
                "largest_gap": round(float(largest[place]), 3),
                "median_by_chance": round(float(np.median(chance[:, place])), 3),
                "as_large_by_chance": round(float((chance[:, place] >= largest[place]).mean()), 3),
            }
            for place, least in enumerate(THRESHOLDS)
        },
    }


def _at(best: Best, least: float) -> dict[str, Any]:
    """Return the precision of a threshold, and how it differs in each conversation."""
    reached = best.scores >= least
    gaps = best.gaps(least, best.conversations)
    return {
        "reached": int(reached.sum()),
        "precision": round(float(best.is_right[reached].mean()), 3),
        "conversations": {
            name: {"gap": round(gap, 3), **_interval(best, reached, name)}
            for name, gap in gaps.items()
        },
    }


def _interval(best: Best, reached: Mask, name: str) -> dict[str, float]:
    """Return the 95 % interval of a gap, by resampling the questions of both sides."""
    here = best.conversations == name
    sides = [best.is_right[reached & each].astype(np.float64) for each in (here, ~here)]
    if min(map(len, sides)) < 2:  # noqa: PLR2004 - one question does not vary
        return {"reached": len(sides[0])}
    means = [resampled_means(side, seed=SEED + place) for place, side in enumerate(sides)]
    low, high = np.percentile(means[0] - means[1], BOUNDS)
    return {"reached": len(sides[0]), "low": round(float(low), 3), "high": round(float(high), 3)}
