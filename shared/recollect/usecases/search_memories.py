"""Search: rank the memories that a filter lets through against a question."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from recollect.domain.decay import touched, vitality
from recollect.domain.errors import InvalidRequestError, UnavailableError
from recollect.domain.filters import Filter, Unexpired, both
from recollect.domain.memory import Memory
from recollect.domain.projects import ProjectSettings
from recollect.domain.ranking import ScoreBreakdown, score_all
from recollect.domain.text import terms
from recollect.ports.models import Embedder
from recollect.ports.projects import SettingsStore
from recollect.ports.touches import Touches
from recollect.usecases.candidates import Candidates, FindCandidates, Question
from recollect.usecases.search_graph import FoundRelation, GraphFindings, SearchGraph

MAX_QUERY_LENGTH = 8_000
"""Characters of a question; embedding models take about as much."""
MAX_RESULTS = 1_000
MAX_RELATIONS = 50
CANDIDATES_PER_RESULT = 4
LEAST_CANDIDATES = 60
"""Candidates a way of searching; with 60, recall@30 on the development conversations is that of
scoring every memory, within .006."""


@dataclass(frozen=True)
class Found:
    """One memory that answers the question, and why."""

    memory: Memory
    score: ScoreBreakdown


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
    searches do not show; `touches` knows when they did. `threads` take the graph while memories
    are found.
    """

    embedder: Embedder
    find: FindCandidates
    search_graph: SearchGraph | None
    projects: SettingsStore
    touches: Touches
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
    ) -> SearchResult:
        """Return at most `limit` memories whose score of 0..1 reaches `threshold`, best first.

        As many relations that hold `at` a time, or now, if the graph is asked: `with_graph`, or as
        the project has set. Where memories fade, those that are shown are touched.

        Raises `InvalidRequestError` for a blank or over-long question or a silly limit.
        """
        question = _checked(query, limit=limit, threshold=threshold)
        now = self.now()
        if not show_expired:
            matching = both(matching, Unexpired(now))
        [vector] = self.embedder.embed([question], "query")
        asked = Question.of(question, vector)
        settings, most = self.projects.get(project), min(limit, MAX_RELATIONS)
        search_graph = self._graph_for(settings, is_wanted=with_graph)
        graph = search_graph and self.threads.submit(
            search_graph, project, matching, asked, limit=most, now=now, at=at
        )
        wanted = max(LEAST_CANDIDATES, CANDIDATES_PER_RESULT * limit)
        [candidates] = self.find(project, matching, [asked], limit=wanted)
        findings = graph.result() if graph else GraphFindings()
        ranked = self._ranked(candidates, findings, asked)
        shown = _Shown(limit, threshold)
        return SearchResult(
            self._faded(project, ranked, shown, now) if settings.has_decay else shown.of(ranked),
            (*candidates.degraded, *findings.degraded),
            findings.relations if graph else None,
        )

    def _graph_for(
        self, settings: ProjectSettings, *, is_wanted: bool | None
    ) -> SearchGraph | None:
        """Return what searches the graph; None if it is not to be asked."""
        has_graph = settings.has_graph if is_wanted is None else is_wanted
        return self.search_graph if has_graph else None

    def _ranked(
        self, candidates: Candidates, findings: GraphFindings, asked: Question
    ) -> list[Found]:
        """Return the candidates and what supports the graph's findings, best first."""
        known = {memory.id for memory in candidates.memories}
        others = [state for key, state in findings.memories.items() if key not in known]
        together = replace(candidates, memories=(*candidates.memories, *others))
        return sorted(
            (_supporting(found, findings.support) for found in self._scored(together, asked)),
            key=lambda found: (-found.score.score, found.memory.created_at, found.memory.id),
        )

    def _faded(
        self, project: str, ranked: Sequence[Found], shown: "_Shown", now: datetime
    ) -> tuple[Found, ...]:
        """Return what is shown by what is left of the scores, and touch it."""
        known = self.touches.get(project, [found.memory.id for found in ranked])
        touches = {
            found.memory.id: known.get(found.memory.id, (found.memory.said_at,)) for found in ranked
        }
        faded = [
            replace(found, score=found.score.faded(vitality(touches[found.memory.id], now)))
            for found in ranked
        ]
        best = shown.of(sorted(faded, key=lambda found: found.score.score, reverse=True))
        ids = [found.memory.id for found in best]
        # A hint: what was found is an answer without it.
        with suppress(UnavailableError):
            self.touches.put(project, {an_id: touched(touches[an_id], now) for an_id in ids})
        return best

    def _scored(self, candidates: Candidates, asked: Question) -> list[Found]:
        model = self.embedder.model
        texts = [
            (
                memory.embedding.vector()
                if memory.embedding and memory.embedding.model == model
                else None,
                terms(memory.text),
            )
            for memory in candidates.memories
        ]
        scores = score_all(asked.vector, asked.terms, texts, candidates.statistics)
        return [
            Found(memory, score) for memory, score in zip(candidates.memories, scores, strict=True)
        ]


@dataclass(frozen=True)
class _Shown:
    """How many are shown at most, and from which score on."""

    limit: int
    threshold: float

    def of(self, ranked: Sequence[Found]) -> tuple[Found, ...]:
        """Return what is shown of candidates, best first."""
        return tuple(found for found in ranked[: self.limit] if found.score.score >= self.threshold)


def _supporting(found: Found, support: Mapping[str, float]) -> Found:
    backed = support.get(found.memory.id)
    return replace(found, score=found.score.supporting(backed)) if backed else found


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
