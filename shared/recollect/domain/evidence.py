"""What is known of the memories that a question is compared with, as arrays of one row each."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recollect.domain.memory import Memory, Vector
from recollect.domain.questions import Question
from recollect.domain.ranking import Counts, Floats, Mask, cosines, counted, directions
from recollect.domain.subjects import Scope, SubjectKind
from recollect.domain.traits import Traits, speaker_of, traits_of

NO_TURN = -1
"""Stands for the turn of a memory that is not a turn of a conversation."""
NOBODY = -1
"""Stands for the speaker of a memory of which nobody is known to have said it."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """Memories that may answer a question, and the turns around them; a row each, none twice.

    `counts` says how often each of the question's terms (its columns) occurs. `vectors` are the
    memories' at unit length, or zeros (see `directions`). `lengths` are in terms. `scopes` are
    numbers that differ between scopes (see `scope_number`), `has_run` tells whether a scope is one
    run, `turns` number the turns of a scope, or are `NO_TURN`. `times` are when it was said, in
    seconds since 1970. `speakers` says who speaks, by place in `names`, or `NOBODY`. `asks` tells
    whether it is a question, `tells_time` whether it names a time. `origins` says how near to each
    of the question's terms a fact was extracted, of 0 to 1 (see `words_around`); 0 of the rest.
    Those that may not answer are evidence for their neighbours alone.
    """

    ids: NDArray[Any]
    may_answer: Mask
    vectors: Vector
    counts: Counts
    lengths: Counts
    scopes: Counts
    has_run: Mask
    turns: Counts
    times: Floats
    speakers: Counts
    asks: Mask
    tells_time: Mask
    origins: Floats
    names: tuple[str, ...]

    @classmethod
    def of(
        cls, question: Question, memories: Sequence[Memory], model: str, may_answer: Sequence[bool]
    ) -> "Evidence":
        """Return what memories tell; vectors of another model than this count as none."""
        traits = [traits_of(memory.text) for memory in memories]
        vectors = [
            memory.embedding.vector()
            if memory.embedding and memory.embedding.model == model
            else None
            for memory in memories
        ]
        speakers = [speaker_of(memory) for memory in memories]
        names = tuple(dict.fromkeys(name for name in speakers if name))
        return cls(
            ids=np.array([memory.id for memory in memories], dtype=object),
            may_answer=np.array(may_answer, dtype=np.bool_),
            vectors=directions(vectors, len(question.vector)),
            counts=counted(question.terms, [each.counts for each in traits]),
            **_scope_columns(memories),
            **_trait_columns(traits),
            turns=_turns(memories),
            times=np.array([memory.said_at.timestamp() for memory in memories], dtype=np.float64),
            speakers=np.array(
                [names.index(name) if name else NOBODY for name in speakers], dtype=np.int64
            ),
            origins=np.zeros((len(memories), len(question.terms))),
            names=names,
        )

    def __len__(self) -> int:
        """Return how many memories there are."""
        return len(self.ids)

    def cosines(self, question: Question) -> Floats:
        """Return how near each memory's vector is to a question's; 0 without one."""
        return cosines(question.vector, self.vectors)

    @property
    def is_extracted(self) -> Mask:
        """Which rows may answer and are no turns themselves: facts that were extracted."""
        is_extracted: Mask = self.may_answer & (self.turns == NO_TURN)
        return is_extracted

    def with_origins(self, origins: Mapping[str, Floats]) -> "Evidence":
        """Return the same with the origins of these memories, by their ids."""
        known = [origins.get(each) for each in self.ids.tolist()]
        rows = [old if new is None else new for old, new in zip(self.origins, known, strict=True)]
        return replace(self, origins=np.array(rows).reshape(self.origins.shape))

    def without(self, ids: Collection[str]) -> "Evidence":
        """Return the evidence without these memories."""
        if not ids:
            return self
        keep = np.array([each not in ids for each in self.ids.tolist()], dtype=np.bool_)
        kept = {name: getattr(self, name)[keep] for name in _COLUMNS}
        return Evidence(**kept, names=self.names)

    def and_also(self, other: "Evidence") -> "Evidence":
        """Return both; of what is in both, what the other one says."""
        if not len(other):
            return self
        mine = self.without(set(other.ids.tolist()))
        names = tuple(dict.fromkeys((*mine.names, *other.names)))
        places = np.array([*map(names.index, other.names), NOBODY], dtype=np.int64)
        together = {
            name: np.concatenate([getattr(mine, name), getattr(other, name)]) for name in _COLUMNS
        }
        together["speakers"] = np.concatenate([mine.speakers, places[other.speakers]])
        return Evidence(**together, names=names)


_COLUMNS = tuple(each.name for each in fields(Evidence) if each.name != "names")


def scope_number(scope: Scope) -> int:
    """Return a number for a scope; two scopes of a search differ but once in 2^60 pairs."""
    return int(scope.key[:15], 16)


def is_one_run(scope: Scope) -> bool:
    """Tell whether all turns of a scope are one session."""
    return any(subject.kind is SubjectKind.RUN for subject in scope.subjects)


def _scope_columns(memories: Sequence[Memory]) -> dict[str, Any]:
    return {
        "scopes": np.array([scope_number(memory.scope) for memory in memories], dtype=np.int64),
        "has_run": np.array([is_one_run(memory.scope) for memory in memories], dtype=np.bool_),
    }


def _trait_columns(traits: Sequence[Traits]) -> dict[str, Any]:
    return {
        "lengths": np.array([each.length for each in traits], dtype=np.int64),
        "asks": np.array([each.asks for each in traits], dtype=np.bool_),
        "tells_time": np.array([each.tells_time for each in traits], dtype=np.bool_),
    }


def _turns(memories: Sequence[Memory]) -> Counts:
    turns = [NO_TURN if memory.turn is None else memory.turn for memory in memories]
    return np.array(turns, dtype=np.int64)
