"""What every EntityIndex promises, whichever engine is behind it: a fixture `index`.

It is for vectors of `DIMENSIONS` numbers by the model "test". An index that keeps a copy of its own
passes the tests with `projection` too: a fixture as well, of those that do not answer from the
record.
"""

import random
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import pytest

from recollect.domain.graph import MAX_NAME_LENGTH, Entity, Owner
from recollect.domain.memory import Vector
from recollect.domain.text import terms
from recollect.ports.graph import EntityIndex, EntityQuery, GraphRecord
from recollect.testing.builders import a_graph_change, a_scope, a_vector, an_entity
from recollect.testing.store import at_once

DIMENSIONS = 8
EVENTUALLY_SECONDS = 10.0
POLL_SECONDS = 0.05
NASTY = [
    'O\'Brien "the" \\ \\\' \\" \\n',
    '"}}]}} {"match_all": {}} * ? ~ (a OR b) /x/ terms:*',
    "line\nbreak\r\n\ttab \x00 \x85 \u2028 end",
    "🦊 東京 Zürich עברית e\u0301",
    "x" * MAX_NAME_LENGTH,
    "ß" * MAX_NAME_LENGTH,
    "_id",
]


@dataclass(frozen=True)
class Recorded:
    """An index that answers from a record: what is put into it is committed to the record."""

    record: GraphRecord
    index: EntityIndex

    def put(self, owner: Owner, entities: Sequence[Entity]) -> None:
        for start in range(0, len(entities), self.record.room()):
            some = tuple(entities[start : start + self.record.room()])
            self.record.commit(owner, a_graph_change(entities=some))

    def propose(self, owner: Owner, queries: Sequence[EntityQuery]) -> list[list[str]]:
        return self.index.propose(owner, queries)

    def held(self, owner: Owner) -> dict[str, int]:
        return self.index.held(owner)

    def erase(self, owner: Owner, *, keep: Collection[str] = ()) -> None:
        self.index.erase(owner, keep=keep)


@pytest.fixture
def owner() -> Owner:
    return Owner.of(a_scope(user="ada"))


def toward(*numbers: float) -> Vector:
    """Return a vector with these numbers first."""
    return a_vector(*numbers, *[0.0] * (DIMENSIONS - len(numbers)))


NOWHERE = toward(0)


def placed(owner: Owner, name: str, *numbers: float) -> Entity:
    """Return an entity whose vector begins with these numbers."""
    return an_entity(owner, name, vector=toward(*numbers).tolist())


def put(index: EntityIndex, *entities: Entity) -> None:
    """Put entities of one owner and wait until the index shows them."""
    owner = entities[0].owner
    index.put(owner, entities)
    deadline = time.monotonic() + EVENTUALLY_SECONDS
    while not _is_shown(index.held(owner), entities):
        assert time.monotonic() < deadline, "the index does not show what was put"
        time.sleep(POLL_SECONDS)


def _is_shown(held: dict[str, int], entities: Sequence[Entity]) -> bool:
    return all(held.get(each.id, -1) >= each.version for each in entities)


def ids(*entities: Entity) -> list[str]:
    return [each.id for each in entities]


def near(index: EntityIndex, owner: Owner, *numbers: float, limit: int = 10) -> list[str]:
    """Return what is proposed for a vector that begins with these numbers."""
    [found] = index.propose(owner, [EntityQuery(toward(*numbers), (), limit)])
    return found


def named(index: EntityIndex, owner: Owner, words: str, limit: int = 10) -> list[str]:
    """Return what is proposed for the words alone."""
    [found] = index.propose(owner, [EntityQuery(NOWHERE, tuple(terms(words)), limit)])
    return found


def test_the_nearest_come_first(index: EntityIndex, owner: Owner) -> None:
    far, near_by, nearest = (
        placed(owner, name, 1, away) for name, away in [("Cem", 3), ("Bob", 1), ("Ada", 0.1)]
    )
    put(index, far, near_by, nearest)

    assert near(index, owner, 1) == ids(nearest, near_by, far)
    assert near(index, owner, 1, limit=2) == ids(nearest, near_by)


def test_what_is_not_alike_is_not_near(index: EntityIndex, owner: Owner) -> None:
    alike, across, opposite = (
        placed(owner, "Ada", 1, 1),
        placed(owner, "B", 0, 1),
        placed(owner, "Cem", -1),
    )
    put(index, alike, across, opposite)

    assert near(index, owner, 1) == ids(alike)


