"""What evaluates searches of the configured edition, in a project that is nobody's.

Only a command does that, so that each use case is imported where it is made.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from recollect import bootstrap
from recollect.bootstrap import jobs, models
from recollect.bootstrap.chance import new_id
from recollect.bootstrap.configuration import settings
from recollect.domain.errors import InvalidRequestError, RecollectError, UnavailableError
from recollect.domain.jobs import JobStatus
from recollect.domain.requests import DeleteAllRequest
from recollect.domain.subjects import SubjectKind

if TYPE_CHECKING:
    from recollect.usecases.evaluation.answering import AnswerAndJudge
    from recollect.usecases.evaluation.retrieval import EvaluateRetrieval, Judge

PREFIX = "evaluation-"
"""Of the names of the projects that evaluations make."""
KEY_NAME = "evaluation"


def new_project() -> str:
    """Return the name of a project that was made for an evaluation; nobody has its key."""
    project = f"{PREFIX}{new_id()}"
    bootstrap.create_key()(project, KEY_NAME)
    return project


@contextmanager
def passing_project() -> Iterator[str]:
    """Yield the name of a new project, and remove all of it at the end, whatever happens.

    Raises `UnavailableError` with its name if something may be left of it.
    """
    project = new_project()
    try:
        yield project
    finally:
        _remove(project)


def evaluate_retrieval(
    project: str, judge: "Judge | None", *, has_speakers_in_texts: bool
) -> "EvaluateRetrieval":
    """Return the use case that measures searches in this project."""
    from recollect.usecases.evaluation.retrieval import EvaluateRetrieval

    return EvaluateRetrieval(
        project=project,
        add=bootstrap.add_memories(),
        index=bootstrap.project_changes(),
        search=bootstrap.search_memories(),
        judge=judge,
        has_speakers_in_texts=has_speakers_in_texts,
        clock=time.perf_counter,
        sleep=time.sleep,
    )


def answer_and_judge() -> "AnswerAndJudge":
    """Return what has questions answered; raise `InvalidRequestError` without a language model."""
    if settings().language_model == "rules":
        message = (
            "Answers are written by a language model, and none is configured: set"
            " RECOLLECT_LANGUAGE_MODEL and RECOLLECT_CHAT_MODEL, as docs/providers.md has it"
        )
        raise InvalidRequestError(message)
    from recollect.usecases.asking import AskModel
    from recollect.usecases.evaluation.answering import AnswerAndJudge, Spending

    spending = Spending()
    return AnswerAndJudge(AskModel(models.language_model(), spend=spending), spending)


def _remove(project: str) -> None:
    filters = {"OR": [{f"{kind}_id": "*"} for kind in SubjectKind]}
    request = DeleteAllRequest(project=project, filters=filters, ends_project=True)
    try:
        status = jobs.delete_memories()(request).status
    except RecollectError as error:
        message = f"The project {project} of the evaluation could not be removed: {error}"
        raise UnavailableError(message) from error
    if status is not JobStatus.SUCCEEDED:
        message = f"The project {project} of the evaluation is not removed yet: it is {status}"
        raise UnavailableError(message)
