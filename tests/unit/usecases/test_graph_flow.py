"""From an add to the graph and back out of it: who is woken, what follows, what is erased."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from recollect.domain.changes import MemoryChanges
from recollect.domain.errors import InvalidRequestError, ModelAnswerError, UnavailableError
from recollect.domain.filters import subject_is
from recollect.domain.graph import Entity, Owner, Relation
from recollect.domain.jobs import Decision, Job, JobStatus
from recollect.domain.memory import Memory
from recollect.domain.projects import ProjectSettings
from recollect.domain.requests import DeleteAllRequest
from recollect.domain.subjects import Scope, Subject, SubjectKind
from recollect.ports.graph import EntityQuery, GraphRecord, Mentioned
from recollect.ports.models import Usage
from recollect.testing.builders import a_change, a_graph_change, a_scope, an_entity
from recollect.usecases import project_graph
from recollect.usecases.erase_graph import MAX_TRIES
from recollect.usecases.follow_graph import GraphStatus, NamedTriple
from recollect.usecases.project_changes import STALE_AFTER
from recollect.usecases.search_memories import SearchResult
from recollect.usecases.write_graph import BATCH, MAX_RIVALS
from tests.service import Service, UseCases
from tests.unit.usecases.graph_world import Notation, World

if TYPE_CHECKING:
    from recollect.ports.graph_outbox import SetAside

LISBON = "ada:user lives_in Lisbon:place"
PORTO = "ada:user lives_in Porto:place"
NOTHING: tuple[list[Owner], list[Owner]] = ([], [])


def news(service: UseCases) -> tuple[list[Owner], list[Owner]]:
    """Return, and forget, who was woken to be read and to be projected."""
    wake_ups = service.ports.wake_ups
    return wake_ups.unread.take(limit=99), wake_ups.unprojected.take(limit=99)


def followed(service: UseCases) -> None:
    """Do what the queues' functions do until nobody is woken any more."""
    for _ in range(20):
        to_read, to_project = news(service)
        if not to_read and not to_project:
            return
        for owner in to_read:
            service.write_graph(owner)
        for owner in to_project:
            service.project_graph(owner)
    pytest.fail("the graph never comes to rest")


def reading(service: Service, **options: object) -> Service:
    """Return the service with a reader of the test's own notation."""
    return service.having(graph_reader=Notation(**options))  # type: ignore[arg-type]


def everything_of(scope: Scope) -> DeleteAllRequest:
    return DeleteAllRequest(project=scope.project, filters={"user_id": scope.owner.name})


def names(service: UseCases, scope: Scope) -> set[str]:
    found = service.ports.graph.page(Owner.of(scope), after=None, limit=99)
    return {each.name for each in found}


# --- what is for the graph


@pytest.mark.parametrize(
    ("of_project", "of_call", "is_graphed"),
    [
        (False, None, False),
        (False, True, True),
        (False, False, False),
        (True, None, True),
        (True, True, True),
        (True, False, False),
    ],
)
def test_the_call_decides_what_is_for_the_graph_else_the_project(
    service: Service,
    scope: Scope,
    *,
    of_project: bool,
    of_call: bool | None,
    is_graphed: bool,
) -> None:
    settings = ProjectSettings(has_graph=of_project)
    service.store.projects.replace(scope.project, replace(settings, version=1))

    memory = service.remember(scope, LISBON, is_graphed=of_call)

    assert memory.is_graphed is is_graphed
    assert news(service) == (([Owner.of(scope)], []) if is_graphed else NOTHING)


def test_without_a_graph_nothing_is_for_it(service: Service, scope: Scope) -> None:
    add = replace(service.add, has_graph=False)
    vars(service)["add"] = add

    assert not service.remember(scope, LISBON, is_graphed=True).is_graphed
    assert news(service) == NOTHING


def test_a_fact_that_updates_takes_the_memory_into_the_graph(
    service: Service, scope: Scope
) -> None:
    memory = service.remember(scope, "I live in Lisbon.", infer=True)
    [outcome] = service.say(
        scope, "I moved from Lisbon to Porto.", infer=True, is_graphed=True
    ).outcomes

    assert (outcome.decision, outcome.memory_id) == (Decision.UPDATE, memory.id)
    assert service.read(scope.project, memory.id).is_graphed
    assert news(service) == ([Owner.of(scope)], [])


