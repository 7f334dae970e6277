"""Search in the graph: what is found, whose it is, what it costs, and what it does without it."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from recollect.adapters.local.entity_index import LocalEntityIndex
from recollect.adapters.local.graph import LocalGraph
from recollect.adapters.record_graph import RecordGraphStore
from recollect.domain.errors import UnavailableError
from recollect.domain.filters import (
    EVERYTHING,
    Filter,
    Unexpired,
    both,
    in_scope,
    subject_is,
)
from recollect.domain.filters.conditions import HasSubject, IdIn, MetadataIs
from recollect.domain.filters.logic import NOTHING, Not, any_of
from recollect.domain.graph import Alias, Belief, Owner, Reading, Relation, Support, Triple
from recollect.domain.questions import Question
from recollect.domain.subjects import Scope, Subject, SubjectKind
from recollect.testing.builders import (
    NOON,
    a_change,
    a_graph_change,
    a_memory,
    a_relation,
    a_scope,
    adding,
    an_entity,
)
from recollect.usecases import search_graph
from recollect.usecases.search_graph import (
    MAX_OWNERS,
    MAX_SUPPORT,
    GraphFindings,
    SearchGraph,
    graph_owners,
)
from tests.service import Service, embedder
from tests.unit.usecases.graph_world import DAY, World
from tests.unit.usecases.test_round_trips import Counted

SISTER = "ada:user has_sister Anna:person"
BERLIN = "Anna:person lives_in Berlin:place"
OSLO = "Anna:person lives_in Oslo:place"
NOW = Belief(NOON, None, NOON)
WHERE = "Where does my sister live?"
ADA, BEN = Subject(SubjectKind.USER, "ada"), Subject(SubjectKind.USER, "ben")
BOT, RUN = Subject(SubjectKind.AGENT, "bot"), Subject(SubjectKind.RUN, "r1")


@pytest.fixture
def world(service: Service, scope: Scope) -> World:
    return World.over(service, scope)


@dataclass(frozen=True)
class DownIndex(LocalEntityIndex):
    """Cannot be reached."""

    def propose(self, *_: object) -> list[list[str]]:
        raise UnavailableError


@dataclass(frozen=True)
class DownStore(RecordGraphStore):
    """Cannot be reached."""

    def near(self, *_: object, **__: object) -> list[Triple]:
        raise UnavailableError


@dataclass(frozen=True)
class DownGraph(LocalGraph):
    """Cannot be read."""

    def relations(self, *_: object) -> dict[Triple, Relation]:
        raise UnavailableError


def searching(service: Service) -> SearchGraph:
    ports = service.ports
    return SearchGraph(ports.entities, ports.graph_store, ports.graph, ports.record)


def asked(
    world: World,
    question: str,
    matching: Filter | None = None,
    *,
    limit: int = 10,
    search: SearchGraph | None = None,
    at: datetime | None = None,
) -> GraphFindings:
    [vector] = embedder().embed([question], "query")
    return (search or searching(world.service))(
        world.scope.project,
        matching or subject_is(world.scope.owner),
        Question.of(question, vector),
        limit=limit,
        now=world.service.clock(),
        at=at,
    )


def said(findings: GraphFindings) -> list[str]:
    return [
        f"{each.source.name} {each.relation.triple.predicate} {each.target.name}"
        for each in findings.relations
    ]


def test_two_relations_answer_together_and_back_their_memories(world: World) -> None:
    sister, berlin = world.said(SISTER), world.said(BERLIN)
    world.said("ada:user likes tea:drink")
    world.written()

    found = asked(world, WHERE)

    assert set(said(found)[:2]) == {"ada has_sister Anna", "Anna lives_in Berlin"}
    scores = [each.score for each in found.relations]
    assert scores == sorted(scores, reverse=True)
    assert all(0.0 < score <= 1.0 for score in scores)
    assert found.memories == {sister.id: sister, berlin.id: berlin}
    assert found.support == {
        each.memory_ids[0]: each.score for each in found.relations if each.memory_ids
    }
    assert found.degraded == ()


def test_a_relation_tells_what_is_believed_of_it_now(world: World) -> None:
    world.said(f"{BERLIN} from 2024-05-01")
    world.written()

    [found] = asked(world, "Where does Anna live?").relations

    assert found.belief == world.relation(BERLIN).belief
    assert found.belief.valid_from is not None


def test_a_relation_that_is_over_is_not_found(world: World) -> None:
    world.said(BERLIN)
    world.said(OSLO, at=NOON + timedelta(seconds=1))
    world.written()
    world.service.clock.forward(DAY)

    assert said(asked(world, "Where does Anna live?")) == ["Anna lives_in Oslo"]


def test_what_held_at_a_time_is_found_when_it_is_asked_for(world: World) -> None:
    world.said(BERLIN)
    world.said(OSLO, at=NOON + 2 * DAY)
    world.said("Tom:person lives_in Bonn:place to 2026-01-01")
    world.written()
    world.service.clock.forward(5 * DAY)

    then = asked(world, "Where does Anna live?", at=NOON + DAY)
    later = asked(world, "Where does Anna live?", at=NOON + 3 * DAY)

    assert said(then) == ["Anna lives_in Berlin"]
    assert [each.belief.valid_to for each in then.relations] == [NOON + 2 * DAY]
    assert said(later) == said(asked(world, "Where does Anna live?")) == ["Anna lives_in Oslo"]


def test_what_is_asked_of_a_time_may_be_known_since(world: World) -> None:
    world.said("Anna:person lives_in Bonn:place from 2020-01-01 to 2021-01-01")
    world.written()

    then = asked(world, "Where does Anna live?", at=NOON.replace(year=2020))

    assert said(then) == ["Anna lives_in Bonn"]
    assert asked(world, "Where does Anna live?") == GraphFindings()


def test_what_was_held_once_but_is_not_believed_any_more_is_never_found(world: World) -> None:
    memory = world.said(BERLIN)
    world.written()
    world.deleted(memory)
    world.written()
    world.service.clock.forward(5 * DAY)

    assert asked(world, "Where does Anna live?", at=NOON) == GraphFindings()


def test_of_several_beliefs_that_hold_the_last_one_counts(world: World) -> None:
    scope, service = world.scope, world.service
    memory = world.said("whatever")
    anna, berlin = (an_entity(world.owner, name) for name in ("Anna", "Berlin"))
    past = Belief(None, NOON + DAY, NOON, is_past=True)
    current = Belief(NOON, None, NOON)
    relation = a_relation(
        anna, berlin, "lives_in", support=(Support(memory.id, NOON),), beliefs=(past, current)
    )
    read = Reading(memory_id=memory.id, version=memory.version)
    change = a_graph_change(entities=(anna, berlin), relations=(relation,), readings=(read,))
    service.store.graph.commit(Owner.of(scope), change)

    [found] = asked(world, "Anna").relations

    assert found.belief == current


def test_promise_4_what_only_a_deleted_memory_says_is_not_found(world: World) -> None:
    memory = world.said(BERLIN)
    world.written()
    world.deleted(memory)

    assert asked(world, "Where does Anna live?") == GraphFindings()

    world.written()

    assert asked(world, "Where does Anna live?") == GraphFindings()


def test_promise_4_what_a_memory_said_before_it_was_changed_is_not_found(world: World) -> None:
    memory = world.said(BERLIN)
    world.written()
    world.corrected(memory, "Anna:person lives_in Porto:place")

    assert asked(world, "Where does Anna live?") == GraphFindings()

    world.written()

    assert said(asked(world, "Where does Anna live?")) == ["Anna lives_in Porto"]


def test_a_memory_that_the_filter_hides_says_nothing(world: World) -> None:
    hidden, shown = world.said(BERLIN), world.said(f"{BERLIN}; Tom:person")
    world.written()
    matching = both(subject_is(world.scope.owner), Not(IdIn(frozenset({hidden.id}))))

    [found] = asked(world, "Where does Anna live?", matching).relations

    assert found.memory_ids == (shown.id,)


def test_an_expired_memory_says_nothing(world: World) -> None:
    memory = a_memory(world.scope, BERLIN, is_graphed=True, expires_on=(NOON - DAY).date())
    world.service.store.record.commit(world.scope.project, a_change(adding(memory)))
    world.written()
    matching = both(subject_is(world.scope.owner), Unexpired(NOON))

    assert asked(world, "Where does Anna live?", matching) == GraphFindings()
    assert said(asked(world, "Where does Anna live?")) == ["Anna lives_in Berlin"]


def test_promise_13_another_owner_sees_nothing(world: World, service: Service) -> None:
    other = World.over(service, a_scope(world.scope.project, user="ben"))
    stranger = World.over(service, service.new_scope("another project", user="ada"))
    for each in (world, other, stranger):
        each.said(BERLIN)
        each.written()

    for each in (world, other, stranger):
        [found] = asked(each, "Where does Anna live?").relations
        assert found.relation.owner == each.owner


def test_the_graphs_of_several_users_are_searched_together(world: World, service: Service) -> None:
    other = World.over(service, a_scope(world.scope.project, user="ben"))
    world.said(BERLIN)
    other.said(OSLO)
    world.written()
    other.written()

    found = asked(world, "Where does Anna live?", any_of(map(subject_is, (ADA, BEN))))

    assert sorted(said(found)) == ["Anna lives_in Berlin", "Anna lives_in Oslo"]


@pytest.mark.parametrize(
    ("matching", "owners"),
    [
        (subject_is(ADA), [ADA]),
        (any_of([subject_is(BEN), subject_is(ADA)]), [ADA, BEN]),
        (both(subject_is(RUN), subject_is(ADA)), [ADA]),
        (both(subject_is(RUN), subject_is(BOT)), [BOT]),
        (both(any_of([subject_is(ADA), subject_is(BOT)]), subject_is(BEN)), [BEN]),
        (both(subject_is(ADA), Not(subject_is(BEN))), [ADA]),
        (both(subject_is(ADA), MetadataIs("mood", "good")), [ADA]),
        (subject_is(BOT), [BOT]),
        (any_of([subject_is(BOT), subject_is(ADA)]), [ADA, BOT]),
        (in_scope(Scope("acme", (ADA, RUN))), [ADA]),
        (in_scope(Scope("acme", (RUN,))), [RUN]),
        (HasSubject(SubjectKind.USER), []),
        (any_of([subject_is(ADA), HasSubject(SubjectKind.AGENT)]), []),
        (Not(subject_is(ADA)), []),
        (EVERYTHING, []),
        (NOTHING, []),
    ],
)
def test_a_filter_tells_whose_graphs_it_is_about(matching: Filter, owners: list[Subject]) -> None:
    assert graph_owners(matching) == owners


def counted(service: Service) -> tuple[SearchGraph, Counter[str]]:
    calls: Counter[str] = Counter()
    ports = service.ports
    search = SearchGraph(
        Counted("index", ports.entities, calls),
        Counted("store", ports.graph_store, calls),
        Counted("graph", ports.graph, calls),
        Counted("record", ports.record, calls),
    )
    return search, calls


def test_a_search_is_six_calls_however_much_there_is(world: World, service: Service) -> None:
    world.said(SISTER)
    for number in range(40):
        world.said(f"Anna:person likes tea {number}:drink; tea {number}:drink from China:place")
    world.written()
    search, calls = counted(service)

    found = asked(world, "Which tea does my sister like?", limit=100, search=search)

    assert len(found.relations) > 40
    assert calls == {
        "index.propose": 1,
        "store.near": 1,
        "graph.relations": 1,
        "graph.entities": 1,
        "graph.readings": 1,
        "record.get": 1,
    }


def test_an_owner_without_a_graph_costs_two_calls(world: World, service: Service) -> None:
    search, calls = counted(service)

    assert asked(world, WHERE, search=search) == GraphFindings()
    assert calls == {"index.propose": 1, "store.near": 1}


def test_a_search_that_names_nobody_costs_nothing(world: World, service: Service) -> None:
    search, calls = counted(service)

    assert asked(world, WHERE, EVERYTHING, search=search) == GraphFindings()
    assert not calls


def test_a_bounded_number_of_owners_is_searched(world: World, service: Service) -> None:
    search, calls = counted(service)
    users = [Subject(SubjectKind.USER, f"user {number}") for number in range(MAX_OWNERS + 3)]

    all_asked = asked(world, WHERE, any_of(map(subject_is, users[:MAX_OWNERS])), search=search)
    assert (calls["store.near"], all_asked.degraded) == (MAX_OWNERS, ())

    some_asked = asked(world, WHERE, any_of(map(subject_is, users)), search=search)
    assert (calls["store.near"], some_asked.degraded) == (2 * MAX_OWNERS, ("graph_owners",))


def test_what_was_left_out_is_said_beside_what_was_found_and_what_is_down(
    world: World, service: Service
) -> None:
    world.said(BERLIN)
    world.written()
    users = [ADA, *(Subject(SubjectKind.USER, f"user {number}") for number in range(MAX_OWNERS))]
    matching, search = any_of(map(subject_is, users)), searching(service)
    down = replace(search, index=DownIndex(search.graph))

    found = asked(world, "Where does Anna live?", matching)

    assert (said(found), found.degraded) == (["Anna lives_in Berlin"], ("graph_owners",))
    assert asked(world, WHERE, matching, search=down).degraded == ("graph", "graph_owners")


def test_promise_16_without_the_index_or_the_store_search_says_so(
    world: World, service: Service
) -> None:
    world.said(SISTER)
    world.written()
    search = searching(service)
    graph = search.graph

    for down in (
        replace(search, index=DownIndex(graph)),
        replace(search, store=DownStore(graph)),
    ):
        assert asked(world, WHERE, search=down) == GraphFindings(degraded=("graph",))


def test_without_the_record_there_is_no_search(world: World, service: Service) -> None:
    world.said(SISTER)
    world.written()
    down = replace(searching(service), graph=DownGraph(service.store.database))

    with pytest.raises(UnavailableError):
        asked(world, WHERE, search=down)


def test_what_was_merged_is_found_by_its_other_name(world: World) -> None:
    memory = world.said("whatever")
    owner = world.owner
    anna, berlin = an_entity(owner, "Anna"), an_entity(owner, "Berlin")
    annie = an_entity(owner, "Annie")
    relation = a_relation(
        annie, berlin, "lives_in", support=(Support(memory.id, NOON),), beliefs=(NOW,)
    )
    alias = Alias(annie.id, anna.id, "Annie", NOON)
    change = a_graph_change(
        entities=(anna, berlin),
        aliases=(alias,),
        relations=(relation,),
        readings=(Reading(memory_id=memory.id, version=memory.version),),
    )
    world.service.store.graph.commit(owner, change)

    assert said(asked(world, "Who lives in Berlin?")) == ["Anna lives_in Berlin"]


def test_a_relation_whose_end_is_gone_by_now_is_left_out(world: World) -> None:
    memory = world.said("whatever")
    owner = world.owner
    anna, berlin = an_entity(owner, "Anna"), an_entity(owner, "Berlin")
    support = (Support(memory.id, NOON),)
    both_ways = tuple(
        a_relation(*ends, "lives_in", support=support, beliefs=(NOW,))
        for ends in ((anna, berlin), (berlin, anna))
    )
    change = a_graph_change(entities=(berlin,), relations=both_ways)
    world.service.store.graph.commit(owner, change)

    assert asked(world, "Who lives in Berlin?") == GraphFindings()


def test_of_many_memories_those_that_said_so_last_are_read(world: World) -> None:
    memories = [
        world.said(f"{BERLIN}; day {number}:day", at=NOON - number * DAY)
        for number in range(MAX_SUPPORT + 2)
    ]
    world.written()

    [found] = asked(world, "Where does Anna live?").relations

    assert found.memory_ids == tuple(each.id for each in memories[:MAX_SUPPORT])


def test_at_most_as_many_as_wanted_are_found_and_others_back_nothing(world: World) -> None:
    for number in range(5):
        world.said(f"Anna:person likes tea {number}:drink")
    world.written()

    found = asked(world, "Which tea does Anna like?", limit=2)

    assert len(found.relations) == 2
    assert set(found.memories) == set(found.support) == set(ids_of(found))
    assert found.relations == asked(world, "Which tea does Anna like?").relations[:2]


def ids_of(findings: GraphFindings) -> list[str]:
    return [key for each in findings.relations for key in each.memory_ids]


def test_what_the_question_is_about_is_read_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_graph, "MAX_TRIPLES", 3)
    world.said(f"{SISTER}; Anna:person plays cello:thing; {BERLIN}")
    for number in range(20):
        world.said(f"ada:user likes tea {number}:drink; ada:user likes tea {number}:drink")
    world.written()

    found = said(asked(world, WHERE))

    assert sorted(found) == ["Anna lives_in Berlin", "Anna plays cello", "ada has_sister Anna"]


def test_what_the_user_asks_of_themselves_is_read_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_graph, "MAX_TRIPLES", 1)
    world.said("ada:user works_at Acme:organization")
    for number in range(5):
        friend = f"Friend {number}:person"
        world.said(f"ada:user friend_of {friend}; {friend} works_at Hooli {number}:organization")
    world.written()

    assert said(asked(world, "Where do I work?")) == ["ada works_at Acme"]


def test_what_hardly_answers_is_left_out(world: World) -> None:
    world.said("ada:user likes tea:drink")
    world.written()

    assert asked(world, "Which vaccination did I get?") == GraphFindings()
