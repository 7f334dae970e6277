"""How well each memory answers a question, by what it says and by what surrounds it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from recollect.domain.evidence import Evidence
from recollect.domain.questions import Question
from recollect.domain.ranking import (
    Floats,
    TermStatistics,
    keyword_scores,
    keyword_sums,
    rarities,
)
from recollect.domain.surroundings import Surroundings

WEIGHTS: Mapping[str, float] = {
    "semantic": 2.85,
    "keyword": 1.42,
    "speaker": 2.45,
    "asks": -0.56,
    "time": 1.99,
    "asked_time": 4.20,
    "length": 1.80,
    "nearby_words": 4.86,
    "nearby_semantic": 2.01,
    "session": 1.29,
    "session_semantic": 2.92,
    "reply": 2.71,
}
"""Learned by `evals/ranking.py` on five long conversations (LoCoMo), with and without the speakers'
names in the texts. With those learned without a conversation, recall@5/10/20/30 in that one is
.749/.817/.858/.883 with names and .746/.809/.857/.878 without. The weighted sum of cosine and BM25
alone, which this took the place of, found .538/.628/.707/.746 with names."""
NO_ANSWER = 12.1
"""Learned with them, on questions that those conversations do and do not answer."""
EVENNESS = 0.22
"""The power of the probability that makes the score; probabilities themselves are small for all but
a few. In those conversations a threshold of 0.1 cuts a quarter of the candidates and .2 % of the
evidence, 0.2 four fifths and 3 %. A single fact, which has no turns around it, reaches 0.1 with a
word of the question or a cosine of 0.2; with .2, one that has nothing to do with it would, too."""
GRAPH_WEIGHT = 0.6
"""How far the best answer of the graph raises a memory that says it: about as high as a turn that
has the words of the question. Chosen, not measured: of the development conversations rules read
seven relations. With .2 a relation that is two steps away from the question is not found among 600
memories that each have one of its words."""
LONG = 64.0
"""Terms from which on a memory counts as a long one."""


@dataclass(frozen=True)
class Relevance:
    """How well a memory answers a question, of 0 to 1; higher is better, alike in every query.

    `components` are what it was worked out from, by name (see `components`). `graph` is how well
    relations answer that the memory supports; 0 where the graph is not asked. `decay` is what the
    score was multiplied by; 1 where nothing fades.
    """

    score: float
    components: Mapping[str, float]
    graph: float = 0.0
    decay: float = 1.0


@dataclass(frozen=True, eq=False)
class Ranked:
    """A memory that may answer, when it was said in seconds since 1970, and how well it answers.

    `row` is its place in `columns`, the components of all that was compared.
    """

    memory_id: str
    said_at: float
    score: float
    graph: float
    row: int
    columns: Mapping[str, Floats]
    decay: float = 1.0

    def faded(self, vitality: float) -> "Ranked":
        """Return it multiplied by a memory's vitality (see `domain.decay`), and 1 at most."""
        return replace(self, score=min(self.score * vitality, 1.0), decay=vitality)

    def relevance(self) -> Relevance:
        """Return the score and what it was worked out from."""
        parts = {name: float(column[self.row]) for name, column in self.columns.items()}
        return Relevance(self.score, parts, self.graph, self.decay)


def ranked(
    question: Question,
    evidence: Evidence,
    statistics: TermStatistics,
    support: Mapping[str, float],
) -> Iterator[Ranked]:
    """Yield what may answer, best first, ties by time and id.

    `support` tells, by the ids of memories, how well what the graph found of them answers, 0..1:
    it raises their scores towards 1.
    """
    columns = components(question, evidence, statistics)
    scores = scores_of(columns)
    ids, times = evidence.ids.tolist(), evidence.times.tolist()
    graph = [support.get(each, 0.0) for each in ids] if support else [0.0] * len(ids)
    raised = [
        score + GRAPH_WEIGHT * backed * (1.0 - score)
        for score, backed in zip(scores.tolist(), graph, strict=True)
    ]
    rows = np.flatnonzero(evidence.may_answer).tolist()
    # Tuples of plain values: with a key of its own for each, sorting takes four times as long.
    for score, said_at, memory_id, row in sorted(
        (-raised[row], times[row], ids[row], row) for row in rows
    ):
        yield Ranked(memory_id, said_at, -score, graph[row], row, columns)


def scores_of(columns: Mapping[str, Floats]) -> Floats:
    """Return the score of each memory from its components.

    It is the probability that the sum of its weighted components gives it, beside the others and
    `NO_ANSWER`, to the power of `EVENNESS`.
    """
    sums = np.column_stack([columns[name] for name in WEIGHTS]) @ np.array([*WEIGHTS.values()])
    # Two that are alike must not differ by how the processor adds them up.
    scores: Floats = np.round(probabilities(sums, NO_ANSWER) ** EVENNESS, 9)
    return scores


def probabilities(sums: Floats, none: float) -> Floats:
    """Return how likely each of some is what was asked for, where none of them may be.

    exp(s) / (exp(none) + the sum of all exp(s)), with s the sum of each (a conditional logit).
    """
    top = max(float(sums.max(initial=none)), none)
    odds = np.exp(sums - top)
    likely: Floats = odds / (np.exp(none - top) + odds.sum())
    return likely


def components(
    question: Question, evidence: Evidence, statistics: TermStatistics
) -> dict[str, Floats]:
    """Return what tells for each memory that it answers, each of 0 to 1.

    Of the memory itself: `semantic`, the cosine of its vector to the question's; `keyword`, BM25
    brought to 0..1; `speaker`, whether the question names who says it; `asks`, whether it is a
    question; `time`, whether it names a time where the question asks for one; `asked_time`, how
    near it was said to a time that the question names; `length`, 1 from 64 terms on.

    With the turns around it, or around the message that it was extracted from: `nearby_words`, the
    share of the question's terms that it or they have, the rare ones counting more. With the turns
    around it: `nearby_semantic`, the best of their cosines. Both fade with the distance.
    `session` and `session_semantic` are the same of all that is known of its session.
    `reply` is the share of terms that the turn before has, if that is a question.
    """
    rarity = rarities(question.terms, statistics)
    share = rarity / (rarity.sum() or 1.0)
    has = (evidence.counts > 0).astype(np.float64)
    sums = keyword_sums(evidence.counts, evidence.lengths, rarity, statistics)
    semantic = np.clip(evidence.cosines(question), 0.0, 1.0)
    around = Surroundings.of(evidence)
    return {
        "semantic": semantic,
        "keyword": keyword_scores(sums),
        "speaker": _named(question, evidence),
        "asks": evidence.asks.astype(np.float64),
        "time": evidence.tells_time * float(question.asks_when),
        "asked_time": question.nearness(evidence.times),
        "length": np.minimum(np.log1p(evidence.lengths) / np.log1p(LONG), 1.0),
        "nearby_words": np.maximum.reduce([around.most(has), has, evidence.origins]) @ share,
        "nearby_semantic": around.most(semantic),
        "session": around.of_session(has) @ share,
        "session_semantic": around.of_session(semantic),
        "reply": around.before(evidence.asks * (has @ share)),
    }


def _named(question: Question, evidence: Evidence) -> Floats:
    """Return 1 for what is said by somebody whom the question names by the first name, else 0."""
    is_named = [question.names(name) for name in evidence.names]
    # The last one stands for nobody, whose place is -1.
    return np.array([*is_named, False], dtype=np.float64)[evidence.speakers]