def test_who_changes_or_deletes_a_memory_in_the_graph_wakes_its_owner(
    service: Service, scope: Scope
) -> None:
    scope = a_scope(scope.project, user="ada", agent="guide")
    memory = service.remember(scope, LISBON, is_graphed=True)
    other = service.remember(scope, "likes tea")
    news(service)

    service.update(scope.project, other.id, MemoryChanges(text="likes coffee"))
    service.delete(scope.project, other.id)
    assert news(service) == NOTHING

    service.update(scope.project, memory.id, MemoryChanges(text=PORTO))
    assert news(service) == ([Owner.of(scope)], [])
    service.delete(scope.project, memory.id)
    assert news(service) == ([Owner.of(scope)], [])


def test_promise_13_an_add_is_answered_before_anybody_reads_it(
    service: Service, scope: Scope
) -> None:
    reader = Notation()
    service = service.having(graph_reader=reader)

    job = service.say(scope, LISBON, is_graphed=True)

    assert job.status is JobStatus.SUCCEEDED
    assert reader.read_texts == []
    followed(service)
    assert reader.read_texts == [[LISBON]]


# --- what follows


def test_the_writer_wakes_the_projections_of_what_it_committed(
    service: Service, scope: Scope
) -> None:
    service = reading(service)
    owner = Owner.of(scope)
    service.say(scope, LISBON, is_graphed=True)
    news(service)

    assert service.write_graph(owner) == 1
    assert news(service) == ([], [owner])
    assert service.project_graph(owner) == 1
    assert service.project_graph(owner) == 0
    assert service.write_graph(owner) == 0
    assert news(service) == NOTHING


def test_a_writer_without_time_wakes_the_next_one(service: Service, scope: Scope) -> None:
    service = reading(service).having(is_late=lambda: True)
    service.ports.record.commit(scope.project, a_change())
    memory = World.over(service, scope).said(LISBON)

    assert service.write_graph(Owner.of(scope)) == 0

    assert news(service) == ([Owner.of(scope)], [])
    [unread] = service.ports.graph_outbox.unread(Owner.of(scope), limit=9)
    assert unread.memory_id == memory.id


def test_a_projector_without_time_wakes_the_next_one(service: Service, scope: Scope) -> None:
    service = reading(service)
    owner = Owner.of(scope)
    service.say(scope, LISBON, is_graphed=True)
    service.write_graph(owner)
    news(service)

    assert service.having(is_late=lambda: True).project_graph(owner) == 0

    assert news(service) == ([], [owner])
    assert service.project_graph(owner) == 1


def test_a_projector_leaves_what_is_too_much_for_once(
    service: Service, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project_graph, "BATCH", 1)
    monkeypatch.setattr(project_graph, "MAX_BATCHES", 2)
    service = reading(service)
    owner = Owner.of(scope)
    for number in range(3):
        service.say(scope, f"ada:user likes food {number}:food", is_graphed=True)
        service.write_graph(owner)

    assert service.project_graph(owner) == 2
    assert service.project_graph(owner) == 1


def test_what_others_did_not_follow_is_driven_on(service: Service, scope: Scope) -> None:
    service = reading(service)
    owner = Owner.of(scope)
    service.say(scope, LISBON, is_graphed=True)
    news(service)
    assert service.maintain() == 0
    service.clock.forward(STALE_AFTER)
    service.maintain()
    assert news(service) == ([owner], [])

    service.write_graph(owner)
    news(service)
    service.clock.forward(STALE_AFTER)
    service.maintain()
    assert news(service) == ([], [owner])


@dataclass
class Poisoned(Notation):
    """A reader that cannot read what says poison."""

    error: Exception = field(default_factory=lambda: ModelAnswerError("It answered nonsense"))

    def read(self, memories: Sequence[Memory]) -> tuple[list[Mentioned], Usage]:
        if any("poison" in memory.text for memory in memories):
            self.read_texts.append(["poison"])
            raise self.error
        return super().read(memories)


