"""Finding what might answer questions: the index's proposals and what it has not seen yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Final

from recollect.domain.errors import UnavailableError
from recollect.domain.evidence import Evidence
from recollect.domain.filters import Filter
from recollect.domain.filters.conditions import SubjectIn
from recollect.domain.memory import Memory
from recollect.domain.questions import Question
from recollect.domain.ranking import TermStatistics
from recollect.domain.subjects import Subject
from recollect.domain.text import terms as terms_of
from recollect.ports.index import IndexQuery, MemoryIndex, Proposal
from recollect.ports.record import Listing, Outbox, Pending, Position, Record

MAX_PENDING = 500
"""Pending changes that a search looks at; more than that is reported."""
INDEX_LAG: Final = "index_lag"
"""What is told then to be degraded."""
MAX_WITHOUT_INDEX = 2_000
"""Memories of the named subjects that are all read while the index is down."""
FROM_THE_LAST = Position(datetime.max.replace(tzinfo=UTC), "~")
"""A listing from here on has everything, and nothing is counted for it."""


@dataclass(frozen=True)
class Candidates:
    """Memories in their current state, the statistics to score them, and what was left out.

    `evidence`, if it was asked for and the index has it, is of the candidates that are not among
    the memories, and of the turns around them.
    """

    memories: tuple[Memory, ...]
    statistics: TermStatistics
    degraded: tuple[str, ...] = ()
    evidence: Evidence | None = None


@dataclass(frozen=True)
class FindCandidates:
    """Propose memories of a project that match a filter, in the state the record has now."""

    index: MemoryIndex
    record: Record
    outbox: Outbox
    listing: Listing

    def __call__(
        self,
        project: str,
        matching: Filter,
        questions: Sequence[Question],
        *,
        limit: int,
        wants_evidence: bool = False,
    ) -> list[Candidates]:
        """Return, for each question in order, its candidates and every pending change.

        At most `limit` a way of searching. With `wants_evidence`, an index that knows what its
        candidates are ranked by tells it, and their states are not read from the record. Three
        round trips for all questions together: the changes that the index may miss, the index, the
        record. The changes are read first: what the index shows in between is then in the proposals
        as well.

        While the index is down, every match of subjects with at most `MAX_WITHOUT_INDEX` memories
        is a candidate; raises `UnavailableError` for larger ones, or if none are named.
        """
        if not questions:
            return []
        named = matching.named_subjects() or frozenset()
        keys = sorted(subject.key for subject in named)
        pending = self.outbox.unseen(project, keys, limit=MAX_PENDING + 1) if keys else []
        # What was changed or deleted since may take places of the index's answer for nothing.
        changed = len({item.memory_id for item in pending if item.version > 1})
        asked = [
            IndexQuery(matching, each.vector, each.terms, limit + changed, wants_evidence)
            for each in questions
        ]
        try:
            proposals = self.index.propose(project, asked)
        except UnavailableError as error:
            return self._without_index(project, matching, questions, error)
        answers = list(zip(asked, proposals, strict=True))
        return self._with_states(project, matching, answers, pending)

    def _with_states(
        self,
        project: str,
        matching: Filter,
        answers: Sequence[tuple[IndexQuery, Proposal]],
        pending: Sequence[Pending],
    ) -> list[Candidates]:
        waiting = [item.memory_id for item in pending]
        ids = [
            (*(() if proposal.evidence else proposal.memory_ids), *waiting)
            for _, proposal in answers
        ]
        wanted = list(dict.fromkeys(chain.from_iterable(ids)))
        states = self.record.get(project, wanted) if wanted else {}
        matched = {each: state for each, state in states.items() if matching.matches(state)}
        seen = {each for _, proposal in answers for each in proposal.memory_ids}
        new = {item.memory_id for item in pending if item.version == 1} - seen
        # As the index counts them: all that the named subjects hold, whatever else is asked for.
        unseen = [terms_of(state.text) for each, state in states.items() if each in new]
        degraded = (INDEX_LAG,) if len(pending) > MAX_PENDING else ()
        return [
            Candidates(
                tuple(matched[each] for each in dict.fromkeys(some) if each in matched),
                _with_unseen(proposal.statistics, unseen, query.terms),
                degraded,
                # What is pending was read from the record, as it is now or as gone.
                proposal.evidence and proposal.evidence.without(set(waiting)),
            )
            for (query, proposal), some in zip(answers, ids, strict=True)
        ]

    def _without_index(
        self,
        project: str,
        matching: Filter,
        questions: Sequence[Question],
        reason: UnavailableError,
    ) -> list[Candidates]:
        held = self._held(project, matching.named_subjects() or frozenset())
        if held is None:
            message = (
                f"{reason}; without it, a search must name users, agents, apps or runs that have"
                f" at most {MAX_WITHOUT_INDEX} memories"
            )
            raise UnavailableError(message) from reason
        matched = tuple(memory for memory in held if matching.matches(memory))
        texts = [terms_of(memory.text) for memory in held]
        return [
            Candidates(matched, _with_unseen(TermStatistics(), texts, each.terms), ("index",))
            for each in questions
        ]

    def _held(self, project: str, subjects: frozenset[Subject]) -> tuple[Memory, ...] | None:
        """Return all memories of these subjects; None if there are too many, or no subjects."""
        if not subjects:
            return None
        page = self.listing.memories(
            project, SubjectIn(subjects), limit=MAX_WITHOUT_INDEX, after=FROM_THE_LAST
        )
        return None if page.has_more else page.memories


def _with_unseen(
    known: TermStatistics, texts: Sequence[Sequence[str]], terms: Sequence[str]
) -> TermStatistics:
    """Return the statistics with texts, as their terms, that are not in them."""
    if not texts:
        return known
    documents = known.documents + len(texts)
    length = known.average_length * known.documents + sum(map(len, texts))
    frequencies = {
        term: known.frequencies.get(term, 0) + sum(term in text for text in texts)
        for term in set(terms)
    }
    return TermStatistics(documents, length / documents, frequencies)
