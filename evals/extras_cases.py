"""Questions with all that an extra of the ranking may look at, gathered from conversations."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import service
from benchmarks.locomo import conversations
from evals.ranking import Case, case_of, found_for, remembered
from recollect import bootstrap
from recollect.adapters.local.minilm import MiniLMEmbedder
from recollect.bootstrap import graphs
from recollect.domain.graph import Owner
from recollect.domain.memory import Memory
from recollect.domain.ranking import Floats
from recollect.domain.subjects import Scope, SubjectKind
from recollect.usecases.evaluation.questions import Conversation, Question

SECONDS_A_DAY = 86_400.0
RELATIONS = 20
"""Of a question: as many as a search for 20 results asks the graph for."""

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Asked:
    """A question's candidates, and what is known of them besides the ranker's components.

    A row each in `ages` (days before the question), `reread` (the cosine of MiniLM) and `vectors`
    (of the embedder, of length 1). `backed` is the same question with what the graph found of it,
    `support` how well that answers (0..1, a row of `backed` each), `relations` how many it found.
    """

    case: Case
    ages: Floats
    reread: Floats
    vectors: Vectors
    backed: Case
    support: Floats
    relations: int


def gathered(data: Path, *, has_names: bool) -> Iterator[Asked]:
    """Remember the conversations of a file, read them for their graphs, and ask their questions."""
    for number, conversation in enumerate(conversations(data)):
        user = f"{'names' if has_names else 'plain'}-{number}"
        ids = remembered(user, conversation, has_names=has_names, is_graphed=True)
        owner = Owner.of(_scope(user))
        while graphs.write_graph()(owner):
            pass
        graphs.project_graph()(owner)
        shelf = _Shelf.of(ids, conversation)
        for question in conversation.questions:
            asked = _asked(user, question, ids, f"{number}", shelf)
            if asked:
                yield asked


def _scope(user: str) -> Scope:
    return Scope.of(service.PROJECT, {SubjectKind.USER: user})


@dataclass(frozen=True)
class _Shelf:
    """MiniLM's vectors of a conversation's memories and questions, each of length 1."""

    places: Mapping[str, int]
    reread: Vectors
    questions: Mapping[str, Vectors]

    @classmethod
    def of(cls, ids: Mapping[str, str], conversation: Conversation) -> "_Shelf":
        memories = _read(list(dict.fromkeys(ids.values())))
        minilm = MiniLMEmbedder()
        texts = [each.text for each in conversation.questions]
        return cls(
            {each.id: place for place, each in enumerate(memories)},
            np.stack(minilm.embed([each.text for each in memories], "document")),
            dict(zip(texts, minilm.embed(texts, "query"), strict=True)),
        )


def _read(ids: Sequence[str]) -> list[Memory]:
    record = bootstrap.search_memories().record
    parts = [record.get(service.PROJECT, ids[at : at + 100]) for at in range(0, len(ids), 100)]
    return [memory for part in parts for memory in part.values()]


def _asked(
    user: str, asked: Question, ids: Mapping[str, str], name: str, shelf: _Shelf
) -> Asked | None:
    search = bootstrap.search_memories()
    question, matching, found = found_for(user, asked)
    plain = search.gather(service.PROJECT, matching, question, found, {})
    case = case_of(asked, plain, ids, name)
    if case is None or question.reference is None:
        return None
    findings = graphs.search_graph()(
        service.PROJECT, matching, question, limit=RELATIONS, now=search.now(), at=asked.asked_at
    )
    backed = search.gather(service.PROJECT, matching, question, found, findings.memories)
    places = [shelf.places[each] for each in plain.evidence.ids.tolist()]
    return Asked(
        case=case,
        ages=(question.reference.timestamp() - plain.evidence.times) / SECONDS_A_DAY,
        reread=np.asarray(shelf.reread[places] @ shelf.questions[asked.text], dtype=np.float64),
        vectors=plain.evidence.vectors,
        backed=case_of(asked, backed, ids, name) or case,
        support=np.array([findings.support.get(each, 0.0) for each in backed.evidence.ids]),
        relations=len(findings.relations),
    )