@pytest.mark.parametrize(
    "error", [ModelAnswerError("It answered nonsense"), InvalidRequestError("It will not read it")]
)
@pytest.mark.parametrize("place", [0, 3, 7])
def test_poison_is_set_aside_and_stops_no_other_memory(
    service: Service, scope: Scope, place: int, error: Exception
) -> None:
    service = service.having(graph_reader=Poisoned(error=error))
    texts = [f"ada:user likes food {number}:food" for number in range(7)]
    texts.insert(place, "poison:food")
    memories = [service.remember(scope, text, is_graphed=True) for text in texts]

    told: list[SetAside] = []

    read = service.write_graph(Owner.of(scope), told.append)

    assert read == len(memories)

    [aside] = told
    assert aside.unread.memory_id == memories[place].id
    assert aside.reason == str(error)
    assert service.ports.graph_outbox.aside(limit=9) == [aside]
    assert len(names(service, scope)) == 8
    assert service.write_graph(Owner.of(scope)) == 0
    job = service.read_job(scope.project, memories[place].episode_id or "")
    assert status(service, job) is GraphStatus.FAILED


def test_when_no_model_answers_nothing_is_set_aside(service: Service, scope: Scope) -> None:
    service = service.having(graph_reader=Poisoned(error=UnavailableError("It is down")))
    service.say(scope, "poison:food", is_graphed=True)

    with pytest.raises(UnavailableError):
        service.write_graph(Owner.of(scope))

    assert len(service.ports.graph_outbox.unread(Owner.of(scope), limit=9)) == 1


def test_what_the_index_does_not_show_yet_is_still_resolved(service: Service, scope: Scope) -> None:
    service = reading(service).having(entities=Blind())
    service.say(scope, "Katharina Schmidt-Berger:person", is_graphed=True)
    service.write_graph(Owner.of(scope))

    service.say(scope, "Katharina Schmidt-Bergers:person", is_graphed=True)
    service.write_graph(Owner.of(scope))
    assert names(service, scope) == {"Katharina Schmidt-Berger"}

    service.project_graph(Owner.of(scope))
    service.say(scope, "Katharina Schmidt-Bergern:person", is_graphed=True)
    service.write_graph(Owner.of(scope))
    assert len(names(service, scope)) == 2  # Confirmed: the index should have shown it.


class Blind:
    """An entity index that shows nothing."""

    def put(self, owner: Owner, entities: Sequence[Entity]) -> None: ...

    def propose(self, _: Owner, queries: Sequence[EntityQuery]) -> list[list[str]]:
        return [[] for _ in queries]

    def held(self, _: Owner) -> dict[str, int]:
        return {}

    def erase(self, owner: Owner, *, keep: Collection[str] = ()) -> None: ...


def test_what_cannot_be_read_any_more_says_nothing(service: Service, scope: Scope) -> None:
    service = service.having(graph_reader=Poisoned())
    memory = service.remember(scope, LISBON, is_graphed=True)
    followed(service)
    service.update(scope.project, memory.id, MemoryChanges(text="poison:food"))

    followed(service)

    assert len(service.ports.graph_outbox.aside(limit=9)) == 1
    found = service.ports.graph.page(Owner.of(scope), after=None, limit=9)
    assert [each.mentions for each in found] == [0, 0]


def test_who_is_told_hears_of_it_before_it_is_set_aside(service: Service, scope: Scope) -> None:
    service = service.having(graph_reader=Poisoned())
    service.remember(scope, "poison:food", is_graphed=True)

    def fail(_: "SetAside") -> None:
        message = "Nobody listens"
        raise UnavailableError(message)

    with pytest.raises(UnavailableError):
        service.write_graph(Owner.of(scope), fail)

    assert service.ports.graph_outbox.aside(limit=9) == []
    assert len(service.ports.graph_outbox.unread(Owner.of(scope), limit=9)) == 1


def test_an_update_and_a_deletion_of_one_memory_in_two_batches_are_both_read(
    service: Service, scope: Scope
) -> None:
    service = reading(service)
    memory = service.remember(scope, LISBON, is_graphed=True)
    followed(service)
    service.update(scope.project, memory.id, MemoryChanges(text=PORTO))
    for number in range(BATCH - 1):
        service.remember(scope, f"ada:user likes food {number}:food", is_graphed=True)
    service.delete(scope.project, memory.id)

    followed(service)

    assert service.ports.graph_outbox.unread(Owner.of(scope), limit=9) == []
    assert names(service, scope) >= {"ada", "Lisbon", "food 0"}
    found = service.ports.graph.page(Owner.of(scope), after=None, limit=99)
    assert {each.name: each.mentions for each in found}["Lisbon"] == 0


