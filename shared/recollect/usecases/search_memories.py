"""Search: rank the memories that a filter lets through against a question."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice, takewhile

from recollect.domain.decay import touched, vitality
from recollect.domain.errors import InvalidRequestError, UnavailableError
from recollect.domain.filters import Filter, Unexpired, both
from recollect.domain.memory import Memory
from recollect.domain.projects import ProjectSettings
from recollect.domain.questions import Question
from recollect.domain.ranking import TermStatistics
from recollect.domain.relevance import Ranked, Relevance, ranked
from recollect.ports.models import Embedder
from recollect.ports.projects import SettingsStore
from recollect.ports.record import Record
from recollect.ports.touches import Touches
from recollect.usecases.gather_evidence import GatherEvidence
from recollect.usecases.pack_context import (
    MAX_TOKENS,
    MOST_PACKED,
    Context,
    packed_context,
)
from recollect.usecases.rerank import DEGRADED, MAX_TEXTS, Rerank
from recollect.usecases.search_graph import FoundRelation, GraphFindings, SearchGraph

Reread = Callable[[Sequence[str]], tuple[float, ...] | None]
"""Scores texts anew for a question; None if it cannot, or not in time."""
Touched = dict[str, tuple[datetime, ...]]
"""Ids of memories -> when searches showed them, at least when they were said; oldest first."""
MAX_QUERY_LENGTH = 8_000
"""Characters of a question; embedding models take about as much."""
MAX_RESULTS = 1_000
MAX_RELATIONS = 50
CANDIDATES_PER_RESULT = 2
LEAST_CANDIDATES = 40
"""Candidates a way of searching; the turns around them are candidates, too. With 60, recall on the
development conversations is the same within .003."""
MOST_FADING = 100
"""Of what was found, the best so many are looked up where memories fade: one batch of the table."""


@dataclass(frozen=True)
class Found:
    """One memory that answers the question, and why."""

    memory: Memory
    score: Relevance
    rerank_score: float | None = None
    """What a reranker thinks of it, of 0 to 1; None if none was asked."""


@dataclass(frozen=True)
class SearchResult:
    """What was found, best first, and which parts of the service could not help.

    `relations` are None if the graph was not asked, `context` if none was wanted.
    """

    found: tuple[Found, ...]
    degraded: tuple[str, ...]
    relations: tuple[FoundRelation, ...] | None = None
    context: Context | None = None


@dataclass(frozen=True)
class SearchMemories:
    """Rank a project's memories against a question, and the relations of its graphs.

    Without `search_graph` there are no graphs. In a project that has set so, memories fade which
    searches do not show; `touches` knows when they did. `rerank` has a model read the best again,
    where there is one and it is asked for. `threads` take the graph while memories are found.
    """

    embedder: Embedder
    gather: GatherEvidence
    record: Record
    search_graph: SearchGraph | None
    projects: SettingsStore
    touches: Touches
    rerank: Rerank | None
    threads: Executor
    now: Callable[[], datetime]

    def __call__(
        self,
        project: str,
        query: str,
        matching: Filter,
        *,
        limit: int = 10,
        threshold: float = 0.1,
        show_expired: bool = False,
        with_graph: bool | None = None,
        at: datetime | None = None,
        with_reranker: bool = False,
        max_tokens: int | None = None,
    ) -> SearchResult:
        """Return at most `limit` memories whose score of 0..1 reaches `threshold`, best first.

        As many relations that hold `at` a time, or now, if the graph is asked: `with_graph`, or as
        the project has set. It is also the time from which "last summer" is seen. Where memories
        fade, those that are shown are touched. With a reranker the order is its own; `threshold`
        is of our score. With `max_tokens`, also the best that fits a prompt with such room, of more
        memories than are shown.

        Raises `InvalidRequestError` for a blank or over-long question or a silly limit.
        """
        text = _checked(query, limit=limit, threshold=threshold, max_tokens=max_tokens)
        now = self.now()
        if not show_expired:
            matching = both(matching, Unexpired(now))
        [vector] = self.embedder.embed([text], "query")
        question = Question.of(text, vector, at or now)
        settings = self.projects.get(project)
        graph = self._begin_graph(
            project, matching, question, settings, is_wanted=with_graph, limit=limit, now=now, at=at
        )
        wanted = max(LEAST_CANDIDATES, CANDIDATES_PER_RESULT * limit)
        candidates = self.gather.candidates(project, matching, question, limit=wanted)
        findings = graph.result() if graph else GraphFindings()
        gathered = self.gather(project, matching, question, candidates, findings.memories)
        best: Iterable[Ranked] = ranked(
            gathered.question, gathered.evidence, gathered.statistics, findings.support
        )
        touches: Touched = {}
        if settings.has_decay:
            best, touches = self._faded(project, list(islice(best, max(MOST_FADING, limit))), now)
        rerank = partial(self.rerank, text) if self.rerank and with_reranker else None
        most = max(limit, MAX_TEXTS if rerank else 0, MOST_PACKED if max_tokens else 0)
        show = _Show(self.record, project, matching, threshold, gathered.states)
        found, late = _reread(rerank, show(best, most))
        if touches:
            self._touch(project, touches, found[:limit], now)
        return SearchResult(
            found[:limit],
            (*candidates.degraded, *gathered.degraded, *findings.degraded, *late),
            findings.relations if graph else None,
            _context(found, gathered.statistics, max_tokens) if max_tokens else None,
        )

    def _begin_graph(
        self,
        project: str,
        matching: Filter,
        question: Question,
        settings: ProjectSettings,
        *,
        is_wanted: bool | None,
        limit: int,
        now: datetime,
        at: datetime | None,
    ) -> Future[GraphFindings] | None:
        """Have the graph searched meanwhile, unless there is none or it is not to be asked."""
        has_graph = settings.has_graph if is_wanted is None else is_wanted
        if self.search_graph is None or not has_graph:
            return None
        most = min(limit, MAX_RELATIONS)
        return self.threads.submit(
            self.search_graph, project, matching, question, limit=most, now=now, at=at
        )

    def _faded(
        self, project: str, best: Sequence[Ranked], now: datetime
    ) -> tuple[list[Ranked], Touched]:
        """Return the same by what is left of their scores, and when each was touched."""
        known = self.touches.get(project, [each.memory_id for each in best])
        said = {each.memory_id: (datetime.fromtimestamp(each.said_at, UTC),) for each in best}
        touches = said | known
        faded = [each.faded(vitality(touches[each.memory_id], now)) for each in best]
        return sorted(faded, key=lambda each: each.score, reverse=True), touches

    def _touch(self, project: str, touches: Touched, found: Sequence[Found], now: datetime) -> None:
        """Note that these were shown: a hint, without which they are an answer, too."""
        ids = [each.memory.id for each in found]
        with suppress(UnavailableError):
            self.touches.put(project, {key: touched(touches[key], now) for key in ids})


@dataclass(frozen=True)
class _Show:
    """Reads the best of what was ranked, from some score on.

    `states` are those of the record that are known already.
    """

    record: Record
    project: str
    matching: Filter
    threshold: float
    states: Mapping[str, Memory]

    def __call__(self, best: Iterable[Ranked], most: int) -> tuple[Found, ...]:
        """Return `most` at most in the state that the record has now, best first.

        What was changed a moment ago and no longer matches makes room for the next.
        """
        good = takewhile(lambda each: each.score >= self.threshold, best)
        found: list[Found] = []
        while part := list(islice(good, most - len(found))):
            found += self._matching(part)
        return tuple(found)

    def _matching(self, part: Sequence[Ranked]) -> list[Found]:
        unread = [each.memory_id for each in part if each.memory_id not in self.states]
        states = {**self.states, **(self.record.get(self.project, unread) if unread else {})}
        return [
            Found(states[each.memory_id], each.relevance())
            for each in part
            if each.memory_id in states and self.matching.matches(states[each.memory_id])
        ]


def _reread(
    rerank: Reread | None, found: tuple[Found, ...]
) -> tuple[tuple[Found, ...], tuple[str, ...]]:
    """Return what was found with the best in the order of a reranker, as they were without one."""
    if rerank is None:
        return found, ()
    head, tail = found[:MAX_TEXTS], found[MAX_TEXTS:]
    scores = rerank([each.memory.text for each in head])
    if scores is None:
        return found, (DEGRADED,)
    order = sorted(zip(scores, head, strict=True), key=lambda pair: -pair[0])
    return (*(replace(each, rerank_score=score) for score, each in order), *tail), ()


def _context(found: Sequence[Found], statistics: TermStatistics, max_tokens: int) -> Context:
    scored = [(each.memory, each.score.score) for each in found[:MOST_PACKED]]
    return packed_context(scored, statistics, max_tokens)


def _checked(query: str, *, limit: int, threshold: float, max_tokens: int | None) -> str:
    question = query.strip()
    if not question:
        message = "query must not be empty"
        raise InvalidRequestError(message)
    if len(question) > MAX_QUERY_LENGTH:
        message = f"query must have at most {MAX_QUERY_LENGTH} characters"
        raise InvalidRequestError(message)
    if not 1 <= limit <= MAX_RESULTS:
        message = f"top_k must be between 1 and {MAX_RESULTS}"
        raise InvalidRequestError(message)
    if not 0 <= threshold <= 1:
        message = "threshold must be between 0 and 1"
        raise InvalidRequestError(message)
    if max_tokens is not None and not 1 <= max_tokens <= MAX_TOKENS:
        message = f"max_tokens must be between 1 and {MAX_TOKENS}"
        raise InvalidRequestError(message)
    return question
