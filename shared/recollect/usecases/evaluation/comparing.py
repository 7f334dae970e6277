"""Comparing two evaluations of the same questions."""

from dataclasses import dataclass
from typing import Final

from recollect.domain.errors import InvalidRequestError
from recollect.usecases.evaluation.report import CUTS, QuestionResult, Report
from recollect.usecases.evaluation.statistics import LEAST, Difference, differences, rounded
from recollect.usecases.evaluation.summing_up import recalls

MEASURES: Final = (
    *(f"recall@{cut}" for cut in CUTS),
    *(f"all evidence@{cut}" for cut in CUTS),
)


@dataclass(frozen=True)
class Compared:
    """A number of both, and the difference; positive if the second is better."""

    measure: str
    before: float
    after: float
    difference: Difference


@dataclass(frozen=True)
class Comparison:
    """The numbers of the questions that both have measured.

    `alone` counts the questions that only one of them has.
    """

    questions: int
    alone: int
    compared: tuple[Compared, ...]


def compare(before: Report, after: Report) -> Comparison:
    """Return how the second differs, question by question.

    Raises `InvalidRequestError` if they are of different data, or share fewer than two questions.
    """
    if before.setup.digest != after.setup.digest:
        message = "The reports are of different data: their questions cannot be compared"
        raise InvalidRequestError(message)
    first, second = _measured(before), _measured(after)
    shared = [each for each in first if each in second]
    if len(shared) < LEAST:
        message = f"The reports have fewer than {LEAST} questions in common"
        raise InvalidRequestError(message)
    old, new = (recalls(each[name] for name in shared) for each in (first, second))
    found = zip(MEASURES, old.mean(axis=0), new.mean(axis=0), differences(old, new), strict=True)
    return Comparison(
        questions=len(shared),
        alone=len(first.keys() ^ second.keys()),
        compared=tuple(
            Compared(name, rounded(one), rounded(other), difference)
            for name, one, other, difference in found
        ),
    )


def _measured(report: Report) -> dict[str, QuestionResult]:
    return {each.id: each for each in report.questions if each.is_measured}