@pytest.mark.parametrize(("known", "is_asked"), [(MAX_RIVALS, True), (MAX_RIVALS + 1, False)])
def test_where_many_hold_at_once_nobody_is_asked_whether_one_more_ends_them(
    service: Service, scope: Scope, known: int, *, is_asked: bool
) -> None:
    reader = Notation()
    service = service.having(graph_reader=reader)
    for number in range(known):
        service.remember(scope, f"ada:user drives car {number}:car", is_graphed=True)
    followed(service)
    assert reader.rivals == []

    service.remember(scope, "ada:user drives truck:car", is_graphed=True)
    followed(service)

    assert bool(reader.rivals) is is_asked


# --- what an add did to the graph


def status(service: UseCases, job: Job) -> GraphStatus | None:
    outcome = service.follow_graph(job)
    return outcome.status if outcome else None


def test_what_is_not_for_the_graph_did_nothing_to_it(service: Service, scope: Scope) -> None:
    assert service.follow_graph(service.say(scope, LISBON)) is None
    assert service.follow_graph(service.delete_all(everything_of(scope))) is None


def test_an_add_tells_what_it_added_and_what_it_ended(service: Service, scope: Scope) -> None:
    service = reading(service)
    first = service.say(scope, LISBON, is_graphed=True)
    assert status(service, first) is GraphStatus.PENDING
    assert status(service, replace(first, status=JobStatus.RUNNING)) is GraphStatus.PENDING
    followed(service)
    second = service.say(scope, PORTO, is_graphed=True)
    followed(service)

    told = service.follow_graph(second)

    assert told is not None
    assert told.status is GraphStatus.SUCCEEDED
    assert told.added == (NamedTriple("ada", "lives_in", "Porto"),)
    assert told.ended == (NamedTriple("ada", "lives_in", "Lisbon"),)


def test_what_an_add_ended_is_told_to_those_who_see_all_of_the_owners(
    service: Service, scope: Scope
) -> None:
    service = reading(service)
    shared = Scope(scope.project, (*scope.subjects, Subject(SubjectKind.AGENT, "helper")))
    service.say(scope, LISBON, is_graphed=True)
    followed(service)
    job = service.say(shared, PORTO, is_graphed=True)
    followed(service)

    owner, helper = (service.follow_graph(job, within=each) for each in shared.subjects)

    assert owner
    assert owner.ended == (NamedTriple("ada", "lives_in", "Lisbon"),)
    assert helper == replace(owner, ended=())


def test_a_memory_that_is_gone_before_anybody_read_it_is_followed(
    service: Service, scope: Scope
) -> None:
    service = reading(service)
    job = service.say(scope, LISBON, is_graphed=True)
    [outcome] = job.outcomes
    service.delete(scope.project, outcome.memory_id)

    assert status(service, job) is GraphStatus.SUCCEEDED


def test_a_memory_that_is_gone_is_followed_once_it_is_taken_back(
    service: Service, scope: Scope
) -> None:
    service = reading(service)
    job = service.say(scope, LISBON, is_graphed=True)
    followed(service)
    service.delete(scope.project, job.outcomes[0].memory_id)
    assert status(service, job) is GraphStatus.PENDING

    followed(service)

    told = service.follow_graph(job)
    assert told is not None
    assert told.status is GraphStatus.SUCCEEDED
    assert told.added == ()
    assert told.ended == (NamedTriple("ada", "lives_in", "Lisbon"),)


def test_what_was_erased_since_has_no_names(service: Service, scope: Scope) -> None:
    service = reading(service)
    job = service.say(scope, LISBON, is_graphed=True)
    followed(service)
    service.ports.graph.erase(Owner.of(scope), at=service.clock())

    told = service.follow_graph(job)

    assert told is not None
    assert told.added == ()


# --- what is erased


def test_delete_all_of_a_subject_erases_its_graph_everywhere(
    service: Service, scope: Scope
) -> None:
    service = reading(service)
    other = a_scope(scope.project, user="bob")
    for each in (scope, other):
        service.say(each, f"{LISBON}; Mia:person", is_graphed=True)
    followed(service)
    known = names(service, other)

    service.delete_all(everything_of(scope))
    followed(service)

    owner = Owner.of(scope)
    assert names(service, scope) == set()
    assert service.ports.graph_store.held(owner) == {}
    assert service.ports.entities.held(owner) == {}
    assert service.ports.graph_outbox.unread(owner, limit=9) == []
    assert service.ports.graph_outbox.unprojected(owner, limit=9) == []
    assert names(service, other) == known


