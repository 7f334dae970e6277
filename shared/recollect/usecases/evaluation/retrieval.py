"""Remembering conversations and searching for what answers questions about them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, Protocol

from recollect.domain.errors import UnavailableError
from recollect.domain.filters import subject_is
from recollect.domain.jobs import Job, JobStatus
from recollect.domain.memory import MAX_TEXT_BYTES, Memory, Message
from recollect.domain.recall import is_said
from recollect.domain.requests import AddRequest
from recollect.domain.subjects import Scope, Subject, SubjectKind
from recollect.usecases.candidates import INDEX_LAG
from recollect.usecases.evaluation.questions import Conversation, Question, Turn
from recollect.usecases.evaluation.report import MOST_RESULTS, QuestionResult
from recollect.usecases.search_memories import SearchMemories, SearchResult

TURNS_AT_ONCE: Final = 100
"""Of a session; `recollect import` sends as many."""
"""What a search says that could not look at all that the index has not seen."""
INDEX_WAIT_SECONDS: Final = 90
"""An index shows what it was given after at most 60 s: twice its longest interval."""
HEADROOM_BYTES: Final = 1024
"""Of a memory's text, left for the speaker."""


class Judge(Protocol):
    """Answers questions by what was found, and judges the answers."""

    def __call__(self, question: Question, memories: Sequence[Memory]) -> bool | None:
        """Return whether the answer is right; None if there is none, or nothing to compare with."""
        ...


@dataclass
class Evaluated:
    """What searches have found so far; turns that were too long to be kept whole are `cut`."""

    conversations: int = 0
    turns: int = 0
    cut: int = 0
    results: list[QuestionResult] = field(default_factory=list)


@dataclass(frozen=True)
class _Remembered:
    """A conversation in memory: turn id -> memory id."""

    conversation: Conversation
    user: Subject
    ids: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class EvaluateRetrieval:
    """Remember each conversation word for word, for a user of its own, and ask its questions.

    A session is one add, with the times of its turns. Speakers are the names of messages; if
    `has_speakers_in_texts`, they stand before the texts as well. `project` must be empty, and
    nobody else's; whoever made it removes it. `clock` is in seconds.
    """

    project: str
    add: Callable[[AddRequest], Job]
    index: Callable[[str, Sequence[str]], int]
    search: SearchMemories
    judge: Judge | None
    has_speakers_in_texts: bool
    clock: Callable[[], float]
    sleep: Callable[[float], None]

    def __call__(
        self, conversations: Iterable[Conversation], tell: Callable[[], None]
    ) -> Evaluated:
        """Return what all searches have found; `tell` is called after each.

        Raises `InvalidRequestError` for a question that cannot be asked, `UnavailableError`.
        """
        found = Evaluated()
        for conversation in conversations:
            found.conversations += 1
            user = Subject(SubjectKind.USER, f"conversation-{found.conversations}")
            remembered = self._remembered(conversation, user, found)
            for question in conversation.questions:
                found.results.append(self._asked(question, remembered))
                tell()
        return found

    def _remembered(
        self, conversation: Conversation, user: Subject, found: Evaluated
    ) -> _Remembered:
        ids: dict[str, str] = {}
        for some in _at_once(conversation.turns):
            told = [(turn, self._message(turn, found)) for turn in some if turn.text.strip()]
            ids |= self._added(user, [each for each in told if is_said(each[1])])
        found.turns += len(ids)
        self.index(self.project, [user.key])
        return _Remembered(conversation, user, ids)

    def _added(self, user: Subject, said: Sequence[tuple[Turn, Message]]) -> dict[str, str]:
        """Return turn id -> memory id; turns of one text are one memory."""
        if not said:
            return {}
        first = said[0][0]
        request = AddRequest(
            scope=Scope(self.project, (user,)),
            messages=tuple(message for _, message in said),
            infer=False,
            said_at=first.said_at,
            is_graphed=False,
        )
        job = self.add(request)
        if job.status is not JobStatus.SUCCEEDED or len(job.outcomes) != len(said):
            message = f"The turns from {first.id} on were not remembered: the job is {job.status}"
            raise UnavailableError(message)
        return {
            turn.id: outcome.memory_id
            for (turn, _), outcome in zip(said, job.outcomes, strict=True)
        }

    def _message(self, turn: Turn, found: Evaluated) -> Message:
        is_named = self.has_speakers_in_texts and turn.speaker is not None
        text = turn.text.encode()
        if len(text) > MAX_TEXT_BYTES - HEADROOM_BYTES:
            found.cut += 1
            text = text[: MAX_TEXT_BYTES - HEADROOM_BYTES]
        content = text.decode(errors="ignore")
        return Message(
            role=turn.role,
            content=f"{turn.speaker}: {content}" if is_named else content,
            name=turn.speaker,
            said_at=turn.said_at,
        )

    def _asked(self, question: Question, remembered: _Remembered) -> QuestionResult:
        result, seconds = self._found(question, remembered.user)
        gold = {remembered.ids.get(each, each) for each in question.evidence}
        places = enumerate(result.found, 1)
        memories = [each.memory for each in result.found]
        return QuestionResult(
            id=question.id,
            conversation=remembered.conversation.id,
            category=question.category,
            is_answerable=question.is_answerable,
            evidence=len(gold),
            ranks=tuple(rank for rank, each in places if each.memory.id in gold),
            best_score=result.found[0].score.score if result.found else None,
            milliseconds=round(seconds * 1000, 3),
            is_degraded=bool(result.degraded),
            is_right=self.judge(question, memories) if self.judge else None,
        )

    def _found(self, question: Question, user: Subject) -> tuple[SearchResult, float]:
        """Return what a search has found that the index was ready for, and its seconds."""
        for _ in range(INDEX_WAIT_SECONDS):
            start = self.clock()
            result = self.search(
                self.project,
                question.text,
                subject_is(user),
                limit=MOST_RESULTS,
                threshold=0.0,
                with_graph=False,
                at=question.asked_at,
            )
            seconds = self.clock() - start
            if INDEX_LAG not in result.degraded:
                break
            self.sleep(1)
        return result, seconds


def _at_once(turns: Sequence[Turn]) -> Iterator[Sequence[Turn]]:
    """Yield what is added at once: a session, or so much of it as goes into an add."""
    for _, some in groupby(turns, key=lambda turn: turn.session):
        session = list(some)
        for start in range(0, len(session), TURNS_AT_ONCE):
            yield session[start : start + TURNS_AT_ONCE]
