"""Gathering what memories are ranked by: candidates, what is around them, and their words."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace

import numpy as np

from recollect.domain.errors import UnavailableError
from recollect.domain.evidence import Evidence
from recollect.domain.filters import Filter
from recollect.domain.memory import Memory
from recollect.domain.questions import Question
from recollect.domain.ranking import (
    Floats,
    TermStatistics,
    keyword_scores,
    keyword_sums,
    rarities,
)
from recollect.ports.models import Embedder
from recollect.ports.record import Record
from recollect.usecases.candidates import Candidates, FindCandidates
from recollect.usecases.find_origins import FindOrigins
from recollect.usecases.neighbours import FindNeighbours

UNEMBEDDED = "embedding"
"""A question has the meaning of all its words, names too."""
UNREAD = "messages"
"""Facts are ranked without the messages that they came from."""
MEANING_SECONDS = 1.0
"""So long is waited for the second embedding of a question: the first has taken its time."""
MOST_FACTS = 100
"""Of which the messages are read that they came from, at most as many episodes. With the best 48 of
all facts of a conversation, recall@10 is .833, with 100 .846, with all .848."""


@dataclass(frozen=True)
class Gathered:
    """What a question's answers are ranked by; `states` are those of the record that were read.

    The question's vector is of what it asks beside names (see `GatherEvidence`).
    """

    question: Question
    evidence: Evidence
    statistics: TermStatistics
    states: Mapping[str, Memory]
    degraded: tuple[str, ...] = ()
    """What could not be had: `UNEMBEDDED`, `UNREAD`."""


@dataclass(frozen=True)
class GatherEvidence:
    """Find candidates for a question, and tell what is known of them and the turns around them.

    An index that has it all at hand tells it at once. Otherwise the record is read in two rounds:
    the candidates, and the turns around them. Of facts that were extracted, the messages that they
    came from are read, too: by `threads`, while the turns are.

    So is a question embedded again that names somebody who speaks, without the name: who speaks is
    known, and a name draws a vector to whatever else is said of names. With it, recall@10 on the
    development conversations is .808 and .797 instead of .817 and .809.
    """

    find: FindCandidates
    record: Record
    find_neighbours: FindNeighbours
    find_origins: FindOrigins
    embedder: Embedder
    threads: Executor

    def candidates(
        self, project: str, matching: Filter, question: Question, *, limit: int
    ) -> Candidates:
        """Return at most `limit` candidates a way of searching, and every pending change.

        Raises what `FindCandidates` raises.
        """
        [candidates] = self.find(project, matching, [question], limit=limit, wants_evidence=True)
        return candidates

    def __call__(
        self,
        project: str,
        matching: Filter,
        question: Question,
        candidates: Candidates,
        others: Mapping[str, Memory],
    ) -> Gathered:
        """Return the evidence of the candidates, of other memories that may answer, and around."""
        known = candidates.evidence
        at_hand = set(known.ids.tolist()) if known else set()
        states = {memory.id: memory for memory in candidates.memories}
        states |= {key: state for key, state in others.items() if key not in at_hand}
        evidence = self._evidence(question, list(states.values()), [True] * len(states))
        evidence = known.and_also(evidence) if known else evidence
        plain = question.without(evidence.names)
        meaning = self._meaning(question, plain)
        facts = _best_facts(question, evidence, candidates.statistics)
        origins = (
            self.threads.submit(self._origins, project, question, facts, states) if facts else None
        )
        around = self.find_neighbours(project, list(states.values()), at_hand | states.keys())
        if around:
            may_answer = [matching.matches(each) for each in around]
            evidence = evidence.and_also(self._evidence(question, around, may_answer))
            if (plainer := question.without(evidence.names)) != plain:
                # Whom the question names is among the turns around.
                meaning = self._meaning(question, plainer)
        states |= {memory.id: memory for memory in around}
        gathered = Gathered(question, evidence, candidates.statistics, states)
        return self._refined(gathered, meaning, origins)

    def _refined(
        self,
        gathered: Gathered,
        meaning: "Future[Question] | None",
        origins: "Future[tuple[dict[str, Memory], dict[str, Floats]]] | None",
    ) -> Gathered:
        """Return the same with what was asked for meanwhile, or says that it is missing."""
        if meaning:
            try:
                gathered = replace(gathered, question=meaning.result(MEANING_SECONDS))
            except (UnavailableError, TimeoutError):
                gathered = replace(gathered, degraded=(UNEMBEDDED,))
        if origins:
            try:
                read, said = origins.result()
            except UnavailableError:
                return replace(gathered, degraded=(*gathered.degraded, UNREAD))
            evidence, states = gathered.evidence.with_origins(said), {**gathered.states, **read}
            gathered = replace(gathered, evidence=evidence, states=states)
        return gathered

    def _evidence(
        self, question: Question, memories: Sequence[Memory], may_answer: Sequence[bool]
    ) -> Evidence:
        return Evidence.of(question, memories, self.embedder.model, may_answer)

    def _meaning(self, question: Question, plain: str | None) -> "Future[Question] | None":
        """Have the question embedded as a plainer text, if there is one."""
        return self.threads.submit(self._meant, question, plain) if plain else None

    def _meant(self, question: Question, plain: str) -> Question:
        [vector] = self.embedder.embed([plain], "query")
        return replace(question, vector=vector)

    def _origins(
        self, project: str, question: Question, facts: Sequence[str], states: Mapping[str, Memory]
    ) -> tuple[dict[str, Memory], dict[str, Floats]]:
        """Return the states of facts that were not known, and the origins of all."""
        unread = [each for each in facts if each not in states]
        read = self.record.get(project, unread) if unread else {}
        known = {**states, **read}
        there = [known[each] for each in facts if each in known]
        return read, self.find_origins(project, question.terms, there)


def _best_facts(question: Question, evidence: Evidence, statistics: TermStatistics) -> list[str]:
    """Return the ids of the facts that answer best by themselves, `MOST_FACTS` at most."""
    rows = np.flatnonzero(evidence.is_extracted)
    if not len(rows):
        return []
    counts, lengths = evidence.counts[rows], evidence.lengths[rows]
    sums = keyword_sums(counts, lengths, rarities(question.terms, statistics), statistics)
    scores = np.round(keyword_scores(sums) + evidence.cosines(question)[rows], 4)
    ids = evidence.ids[rows].tolist()
    best = sorted(zip((-scores).tolist(), ids, strict=True))
    return [memory_id for _, memory_id in best[:MOST_FACTS]]
