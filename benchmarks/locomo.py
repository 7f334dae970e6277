"""Recall of the turns that answer questions about long conversations, in the LoCoMo layout.

As `recollect eval locomo` does, with the names of speakers in the texts. Recall of a question
is the share of its evidence among the first k results; the figure is the mean over all questions of
categories 1 to 4.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from benchmarks import service
from recollect.bootstrap import evaluation
from recollect.usecases.evaluation.locomo import read_locomo
from recollect.usecases.evaluation.questions import Conversation
from recollect.usecases.evaluation.report import CUTS, QuestionResult
from recollect.usecases.transcripts.content import Content

ANSWERABLE = (1, 2, 3, 4)


def measure(data: Path) -> dict[str, Any]:
    """Return recall at 5, 10, 20 and 30, over all questions and for each category."""
    with tempfile.TemporaryDirectory() as folder:
        service.configure(Path(folder))
        return recall_of(data, lambda: None)


def recall_of(data: Path, settle: Callable[[], None]) -> dict[str, Any]:
    """Return the recall of the service as it is configured; `settle` waits for its index."""
    evaluate = evaluation.evaluate_retrieval(service.PROJECT, None, has_speakers_in_texts=True)

    def index(project: str, subjects: Sequence[str]) -> int:
        changes = evaluate.index(project, subjects)
        settle()
        return changes

    found = replace(evaluate, index=index)(conversations(data), lambda: None)
    measured = [each for each in found.results if each.is_measured]
    return {
        "questions": len(measured),
        "recall": _mean(measured),
        "recall_by_category": {
            str(category): _mean([each for each in measured if each.category == str(category)])
            for category in ANSWERABLE
        },
    }


def conversations(data: Path) -> Iterator[Conversation]:
    """Yield the conversations of a file."""

    def open_at(offset: int) -> BinaryIO:
        file = data.open("rb")
        file.seek(offset)
        return file

    return read_locomo(Content(data.name, open_at))


def _mean(results: Sequence[QuestionResult]) -> dict[str, float]:
    return {
        f"@{cut}": round(sum(each.recall(cut) for each in results) / max(len(results), 1), 4)
        for cut in CUTS
    }
