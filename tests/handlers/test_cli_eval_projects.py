"""The projects of evaluations on AWS: nothing is left of them, or they are named."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from recollect import bootstrap
from recollect.bootstrap import evaluation, jobs
from recollect.domain.errors import UnavailableError
from recollect.domain.filters import parse_filter
from recollect.domain.jobs import Job, JobStatus
from recollect.domain.requests import DeleteAllRequest
from recollect.testing.builders import a_job, a_scope
from recollect.usecases.evaluation.questions import Conversation, Question, Turn


@pytest.fixture
def edition(tmp_path: Path) -> Iterator[None]:
    with bootstrap.local_edition(tmp_path / "memories.db"):
        yield


def remembered_in(project: str) -> int:
    everybody = parse_filter({"user_id": "*"})
    return len(bootstrap.list_memories()(project, everybody, page=1, page_size=10).memories)


@pytest.fixture
def conversation() -> Conversation:
    turn, question = Turn(id="t1", text="I like tea."), "What do I like?"
    asked = Question(id="q", text=question, evidence=("t1",), category="all")
    return Conversation(id="c", turns=(turn,), questions=(asked,))


def interrupted(project: str, conversation: Conversation) -> NoReturn:
    """Remember a conversation, and end at its first question."""
    evaluate = evaluation.evaluate_retrieval(project, None, has_speakers_in_texts=True)

    def interrupt() -> NoReturn:
        assert remembered_in(project) == 1
        raise KeyboardInterrupt

    evaluate([conversation], interrupt)
    raise AssertionError


@pytest.mark.usefixtures("edition")
def test_a_project_is_removed_whatever_happens(conversation: Conversation) -> None:
    with pytest.raises(KeyboardInterrupt), evaluation.passing_project() as project:
        interrupted(project, conversation)

    assert remembered_in(project) == 0
    assert all(key.revoked_at for key in bootstrap.keys.list_keys()(project))


def in_vain(status: JobStatus | None) -> Callable[[], Callable[[DeleteAllRequest], Job]]:
    """Return a factory of a removal that fails, or is not done."""

    def remove(request: DeleteAllRequest) -> Job:
        if status is None:
            message = "the tables are away"
            raise UnavailableError(message)
        return a_job(a_scope(request.project, user="ada"), status=status)

    return lambda: remove


@pytest.mark.usefixtures("edition")
@pytest.mark.parametrize(
    ("status", "told"),
    [
        (None, "could not be removed: the tables are away"),
        (JobStatus.PENDING, "is not removed yet: it is PENDING"),
    ],
)
def test_what_is_left_of_a_project_is_named(
    monkeypatch: pytest.MonkeyPatch, status: JobStatus | None, told: str
) -> None:
    monkeypatch.setattr(jobs, "delete_memories", in_vain(status))

    with pytest.raises(UnavailableError) as failed, evaluation.passing_project() as project:
        pass

    assert f"The project {project} of the evaluation {told}" in str(failed.value)
