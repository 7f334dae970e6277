"""Search in the graph: the relations that answer a question, and the memories that say so."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain

from recollect.domain.errors import UnavailableError
from recollect.domain.filters import Filter
from recollect.domain.filters.conditions import InScope
from recollect.domain.filters.logic import AllOf, AnyOf
from recollect.domain.graph import USER_TYPE, Belief, Entity, Owner, Relation, Triple, entity_id
from recollect.domain.graph_ranking import Link, is_asked, score_links, speaks_of_user
from recollect.domain.memory import Memory
from recollect.domain.questions import Question
from recollect.domain.subjects import Subject, SubjectKind
from recollect.ports.graph import EntityIndex, EntityQuery, GraphRecord, GraphStore
from recollect.ports.record import Record

MAX_OWNERS = 5
PROPOSED = 5
"""Entities a way of searching that a question may mean."""
HOPS = 2
FAN_OUT = 100
"""Relations of an entity, and entities that are expanded. The store knows which are mentioned most,
not what is asked: of a user with 130 relations that are told once, questions of two relations found
the right one among the first five in 60 of 100 cases with 30, in 86 with 100, in 98 with 200."""
MAX_TRIPLES = 300
"""Of an owner, that are read and ranked."""
MAX_RANKED = 100
"""The best relations, whose memories are read."""
MAX_SUPPORT = 10
"""Memories of a relation that are read: those that said so last."""
LEAST_SCORE = 0.1
_KINDS = tuple(SubjectKind)


@dataclass(frozen=True)
class FoundRelation:
    """A relation that answers the question: its ends, and the belief that holds then.

    `score` is from 0 to 1, higher is better. `memory_ids` are the memories that say so and that
    the filter lets through, the last said first.
    """

    relation: Relation
    source: Entity
    target: Entity
    belief: Belief
    score: float
    memory_ids: tuple[str, ...]


@dataclass(frozen=True)
class GraphFindings:
    """What the graph has to say: relations, best first, and what supports them.

    `support` tells of memories, by id, how well the best relation answers that they support: 0 to
    1. `memories` are these in their current state.
    """

    relations: tuple[FoundRelation, ...] = ()
    support: Mapping[str, float] = field(default_factory=dict)
    memories: Mapping[str, Memory] = field(default_factory=dict)
    degraded: tuple[str, ...] = ()


@dataclass(frozen=True)
class SearchGraph:
    """Rank the relations of a project's graphs that a filter lets through against a question.

    Of a filter that names more owners, the graphs of the first `MAX_OWNERS` are asked, in the order
    of `graph_owners`; that there were more is said.
    """

    index: EntityIndex
    store: GraphStore
    graph: GraphRecord
    record: Record

    def __call__(
        self,
        project: str,
        matching: Filter,
        question: Question,
        *,
        limit: int,
        now: datetime,
        at: datetime | None = None,
    ) -> GraphFindings:
        """Return at most `limit` relations that hold `at` a time, or now, as far as is known now.

        Each is said by a living memory that the filter lets through. Of each owner that the filter
        names (see `graph_owners`) four round trips, whatever its size: the entity index, the graph
        store, and in the record the relations and their ends; then two for all memories and what
        was read in them. No model is asked. While the index or the store is down there are no
        relations, and that is said.
        """
        owners = graph_owners(matching)
        left_out = ("graph_owners",) if len(owners) > MAX_OWNERS else ()
        times = _Times(at or now, now)
        try:
            near = [self._near(project, each, question) for each in owners[:MAX_OWNERS]]
        except UnavailableError:
            return GraphFindings(degraded=("graph", *left_out))
        held = chain.from_iterable(self._held(*each, times) for each in near)
        ranked = _ranked(list(held), question)
        ids = dict.fromkeys(chain.from_iterable(each.memory_ids for each in ranked))
        memories = self._saying_so(project, list(ids), matching) if ids else {}
        return replace(_findings(ranked, memories, times, limit), degraded=left_out)

    def _saying_so(
        self, project: str, memory_ids: Sequence[str], matching: Filter
    ) -> dict[str, Memory]:
        """Return those that are let through, and still say what the graph has of them."""
        states = self.record.get(project, memory_ids)
        readings = self.graph.readings(project, memory_ids)
        return {
            key: memory
            for key, memory in states.items()
            if matching.matches(memory) and key in readings and readings[key].is_of(memory)
        }

    def _near(
        self, project: str, subject: Subject, question: Question
    ) -> tuple[Owner, list[Triple]]:
        """Return relations around the user and the entities that the question may mean."""
        owner = Owner(project, subject.key)
        query = EntityQuery(question.vector, question.terms, PROPOSED)
        [proposed] = self.index.propose(owner, [query])
        user_id = entity_id(owner, subject.name, USER_TYPE)
        starts = list(dict.fromkeys([user_id, *proposed]))
        triples = self.store.near(owner, starts, hops=HOPS, fan_out=FAN_OUT)
        return owner, _most_asked(triples, question, user_id, set(proposed))

    def _held(
        self, owner: Owner, triples: Sequence[Triple], times: "_Times"
    ) -> list[tuple[Relation, Link]]:
        """Return the relations that hold, each with its ends."""
        relations = self.graph.relations(owner, triples) if triples else {}
        held = [each for each in relations.values() if times.belief(each)]
        ids = dict.fromkeys(end for each in held for end in each.triple.ends)
        # By the id of an alias, too: what was merged is still found.
        entities = self.graph.entities(owner, list(ids)) if ids else {}
        return [
            (each, Link(entities[source], each.triple.predicate, entities[target]))
            for each in held
            if (source := each.triple.source) in entities
            and (target := each.triple.target) in entities
        ]


@dataclass(frozen=True)
class _Times:
    """When what is found was true, and by when it was known."""

    at: datetime
    known_at: datetime

    def belief(self, relation: Relation) -> Belief | None:
        return relation.held(at=self.at, known_at=self.known_at)


@dataclass(frozen=True)
class _Ranked:
    """A relation with its score, and the memories to be read for it, the last said first."""

    relation: Relation
    link: Link
    score: float

    @property
    def memory_ids(self) -> list[str]:
        return self.relation.last_said_by(MAX_SUPPORT)


def graph_owners(matching: Filter) -> list[Subject]:
    """Return whose graphs may have what a filter lets through; nobody if that is not known.

    Where a match must have one of some users, it is theirs. What only an agent, an app or a run is
    named for may be in the graph of any user as well, and is then not found: of these it is the
    graph of their own memories, without a user.
    """
    return sorted(_owners(matching) or (), key=lambda each: (_KINDS.index(each.kind), each.name))


def _owners(matching: Filter) -> Collection[Subject] | None:
    """Return the possible owners of matches, as far as they are named; None if any may be."""
    match matching:
        case InScope(scope):
            return {scope.owner}
        case AllOf(parts):
            named = [owners for part in parts if (owners := _owners(part)) is not None]
            return min(named, key=_vagueness, default=None)
        case AnyOf(parts):
            each = [_owners(part) for part in parts]
            known = [owners for owners in each if owners is not None]
            return set().union(*known) if len(known) == len(each) else None
        case _:
            return matching.named_subjects()


def _vagueness(subjects: Collection[Subject]) -> tuple[int, int]:
    """Rank what parts of a filter name: who is a user is the owner whoever else is named."""
    kinds = (_KINDS.index(each.kind) for each in subjects)
    return max(kinds, default=0), len(subjects)


def _most_asked(
    triples: Sequence[Triple], question: Question, user_id: str, meant: Collection[str]
) -> list[Triple]:
    """Return the triples to be read: what the question is about, then what that leads to."""
    predicates = {each.predicate for each in triples}
    answering = {each for each in predicates if is_asked(each, question.terms)}
    near = {end for each in triples if each.predicate in answering for end in each.ends}
    led = near - {user_id}
    of_user = speaks_of_user(question.text)

    def aboutness(triple: Triple) -> tuple[int, bool]:
        is_answering = triple.predicate in answering
        is_own = of_user and is_answering and user_id in triple.ends
        direct = is_answering + is_own + sum(end in meant for end in triple.ends)
        return direct, any(end in led for end in triple.ends)

    return sorted(triples, key=aboutness, reverse=True)[:MAX_TRIPLES]


def _ranked(held: Sequence[tuple[Relation, Link]], question: Question) -> list[_Ranked]:
    """Return the best relations, best first."""
    links = [link for _, link in held]
    scores = score_links(question.vector, question.terms, links, text=question.text)
    scored = [_Ranked(*each, score) for each, score in zip(held, scores, strict=True)]
    good = [each for each in scored if each.score >= LEAST_SCORE]
    good.sort(key=lambda each: (-each.score, -each.relation.mentions, each.relation.triple.id))
    return good[:MAX_RANKED]


def _findings(
    ranked: Iterable[_Ranked], memories: Mapping[str, Memory], times: _Times, limit: int
) -> GraphFindings:
    found = [
        FoundRelation(
            each.relation,
            each.link.source,
            each.link.target,
            belief,
            score=each.score,
            memory_ids=supporting,
        )
        for each in ranked
        if (supporting := tuple(key for key in each.memory_ids if key in memories))
        and (belief := times.belief(each.relation))
    ][:limit]
    support: dict[str, float] = {}
    for each in found:
        for memory_id in each.memory_ids:
            support.setdefault(memory_id, each.score)
    return GraphFindings(
        tuple(found), support, {key: state for key, state in memories.items() if key in support}
    )
