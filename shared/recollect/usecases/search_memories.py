"""Search: rank the memories that a filter lets through against a question."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
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
from recollect.domain.relevance import Ranked, Relevance, ranked
from recollect.ports.models import Embedder
from recollect.ports.projects import SettingsStore
from recollect.ports.record import Record
from recollect.ports.touches import Touches
from recollect.usecases.gather_evidence import GatherEvidence
from recollect.usecases.rerank import DEGRADED, MAX_TEXTS, Rerank
from recollect.usecases.search_graph import FoundRelation, GraphFindings, SearchGraph

Reread = Callable[[Sequence[str]], tuple[float, ...] | None]
"""Scores texts anew for a question; None if it cannot, or not in time."""
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

    `relations` are None if the graph was not asked.
    """

    found: tuple[Found, ...]
    degraded: tuple[str, ...]
    relations: tuple[FoundRelation, ...] | None = None


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
    ) -> SearchResult:
        """Return at most `limit` memories whose score of 0..1 reaches `threshold`, best first.

        As many relations that hold `at` a time, or now, if the graph is asked: `with_graph`, or as
        the project has set. It is also the time from which "last summer" is seen. Where memories
        fade, those that are shown are touched. With a reranker the order is its own; `threshold`
        is of our score.

        Raises `InvalidRequestError` for a blank or over-long question or a silly limit.
        """
        text = _checked(query, limit=limit, threshold=threshold)
        now = self.now()
        if not show_expired:
            matching = both(matching, Unexpired(now))
        [vector] = self.embedder.embed([text], "query")
        question = Question.of(text, vector, at or now)
        settings, most = self.projects.get(project), min(limit, MAX_RELATIONS)
        search_graph = self._graph_for(settings, is_wanted=with_graph)
        graph = search_graph and self.threads.submit(
            search_graph, project, matching, question, limit=most, now=now, at=at
        )
        wanted = max(LEAST_CANDIDATES, CANDIDATES_PER_RESULT * limit)
        candidates = self.gather.candidates(project, matching, question, limit=wanted)
        findings = graph.result() if graph else GraphFindings()
        gathered = self.gather(project, matching, question, candidates, findings.memories)
        best = ranked(question, gathered.evidence, gathered.statistics, findings.support)
        show = _Show(self.record, project, matching, threshold, gathered.states)
        rerank = partial(self.rerank, text) if self.rerank and with_reranker else None
        found, late = self._shown(best, show, rerank, now, limit=limit, fades=settings.has_decay)
        return SearchResult(
            found,
            (*candidates.degraded, *findings.degraded, *late),
            findings.relations if graph else None,
        )

    def _graph_for(
        self, settings: ProjectSettings, *, is_wanted: bool | None
    ) -> SearchGraph | None:
        """Return what searches the graph; None if it is not to be asked."""
        has_graph = settings.has_graph if is_wanted is None else is_wanted
        return self.search_graph if has_graph else None

    def _shown(
        self,
        best: Iterable[Ranked],
        show: "_Show",
        rerank: Reread | None,
        now: datetime,
        *,
        limit: int,
        fades: bool,
    ) -> tuple[tuple[Found, ...], tuple[str, ...]]:
        """Return the best that there is room for, and what could not help to find them."""
        touches: dict[str, tuple[datetime, ...]] = {}
        if fades:
            best = list(islice(best, max(MOST_FADING, limit)))
            touches = self._touches(show.project, best)
            best = _faded(best, touches, now)
        found = show(best, max(limit, MAX_TEXTS) if rerank else limit)
        late: tuple[str, ...] = ()
        if rerank:
            found, late = _reread(rerank, found)
        found = found[:limit]
        if fades:
            new = {each.memory.id: touched(touches[each.memory.id], now) for each in found}
            # A hint: what was found is an answer without it.
            with suppress(UnavailableError):
                self.touches.put(show.project, new)
        return found, late

    def _touches(self, project: str, best: Sequence[Ranked]) -> dict[str, tuple[datetime, ...]]:
        """Return when each was touched, at least by being said."""
        known = self.touches.get(project, [each.memory_id for each in best])
        return {
            each.memory_id: known.get(each.memory_id, (datetime.fromtimestamp(each.said_at, UTC),))
            for each in best
        }


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


def _faded(
    best: Sequence[Ranked], touches: Mapping[str, Sequence[datetime]], now: datetime
) -> list[Ranked]:
    """Return the same by what is left of their scores."""
    faded = [each.faded(vitality(touches[each.memory_id], now)) for each in best]
    return sorted(faded, key=lambda each: each.score, reverse=True)


def _reread(rerank: Reread, found: tuple[Found, ...]) -> tuple[tuple[Found, ...], tuple[str, ...]]:
    """Return what was found with the best in the order of a reranker, as they were without one."""
    head, tail = found[:MAX_TEXTS], found[MAX_TEXTS:]
    scores = rerank([each.memory.text for each in head])
    if scores is None:
        return found, (DEGRADED,)
    pairs = zip(head, scores, strict=True)
    ordered = sorted(
        (replace(each, rerank_score=score) for each, score in pairs),
        key=lambda each: each.rerank_score or 0.0,
        reverse=True,
    )
    return (*ordered, *tail), ()


def _checked(query: str, *, limit: int, threshold: float) -> str:
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
    return question
