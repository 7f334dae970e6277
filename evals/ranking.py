"""Learns the weights of the score from questions whose evidence is known, and tests them.

    python -m evals.ranking FILE

FILE has conversations in the LoCoMo layout. Each is remembered twice, with the speakers' names in
the texts and without, and each question's candidates are gathered as a search does. The weights
are those of a conditional logit: exp(s) of a memory, beside the sum over all candidates, is the
probability that it is the evidence. They are learned on the answerable questions; then their scale
and `NO_ANSWER` on all, where "none of them" is the evidence of the unanswerable ones. Writes
`evals/results/ranking.json`: the weights of all conversations, and what those that were learned
without a conversation find in that one.
"""

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import service
from benchmarks.locomo import conversations
from evals import logit
from recollect import bootstrap
from recollect.domain.filters import Filter, subject_is
from recollect.domain.memory import Message
from recollect.domain.questions import Question
from recollect.domain.ranking import Floats, Mask
from recollect.domain.relevance import EVENNESS, WEIGHTS, components, probabilities
from recollect.domain.requests import AddRequest
from recollect.domain.subjects import Scope, Subject, SubjectKind
from recollect.usecases.candidates import Candidates
from recollect.usecases.evaluation import questions
from recollect.usecases.gather_evidence import Gathered
from recollect.usecases.search_memories import LEAST_CANDIDATES

RESULTS = Path(__file__).parent / "results" / "ranking.json"
CUTS = (5, 10, 20, 30)
THRESHOLDS = (0.1, 0.3, 0.5, 0.7, 0.8)


@dataclass(frozen=True)
class Case:
    """A question's candidates: a row of components each, which of them are evidence."""

    conversation: str
    is_answerable: bool
    rows: Floats
    is_evidence: Mask
    evidence: int
    """How many there are, found or not."""


def main() -> None:
    """Learn from the file that the command names, print the numbers and keep them."""
    with tempfile.TemporaryDirectory() as folder:
        service.configure(Path(folder))
        cases = {
            way: list(_cases(Path(sys.argv[1]), has_names=has_names))
            for way, has_names in (("names_in_texts", True), ("no_names_in_texts", False))
        }
    every = [case for some in cases.values() for case in some]
    weights, no_answer = learned(every)
    told = {
        "weights": dict(zip(WEIGHTS, weights.round(2).tolist(), strict=True)),
        "no_answer": round(no_answer, 2),
        "leaving_each_conversation_out": {
            way: left_out(every, some) for way, some in cases.items()
        },
    }
    print(json.dumps(told, indent=1))
    RESULTS.write_text(json.dumps(told, indent=1) + "\n")


def learned(cases: Sequence[Case]) -> tuple[Floats, float]:
    """Return the weights of the components, and the sum that stands for no answer."""
    answered = [case for case in cases if case.is_answerable and case.is_evidence.any()]
    direction = logit.weights([(case.rows, case.is_evidence) for case in answered])
    certain = [*answered, *(case for case in cases if not case.is_answerable)]
    scale, no_answer = logit.certainty(
        [
            (case.rows @ direction, case.is_evidence if case.is_answerable else None)
            for case in certain
        ]
    )
    return direction * scale, no_answer


def left_out(every: Sequence[Case], cases: Sequence[Case]) -> dict[str, Any]:
    """Return what weights find in the conversations that they were not learned on."""
    recalls: list[list[float]] = []
    precisions: dict[str, dict[str, tuple[float, float]]] = {}
    for name in dict.fromkeys(case.conversation for case in cases):
        others = [case for case in every if case.conversation != name]
        weights, no_answer = learned(others)
        here = [case for case in cases if case.conversation == name]
        recalls += [_recall(case, weights) for case in here if case.is_answerable]
        precisions[name] = {
            f"{least}": (
                _precision(others, weights, no_answer, least),
                _precision(here, weights, no_answer, least),
            )
            for least in THRESHOLDS
        }
    return {
        "questions": len(recalls),
        "recall": dict(zip(map(str, CUTS), np.mean(recalls, axis=0).round(4), strict=True)),
        "precision_of_thresholds_elsewhere_and_here": precisions,
    }


