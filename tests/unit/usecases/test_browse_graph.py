"""Browsing a graph: what was true at a time, as it was known at another, and nobody else's."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest

from recollect.domain.errors import InvalidRequestError, NotFoundError
from recollect.domain.filters.conditions import in_scope, subject_is
from recollect.domain.graph import Alias, Belief, Entity, Owner, Reading, Relation, entity_id
from recollect.domain.memory import Memory
from recollect.domain.subjects import Scope, Subject, SubjectKind
from recollect.ports.graph import GraphRecord
from recollect.testing.builders import (
    NOON,
    a_change,
    a_graph_change,
    a_memory,
    a_relation,
    a_scope,
    a_support,
    adding,
    an_entity,
    deleting,
    updating,
)
from recollect.usecases import browse_graph
from recollect.usecases.browse_graph import (
    ENTITIES_PER_STEP,
    MAX_STEPS,
    MAX_SUPPORT,
    BrowseGraph,
    EntityView,
    RelationView,
)
from tests.service import Service

DAY = timedelta(days=1)
MANY = 100
"""Pages: more than any test has."""
MARCH, MAY = NOON, NOON + 61 * DAY


@dataclass
class Book:
    """The graph of one owner, written by hand."""

    service: Service
    scope: Scope
    browse: BrowseGraph
    written: list[Relation] = field(default_factory=list)

    @classmethod
    def over(cls, service: Service, scope: Scope) -> "Book":
        store = service.store
        return cls(service, scope, BrowseGraph(store.graph, store.record, service.clock))

    @property
    def owner(self) -> Owner:
        return Owner.of(self.scope)

    def there(self, name: str, **changes: Any) -> Entity:  # noqa: ANN401 - whatever an Entity has
        entity = an_entity(self.owner, name, **changes)
        self.service.store.graph.commit(self.owner, a_graph_change(entities=(entity,)))
        return entity

    def said(self, text: str = "", **changes: Any) -> Memory:  # noqa: ANN401 - as above
        memory = a_memory(self.scope, text or f"text {len(self.written)}", **changes)
        self.service.store.record.commit(self.scope.project, a_change(adding(memory)))
        return memory

    def related(
        self,
        source: Entity,
        target: Entity,
        predicate: str = "knows",
        *,
        by: Sequence[Memory] | None = None,
        beliefs: Sequence[Belief] | None = None,
    ) -> Relation:
        """Commit a relation, by default one that a memory of its own says and that is open."""
        memories = [self.said(f"{source.name} {predicate} {target.name}")] if by is None else by
        relation = a_relation(
            source,
            target,
            predicate,
            support=tuple(a_support(each.id, said_at=each.said_at) for each in memories),
            beliefs=tuple([Belief(None, None, NOON)] if beliefs is None else beliefs),
        )
        readings = tuple(
            Reading(memory_id=each.id, version=each.version, triples=(relation.triple,))
            for each in memories
        )
        change = a_graph_change(relations=(relation,), readings=readings)
        self.service.store.graph.commit(self.owner, change)
        self.written.append(relation)
        return relation

    def entity(self, entity: Entity, **times: Any) -> EntityView:  # noqa: ANN401 - true_at, known_at
        return self.browse.entity(self.owner, entity.id, **times)

    def relations(self, *, limit: int = 100, **times: Any) -> list[RelationView]:  # noqa: ANN401
        """Return what all pages have together."""
        found: list[RelationView] = []
        after = None
        for _ in range(MANY):
            page = self.browse.relations(self.owner, limit=limit, after=after, **times)
            found += page.relations
            after = page.after
            if after is None:
                return found
        pytest.fail("the pages have no end")

    def shown(self, **times: Any) -> list[Relation]:  # noqa: ANN401 - as above
        return [each.relation for each in self.relations(**times)]


@pytest.fixture
def book(service: Service, scope: Scope) -> Book:
    return Book.over(service, scope)


def in_order(relations: Sequence[Relation]) -> list[Relation]:
    return sorted(relations, key=lambda each: (each.triple.target, each.triple.id))


# Entities.


def test_entities_that_nobody_mentions_any_more_are_left_out(book: Book) -> None:
    ada = book.there("Ada")
    book.there("Tom", mentions=0)

    page = book.browse.entities(book.owner, limit=100)

    assert (page.entities, page.after) == ((ada,), None)


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 100])
def test_pages_of_entities_have_each_once_in_the_order_of_ids(book: Book, limit: int) -> None:
    there = [book.there(f"entity {number}", mentions=number % 4) for number in range(15)]
    mentioned = sorted((each for each in there if each.mentions), key=lambda each: each.id)

    found: list[Entity] = []
    after = None
    for _ in there:
        page = book.browse.entities(book.owner, after=after, limit=limit)
        found += page.entities
        after = page.after
        if after is None:
            break
        assert len(page.entities) == limit

    assert found == mentioned


def test_a_page_of_entities_looks_at_so_many_and_goes_on_from_there(book: Book) -> None:
    there = [book.there(f"entity {number}", mentions=0) for number in range(2 * MAX_STEPS + 1)]
    last = max(each.id for each in there)

    first = book.browse.entities(book.owner, limit=1)
    second = book.browse.entities(book.owner, after=first.after, limit=1)

    assert first.entities == ()
    assert first.after == sorted(each.id for each in there)[2 * MAX_STEPS - 1]
    assert (second.entities, second.after) == ((), None)
    assert last > first.after


def test_relations_of_a_filter_are_those_that_its_memories_say(
    service: Service, scope: Scope
) -> None:
    scope = a_scope(scope.project, user="ada", run="today")
    book = Book.over(service, scope)
    ada, ben, tom = (book.there(name) for name in ("Ada", "Ben", "Tom"))
    today = book.said("Ada knows Ben")
    earlier = replace(
        today, id=str(uuid4()), text="Ada met Ben", scope=a_scope(scope.project, user="ada")
    )
    service.store.record.commit(scope.project, a_change(adding(earlier)))
    book.related(ada, ben, by=[today, earlier])
    book.related(ada, tom, by=[earlier])
    book.related(ben, tom, by=[], beliefs=[Belief(None, None, NOON, is_past=True)])

    [view] = book.browse.among(scope.project, in_scope(scope))
    of_ada = book.browse.among(scope.project, subject_is(Subject(SubjectKind.USER, "ada")))
    of_grace = book.browse.among(scope.project, subject_is(Subject(SubjectKind.USER, "grace")))

    assert (view.source, view.target, view.memories) == (ada, ben, (today,))
    assert {(each.source, each.target) for each in of_ada} == {(ada, ben), (ada, tom)}
    assert of_grace == []


@pytest.mark.parametrize("limit", [0, -1, 101])
def test_a_page_has_1_to_100(book: Book, limit: int) -> None:
    for ask in (book.browse.entities, book.browse.relations):
        with pytest.raises(InvalidRequestError, match="page_size must be between 1 and 100"):
            ask(book.owner, limit=limit)


# One entity.


def test_an_entity_comes_with_relations_of_both_directions_most_mentions_first(book: Book) -> None:
    ada, acme, tom = book.there("Ada"), book.there("Acme", type="company"), book.there("Tom")
    works = book.related(ada, acme, "works_at", by=[book.said("one"), book.said("two")])
    knows = book.related(tom, ada)
    book.related(tom, acme, "works_at")

    view = book.entity(ada)

    assert view.entity == ada
    assert [each.relation for each in view.relations] == [works, knows]
    assert [(each.source, each.target) for each in view.relations] == [(ada, acme), (tom, ada)]


def test_an_entity_that_knows_itself_is_shown_once(book: Book) -> None:
    ada = book.there("Ada")
    itself = book.related(ada, ada)

    [found] = book.entity(ada).relations

    assert (found.relation, found.source, found.target) == (itself, ada, ada)
    assert book.shown() == [itself]


def test_the_memories_that_support_relations_come_along_the_last_said_first(book: Book) -> None:
    ada, tom, mia = book.there("Ada"), book.there("Tom"), book.there("Mia")
    memories = [book.said(f"text {n}", created_at=NOON + n * DAY) for n in range(3)]
    book.related(ada, tom, by=memories[:2])
    book.related(ada, mia, by=memories[1:])

    view = book.entity(ada)

    assert [
        each.memories for each in sorted(view.relations, key=lambda each: each.target.name)
    ] == [
        (memories[2], memories[1]),
        (memories[1], memories[0]),
    ]
    assert view.memories == (memories[2], memories[1], memories[0])


def test_the_memories_of_an_answer_are_bounded(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    ada, tom, mia = book.there("Ada"), book.there("Tom"), book.there("Mia")
    many = [book.said(f"text {n}", created_at=NOON + n * DAY) for n in range(MAX_SUPPORT + 2)]
    book.related(ada, tom, by=many)
    book.related(ada, mia)
    monkeypatch.setattr(browse_graph, "MAX_MEMORIES", 3)

    view = book.entity(ada)

    assert view.relations[0].memories == tuple(reversed(many))[:MAX_SUPPORT]
    assert view.relations[0].relation.mentions == MAX_SUPPORT + 2
    assert view.memories == tuple(reversed(many))[:3]


def test_the_relations_of_an_entity_are_bounded_and_pages_have_them_all(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = book.there("Ada")
    for number in range(5):
        book.related(ada, book.there(f"friend {number}"))
    monkeypatch.setattr(browse_graph, "MAX_RELATIONS", 3)

    assert len(book.entity(ada).relations) == 3
    assert in_order(book.shown()) == in_order(book.written)


def test_an_entity_is_found_by_the_id_of_an_alias(book: Book, service: Service) -> None:
    ada = book.there("Ada Lovelace")
    name = "Countess of Lovelace"
    alias = Alias(entity_id(book.owner, name, ada.type), ada.id, name, NOON)
    service.store.graph.commit(book.owner, a_graph_change(aliases=(alias,)))
    knows = book.related(ada, book.there("Tom"))

    view = book.browse.entity(book.owner, alias.id)

    assert view.entity == ada
    assert [each.relation for each in view.relations] == [knows]


def test_what_there_is_not_is_not_found(book: Book) -> None:
    unknown = an_entity(book.owner, "Nobody")
    forgotten = book.there("Tom", mentions=0)

    for entity in (unknown, forgotten):
        with pytest.raises(NotFoundError, match="Entity not found"):
            book.entity(entity)


@pytest.mark.parametrize("names", [{"user": "tom"}, {"agent": "ada"}])
def test_another_owners_graph_is_nobody_elses(
    book: Book, service: Service, names: dict[str, str]
) -> None:
    """Promise 13."""
    ada = book.there("Ada")
    book.related(ada, book.there("Tom"))
    others = [
        Book.over(service, a_scope(book.scope.project, **names)),
        Book.over(service, service.new_scope("another", user="ada")),
    ]

    for other in others:
        assert other.browse.entities(other.owner, limit=9).entities == ()
        assert other.relations() == []
        with pytest.raises(NotFoundError):
            other.entity(ada)


# Relations.


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_pages_of_relations_have_each_once_by_target_and_id(book: Book, limit: int) -> None:
    people = [book.there(f"person {number}") for number in range(ENTITIES_PER_STEP + 4)]
    for source, target in zip(people, people[1:] + people[:1], strict=True):
        book.related(source, target)
    for predicate in ("likes", "calls", "helps", "trusts"):
        book.related(people[0], people[5], predicate)

    assert [each.relation for each in book.relations(limit=limit)] == in_order(book.written)


def test_what_did_not_hold_is_left_out_of_pages(book: Book) -> None:
    people = [book.there(f"person {number}") for number in range(6)]
    for number, (source, target) in enumerate(pairwise(people)):
        book.related(source, target, beliefs=[Belief(None, MAY if number % 2 else None, NOON)])

    before = book.relations(limit=2, true_at=MARCH)
    after = book.relations(limit=2, true_at=MAY)

    assert [each.relation for each in before] == in_order(book.written)
    assert [each.relation for each in after] == in_order(book.written[::2])


def test_a_page_of_relations_looks_at_so_many_entities_and_goes_on_from_there(book: Book) -> None:
    people = sorted(
        (book.there(f"person {n}") for n in range(MAX_STEPS * ENTITIES_PER_STEP + 2)),
        key=lambda each: each.id,
    )
    knows = book.related(people[0], people[-1])

    first = book.browse.relations(book.owner, limit=100)
    assert first.after is not None
    second = book.browse.relations(book.owner, after=first.after, limit=100)

    assert first.relations == ()
    assert first.after.entity_id == people[MAX_STEPS * ENTITIES_PER_STEP - 1].id
    assert [each.relation for each in second.relations] == [knows]
    assert second.after is None


def test_without_times_it_is_now(book: Book, service: Service) -> None:
    ada, tom = book.there("Ada"), book.there("Tom")
    book.related(ada, tom, beliefs=[Belief(None, NOON + DAY, NOON)])

    before = book.browse.relations(book.owner, limit=9)
    service.clock.forward(2 * DAY)
    after = book.browse.relations(book.owner, limit=9)

    assert len(before.relations) == 1
    assert after.relations == ()
    assert before.as_of.true_at == before.as_of.known_at < NOON + DAY < after.as_of.true_at


# Then, and by what was known then.


def test_what_was_believed_and_what_was_true_both_have_answers(book: Book) -> None:
    """Promise 12."""
    ada, lisbon, porto = book.there("Ada"), book.there("Lisbon"), book.there("Porto")
    moved, told = NOON + 30 * DAY, NOON + 40 * DAY
    in_lisbon = [
        Belief(None, None, NOON, retracted_at=told),
        Belief(None, moved, told, is_past=True),
    ]
    old = book.related(ada, lisbon, "lives_in", by=[], beliefs=in_lisbon)
    new = book.related(ada, porto, "lives_in", beliefs=[Belief(moved, None, told)])

    between = moved + DAY
    assert book.shown(true_at=between, known_at=between) == [old]
    assert book.shown(true_at=between, known_at=MAY) == [new]
    assert book.shown(true_at=MARCH, known_at=MAY) == [old]
    assert book.shown(true_at=MAY, known_at=MAY) == [new]
    assert book.shown(true_at=MARCH, known_at=MARCH - DAY) == []
    [was] = book.relations(true_at=MARCH, known_at=MAY)
    assert (was.belief, was.memories) == (in_lisbon[1], ())


def test_what_was_retracted_is_shown_only_by_what_was_known_before(book: Book) -> None:
    ada, tom = book.there("Ada"), book.there("Tom", mentions=0)
    gone = book.related(ada, tom, by=[], beliefs=[Belief(None, None, NOON, NOON + DAY)])

    assert book.entity(ada, known_at=NOON + 2 * DAY).relations == ()
    [was] = book.entity(ada, known_at=NOON + DAY / 2).relations
    assert (was.relation, was.belief.retracted_at) == (gone, NOON + DAY)
    assert book.entity(tom, known_at=NOON + DAY / 2).entity == tom
    with pytest.raises(NotFoundError):
        book.entity(tom, known_at=NOON + 2 * DAY)


def test_the_last_of_several_beliefs_is_shown(book: Book) -> None:
    ada, tom = book.there("Ada"), book.there("Tom")
    beliefs = [
        Belief(None, None, NOON, is_past=True),
        Belief(NOON, None, NOON + DAY, is_past=True),
    ]
    book.related(ada, tom, by=[], beliefs=beliefs)

    [found] = book.relations(true_at=MAY, known_at=MAY)

    assert found.belief == beliefs[1]


# What the graph has not followed yet.


@pytest.fixture
def ada(book: Book) -> Entity:
    return book.there("Ada")


@pytest.mark.parametrize("known_at", [None, NOON + DAY])
def test_a_relation_whose_support_was_deleted_is_gone_at_once(
    book: Book, service: Service, ada: Entity, known_at: datetime | None
) -> None:
    """Promise 4."""
    memory, other = book.said("Ada knows Tom"), book.said("Ada knows Mia")
    book.related(ada, book.there("Tom"), by=[memory])
    both = book.related(ada, book.there("Mia"), by=[memory, other])

    service.store.record.commit(book.scope.project, a_change(deleting(memory)))

    times = {"known_at": known_at} if known_at else {}
    assert book.shown(**times) == [both]
    [left] = book.entity(ada, **times).relations
    assert left.memories == (other,)


def test_a_relation_whose_support_was_told_otherwise_is_gone_at_once(
    book: Book, service: Service, ada: Entity
) -> None:
    memory = book.said("Ada knows Tom")
    book.related(ada, book.there("Tom"), by=[memory])

    change = a_change(updating(memory, text="Ada knows nobody"))
    service.store.record.commit(book.scope.project, change)

    assert book.shown() == []
    assert book.entity(ada).memories == ()


def test_a_relation_whose_support_expired_is_gone_at_once(
    book: Book, service: Service, ada: Entity
) -> None:
    memory = book.said("Ada knows Tom", expires_on=date(2026, 3, 1))
    knows = book.related(ada, book.there("Tom"), by=[memory])

    before = book.shown()
    service.clock.forward(DAY)

    assert (before, book.shown()) == ([knows], [])


def test_pages_are_filled_although_some_support_is_gone(book: Book, service: Service) -> None:
    people = [book.there(f"person {number}") for number in range(9)]
    hub = book.there("Ada")
    relations = [book.related(hub, each) for each in people]
    for relation in in_order(relations)[:4]:
        [support] = relation.support
        [memory] = service.store.record.get(book.scope.project, [support.memory_id]).values()
        service.store.record.commit(book.scope.project, a_change(deleting(memory)))

    page = book.browse.relations(book.owner, limit=2)

    assert [each.relation for each in page.relations] == in_order(relations)[4:6]
    assert [each.relation for each in book.relations(limit=2)] == in_order(relations)[4:]


@dataclass(frozen=True)
class Erased:
    """A graph whose entities were just erased, but for these."""

    graph: GraphRecord
    left: frozenset[str]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the graph has
        return getattr(self.graph, name)

    def entities(self, owner: Owner, entity_ids: Sequence[str]) -> dict[str, Entity]:
        return self.graph.entities(owner, [each for each in entity_ids if each in self.left])


def test_a_relation_whose_end_was_just_erased_is_left_out(book: Book) -> None:
    ada, tom = book.there("Ada"), book.there("Tom")
    book.related(ada, tom)
    erased: Any = Erased(book.browse.graph, frozenset({ada.id}))

    view = replace(book.browse, graph=erased).entity(book.owner, ada.id)

    assert (view.entity, view.relations) == (ada, ())


# What it costs.


@dataclass
class Counted:
    """Counts the calls of a port, by name."""

    port: Any
    calls: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the port has
        method = getattr(self.port, name)

        def counted(*args: Any, **more: Any) -> Any:  # noqa: ANN401 - as the port takes them
            self.calls.append(name)
            return method(*args, **more)

        return counted


def counting(book: Book, graph: Any, record: Any) -> BrowseGraph:  # noqa: ANN401 - any port
    return BrowseGraph(graph, record, book.service.clock)


def test_round_trips_do_not_grow_with_relations_or_memories(book: Book) -> None:
    ada = book.there("Ada")
    for number in range(12):
        book.related(ada, book.there(f"friend {number}"))
    graph, record = Counted(book.browse.graph), Counted(book.browse.record)
    counted = counting(book, graph, record)

    counted.entity(book.owner, ada.id)
    of_entity, graph.calls = graph.calls, []
    counted.relations(book.owner, limit=100)

    assert of_entity == ["entities", "around", "readings", "entities"]
    assert graph.calls == ["page", "around", "readings", "entities", "page"]
    assert record.calls == ["get", "get"]


def test_memories_of_other_times_are_not_read(book: Book) -> None:
    ada, tom = book.there("Ada"), book.there("Tom")
    book.related(ada, tom, beliefs=[Belief(None, NOON, NOON)])
    record = Counted(book.browse.record)
    counted = counting(book, Counted(book.browse.graph), record)

    assert counted.relations(book.owner, true_at=MAY, limit=100).relations == ()
    assert record.calls == []
