"""The graph writer: what memories say gets into the graph, and out of it again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from recollect.domain.errors import UnavailableError
from recollect.domain.graph import Alias, Entity, Owner, Reading, Relation, Triple
from recollect.domain.subjects import Scope
from recollect.ports.graph import GraphChange, GraphRecord
from recollect.ports.record import LostRaceError
from recollect.testing.builders import (
    NOON,
    a_change,
    a_graph_change,
    a_scope,
    an_entity,
    updating,
)
from recollect.usecases import write_graph
from recollect.usecases.graph_notes import MAX_STATEMENTS
from recollect.usecases.parts import MAX_CHARACTERS
from recollect.usecases.write_graph import BATCH
from tests.service import Service
from tests.unit.usecases.graph_world import DAY, World

LISBON = "ada:user lives_in Lisbon:place"
PORTO = "ada:user lives_in Porto:place"
TEA = "ada:user likes tea:drink"
COFFEE = "ada:user likes coffee:drink"
YEAR = timedelta(days=365)


@pytest.fixture
def world(service: Service, scope: Scope) -> World:
    return World.over(service, scope, ending="manages")


def test_promise_12_what_memories_say_is_in_the_graph_with_who_says_it(world: World) -> None:
    lisbon, tea = world.said(LISBON), world.said(f"{TEA}; Mia:person")

    assert world.written() == 2

    assert world.entities() == {
        "ada:user": 2,
        "Lisbon:place": 1,
        "tea:drink": 1,
        "Mia:person": 1,
    }
    assert [each.memory_id for each in world.relation(LISBON).support] == [lisbon.id]
    assert [each.memory_id for each in world.relation(TEA).support] == [tea.id]
    assert world.relation(TEA).belief is not None


def test_a_burst_is_one_question(world: World) -> None:
    texts = [f"ada:user likes food {number}:food" for number in range(BATCH)]
    for text in texts:
        world.said(text)

    world.written()

    assert world.reader.read_texts == [texts]
    assert world.written() == 0


def test_more_than_a_batch_is_read_in_several(world: World) -> None:
    for number in range(BATCH + 5):
        world.said(f"ada:user likes food {number}:food")

    assert world.written() == BATCH + 5
    assert list(map(len, world.reader.read_texts)) == [BATCH, 5]


def test_long_texts_are_read_apart(world: World) -> None:
    filler = "x" * (MAX_CHARACTERS // 2)
    for number in range(3):
        world.said(f"food {number}:food; {filler}")

    assert world.written() == 3
    assert list(map(len, world.reader.read_texts)) == [1, 1, 1]
    assert len(world.entities()) == 3


def test_what_one_wake_up_does_not_reach_is_still_unread(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_graph, "MAX_BATCHES", 2)
    for number in range(2 * BATCH + 1):
        world.said(f"food {number}:food")

    assert world.written() == 2 * BATCH
    assert world.written() == 1


def test_a_late_message_finds_nothing(world: World) -> None:
    world.said(LISBON)
    world.written()
    before = world.state()

    assert world.written() == 0
    assert world.state() == before
    assert len(world.reader.read_texts) == 1


def test_what_is_said_twice_has_two_supports(world: World) -> None:
    first, second = world.said(TEA), world.said(f"{TEA}; Mia:person")
    world.written()

    assert {each.memory_id for each in world.relation(TEA).support} == {first.id, second.id}

    world.deleted(first)
    world.written()

    assert [each.memory_id for each in world.relation(TEA).support] == [second.id]
    assert world.relation(TEA).belief is not None
    assert world.entities()["tea:drink"] == 1


def test_promise_12_a_relation_without_support_is_retracted_not_lost(world: World) -> None:
    memory = world.said(LISBON)
    world.written()
    believed_at = world.service.clock()
    world.deleted(memory)
    world.written()
    now = world.service.clock()

    relation = world.relation(LISBON)
    assert (relation.support, relation.belief) == ((), None)
    assert relation.holds(at=NOON, known_at=believed_at)
    assert not relation.holds(at=NOON, known_at=now)
    assert world.entities() == {"ada:user": 0, "Lisbon:place": 0}


def test_promise_12_a_change_ends_what_the_memory_said_before(world: World) -> None:
    memory = world.said(LISBON)
    world.written()
    world.corrected(memory, PORTO, at=NOON + 10 * DAY)
    world.written()
    now = world.service.clock()

    old, new = world.relation(LISBON), world.relation(PORTO)
    assert (old.support, old.belief) == ((), None)
    assert old.holds(at=NOON + DAY, known_at=now)
    assert not old.holds(at=NOON + 11 * DAY, known_at=now)
    assert new.belief is not None
    assert world.entities() == {"ada:user": 1, "Lisbon:place": 0, "Porto:place": 1}


def test_what_began_after_the_change_never_was(world: World) -> None:
    memory = world.said(f"{LISBON} from 2027-01-01")
    world.written()
    world.corrected(memory, PORTO, at=NOON)
    world.written()

    old = world.relation(LISBON)
    assert not old.holds(at=NOON + YEAR, known_at=world.service.clock())


def test_a_memory_that_says_the_same_in_other_words_changes_no_relation(world: World) -> None:
    memory = world.said(LISBON)
    world.written()
    before = world.relation(LISBON)
    world.corrected(memory, f"{LISBON}; Tejo:river", at=NOON)
    world.written()

    assert world.relation(LISBON) == before
    assert world.entities()["Tejo:river"] == 1


def test_a_new_home_ends_the_old_one(world: World) -> None:
    world.said(f"{LISBON} from 2020-01-01")
    world.said(f"{PORTO} from 2024-05-01")
    world.written()

    belief = world.relation(LISBON).belief
    assert belief is not None
    assert belief.valid_to == datetime.fromisoformat("2024-05-01T00:00+00:00")
    assert world.relation(PORTO).belief is not None
    assert world.reader.rivals == []


def test_an_older_home_that_is_told_later_ends_nothing(world: World) -> None:
    world.said(f"{PORTO} from 2024-05-01")
    world.written()
    world.said(f"{LISBON} from 2020-01-01")
    world.written()

    lisbon, porto = world.relation(LISBON).belief, world.relation(PORTO).belief
    assert lisbon is not None
    assert porto is not None
    assert porto.valid_to is None
    assert lisbon.valid_to == porto.valid_from


def test_an_end_is_undone_with_what_brought_it(world: World) -> None:
    world.said(LISBON, at=NOON)
    world.written()
    moved = world.said(PORTO, at=NOON + DAY)
    world.written()
    ended = world.relation(LISBON).belief
    world.deleted(moved)
    world.written()

    belief = world.relation(LISBON).belief
    assert ended is not None
    assert ended.valid_to == NOON + DAY
    assert belief is not None
    assert belief.valid_to is None


def test_a_reading_tells_what_it_ended(world: World) -> None:
    world.said(LISBON, at=NOON)
    world.written()
    moved = world.said(PORTO, at=NOON + DAY)
    world.written()

    readings = world.service.store.graph.readings(world.scope.project, [moved.id])
    assert readings[moved.id].ended == (world.relation(LISBON).triple,)


def test_one_may_like_several_things(world: World) -> None:
    world.said(TEA, at=NOON)
    world.written()
    world.said(COFFEE, at=NOON + DAY)
    world.written()

    for liked in (TEA, COFFEE):
        belief = world.relation(liked).belief
        assert belief is not None
        assert belief.valid_to is None
    assert world.reader.rivals == []


@pytest.mark.parametrize(("predicate", "is_ended"), [("manages", True), ("paints", False)])
def test_where_the_predicate_does_not_tell_the_reader_does_once(
    world: World, predicate: str, *, is_ended: bool
) -> None:
    first, second = (f"ada:user {predicate} team {number}:team" for number in (1, 2))
    world.said(first, at=NOON)
    world.written()
    world.said(second, at=NOON + DAY)
    world.written()
    world.said(f"{second}; Tom:person", at=NOON + DAY)
    world.written()

    [rival] = world.reader.rivals
    assert rival.stated == f"ada {predicate} team 2"
    assert rival.known == (f"ada {predicate} team 1",)
    belief = world.relation(first).belief
    assert belief is not None
    assert (belief.valid_to is not None) is is_ended


def test_said_ends_hold_and_return(world: World) -> None:
    world.said(f"{TEA} from 2020-01-01 to 2021-01-01")
    world.written()
    now = world.service.clock()

    relation = world.relation(TEA)
    assert relation.holds(at=datetime.fromisoformat("2020-06-01T00:00+00:00"), known_at=now)
    assert not relation.holds(at=NOON, known_at=now)

    world.said(f"{TEA}; Mia:person")
    world.written()

    assert world.relation(TEA).holds(at=NOON, known_at=world.service.clock())


def test_what_is_believed_again_is_a_belief_of_its_own(world: World) -> None:
    memory = world.said(TEA)
    world.written()
    world.deleted(memory)
    world.written()
    world.said(f"{TEA}; Mia:person")
    world.written()

    assert [each.retracted_at is None for each in world.relation(TEA).beliefs] == [False, True]


def test_promise_14_a_name_is_the_same_entity_however_it_is_written(world: World) -> None:
    world.said("Mia Chen:person likes tea:drink")
    world.written()
    world.said("MIA  CHEN:Person likes Tea:drink")
    world.written()

    assert world.entities() == {"Mia Chen:person": 2, "tea:drink": 2}


def test_promise_14_a_similar_name_is_an_alias_that_is_decided_once(world: World) -> None:
    world.said("New York City:place")
    world.written()
    world.said("the New York City:place")
    world.written()

    [entity] = world.all_entities()
    alias = "the New York City"
    found = world.service.store.graph.entities(world.owner, [_id(world, alias, "place")])
    assert (entity.name, entity.mentions) == ("New York City", 2)
    assert [each.id for each in found.values()] == [entity.id]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada:person", "Ada:programming_language"),
        ("Route 66:road", "Route 67:road"),
        ("ada:user", "ada:person"),
        ("Mia:person", "Tom:person"),
    ],
)
def test_promise_14_what_differs_stays_two(world: World, one: str, other: str) -> None:
    world.said(one)
    world.written()
    world.said(other)
    world.written()

    assert world.entities() == {one: 1, other: 1}


def test_an_entity_of_unknown_type_may_be_one_of_a_known_type(world: World) -> None:
    world.said("Lisbon:place")
    world.written()
    world.said("Lisbon:thing")
    world.written()

    assert world.entities() == {"Lisbon:place": 2}


def test_vectors_of_another_model_are_compared_with_nothing(world: World) -> None:
    old = an_entity(world.owner, "New York City", type="place", vector=[1.0, 0.0])
    world.service.store.graph.commit(world.owner, a_graph_change(entities=(old,)))
    world.said("the New York City:place")
    world.written()

    assert world.entities() == {"New York City:place": 1, "the New York City:place": 1}


def test_what_is_deleted_before_it_is_read_is_never_there(world: World) -> None:
    world.deleted(world.said(LISBON))

    assert world.written() == 2
    assert world.entities() == {}
    assert world.reader.read_texts == []


def test_what_is_not_to_be_in_the_graph_any_more_is_taken_out(world: World) -> None:
    memory = world.said(LISBON)
    world.written()
    write = updating(memory, is_graphed=False)
    world.service.store.record.commit(world.scope.project, a_change(write))
    world.written()

    assert world.relation(LISBON).support == ()
    assert world.entities() == {"ada:user": 0, "Lisbon:place": 0}


def test_the_order_of_bursts_does_not_matter(service: Service) -> None:
    states = []
    for project, is_in_steps in (("acme", True), ("umbrella", False)):
        world = World.over(service, service.new_scope(project, user="ada"))
        for number, text in enumerate((LISBON, TEA, PORTO, COFFEE)):
            world.said(text, at=NOON + number * DAY)
            if is_in_steps:
                world.written()
        world.written()
        beliefs = [world.relation(text).belief for text in (LISBON, TEA, PORTO, COFFEE)]
        states.append([belief and belief.valid_to for belief in beliefs])

    assert states[0] == states[1]


def test_owners_with_equal_words_share_nothing(service: Service) -> None:
    project = service.open_project("acme")
    worlds = [World.over(service, a_scope(project, user=name)) for name in ("ada", "ben")]
    for world in worlds:
        world.said("Mia:person works_at Acme:organization")
        world.written()

    ids = [{each.id for each in world.all_entities()} for world in worlds]
    assert not ids[0] & ids[1]
    assert [world.entities()["Mia:person"] for world in worlds] == [1, 1]


@dataclass
class Crowded:
    """A graph with little room, and with others who are faster a few times."""

    graph: GraphRecord
    space: int = 1_000
    races: int = 0
    most_around: int = 1_000
    commits: list[GraphChange] = field(default_factory=list)

    def room(self) -> int:
        return self.space

    def commit(self, owner: Owner, change: GraphChange) -> None:
        if self.races:
            self.races -= 1
            message = "Somebody was faster"
            raise LostRaceError(message)
        self.graph.commit(owner, change)
        self.commits.append(change)

    def reread(self, owner: Owner, memories: Mapping[str, int], *, at: datetime) -> None:
        self.graph.reread(owner, memories, at=at)

    def erase(self, owner: Owner, *, at: datetime) -> bool:
        return self.graph.erase(owner, at=at)

    def owners(self, project: str, *, after: Owner | None, limit: int) -> list[Owner]:
        return self.graph.owners(project, after=after, limit=limit)

    def readings(self, project: str, memory_ids: Sequence[str]) -> dict[str, Reading]:
        return self.graph.readings(project, memory_ids)

    def entities(self, owner: Owner, entity_ids: Sequence[str]) -> dict[str, Entity]:
        return self.graph.entities(owner, entity_ids)

    def page(self, owner: Owner, *, after: str | None, limit: int) -> list[Entity]:
        return self.graph.page(owner, after=after, limit=limit)

    def relations(self, owner: Owner, triples: Sequence[Triple]) -> dict[Triple, Relation]:
        return self.graph.relations(owner, triples)

    def around(self, owner: Owner, entity_ids: Sequence[str], *, limit: int) -> list[Relation]:
        # A hub has more relations than are looked at.
        return self.graph.around(owner, entity_ids, limit=min(limit, self.most_around))


def test_who_is_slower_looks_again_and_asks_nothing_again(service: Service, scope: Scope) -> None:
    world = World.over(service, scope, graph=Crowded(service.store.graph, races=3))
    world.said(LISBON)

    assert world.written() == 1
    assert len(world.reader.read_texts) == 1
    assert world.entities() == {"ada:user": 1, "Lisbon:place": 1}


def test_who_is_always_slower_says_so(service: Service, scope: Scope) -> None:
    world = World.over(service, scope, graph=Crowded(service.store.graph, races=1_000))
    world.said(LISBON)

    with pytest.raises(UnavailableError, match="by others all the time"):
        world.written()
    assert len(service.store.graph_outbox.unread(world.owner, limit=9)) == 1


def test_what_does_not_fit_one_commit_is_committed_in_several(
    service: Service, scope: Scope
) -> None:
    crowded = Crowded(service.store.graph, space=30)
    world = World.over(service, scope, graph=crowded)
    for number in range(10):
        world.said(f"ada:user likes food {number}:food")

    assert world.written() == 10
    assert len(world.reader.read_texts) == 1
    assert len(crowded.commits) > 1
    assert all(change.size <= crowded.space for change in crowded.commits)
    assert world.entities()["ada:user"] == 10


def test_a_change_of_much_into_much_takes_back_first(service: Service, scope: Scope) -> None:
    crowded = Crowded(service.store.graph, space=70)
    world = World.over(service, scope, graph=crowded)
    some = "; ".join(f"ada:user likes food {number}:food" for number in range(MAX_STATEMENTS))
    memory = world.said(some)
    world.written()
    world.corrected(memory, some.replace("food", "drink"), at=NOON + DAY)
    world.written()

    assert all(change.size <= crowded.space for change in crowded.commits)
    assert len(crowded.commits) == 3
    assert world.relation("ada:user likes drink 3:drink").belief is not None
    gone = world.relation("ada:user likes food 3:food")
    assert gone.holds(at=NOON, known_at=service.clock())
    assert world.entities()["ada:user"] == 1


def test_relations_of_a_hub_are_found_by_themselves(service: Service, scope: Scope) -> None:
    crowded = Crowded(service.store.graph, most_around=1)
    world = World.over(service, scope, graph=crowded)
    memories = [world.said(f"ada:user likes food {number}:food") for number in range(5)]
    world.written()
    world.deleted(memories[0])
    world.said("ada:user likes food 3:food; Mia:person")
    world.written()

    assert world.relation("ada:user likes food 0:food").belief is None
    assert world.relation("ada:user likes food 3:food").mentions == 2


def test_only_so_much_of_one_memory_is_taken(world: World) -> None:
    some = "; ".join(f"A {number}:thing likes B {number}:thing" for number in range(30))
    world.said(some)
    world.written()

    assert len(world.entities()) == 2 * MAX_STATEMENTS


def _id(world: World, name: str, kind: str) -> str:
    return Alias(
        replace(world.all_entities()[0], name=name, type=kind, version=0).id, "", "", NOON
    ).id