def _recall(case: Case, weights: Floats) -> list[float]:
    order = np.argsort(-(case.rows @ weights), kind="stable")
    return [float(case.is_evidence[order[:cut]].sum() / case.evidence) for cut in CUTS]


def _precision(cases: Sequence[Case], weights: Floats, no_answer: float, least: float) -> float:
    """Return how many of the best memories that reach a score are evidence of an answer."""
    best = []
    for case in cases:
        scores = probabilities(case.rows @ weights, no_answer) ** EVENNESS
        first = int(scores.argmax())
        if scores[first] >= least:
            best.append(case.is_answerable and bool(case.is_evidence[first]))
    return round(float(np.mean(best)), 3) if best else 1.0


def _cases(data: Path, *, has_names: bool) -> Iterator[Case]:
    prefix = "names" if has_names else "plain"
    for number, conversation in enumerate(conversations(data)):
        user = f"{prefix}-{number}"
        ids = remembered(user, conversation, has_names=has_names)
        for question in conversation.questions:
            case = _case(user, question, ids, f"{number}")
            if case:
                yield case


def remembered(
    user: str, conversation: questions.Conversation, *, has_names: bool, is_graphed: bool = False
) -> dict[str, str]:
    """Remember a conversation, session by session; return the ids of memories by those of turns."""
    scope = Scope.of(service.PROJECT, {SubjectKind.USER: user})
    ids: dict[str, str] = {}
    for session in dict.fromkeys(turn.session for turn in conversation.turns):
        turns = [turn for turn in conversation.turns if turn.session == session]
        messages = tuple(
            Message(
                turn.role,
                f"{turn.speaker}: {turn.text}" if has_names else turn.text,
                turn.speaker,
                turn.said_at,
            )
            for turn in turns
        )
        request = AddRequest(scope=scope, messages=messages, infer=False, is_graphed=is_graphed)
        outcomes = bootstrap.add_memories()(request).outcomes
        ids |= {turn.id: outcome.memory_id for turn, outcome in zip(turns, outcomes, strict=True)}
    service.index_all(user)
    return ids


def _case(user: str, asked: questions.Question, ids: Mapping[str, str], name: str) -> Case | None:
    search = bootstrap.search_memories()
    question, matching, found = found_for(user, asked)
    gathered = search.gather(service.PROJECT, matching, question, found, {})
    return case_of(asked, gathered, ids, name)


def found_for(user: str, asked: questions.Question) -> tuple[Question, Filter, Candidates]:
    """Return what a search for this question is made of, and its candidates."""
    search = bootstrap.search_memories()
    [vector] = search.embedder.embed([asked.text], "query")
    question = Question.of(asked.text, vector, asked.asked_at)
    matching = subject_is(Subject.of(SubjectKind.USER, user))
    found = search.gather.candidates(service.PROJECT, matching, question, limit=LEAST_CANDIDATES)
    return question, matching, found


def case_of(
    asked: questions.Question,
    gathered: Gathered,
    ids: Mapping[str, str],
    name: str,
) -> Case | None:
    """Return what there is to learn from what was gathered; None if nobody knows the evidence.

    `ids` are those of the memories, by those of the turns; `name` is the conversation's.
    """
    evidence = {ids[turn] for turn in asked.evidence}
    if not evidence and asked.is_answerable:
        return None
    columns = components(gathered.question, gathered.evidence, gathered.statistics)
    return Case(
        name,
        asked.is_answerable,
        np.column_stack([columns[each] for each in WEIGHTS]),
        np.array([each in evidence for each in gathered.evidence.ids.tolist()], dtype=np.bool_),
        len(evidence),
    )


if __name__ == "__main__":
    main()
