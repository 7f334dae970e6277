"""Finding what might answer a question: the index's proposals and what it has not seen yet."""

from collections.abc import Sequence
from dataclasses import dataclass

from recollect.domain.filters import Filter
from recollect.domain.memory import Memory, Vector
from recollect.domain.ranking import TermStatistics
from recollect.domain.text import terms as terms_of
from recollect.ports.index import IndexQuery, MemoryIndex
from recollect.ports.record import Outbox, Record

MAX_PENDING = 500
"""Pending changes that a search looks at; more than that is reported as `index_lag`."""


@dataclass(frozen=True)
class Candidates:
    """Memories in their current state, the statistics to score them, and what was left out."""

    memories: tuple[Memory, ...]
    statistics: TermStatistics
    degraded: tuple[str, ...] = ()


@dataclass(frozen=True)
class FindCandidates:
    """Propose memories of a project that match a filter, in the state the record has now."""

    index: MemoryIndex
    record: Record
    outbox: Outbox

    def __call__(
        self, project: str, matching: Filter, vector: Vector, terms: Sequence[str], *, limit: int
    ) -> Candidates:
        """Return at most `limit` candidates a way of searching, and every pending change.

        Three round trips: the changes that the index may miss, the index, the record. The changes
        are read first: what the index shows in between is then in the proposal as well.
        """
        named = matching.named_subjects() or frozenset()
        keys = sorted(subject.key for subject in named)
        pending = self.outbox.unseen(project, keys, limit=MAX_PENDING + 1) if keys else []
        # What was changed or deleted since may take places of the index's answer for nothing.
        changed = len({item.memory_id for item in pending if item.version > 1})
        asked = IndexQuery(matching, vector, tuple(terms), limit + changed)
        proposal = self.index.propose(project, asked)
        ids = dict.fromkeys((*proposal.memory_ids, *(item.memory_id for item in pending)))
        memories = self.record.get(project, list(ids))
        unseen = {item.memory_id for item in pending if item.version == 1} - set(
            proposal.memory_ids
        )
        matched = tuple(memory for memory in memories.values() if matching.matches(memory))
        statistics = _with_unseen(
            proposal.statistics,
            [memory for memory in matched if memory.id in unseen],
            terms,
        )
        degraded = ("index_lag",) if len(pending) > MAX_PENDING else ()
        return Candidates(matched, statistics, degraded)


def _with_unseen(
    known: TermStatistics, unseen: Sequence[Memory], terms: Sequence[str]
) -> TermStatistics:
    if not unseen:
        return known
    texts = [terms_of(memory.text) for memory in unseen]
    documents = known.documents + len(texts)
    length = known.average_length * known.documents + sum(len(text) for text in texts)
    frequencies = {
        term: known.frequencies.get(term, 0) + sum(term in text for text in texts)
        for term in set(terms)
    }
    return TermStatistics(documents, length / documents, frequencies)
