"""Search: rank the memories that a filter lets through against a question."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from recollect.domain.errors import InvalidRequestError
from recollect.domain.filters import Filter, Unexpired, both
from recollect.domain.memory import Memory
from recollect.domain.ranking import ScoreBreakdown, score_all
from recollect.domain.text import terms
from recollect.ports.models import Embedder
from recollect.usecases.candidates import Candidates, FindCandidates, Question

MAX_QUERY_LENGTH = 8_000
"""Characters of a question; embedding models take about as much."""
MAX_RESULTS = 1_000
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
    """What was found, best first, and which parts of the service could not help."""

    found: tuple[Found, ...]
    degraded: tuple[str, ...]


@dataclass(frozen=True)
class SearchMemories:
    """Rank a project's memories against a question."""

    embedder: Embedder
    find: FindCandidates
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
    ) -> SearchResult:
        """Return at most `limit` memories whose score of 0..1 reaches `threshold`, best first.

        Raises `InvalidRequestError` for a blank or over-long question or a silly limit.
        """
        question = _checked(query, limit=limit, threshold=threshold)
        if not show_expired:
            matching = both(matching, Unexpired(self.now()))
        [vector] = self.embedder.embed([question], "query")
        asked = Question(vector, tuple(terms(question)))
        wanted = max(LEAST_CANDIDATES, CANDIDATES_PER_RESULT * limit)
        [candidates] = self.find(project, matching, [asked], limit=wanted)
        ranked = sorted(
            self._scored(candidates, asked),
            key=lambda found: (-found.score.score, found.memory.created_at, found.memory.id),
        )
        best = tuple(found for found in ranked[:limit] if found.score.score >= threshold)
        return SearchResult(best, candidates.degraded)

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