def test_most_words_come_first_and_then_the_most_fully_named(
    index: EntityIndex, owner: Owner
) -> None:
    both, alone, longer, other = (
        an_entity(owner, name)
        for name in ("Ada Lovelace the Countess of Somewhere", "Ada", "Ada Byron King", "Babbage")
    )
    put(index, other, longer, alone, both)

    assert named(index, owner, "ada lovelace") == ids(both, alone, longer)
    assert named(index, owner, "Ada's Lovelace", limit=2) == ids(both, alone)
    assert named(index, owner, "Turing") == []


def test_a_word_counts_once_however_often_it_is_there(index: EntityIndex, owner: Owner) -> None:
    city, paper, times = (
        an_entity(owner, name) for name in ("New York, New York", "New York Times", "Times")
    )
    put(index, times, paper, city)

    assert named(index, owner, "new new york") == ids(city, paper)
    assert named(index, owner, "times times times new york") == ids(paper, city, times)


def test_both_ways_propose_up_to_the_limit_each_once(index: EntityIndex, owner: Owner) -> None:
    placed_ones = [placed(owner, name, 1, away) for away, name in enumerate(["Ada", "Bob", "Cem"])]
    unplaced = [an_entity(owner, name) for name in ("Ada Two", "Ada Two Three")]
    put(index, *placed_ones, *unplaced)

    [found] = index.propose(owner, [EntityQuery(toward(1), ("ada",), 2)])

    assert found == ids(*placed_ones[:2], unplaced[0])


def test_each_query_is_answered_in_order(index: EntityIndex, owner: Owner) -> None:
    ada, bob = placed(owner, "Ada", 1), placed(owner, "Bob", 0, 1)
    put(index, ada, bob)
    queries = [
        EntityQuery(toward(0, 1), (), 5),
        EntityQuery(NOWHERE, (), 5),
        EntityQuery(NOWHERE, ("ada",), 5),
        EntityQuery(toward(1), ("bob",), 5),
        EntityQuery(toward(1), (), 5),
    ]

    assert index.propose(owner, queries) == [
        ids(bob),
        [],
        ids(ada),
        ids(ada, bob),
        ids(ada),
    ]
    assert index.propose(owner, []) == []


def test_equal_names_of_two_types_are_both_proposed(index: EntityIndex, owner: Owner) -> None:
    person = placed(owner, "Ada", 1)
    language = replace(person, type="language")
    put(index, person, language)

    assert {*near(index, owner, 1)} == {*named(index, owner, "ada")} == {person.id, language.id}


def test_what_nobody_mentions_is_held_but_not_proposed(index: EntityIndex, owner: Owner) -> None:
    known, mentioned = replace(placed(owner, "Ada", 1), mentions=0), placed(owner, "Ada Two", 1, 1)
    put(index, known, mentioned)

    assert near(index, owner, 1, limit=1) == ids(mentioned)
    assert named(index, owner, "ada", limit=1) == ids(mentioned)
    assert index.held(owner) == {known.id: 1, mentioned.id: 1}


def test_a_newer_version_replaces_an_older_one(index: EntityIndex, owner: Owner) -> None:
    ada, bob = placed(owner, "Ada", 1), replace(placed(owner, "Bob", 1), mentions=0)
    put(index, ada, bob)
    put(index, replace(ada, version=2, mentions=0), replace(bob, version=2, mentions=3))

    assert near(index, owner, 1) == named(index, owner, "ada bob") == ids(bob)
    assert index.held(owner) == {ada.id: 2, bob.id: 2}


@pytest.mark.parametrize("numbers", [[], [0.0] * DIMENSIONS, [1.0] * (DIMENSIONS + 1)])
def test_without_a_vector_that_compares_there_is_the_name(
    index: EntityIndex, owner: Owner, numbers: list[float]
) -> None:
    ada = an_entity(owner, vector=numbers or None)
    put(index, ada, placed(owner, "Bob", -1))

    assert near(index, owner, *[1.0] * DIMENSIONS) == []
    assert named(index, owner, "Ada") == ids(ada)


def test_a_query_by_another_model_is_near_nothing(index: EntityIndex, owner: Owner) -> None:
    ada = placed(owner, "Ada", 1)
    put(index, ada)

    [found] = index.propose(owner, [EntityQuery(a_vector(1, 0), ("nobody",), 5)])

    assert found == []


