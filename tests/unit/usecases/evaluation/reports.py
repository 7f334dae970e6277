"""Results of questions, and reports of them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from recollect.usecases.evaluation.report import Judging, QuestionResult, Report, Setup
from recollect.usecases.evaluation.retrieval import Evaluated
from recollect.usecases.evaluation.summing_up import report_of


def a_result(number: int = 1, **changes: Any) -> QuestionResult:  # noqa: ANN401 - any field
    """Return what a search has found: the one memory that answers, at once."""
    known: dict[str, Any] = {
        "id": f"c1/{number}",
        "conversation": "c1",
        "category": "pets",
        "is_answerable": True,
        "evidence": 1,
        "ranks": (1,),
        "best_score": 0.65,
        "milliseconds": 2.0,
    }
    return QuestionResult(**{**known, **changes})


def a_setup(**changes: Any) -> Setup:  # noqa: ANN401 - any field
    """Return what was measured with."""
    known: dict[str, Any] = {
        "kind": "qa",
        "file": "questions.jsonl",
        "digest": "d1",
        "version": "1.2.3",
        "edition": "local",
        "embedder": "toy-2",
        "speakers": "text",
        "made_at": datetime(2026, 3, 1, 12, tzinfo=UTC),
    }
    return Setup(**{**known, **changes})


def a_report(
    results: Sequence[QuestionResult], judging: Judging | None = None, **setup: object
) -> Report:
    """Return the report of these."""
    found = Evaluated(conversations=2, turns=30, cut=1, results=list(results))
    return report_of(found, a_setup(**setup), judging)
