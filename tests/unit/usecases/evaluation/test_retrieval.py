"""What an evaluation does: remembers turns, asks questions, and tells where the gold is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from recollect.domain.errors import UnavailableError
from recollect.domain.filters import subject_is
from recollect.domain.jobs import Job, JobStatus
from recollect.domain.memory import MAX_TEXT_BYTES, Memory
from recollect.domain.requests import AddRequest
from recollect.domain.subjects import Subject, SubjectKind
from recollect.usecases.evaluation.questions import Conversation, Question, Turn
from recollect.usecases.evaluation.retrieval import Evaluated, EvaluateRetrieval
from recollect.usecases.search_memories import SearchResult
from tests.service import Service

PROJECT = "evaluation"
START = datetime(2023, 5, 8, tzinfo=UTC)
TURNS = tuple(
    Turn(
        id=f"t{place}",
        text=text,
        speaker="Maya",
        said_at=START + timedelta(hours=place),
        session=str(place // 2),
    )
    for place, text in enumerate(
        ("My dog is called Biscuit.", "I sail a boat.", "I sail a boat.", "  ", "Tea is great.")
    )
)


@pytest.fixture(autouse=True)
def _project(service: Service) -> None:
    service.open_project(PROJECT)


def evaluating(service: Service, **changes: Any) -> EvaluateRetrieval:  # noqa: ANN401 - any part
    known: dict[str, Any] = {
        "project": PROJECT,
        "add": service.add,
        "index": service.project_changes,
        "search": service.search,
        "judge": None,
        "has_speakers_in_texts": True,
        "clock": count().__next__,
        "sleep": lambda _: None,
    }
    return EvaluateRetrieval(**{**known, **changes})


def asking(*questions: Question, turns: Sequence[Turn] = TURNS) -> Conversation:
    return Conversation(id="c1", turns=tuple(turns), questions=questions)


def a_question(text: str = "What is the dog called?", *evidence: str) -> Question:
    return Question(id=text, text=text, evidence=evidence, category="pets")


def evaluated(evaluate: EvaluateRetrieval, *conversations: Conversation) -> Evaluated:
    return evaluate(conversations, lambda: None)


def memories_of(service: Service, user: str = "conversation-1") -> dict[str, Memory]:
    matching = subject_is(Subject(SubjectKind.USER, user))
    found = service.list(PROJECT, matching, page=1, page_size=100).memories
    return {memory.text: memory for memory in found}


def test_turns_are_remembered_with_speakers_and_times(service: Service) -> None:
    found = evaluated(evaluating(service), asking(a_question()))

    memories = memories_of(service)
    assert set(memories) == {
        "Maya: My dog is called Biscuit.",
        "Maya: I sail a boat.",
        "Maya: Tea is great.",
    }
    assert memories["Maya: Tea is great."].created_at == START + timedelta(hours=4)
    assert {memory.actor for memory in memories.values()} == {"Maya"}
    assert (found.conversations, found.turns, found.cut) == (1, 4, 0)


def test_speakers_can_be_names_alone(service: Service) -> None:
    evaluated(evaluating(service, has_speakers_in_texts=False), asking(a_question()))

    memories = memories_of(service)
    assert "Tea is great." in memories
    assert memories["Tea is great."].actor == "Maya"


def test_what_nobody_is_named_for_has_no_speaker(service: Service) -> None:
    turn = Turn(id="t", text="I like tea.", role="assistant")

    evaluated(evaluating(service), asking(a_question(), turns=[turn]))

    assert memories_of(service)["I like tea."].role == "assistant"


def test_ranks_are_those_of_the_evidence(service: Service) -> None:
    told: list[None] = []

    found = evaluating(service)(
        [
            asking(
                a_question("What is the dog called?", "t0"), a_question("What of tea?", "t0", "t4")
            )
        ],
        lambda: told.append(None),
    )

    dog, tea = found.results
    assert (dog.conversation, dog.category, dog.is_answerable) == ("c1", "pets", True)
    assert (dog.evidence, dog.ranks, dog.is_right) == (1, (1,), None)
    assert (tea.evidence, len(tea.ranks), tea.ranks[0]) == (2, 2, 1)
    assert dog.best_score is not None
    assert dog.best_score > 0.3
    assert (dog.milliseconds, dog.is_degraded) == (1000, False)
    assert len(told) == 2


def test_evidence_that_was_not_said_is_never_found(service: Service) -> None:
    [found] = evaluated(evaluating(service), asking(a_question("Dog?", "t0", "t3"))).results

    assert (found.evidence, len(found.ranks)) == (2, 1)


def test_what_was_said_twice_is_one_memory(service: Service) -> None:
    [found] = evaluated(evaluating(service), asking(a_question("Who sails?", "t1", "t2"))).results

    assert (found.evidence, found.ranks) == (1, (1,))


def test_what_systems_say_is_not_remembered(service: Service) -> None:
    turn = Turn(id="t", text="You are helpful.", role="system")

    found = evaluated(evaluating(service), asking(a_question("Who?", "t"), turns=[turn]))

    assert (found.turns, memories_of(service)) == (0, {})
    assert (found.results[0].evidence, found.results[0].ranks) == (1, ())


def test_every_conversation_has_a_user_of_its_own(service: Service) -> None:
    other = Conversation(
        id="c2", turns=(Turn(id="t0", text="I like cake."),), questions=(a_question("Dog?", "t0"),)
    )

    found = evaluated(evaluating(service), asking(a_question("Dog?", "t0")), other)

    assert set(memories_of(service, "conversation-2")) == {"I like cake."}
    assert [each.evidence for each in found.results] == [1, 1]
    assert found.conversations == 2


def test_a_user_without_memories_finds_nothing(service: Service) -> None:
    found = evaluated(evaluating(service), asking(a_question(), turns=[]))

    assert (found.results[0].best_score, found.results[0].ranks) == (None, ())


def test_a_session_is_an_add_and_a_long_one_several(service: Service) -> None:
    sizes: list[int] = []

    def add(request: AddRequest) -> Job:
        sizes.append(len(request.messages))
        return service.add(request)

    turns = [Turn(id=str(at), text=f"Number {at}", session=str(at > 120)) for at in range(130)]
    evaluated(evaluating(service, add=add), asking(a_question(), turns=turns))

    assert sizes == [100, 21, 9]


def test_what_is_too_long_is_cut_between_characters(service: Service) -> None:
    turn = Turn(id="t", text="ä" * MAX_TEXT_BYTES)

    found = evaluated(evaluating(service), asking(a_question("ä", "t"), turns=[turn]))

    [text] = memories_of(service)
    assert (found.cut, set(text)) == (1, {"ä"})
    assert len(text.encode()) > MAX_TEXT_BYTES * 0.9


def test_an_add_that_is_not_done_ends_it(service: Service) -> None:
    def add(request: AddRequest) -> Job:
        return replace(service.add(request), status=JobStatus.PENDING)

    with pytest.raises(UnavailableError, match="turns from t0 on were not remembered"):
        evaluated(evaluating(service, add=add), asking(a_question()))


def test_a_judge_sees_what_was_found(service: Service) -> None:
    seen: list[tuple[Question, str]] = []

    def judge(question: Question, memories: Sequence[Memory]) -> bool:
        seen.append((question, memories[0].text))
        return True

    question = a_question()
    found = evaluated(evaluating(service, judge=judge), asking(question))

    assert found.results[0].is_right
    assert seen == [(question, "Maya: My dog is called Biscuit.")]


@dataclass
class Lagging:
    """A search whose index lags for a while; it searches all the same."""

    search: Callable[..., SearchResult]
    lags: int
    slept: list[float] = field(default_factory=list)

    def __call__(self, *args: Any, **options: Any) -> SearchResult:  # noqa: ANN401 - a search's
        found = self.search(*args, **options)
        if len(self.slept) < self.lags:
            return replace(found, degraded=("index_lag",))
        return found


@pytest.mark.parametrize(("lags", "waits", "degraded"), [(2, 2, False), (999, 90, True)])
def test_an_index_that_lags_is_waited_for(
    service: Service, lags: int, waits: int, *, degraded: bool
) -> None:
    search = Lagging(service.search, lags)

    found = evaluated(
        evaluating(service, search=search, sleep=search.slept.append), asking(a_question())
    )

    assert search.slept == [1] * waits
    assert found.results[0].is_degraded is degraded