@pytest.mark.parametrize("filters", [{"user_id": "*"}, {"user_id": {"in": ["ada", "bob"]}}])
def test_whoever_is_left_without_memories_is_left_without_a_graph(
    service: Service, scope: Scope, filters: dict[str, Any]
) -> None:
    service = reading(service)
    others = a_scope(scope.project, user="bob"), a_scope(scope.project, agent="guide")
    for each in (scope, *others):
        service.say(each, LISBON, is_graphed=True)
    followed(service)

    service.delete_all(DeleteAllRequest(project=scope.project, filters=filters))
    followed(service)

    bob, guide = others
    assert names(service, scope) == names(service, bob) == set()
    assert names(service, guide)


def test_delete_all_of_an_agent_takes_its_support_from_the_graphs_of_users(
    service: Service, scope: Scope
) -> None:
    service = reading(service)
    shared = a_scope(scope.project, user="ada", agent="guide")
    service.say(scope, LISBON, is_graphed=True)
    service.say(shared, "Mia:person", is_graphed=True)
    alone = a_scope(scope.project, agent="guide")
    service.say(alone, "Tom:person", is_graphed=True)
    followed(service)

    request = DeleteAllRequest(project=scope.project, filters={"agent_id": "guide"})
    service.delete_all(request)
    followed(service)

    owner = Owner.of(scope)
    mentions = {
        each.name: each.mentions for each in service.ports.graph.page(owner, after=None, limit=99)
    }
    assert mentions == {"ada": 1, "Lisbon": 1, "Mia": 0}
    assert names(service, alone) == set()


def test_what_was_said_since_is_read_again(service: Service, scope: Scope) -> None:
    service = reading(service)
    service.say(scope, LISBON, is_graphed=True)
    kept = service.say(scope, f"{PORTO}; Mia:person", is_graphed=True)
    followed(service)
    service.say(scope, "likes tea")

    service.erase_graph(scope.project, scope.owner)
    assert names(service, scope) == set()
    followed(service)

    assert names(service, scope) == {"ada", "Lisbon", "Porto", "Mia"}
    assert status(service, kept) is GraphStatus.SUCCEEDED
    found = service.ports.graph.page(Owner.of(scope), after=None, limit=99)
    assert {each.name: each.mentions for each in found}["ada"] == 2


def test_erasing_nothing_wakes_nobody(service: Service, scope: Scope) -> None:
    service.say(scope, LISBON)

    service.erase_graph(scope.project, scope.owner)

    assert news(service) == NOTHING


@dataclass(frozen=True)
class Busy:
    """A graph that others write to whenever it has been erased."""

    graph: GraphRecord
    times: list[int]

    def __getattr__(self, name: str) -> object:
        return getattr(self.graph, name)

    def page(self, owner: Owner, *, after: str | None, limit: int) -> list[Entity]:
        if self.times[0]:
            self.times[0] -= 1
            entity = an_entity(owner, f"name {self.times[0]}")
            self.graph.commit(owner, a_graph_change(entities=(entity,)))
        return self.graph.page(owner, after=after, limit=limit)


def test_what_is_written_while_it_is_erased_is_erased_too(service: Service, scope: Scope) -> None:
    service = reading(service)
    service.say(scope, LISBON, is_graphed=True)
    followed(service)
    busy = Busy(service.store.graph, [3])

    service.having(graph=busy).erase_graph(scope.project, scope.owner)

    assert busy.times == [0]
    assert names(service, scope) == set()


def test_an_erasure_that_never_ends_says_so(service: Service, scope: Scope) -> None:
    service = reading(service)
    service.say(scope, LISBON, is_graphed=True)
    followed(service)
    busy = service.having(graph=Busy(service.store.graph, [MAX_TRIES]))

    with pytest.raises(UnavailableError, match="by others all the time"):
        busy.erase_graph(scope.project, scope.owner)


