"""Making a report of what single searches have found."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import numpy as np

from recollect.domain.errors import InvalidRequestError
from recollect.usecases.evaluation.report import (
    CUTS,
    Accuracy,
    Answers,
    Counts,
    Group,
    Judging,
    Latency,
    QuestionResult,
    Report,
    Scores,
    Setup,
    Spread,
    Threshold,
)
from recollect.usecases.evaluation.retrieval import Evaluated
from recollect.usecases.evaluation.statistics import Values, estimates, separation

THRESHOLDS: Final = tuple(tenth / 10 for tenth in range(1, 10))
PRECISION_CUT: Final = 10
"""Results among which evidence makes a question answered: what searches return by default."""
QUARTILES: Final = (25, 50, 75)
DIGITS: Final = 4


def report_of(found: Evaluated, setup: Setup, judging: Judging | None = None) -> Report:
    """Return the report; raise `InvalidRequestError` if no question has evidence."""
    results = found.results
    measured = [each for each in results if each.is_measured]
    if not measured:
        message = "None of the questions has evidence that could be found"
        raise InvalidRequestError(message)
    return Report(
        setup=setup,
        counts=_counts(found),
        overall=_group("all", measured),
        categories=_groups(measured, lambda each: each.category),
        conversations=_groups(measured, lambda each: each.conversation),
        latency=_latency(results),
        scores=_scores(results),
        thresholds=tuple(_threshold(results, each) for each in THRESHOLDS),
        answers=_answers(results, judging) if judging else None,
        questions=tuple(results),
    )


def recalls(results: Iterable[QuestionResult]) -> Values:
    """Return a row for each: its recalls, and whether all evidence was found, at each cut."""
    return np.array(
        [
            [*(each.recall(cut) for cut in CUTS), *(each.has_all(cut) for cut in CUTS)]
            for each in results
        ],
        dtype=np.float64,
    )


def _counts(found: Evaluated) -> Counts:
    results = found.results
    return Counts(
        conversations=found.conversations,
        turns=found.turns,
        cut=found.cut,
        questions=len(results),
        without_evidence=sum(each.is_answerable and not each.evidence for each in results),
        unanswerable=sum(not each.is_answerable for each in results),
        degraded=sum(each.is_degraded for each in results),
    )


def _group(name: str, results: Sequence[QuestionResult]) -> Group:
    found = estimates(recalls(results))
    return Group(
        name=name,
        questions=len(results),
        recall=dict(zip(CUTS, found[: len(CUTS)], strict=True)),
        all_evidence=dict(zip(CUTS, found[len(CUTS) :], strict=True)),
    )


def _groups(
    results: Sequence[QuestionResult], name_of: Callable[[QuestionResult], str]
) -> tuple[Group, ...]:
    return tuple(_group(name, some) for name, some in _by(results, name_of))


def _by(
    results: Sequence[QuestionResult], name_of: Callable[[QuestionResult], str]
) -> list[tuple[str, list[QuestionResult]]]:
    found: dict[str, list[QuestionResult]] = {}
    for each in results:
        found.setdefault(name_of(each), []).append(each)
    return sorted(found.items())


def _latency(results: Sequence[QuestionResult]) -> Latency:
    median, p95 = np.percentile([each.milliseconds for each in results], (50, 95))
    return Latency(median=round(float(median), 2), p95=round(float(p95), 2))


def _scores(results: Sequence[QuestionResult]) -> Scores:
    answerable = _best(each for each in results if each.is_answerable)
    others = _best(each for each in results if not each.is_answerable)
    return Scores(
        answerable=_spread(answerable),
        unanswerable=_spread(others) if len(others) else None,
        separation=separation(answerable, others) if len(others) else None,
    )


def _best(results: Iterable[QuestionResult]) -> Values:
    return np.array([each.best_score or 0.0 for each in results], dtype=np.float64)


def _spread(scores: Values) -> Spread:
    first, median, third = (round(float(each), DIGITS) for each in np.percentile(scores, QUARTILES))
    return Spread(questions=len(scores), first_quartile=first, median=median, third_quartile=third)


def _threshold(results: Sequence[QuestionResult], threshold: float) -> Threshold:
    reaching = [each for each in results if (each.best_score or 0.0) >= threshold]
    answered = sum(each.is_measured and each.recall(PRECISION_CUT) > 0 for each in reaching)
    return Threshold(
        threshold=threshold,
        reached=_share(reaching, results, is_answerable=True) or 0.0,
        reached_wrongly=_share(reaching, results, is_answerable=False),
        precision=round(answered / len(reaching), DIGITS) if reaching else None,
    )


def _share(
    some: Sequence[QuestionResult], of: Sequence[QuestionResult], *, is_answerable: bool
) -> float | None:
    count, total = (
        sum(each.is_answerable == is_answerable for each in part) for part in (some, of)
    )
    return round(count / total, DIGITS) if total else None


def _answers(results: Sequence[QuestionResult], judging: Judging) -> Answers:
    judged = [each for each in results if each.is_right is not None]
    return Answers(
        model=judging.model,
        overall=_accuracy("all", judged) if judged else None,
        categories=tuple(
            _accuracy(name, some) for name, some in _by(judged, lambda each: each.category)
        ),
        failed=judging.failed,
        calls=judging.usage.calls,
        input_tokens=judging.usage.input_tokens,
        output_tokens=judging.usage.output_tokens,
    )


def _accuracy(name: str, results: Sequence[QuestionResult]) -> Accuracy:
    [accuracy] = estimates(np.array([[float(each.is_right or 0)] for each in results]))
    return Accuracy(name=name, questions=len(results), accuracy=accuracy)