def strangers_of(owner: Owner) -> list[Owner]:
    """Return an owner of the same name in another project, and others in the same one."""
    return [
        Owner.of(a_scope(user="ada")),
        Owner.of(a_scope(owner.project, user="bob")),
        Owner.of(a_scope(owner.project, agent="ada")),
    ]


def test_owners_with_equal_names_share_nothing(index: EntityIndex, owner: Owner) -> None:
    adas = [placed(each, "Ada", 1) for each in [owner, *strangers_of(owner)]]
    for ada in adas:
        put(index, ada)

    for ada in adas:
        assert near(index, ada.owner, 1) == named(index, ada.owner, "Ada") == ids(ada)
        assert index.held(ada.owner) == {ada.id: 1}


def test_strangers_find_nothing(index: EntityIndex, owner: Owner) -> None:
    put(index, placed(owner, "Ada", 1))

    for stranger in strangers_of(owner):
        assert near(index, stranger, 1) == named(index, stranger, "Ada") == []
        assert index.held(stranger) == {}


def test_a_hundred_random_owners_find_their_own_alone(index: EntityIndex, owner: Owner) -> None:
    chance = random.Random(7)
    owners = [replace(owner, key=f"user:{number}") for number in range(100)]
    graphs = {
        each: [placed(each, f"Ada {word}", 1, chance.random()) for word in chance.sample("xyz", 2)]
        for each in owners
    }
    for each in owners[:-1]:
        index.put(each, graphs[each])
    put(index, *graphs[owners[-1]])

    for each in owners:
        own = {*ids(*graphs[each])}
        assert {*near(index, each, 1)} == {*named(index, each, "ada x y z")} == own


@pytest.mark.parametrize("name", NASTY)
def test_any_name_is_only_a_name(index: EntityIndex, owner: Owner, name: str) -> None:
    odd, ada = an_entity(owner, name, type=name), an_entity(owner, "Ada")
    put(index, odd, ada)

    assert named(index, owner, name)[:1] == ids(odd)
    assert named(index, owner, "Ada")[:1] == ids(ada)
    assert index.held(owner) == {odd.id: 1, ada.id: 1}


@pytest.mark.parametrize("name", ["the", "!?", "🦊", ""])
def test_a_name_without_words_is_found_by_meaning(
    index: EntityIndex, owner: Owner, name: str
) -> None:
    odd = placed(owner, name, 1)
    put(index, odd)

    assert near(index, owner, 1) == ids(odd)
    assert named(index, owner, name) == []


def test_nothing_of_many_is_left_out(index: EntityIndex, owner: Owner) -> None:
    many = [an_entity(owner, f"Person {number}") for number in range(2_100)]
    put(index, *many)

    assert index.held(owner) == dict.fromkeys(ids(*many), 1)
    assert len(named(index, owner, "person", limit=1_500)) == 1_500


def test_random_vectors_are_compared_well(index: EntityIndex, owner: Owner) -> None:
    chance = random.Random(11)
    entities = [placed(owner, f"Entity {number}", *_anywhere(chance)) for number in range(400)]
    put(index, *entities)
    known = {each.id: each for each in entities}

    right = wanted = 0
    for _ in range(20):
        query = toward(*_anywhere(chance))
        best = sorted((_cosine(each, query) for each in entities), reverse=True)[:20]
        [found] = index.propose(owner, [EntityQuery(query, (), 20)])
        cosines = [_cosine(known[each], query) for each in found]
        assert cosines == pytest.approx(sorted(cosines, reverse=True), abs=1e-3)
        # By rank and not by entity: which of equally near ones are found does not matter.
        right += sum(our >= their - 1e-3 for our, their in zip(cosines, best, strict=True))
        wanted += len(best)

    assert right >= 0.99 * wanted


def _anywhere(chance: random.Random) -> list[float]:
    return [chance.gauss(0, 1) for _ in range(DIMENSIONS)]


def _cosine(entity: Entity, query: Vector) -> float:
    assert entity.embedding
    return float(entity.embedding.vector() @ query)


@pytest.mark.parametrize("seed", range(3))
def test_random_names_are_compared_exactly(index: EntityIndex, owner: Owner, seed: int) -> None:
    chance = random.Random(seed)
    words = [f"word{number}" for number in range(12)]
    names = {frozenset(chance.sample(words, chance.randint(1, 5))) for _ in range(150)}
    entities = {an_entity(owner, " ".join(sorted(name))).id: name for name in names}
    put(index, *(an_entity(owner, " ".join(sorted(name))) for name in names))

    for _ in range(20):
        asked = frozenset(chance.sample(words, chance.randint(1, 4)))
        ranks = {an_id: _rank(asked, name) for an_id, name in entities.items() if asked & name}
        found = named(index, owner, " ".join(asked), limit=15)
        # By rank: among equally good names any order will do.
        assert [ranks[an_id] for an_id in found] == sorted(ranks.values(), reverse=True)[:15]