@dataclass
class Copies:
    """Projections that keep what they are given, and forget it when they are told to."""

    entities: dict[str, Entity] = field(default_factory=dict)
    relations: dict[str, Relation] = field(default_factory=dict)

    def put(self, _: Owner, entities: Sequence[Entity]) -> None:
        self.entities |= {each.id: each for each in entities}

    def apply(
        self, owner: Owner, entities: Sequence[Entity], relations: Sequence[Relation]
    ) -> None:
        self.put(owner, entities)
        ends = {end for each in relations for end in each.triple.ends}
        assert ends <= self.entities.keys()
        self.relations |= {each.triple.id: each for each in relations}

    def held(self, _: Owner) -> dict[str, int]:
        return {key: each.version for key, each in self.entities.items()}

    def erase(self, _: Owner, *, keep: Collection[str] = ()) -> None:
        self.entities = {key: each for key, each in self.entities.items() if key in keep}
        self.relations.clear()


def test_projecting_again_writes_all_there_is_and_nothing_else(
    service: Service, scope: Scope
) -> None:
    copies = Copies()
    service = reading(service).having(graph_store=copies, entities=copies)
    owner = Owner.of(scope)
    vars(service)["write_graph"] = reading(service.having(entities=Blind())).write_graph
    service.say(scope, f"{LISBON}; Mia:person", is_graphed=True)
    followed(service)
    assert len(copies.entities) == 3
    before = dict(copies.entities)
    copies.entities["ghost"] = an_entity(owner, "ghost")
    copies.relations.clear()

    service.ports.graph_outbox.project_again(owner, at=service.clock())
    assert service.project_graph(owner) == 1

    assert copies.entities == before
    assert len(copies.relations) == 1


# --- what is found


def searched(service: UseCases, scope: Scope, query: str, **options: Any) -> SearchResult:  # noqa: ANN401 - a search's
    matching = subject_is(scope.owner)
    return service.search(scope.project, query, matching, threshold=0.0, **options)


def test_the_graph_is_searched_if_the_call_or_the_project_says_so(
    service: Service, scope: Scope
) -> None:
    service = reading(service)
    memory = service.remember(scope, "Anna:person lives_in Berlin:place", is_graphed=True)
    followed(service)
    query = "Where does Anna live?"

    assert searched(service, scope, query).relations is None
    assert searched(service, scope, query, with_graph=False).relations is None
    found = searched(service, scope, query, with_graph=True)
    assert found.relations is not None
    [relation] = found.relations
    assert (relation.source.name, relation.target.name) == ("Anna", "Berlin")
    assert relation.memory_ids == (memory.id,)

    service.store.projects.replace(scope.project, ProjectSettings(has_graph=True, version=1))
    assert searched(service, scope, query).relations
    assert searched(service, scope, query, with_graph=False).relations is None


def test_a_memory_that_supports_an_answer_counts_more(service: Service, scope: Scope) -> None:
    service = reading(service)
    service.remember(scope, "Anna:person lives_in Berlin:place", is_graphed=True)
    service.remember(scope, "Tom:person likes tea:drink", is_graphed=True)
    followed(service)
    query = "Where does Anna live?"

    [plain, other] = searched(service, scope, query).found
    [backed, same] = searched(service, scope, query, with_graph=True).found

    assert plain.memory.id == backed.memory.id
    assert plain.score.graph == 0 < backed.score.graph <= 1
    assert plain.score.score < backed.score.score <= 1
    assert other == same


def test_memories_that_only_the_graph_finds_are_found(service: Service, scope: Scope) -> None:
    service = reading(service)
    wanted = service.remember(scope, "Anna:person lives_in Berlin:place", is_graphed=True)
    for number in range(80):
        service.say(scope, f"Where does number {number} live?")
    followed(service)
    service.index_all(scope)

    result = searched(service, scope, "Where does Anna live?", with_graph=True)

    assert wanted.id in {found.memory.id for found in result.found}


def test_without_its_index_a_search_goes_on_without_relations(
    service: Service, scope: Scope
) -> None:
    memory = service.remember(scope, LISBON, is_graphed=True)
    down = service.having(entities=Down())

    result = searched(down, scope, "lives_in Lisbon", with_graph=True)

    assert [found.memory.id for found in result.found] == [memory.id]
    assert result.relations == ()
    assert result.degraded == ("graph",)


class Down(Blind):
    """An entity index that cannot be reached."""

    def propose(self, _: Owner, queries: Sequence[EntityQuery]) -> list[list[str]]:
        message = f"{len(queries)} questions reach nobody"
        raise UnavailableError(message)
