"""Gathering what memories are ranked by: candidates, what is around them, and their words."""

from collections.abc import Mapping
from dataclasses import dataclass

from recollect.domain.evidence import Evidence
from recollect.domain.filters import Filter
from recollect.domain.memory import Memory
from recollect.domain.questions import Question
from recollect.domain.ranking import TermStatistics
from recollect.usecases.candidates import Candidates, FindCandidates
from recollect.usecases.neighbours import FindNeighbours


@dataclass(frozen=True)
class Gathered:
    """What a question's answers are ranked by; `states` are those of the record that were read."""

    evidence: Evidence
    statistics: TermStatistics
    states: Mapping[str, Memory]


@dataclass(frozen=True)
class GatherEvidence:
    """Find candidates for a question, and tell what is known of them and the turns around them.

    An index that has it all at hand tells it at once. Otherwise the record is read in two rounds:
    the candidates, and their neighbours. `model` is the embedding model's name.
    """

    find: FindCandidates
    find_neighbours: FindNeighbours
    model: str

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
        around = self.find_neighbours(project, list(states.values()), at_hand | states.keys())
        read = [*states.values(), *around]
        may_answer = [*(True for _ in states), *(matching.matches(each) for each in around)]
        evidence = Evidence.of(question, read, self.model, may_answer)
        return Gathered(
            known.and_also(evidence) if known else evidence,
            candidates.statistics,
            {memory.id: memory for memory in read},
        )