def _rank(asked: frozenset[str], name: frozenset[str]) -> tuple[int, float]:
    common = len(asked & name)
    return common, common / len(name)


def test_an_older_version_never_wins(projection: EntityIndex, owner: Owner) -> None:
    ada = placed(owner, "Ada", 1)
    put(projection, replace(ada, version=5, mentions=0))
    put(projection, replace(ada, version=4), placed(owner, "Bob", 0, 1))

    assert near(projection, owner, 1) == []
    assert projection.held(owner)[ada.id] == 5


def test_an_equal_version_changes_nothing(projection: EntityIndex, owner: Owner) -> None:
    ada, bob = placed(owner, "Ada", 1), placed(owner, "Bob", 0, 1)
    put(projection, ada)
    put(projection, replace(ada, mentions=0), bob)

    assert near(projection, owner, 1) == ids(ada)


def test_of_two_versions_at_once_the_newer_is_kept(projection: EntityIndex, owner: Owner) -> None:
    ada = placed(owner, "Ada", 1)
    projection.put(owner, [replace(ada, version=2, mentions=0), ada])
    put(projection, replace(ada, version=2, mentions=0), ada)

    assert projection.held(owner) == {ada.id: 2}
    assert near(projection, owner, 1) == []


def test_many_writers_leave_the_newest(projection: EntityIndex, owner: Owner) -> None:
    ada, last = placed(owner, "Ada", 1), 2**41 + 15
    at_once(lambda number: projection.put(owner, [replace(ada, version=last - number)]))
    put(projection, replace(ada, version=last))

    assert projection.held(owner) == {ada.id: last}


def test_what_is_erased_is_gone_and_nothing_else(projection: EntityIndex, owner: Owner) -> None:
    others = [placed(each, "Ada", 1) for each in strangers_of(owner)]
    for other in others:
        put(projection, other)
    put(projection, placed(owner, "Ada", 1), an_entity(owner, "Ada Two", mentions=0))

    projection.erase(owner)

    assert projection.held(owner) == {}
    assert near(projection, owner, 1) == named(projection, owner, "Ada") == []
    for other in others:
        assert near(projection, other.owner, 1) == ids(other)


def test_what_is_kept_stays_as_it_is(projection: EntityIndex, owner: Owner) -> None:
    kept, gone = an_entity(owner, "Ada", version=3), an_entity(owner, "Bob")
    projection.put(owner, [kept, gone])

    projection.erase(owner, keep=[kept.id, "unknown"])

    assert projection.held(owner) == {kept.id: 3}
    projection.put(owner, [kept])
    assert projection.held(owner) == {kept.id: 3}


def test_what_was_put_just_now_is_erased_too(projection: EntityIndex, owner: Owner) -> None:
    projection.put(owner, [placed(owner, "Ada", 1)])

    projection.erase(owner)

    assert projection.held(owner) == {}


def test_all_of_many_is_erased(projection: EntityIndex, owner: Owner) -> None:
    put(projection, *(an_entity(owner, f"Person {number}") for number in range(1_100)))

    projection.erase(owner)

    assert projection.held(owner) == {}


def test_erasing_nothing_and_erasing_again_is_harmless(
    projection: EntityIndex, owner: Owner
) -> None:
    projection.erase(owner)
    put(projection, placed(owner, "Ada", 1))
    projection.erase(owner)
    projection.erase(owner)

    assert projection.held(owner) == {}


def test_what_is_erased_comes_back_at_later_versions_only(
    projection: EntityIndex, owner: Owner
) -> None:
    ada, bob = replace(placed(owner, "Ada", 1), version=7), placed(owner, "Bob", 0, 1)
    put(projection, ada)
    projection.erase(owner)
    projection.put(owner, [replace(ada, version=6)])
    projection.put(owner, [ada])
    put(projection, bob)
    late = projection.held(owner)
    put(projection, replace(ada, version=8))

    assert late == {bob.id: 1}
    assert projection.held(owner) == {ada.id: 8, bob.id: 1}
    assert near(projection, owner, 1) == ids(ada)
