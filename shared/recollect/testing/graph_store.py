"""What every GraphStore promises, whichever engine is behind it: a fixture `graph`.

A store that keeps a copy of its own passes the tests with `projection` too: a fixture as well, of
those stores that do not answer from the record.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise

import pytest

from recollect.domain.graph import (
    MAX_NAME_LENGTH,
    Belief,
    Entity,
    Owner,
    Relation,
    Triple,
    first_version,
)
from recollect.ports.graph import GraphRecord, GraphStore
from recollect.testing.builders import (
    NOON,
    a_graph_change,
    a_relation,
    a_scope,
    a_support,
    an_entity,
)
from recollect.testing.store import at_once

ALL = 1_000
"""A fan-out that leaves nothing out."""
NASTY = [
    'O\'Brien "the" \\ \\\' \\" \\n',
    "'); g.V().drop()",
    '"); g.V().drop(); ("',
    "${1 + 1} #{1 + 1} {{1 + 1}}",
    "line\nbreak\r\n\ttab \x00 \x85 \u2028",
    "🦊 東京 Zürich עברית e\u0301",
    "x" * MAX_NAME_LENGTH,
]


@dataclass(frozen=True)
class Committed:
    """A store that answers from a record: what is applied to it is committed to the record."""

    record: GraphRecord
    store: GraphStore

    def apply(
        self, owner: Owner, entities: Sequence[Entity], relations: Sequence[Relation]
    ) -> None:
        at_most = self.record.room() // 2
        for start in range(0, len(entities), at_most):
            some = tuple(entities[start : start + at_most])
            self.record.commit(owner, a_graph_change(entities=some))
        for start in range(0, len(relations), at_most):
            part = tuple(relations[start : start + at_most])
            self.record.commit(owner, a_graph_change(relations=part))

    def near(
        self, owner: Owner, entity_ids: Sequence[str], *, hops: int, fan_out: int
    ) -> list[Triple]:
        return self.store.near(owner, entity_ids, hops=hops, fan_out=fan_out)

    def held(self, owner: Owner) -> dict[str, int]:
        return self.store.held(owner)

    def erase(self, owner: Owner) -> None:
        self.store.erase(owner)


@pytest.fixture
def owner() -> Owner:
    return Owner.of(a_scope(user="ada"))


def people(owner: Owner, *names: str) -> list[Entity]:
    return [an_entity(owner, name) for name in names]


def believed(
    source: Entity, target: Entity, predicate: str = "knows", *, mentions: int = 1
) -> Relation:
    """Return a relation that this many memories support, and that is believed since `NOON`."""
    support = tuple(a_support() for _ in range(mentions))
    beliefs = (Belief(NOON, None, NOON),)
    return a_relation(source, target, predicate, support=support, beliefs=beliefs)


def retracted(relation: Relation) -> Relation:
    """Return its next version, which nothing supports."""
    [*before, last] = relation.beliefs
    closed = replace(last, retracted_at=NOON + timedelta(days=1))
    version = relation.version + 1
    return replace(relation, version=version, support=(), beliefs=(*before, closed))


def restored(relation: Relation) -> Relation:
    """Return its next version, which is believed again, from no known time on."""
    beliefs = (*relation.beliefs, Belief(None, NOON, NOON + timedelta(days=2)))
    version = relation.version + 1
    return replace(relation, version=version, support=(a_support(),), beliefs=beliefs)


def near(graph: GraphStore, *entities: Entity, hops: int = 1, fan_out: int = ALL) -> set[Triple]:
    """Return what is near; fail if something is there twice."""
    owner = entities[0].owner
    found = graph.near(owner, [each.id for each in entities], hops=hops, fan_out=fan_out)
    assert len(found) == len(set(found))
    return set(found)


def test_relations_are_found_from_either_end(graph: GraphStore, owner: Owner) -> None:
    ada, bob, eve = people(owner, "Ada", "Bob", "Eve")
    ada_bob, eve_ada = believed(ada, bob), believed(eve, ada, "likes")
    graph.apply(owner, [ada, bob, eve], [ada_bob, eve_ada])

    assert near(graph, ada) == {ada_bob.triple, eve_ada.triple}
    assert near(graph, bob) == {ada_bob.triple}
    assert near(graph, eve, bob) == {ada_bob.triple, eve_ada.triple}


def test_relations_may_come_after_their_ends(graph: GraphStore, owner: Owner) -> None:
    ada, bob = people(owner, "Ada", "Bob")
    graph.apply(owner, [ada, bob], [])
    before = near(graph, ada)
    relation = believed(ada, bob)
    graph.apply(owner, [], [relation])

    assert before == set()
    assert near(graph, ada) == {relation.triple}


def test_two_predicates_between_two_entities_are_two_relations(
    graph: GraphStore, owner: Owner
) -> None:
    ada, bob = people(owner, "Ada", "Bob")
    relations = [believed(ada, bob), believed(ada, bob, "likes"), believed(bob, ada)]
    graph.apply(owner, [ada, bob], relations)

    assert near(graph, ada) == {each.triple for each in relations}


def test_one_hop_sees_neighbours_and_two_see_theirs(graph: GraphStore, owner: Owner) -> None:
    chain = people(owner, "Ada", "Bob", "Cem", "Dan")
    relations = [believed(one, other) for one, other in pairwise(chain)]
    triples = [each.triple for each in relations]
    graph.apply(owner, chain, relations)

    assert near(graph, chain[0], hops=1) == {triples[0]}
    assert near(graph, chain[0], hops=2) == set(triples[:2])
    assert near(graph, chain[3], hops=2) == set(triples[1:])
    assert near(graph, chain[0], chain[3], hops=2) == set(triples)


@pytest.mark.parametrize("hops", [1, 2])
def test_a_relation_of_an_entity_with_itself_is_found_once(
    graph: GraphStore, owner: Owner, hops: int
) -> None:
    ada, bob = people(owner, "Ada", "Bob")
    admires, knows = believed(ada, ada, "admires", mentions=2), believed(ada, bob)
    graph.apply(owner, [ada, bob], [admires, knows])

    assert near(graph, ada, hops=hops) == {admires.triple, knows.triple}
    assert near(graph, ada, hops=hops, fan_out=1) == {admires.triple}
    assert near(graph, ada, hops=hops, fan_out=2) == {admires.triple, knows.triple}


def test_a_circle_is_walked_once(graph: GraphStore, owner: Owner) -> None:
    ring = people(owner, "Ada", "Bob", "Cem")
    relations = [believed(ring[at], ring[at - 1]) for at in range(3)]
    graph.apply(owner, ring, relations)

    assert near(graph, *ring, hops=2) == {each.triple for each in relations}
    assert near(graph, ring[0], hops=2) == {each.triple for each in relations}


def test_the_fan_out_keeps_those_with_most_mentions(graph: GraphStore, owner: Owner) -> None:
    ada, *others = people(owner, "Ada", *(f"Person {number}" for number in range(5)))
    relations = [
        believed(ada, other, mentions=mentions)
        for other, mentions in zip(others, [2, 10, 1, 9, 3], strict=True)
    ]
    graph.apply(owner, [ada, *others], relations)

    assert near(graph, ada, fan_out=1) == {relations[1].triple}
    assert near(graph, ada, fan_out=3) == {relations[at].triple for at in (1, 3, 4)}


def test_the_fan_out_is_of_each_entity_that_is_passed(graph: GraphStore, owner: Owner) -> None:
    ada, bob, cem, dan, eve = people(owner, "Ada", "Bob", "Cem", "Dan", "Eve")
    ada_bob, ada_cem = believed(ada, bob, mentions=3), believed(ada, cem)
    bob_dan, bob_eve = believed(bob, dan, mentions=4), believed(bob, eve, mentions=2)
    graph.apply(owner, [ada, bob, cem, dan, eve], [ada_bob, ada_cem, bob_dan, bob_eve])

    assert near(graph, ada, hops=2, fan_out=1) == {ada_bob.triple, bob_dan.triple}
    assert near(graph, ada, bob, fan_out=1) == {ada_bob.triple, bob_dan.triple}
    assert near(graph, cem, bob, fan_out=1) == {ada_cem.triple, bob_dan.triple}


def test_what_is_nearer_comes_before_what_has_more_mentions(
    graph: GraphStore, owner: Owner
) -> None:
    ada, bob, cem = people(owner, "Ada", "Bob", "Cem")
    ada_bob, bob_cem = believed(ada, bob), believed(bob, cem, mentions=9)
    graph.apply(owner, [ada, bob, cem], [bob_cem, ada_bob])

    found = graph.near(owner, [ada.id], hops=2, fan_out=ALL)

    assert found == [ada_bob.triple, bob_cem.triple]


def test_no_more_neighbours_are_passed_than_the_fan_out(graph: GraphStore, owner: Owner) -> None:
    ada, eve, *others = people(owner, "Ada", "Eve", *(f"Person {number}" for number in range(8)))
    near_by, further = others[:4], others[4:]
    starts = [ada, ada, eve, eve]
    first = [
        believed(one, other, mentions=mentions)
        for one, other, mentions in zip(starts, near_by, [9, 2, 3, 5], strict=True)
    ]
    second = [
        believed(one, other, mentions=10) for one, other in zip(near_by, further, strict=True)
    ]
    graph.apply(owner, [ada, eve, *others], [*first, *second])
    firsts, seconds = ([each.triple for each in hop] for hop in (first, second))

    assert near(graph, ada, eve, hops=2, fan_out=1) == {firsts[0], firsts[3], seconds[0]}
    assert near(graph, ada, eve, hops=2, fan_out=2) == {*firsts, seconds[0], seconds[3]}
    assert near(graph, ada, eve, hops=2, fan_out=3) == {*firsts, *seconds} - {seconds[1]}


def test_of_as_many_mentions_the_lowest_id_is_passed(graph: GraphStore, owner: Owner) -> None:
    starts = people(owner, "Ada", "Eve")
    others = people(owner, *(f"Person {number}" for number in range(12)))
    near_by, further = others[:6], others[6:]
    first = [believed(each, start) for each, start in zip(near_by, starts * 3, strict=True)]
    second = [believed(one, other) for one, other in zip(near_by, further, strict=True)]
    graph.apply(owner, [*starts, *others], [*first, *second])
    ways = sorted(zip(first, second, strict=True), key=lambda way: way[0].triple.id)

    found = near(graph, *starts, hops=2, fan_out=3)

    assert found == {each.triple for each in [*first, *(last for _, last in ways[:3])]}


def test_what_is_retracted_is_not_found_and_not_passed(graph: GraphStore, owner: Owner) -> None:
    ada, bob, cem = people(owner, "Ada", "Bob", "Cem")
    ada_bob, bob_cem = believed(ada, bob, mentions=5), believed(bob, cem)
    graph.apply(owner, [ada, bob, cem], [ada_bob, bob_cem])
    graph.apply(owner, [], [retracted(ada_bob)])

    assert near(graph, ada, hops=2) == set()
    assert near(graph, bob, fan_out=1) == {bob_cem.triple}


def test_what_is_believed_again_is_found_again(graph: GraphStore, owner: Owner) -> None:
    ada, bob = people(owner, "Ada", "Bob")
    relation = believed(ada, bob)
    for state in (relation, retracted(relation), restored(retracted(relation))):
        graph.apply(owner, [ada, bob] if state is relation else [], [state])

    assert near(graph, ada) == {relation.triple}
    assert graph.held(owner)[relation.triple.id] == 3


def test_nothing_is_near_what_is_not_there(graph: GraphStore, owner: Owner) -> None:
    ada, bob, nobody = people(owner, "Ada", "Bob", "Nobody")
    relation = believed(ada, bob)
    graph.apply(owner, [ada, bob], [relation])

    assert near(graph, nobody, hops=2) == set()
    assert near(graph, nobody, ada, hops=2) == {relation.triple}
    assert graph.near(owner, [], hops=2, fan_out=ALL) == []


def test_applying_nothing_does_nothing(graph: GraphStore, owner: Owner) -> None:
    graph.apply(owner, [], [])

    assert graph.held(owner) == {}


def strangers_of(owner: Owner) -> list[Owner]:
    """Return an owner of the same name in another project, and others in the same one."""
    return [
        Owner.of(a_scope(user="ada")),
        Owner.of(a_scope(owner.project, user="bob")),
        Owner.of(a_scope(owner.project, agent="ada")),
    ]


def test_owners_with_equal_names_share_nothing(graph: GraphStore, owner: Owner) -> None:
    owners = [owner, *strangers_of(owner)]
    graphs = {each: people(each, "Ada", "Bob") for each in owners}
    relations = {each: believed(ada, bob) for each, [ada, bob] in graphs.items()}
    for each in owners:
        graph.apply(each, graphs[each], [relations[each]])

    for each in owners:
        assert near(graph, *graphs[each], hops=2) == {relations[each].triple}
        ids = {thing.id for thing in graphs[each]} | {relations[each].triple.id}
        assert graph.held(each) == dict.fromkeys(ids, 1)


def test_ids_of_another_owner_lead_nowhere(graph: GraphStore, owner: Owner) -> None:
    ada, bob = people(owner, "Ada", "Bob")
    graph.apply(owner, [ada, bob], [believed(ada, bob)])

    for stranger in strangers_of(owner):
        assert graph.near(stranger, [ada.id, bob.id], hops=2, fan_out=ALL) == []
        assert graph.held(stranger) == {}


@pytest.mark.parametrize("text", NASTY)
def test_any_text_is_only_text(graph: GraphStore, owner: Owner, text: str) -> None:
    ada, odd = an_entity(owner, "Ada"), an_entity(owner, text, type=text)
    relation = believed(ada, odd, text)
    graph.apply(owner, [ada, odd], [relation])

    assert near(graph, ada) == near(graph, odd) == {relation.triple}
    assert set(graph.held(owner)) == {ada.id, odd.id, relation.triple.id}


def test_nothing_of_many_is_left_out(graph: GraphStore, owner: Owner) -> None:
    many = [an_entity(owner, f"Person {number}") for number in range(120)]
    lonely, changed = an_entity(owner, "Lonely", mentions=0), replace(many[0], version=2)
    relations = [believed(many[0], other) for other in many[:60]]
    graph.apply(owner, [*many, lonely], relations)
    graph.apply(owner, [changed], [retracted(relations[0])])

    expected = {each.id: 1 for each in [*many, lonely]} | {each.triple.id: 1 for each in relations}
    assert graph.held(owner) == expected | {changed.id: 2, relations[0].triple.id: 2}
    assert near(graph, many[0]) == {each.triple for each in relations[1:]}


@pytest.mark.parametrize("seed", range(5))
def test_random_graphs_are_walked_exactly(graph: GraphStore, owner: Owner, seed: int) -> None:
    chance = random.Random(seed)
    entities, relations = a_random_graph(owner, chance)
    graph.apply(owner, entities, relations)

    for _ in range(12):
        ids = [each.id for each in chance.sample(entities, chance.randint(1, 4))]
        fan_out = chance.choice([1, 2, 3, 5, ALL])
        for hops in (1, 2):
            [*ways] = _walked(relations, ids, hops=hops, fan_out=fan_out)
            found = graph.near(owner, ids, hops=hops, fan_out=fan_out)
            assert set(found[: len(ways[0])]) == ways[0]
            assert set(found) == set().union(*ways)
            assert len(found) == len(set(found))


def a_random_graph(owner: Owner, chance: random.Random) -> tuple[list[Entity], list[Relation]]:
    """Return entities and relations, some retracted, many with as many mentions as others."""
    entities = [an_entity(owner, f"Person {number}") for number in range(20)]
    pairs = [chance.choices(entities, k=2) for _ in range(45)]
    relations = [
        believed(one, other, chance.choice(["knows", "likes"]), mentions=chance.randint(1, 6))
        for one, other in pairs
    ]
    distinct = {each.triple: each for each in relations}.values()
    states = [replace(retracted(each), version=1) for each in distinct]
    return entities, [
        chance.choices(pair, [4, 1])[0] for pair in zip(distinct, states, strict=True)
    ]


def _walked(
    relations: Sequence[Relation], entity_ids: Sequence[str], *, hops: int, fan_out: int
) -> Iterator[set[Triple]]:
    """Yield what the port promises of each hop, the plain way."""
    best = [each for each in relations if each.belief]
    best.sort(key=lambda each: (-each.mentions, each.triple.id))
    passed, frontier = set(entity_ids), [*entity_ids]
    for _ in range(hops):
        found = set[Triple]()
        for entity_id in frontier:
            own = [each.triple for each in best if entity_id in each.triple.ends]
            found.update(own[:fan_out])
        yield found
        in_order = [each.triple for each in best if each.triple in found]
        ends = dict.fromkeys(end for triple in in_order for end in triple.ends)
        frontier = [end for end in ends if end not in passed][:fan_out]
        passed.update(frontier)


def test_an_older_version_never_wins(projection: GraphStore, owner: Owner) -> None:
    ada, bob = people(owner, "Ada", "Bob")
    old = believed(ada, bob)
    new = retracted(old)
    projection.apply(owner, [replace(ada, version=5), bob], [new])
    projection.apply(owner, [replace(ada, version=4), bob], [old])

    assert projection.held(owner) == {ada.id: 5, bob.id: 1, new.triple.id: 2}
    assert near(projection, ada) == set()


def test_an_equal_version_changes_nothing(projection: GraphStore, owner: Owner) -> None:
    ada, bob = people(owner, "Ada", "Bob")
    relation = believed(ada, bob)
    projection.apply(owner, [ada, bob], [relation])
    projection.apply(owner, [ada, bob], [replace(retracted(relation), version=1)])

    assert near(projection, ada) == {relation.triple}


def test_repeating_all_of_it_changes_nothing(projection: GraphStore, owner: Owner) -> None:
    entities, relations = a_random_graph(owner, random.Random(0))
    held = []
    for _ in range(2):
        projection.apply(owner, entities, relations)
        held.append(projection.held(owner))

    assert held[0] == held[1] == dict.fromkeys(held[0], 1)
    assert len(held[0]) == len(entities) + len(relations)


def test_a_version_may_be_skipped_and_may_be_large(projection: GraphStore, owner: Owner) -> None:
    ada, bob = people(owner, "Ada", "Bob")
    large = replace(believed(ada, bob), version=2**40)
    projection.apply(owner, [replace(ada, mentions=2**33), replace(bob, version=2**31)], [large])
    projection.apply(owner, [bob], [replace(large, version=2**40 - 1)])

    assert projection.held(owner) == {ada.id: 1, bob.id: 2**31, large.triple.id: 2**40}


def test_of_two_versions_applied_together_the_newer_one_wins(
    projection: GraphStore, owner: Owner
) -> None:
    ada, bob = people(owner, "Ada", "Bob")
    old = believed(ada, bob)
    new = retracted(old)
    projection.apply(owner, [ada, bob, replace(ada, version=2)], [new, old])

    assert projection.held(owner) == {ada.id: 2, bob.id: 1, new.triple.id: 2}
    assert near(projection, ada) == set()


def test_of_many_at_once_the_newest_version_wins(projection: GraphStore, owner: Owner) -> None:
    ada, bob = people(owner, "Ada", "Bob")
    relation = believed(ada, bob)
    newest = 16

    def apply(number: int) -> None:
        version = number + 1
        changed = [replace(each, version=version, mentions=version) for each in (ada, bob)]
        state = relation if version == newest else retracted(relation)
        projection.apply(owner, changed, [replace(state, version=version)])

    at_once(apply)

    assert projection.held(owner) == dict.fromkeys([ada.id, bob.id, relation.triple.id], newest)
    assert near(projection, ada, bob) == {relation.triple}


def test_erasing_removes_all_of_one_owner_alone(projection: GraphStore, owner: Owner) -> None:
    owners = [owner, *strangers_of(owner)]
    ada, bob = people(owner, "Ada", "Bob")
    for each in owners:
        one, other = people(each, "Ada", "Bob")
        relations = [believed(one, other), believed(one, one, "admires")]
        projection.apply(each, [one, other], relations)
    others = [projection.held(each) for each in owners[1:]]

    for _ in range(2):
        projection.erase(owner)
        assert projection.held(owner) == {}
        assert near(projection, ada, bob, hops=2) == set()
    assert [projection.held(each) for each in owners[1:]] == others
    assert all(len(held) == 4 for held in others)


def test_what_was_erased_can_be_applied_again(projection: GraphStore, owner: Owner) -> None:
    ada, bob = people(owner, "Ada", "Bob")
    relation = believed(ada, bob)
    projection.apply(owner, [replace(ada, version=7), bob], [replace(relation, version=9)])
    projection.erase(owner)
    projection.apply(owner, [ada, bob], [relation])

    assert projection.held(owner) == dict.fromkeys([ada.id, bob.id, relation.triple.id], 1)
    assert near(projection, ada) == {relation.triple}


@pytest.mark.parametrize("seed", range(3))
def test_what_comes_to_be_again_is_newer_than_what_was_erased(
    projection: GraphStore, owner: Owner, seed: int
) -> None:
    entities, relations = a_random_graph(owner, random.Random(seed))
    was, comes_to_be = (first_version(NOON + timedelta(seconds=each)) for each in range(2))

    def apply(version: int) -> None:
        some = [replace(each, version=version) for each in entities]
        projection.apply(owner, some, [replace(each, version=version) for each in relations])

    apply(was)
    before = projection.held(owner)
    projection.erase(owner)
    between = projection.held(owner)
    for version in (comes_to_be, was):
        apply(version)

    assert between == {}
    assert projection.held(owner) == dict.fromkeys(before, comes_to_be)
    assert near(projection, *entities) == {each.triple for each in relations if each.belief}


def test_erasing_many_removes_them_all(projection: GraphStore, owner: Owner) -> None:
    many = [an_entity(owner, f"Person {number}") for number in range(510)]
    relations = [believed(many[0], other) for other in many[:10]]
    projection.apply(owner, many, relations)
    projection.erase(owner)

    assert projection.held(owner) == {}
