"""What is exported can be brought back exactly: here, there, again, and after what broke off."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recollect.adapters.local.record import LocalRecord
from recollect.domain.changes import MemoryChanges
from recollect.domain.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
)
from recollect.domain.graph import Alias, Owner, entity_id
from recollect.domain.memory import Episode, Feedback, HistoryEvent, Memory, Verdict
from recollect.domain.subjects import Subject, SubjectKind
from recollect.ports.archive import DeletedMemory, KeptMemory, NamedAlias, NotTaken
from recollect.ports.record import Change
from recollect.testing.builders import NOON, a_graph_change, a_relation, a_scope, an_entity
from recollect.usecases import import_records, import_report
from recollect.usecases.give_feedback import GiveFeedback
from tests.moving import Place
from tests.service import Service, a_service
from tests.unit.usecases.graph_world import World

DAY = timedelta(days=1)
SAID_BY = NOON + timedelta(days=1_000)
MAYA = Subject(SubjectKind.USER, "maya")
NOT_HERE = NotTaken("line 7", "it has no text")


@dataclass(frozen=True)
class LocalPlace(Place):
    """One that is a data file."""

    service: Service


@contextmanager
def opened(path: Path) -> Iterator[LocalPlace]:
    service = a_service(path)
    service.open_project("acme")
    yield LocalPlace(service)
    service.store.database.close()


@pytest.fixture
def here(tmp_path: Path) -> Iterator[LocalPlace]:
    with opened(tmp_path / "here.db") as place:
        yield place


@pytest.fixture
def there(tmp_path: Path) -> Iterator[LocalPlace]:
    with opened(tmp_path / "there.db") as place:
        yield place


def a_life(place: LocalPlace) -> Memory:
    """Have a project with a bit of everything; return a memory of it."""
    service = place.service
    maya = a_scope("acme", user="maya")
    world = World.over(service, maya)
    first = world.said("Maya:person knows Tom:person")
    world.said("Maya:person lives_in Rome:city from 2026-01-01; Tom:person")
    gone = world.said("Maya:person owns Rex:dog")
    world.write(world.owner)
    world.deleted(gone)
    world.write(world.owner)
    service.store.subjects.describe("acme", MAYA, {"plan": "pro"}, at=NOON)
    scope = a_scope("acme", user="maya", agent="tutor", run="r1")
    memory = service.remember(scope, "I like tea", metadata={"topic": "drinks"})
    service.remember(scope, "See you", expires_on=(NOON + DAY).date())
    service.update("acme", memory.id, MemoryChanges(text="I like coffee", said_at=NOON - DAY))
    service.delete("acme", service.remember(scope, "Forget it").id)
    assert first.is_graphed
    return service.read("acme", memory.id)


# --- there and back


def test_everything_comes_back_as_it_was(here: LocalPlace, there: LocalPlace) -> None:
    a_life(here)
    told = here.lines()

    report = there.take(told)

    assert there.lines() == told
    assert (report.conflicts, report.conflict_count, report.owners_to_read) == ([], 0, 0)
    kinds = Counter(type(item) for item in here.items())
    assert report.imported == {import_report.NAMES[kind]: n for kind, n in kinds.items()}
    assert set(kinds) == set(import_report.NAMES) - {NamedAlias}


def test_what_came_back_is_found_and_goes_on(here: LocalPlace, there: LocalPlace) -> None:
    memory = a_life(here)
    there.take(here.lines())
    service = there.service

    [found] = service.found(memory.scope, "coffee", limit=1)
    changed = service.update("acme", memory.id, MemoryChanges(text="I like milk"))

    assert found.memory.id == memory.id
    assert found.memory.embedding is not None
    assert changed.version == memory.version + 1
    assert service.index_all(memory.scope) > 0
    [again] = (service.remember(memory.scope, "I like cake"),)
    assert again.turn is not None
    turns = [each.turn for each in service.listed(memory.scope) if each.turn is not None]
    assert len(turns) == len(set(turns))


def test_a_graph_that_came_back_takes_back_what_a_memory_said(
    here: LocalPlace, there: LocalPlace
) -> None:
    scope = a_scope("acme", user="maya")
    world = World.over(here.service, scope)
    said = world.said("Maya:person knows Tom:person")
    world.written()
    there.take(here.lines())
    copy = World.over(there.service, scope)
    assert copy.state() == world.state()

    assert copy.written() == 1, "the memory is read"
    assert copy.reader.read_texts == [], "by nobody"
    copy.deleted(replace(said, embedding=None))
    copy.written()

    assert copy.entities() == {"Maya:person": 0, "Tom:person": 0}


def test_it_can_go_to_another_project(here: LocalPlace, there: LocalPlace) -> None:
    a_life(here)
    there.service.open_project("other")
    other = replace(there, project="other")

    report = other.take(here.lines())

    assert report.conflict_count == 0
    # Ids of entities, by which they are ordered, are others there.
    assert sorted(other.lines()) == sorted(here.lines())
    assert there.items() == []


def test_doing_it_again_does_nothing(here: LocalPlace, there: LocalPlace) -> None:
    a_life(here)
    first = there.take(here.lines())

    again = there.take(here.lines())

    assert again.imported.total() == 0
    assert again.known == first.imported
    assert again.conflict_count == 0
    assert there.lines() == here.lines()


def test_one_subject_comes_alone(here: LocalPlace, there: LocalPlace) -> None:
    memory = a_life(here)
    ben = a_scope("acme", user="ben")
    here.service.remember(ben, "I am Ben")
    here.service.delete("acme", here.service.remember(ben, "Forget Ben").id)
    here.service.store.subjects.describe("acme", ben.owner, {"plan": "free"}, at=NOON)

    of_maya, of_ben = here.lines(MAYA), here.lines(ben.owner)
    of_run = here.lines(*memory.scope.subjects)

    everything = here.lines()
    assert set(of_maya[1:-1]) | set(of_ben[1:-1]) == set(everything[1:-1])
    assert not set(of_maya[1:-1]) & set(of_ben[1:-1])
    assert "entity" not in "".join(of_run)
    assert "Rome" not in "".join(of_run)
    there.take(of_ben)
    assert there.lines() == of_ben


def test_without_its_graph_a_memory_is_read_again(here: LocalPlace, there: LocalPlace) -> None:
    scope = a_scope("acme", user="maya", run="r1")
    world = World.over(here.service, scope)
    world.said("Maya:person knows Tom:person")
    world.written()

    there.take(here.lines(scope.subjects[1]))

    copy = World.over(there.service, scope)
    copy.written()
    assert copy.reader.read_texts == [["Maya:person knows Tom:person"]]
    assert copy.entities() == world.entities()


def test_aliases_come_with_the_graph(here: LocalPlace, there: LocalPlace) -> None:
    scope = a_scope("acme", user="maya")
    world = World.over(here.service, scope)
    for text in ("New York City:place", "the New York City:thing"):
        world.said(text)
        world.written()
    archive = here.service.store.archive
    assert archive.aliases(world.owner, limit=9), "two names are of one place"

    there.take(here.lines())

    assert there.lines() == here.lines()
    there.take(here.lines())
    copied = there.service.store.archive.aliases(world.owner, limit=9)
    assert copied == archive.aliases(world.owner, limit=9)


def test_what_nobody_can_name_is_left_out(here: LocalPlace, there: LocalPlace) -> None:
    scope = a_scope("acme", user="maya")
    owner = Owner.of(scope)
    here.service.remember(scope, "I like tea")
    mia, nobody = an_entity(owner, "Mia"), an_entity(owner, "nobody")
    alias = Alias(entity_id(owner, "Mimi", "a type of old"), mia.id, "Mimi", NOON)
    lost = Alias(entity_id(owner, "Nob", "person"), nobody.id, "Nob", NOON)
    relation = a_relation(mia, nobody)
    here.service.store.graph.commit(
        owner, a_graph_change(entities=(mia,), relations=(relation,), aliases=(alias, lost))
    )

    report = there.take(here.lines())

    assert report.imported == {"entities": 1, "memories": 1, "episodes": 1}


# --- what is in the way


def test_what_is_in_another_state_stays(here: LocalPlace, there: LocalPlace) -> None:
    memory = a_life(here)
    told = here.lines()
    there.take(told)
    changed = there.service.update("acme", memory.id, MemoryChanges(text="I like milk"))
    there.service.store.subjects.describe("acme", MAYA, {"plan": "free"}, at=NOON)

    report = there.take(told)

    places = [conflict.place for conflict in report.conflicts]
    assert places == ["user", memory.id]
    assert {each.reason for each in report.conflicts} == {import_records.OTHER_STATE}
    assert there.service.read("acme", memory.id) == changed
    assert there.service.store.archive.metadata("acme", MAYA) == {"plan": "free"}


def test_what_was_deleted_here_stays_deleted(here: LocalPlace, there: LocalPlace) -> None:
    memory = a_life(here)
    told = here.lines()
    there.take(told)
    there.service.delete("acme", memory.id)

    report = there.take(told)

    assert [conflict.place for conflict in report.conflicts] == [memory.id]
    with pytest.raises(NotFoundError):
        there.service.read("acme", memory.id)


def test_what_lives_here_is_not_deleted(here: LocalPlace, there: LocalPlace) -> None:
    memory = a_life(here)
    there.take(here.lines())
    here.service.delete("acme", memory.id)

    report = there.take(here.lines())

    assert [conflict.place for conflict in report.conflicts] == [memory.id]
    assert there.service.read("acme", memory.id).text == memory.text


def test_a_text_that_is_taken_here_is_told_and_the_rest_comes(
    here: LocalPlace, there: LocalPlace
) -> None:
    scope = a_scope("acme", user="ada")
    mine = here.service.remember(scope, "I like tea")
    here.service.remember(scope, "I like cake")
    theirs = there.service.remember(scope, "I like tea")
    # Their ids are made with the secrets of two projects.
    assert mine.id != theirs.id

    report = there.take(here.lines())

    assert [conflict.place for conflict in report.conflicts] == [mine.id]
    assert "text" in report.conflicts[0].reason
    assert {each.text for each in there.service.listed(scope)} == {"I like tea", "I like cake"}


def test_a_graph_of_other_things_goes_on_as_it_is(here: LocalPlace, there: LocalPlace) -> None:
    scope = a_scope("acme", user="maya")
    world, other = World.over(here.service, scope), World.over(there.service, scope)
    world.said("Maya:person knows Tom:person")
    world.written()
    other.said("Maya:person likes tea:drink")
    other.said("Maya:person")
    other.written()

    report = there.take(here.lines())
    other.written()

    assert (report.owners_to_read, report.conflict_count) == (1, 0)
    assert other.entities() == {"Maya:person": 3, "Tom:person": 1, "tea:drink": 1}


def test_a_graph_beside_other_things_comes(here: LocalPlace, there: LocalPlace) -> None:
    scope = a_scope("acme", user="maya")
    world, other = World.over(here.service, scope), World.over(there.service, scope)
    world.said("Maya:person knows Tom:person")
    world.written()
    other.said("Rex:dog")
    other.written()

    report = there.take(here.lines())

    assert report.owners_to_read == 0
    assert other.entities() == {"Maya:person": 1, "Tom:person": 1, "Rex:dog": 1}


def test_what_was_erased_since_does_not_come_back(here: LocalPlace, there: LocalPlace) -> None:
    a_life(here)
    ben = a_scope("acme", user="ben")
    here.service.remember(ben, "I am Ben")
    told = here.lines()
    there.service.store.erasures.mark("acme", MAYA, at=SAID_BY)

    report = there.take(told, said_by=SAID_BY)

    texts = [line for line in there.lines() if "memory" in line]
    assert len(texts) == 2, "Ben's, and the last line"
    assert report.imported == {"memories": 1, "episodes": 1}
    assert {each.reason for each in report.conflicts} == {import_records.ERASED}
    assert report.owners_to_read == 0
    assert "".join(there.lines()).count("Maya") == 0


def test_what_an_erased_agent_said_does_not_come_back_in_its_users_graph(
    here: LocalPlace, there: LocalPlace
) -> None:
    for names in ({"user": "maya", "agent": "helper"}, {"user": "maya"}):
        world = World.over(here.service, a_scope("acme", **names))
        world.said(f"Maya:person knows {'Tom' if len(names) == 2 else 'Ida'}:person")
        world.write(world.owner)
    told = here.lines()
    there.service.store.erasures.mark("acme", Subject(SubjectKind.AGENT, "helper"), at=SAID_BY)

    report = there.take(told, said_by=SAID_BY)

    assert (report.imported["memories"], report.owners_to_read) == (1, 1)
    assert "Tom" in "".join(told)
    assert "Tom" not in "".join(there.lines())
    other = World.over(there.service, a_scope("acme", user="maya"))
    other.write(other.owner)
    assert other.entities() == {"Maya:person": 1, "Ida:person": 1}


def test_an_erasure_before_the_export_refuses_nothing(here: LocalPlace, there: LocalPlace) -> None:
    a_life(here)
    there.service.store.erasures.mark("acme", MAYA, at=NOON)

    report = there.take(here.lines(), said_by=SAID_BY)

    assert report.conflict_count == 0
    assert there.lines() == here.lines()


def test_expired_episodes_are_left_out(here: LocalPlace, there: LocalPlace) -> None:
    scope = a_scope("acme", user="ada")
    here.service.remember(scope, "I like tea")
    [*others, episode] = here.items()
    assert isinstance(episode, Episode)

    report = there.take_items(*others, replace(episode, expires_at=NOON))

    assert [conflict.reason for conflict in report.conflicts] == ["it has expired"]
    assert report.imported == {"memories": 1}


def test_what_cannot_be_taken_is_told(there: LocalPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_report, "MAX_TOLD", 2)

    report = there.take_items(*[NOT_HERE] * 3, looks_ahead=False)

    assert report.conflicts == [NOT_HERE] * 2
    assert report.conflict_count == 3


def test_there_must_be_such_a_project(here: LocalPlace) -> None:
    nobodys = replace(here, project="nobody's")
    with pytest.raises(NotFoundError):
        nobodys.items()
    with pytest.raises(NotFoundError):
        nobodys.take(here.lines())


# --- what breaks off


@pytest.mark.parametrize("lost", ["line", "end"])
def test_nothing_is_stored_of_a_file_that_was_cut(
    here: LocalPlace, there: LocalPlace, lost: str
) -> None:
    a_life(here)
    told = here.lines()
    cut = told[:-1] if lost == "end" else [*told[:3], *told[4:]]

    with pytest.raises(InvalidRequestError):
        there.take(cut)

    assert len(there.lines()) == 2


@dataclass(frozen=True)
class Breaking(LocalRecord):
    """A record that fails behind so many commits."""

    commits: Iterator[int]

    def commit(self, project: str, change: Change) -> None:
        if next(self.commits, None) is None:
            message = "The disk is full"
            raise UnavailableError(message)
        super().commit(project, change)


@pytest.mark.parametrize("at", range(5))
def test_what_broke_off_goes_on(here: LocalPlace, there: LocalPlace, at: int) -> None:
    a_life(here)
    told = here.lines()
    breaking = LocalPlace(
        there.service.having(record=Breaking(there.service.store.database, iter(range(at))))
    )
    with pytest.raises(UnavailableError):
        breaking.take(told)

    there.take(told)

    assert there.lines() == told


@dataclass(frozen=True)
class Begun(LocalRecord):
    """A record that has the beginning of every history of which it has nothing else.

    As one that cannot hold all in one commit has after what broke off.
    """

    begun: Sequence[HistoryEvent]

    def history(self, project: str, memory_id: str) -> list[HistoryEvent]:
        assert super().history(project, memory_id) == []
        return list(self.begun)


def test_a_history_that_was_begun_is_finished(here: LocalPlace, there: LocalPlace) -> None:
    scope = a_scope("acme", user="ada")
    here.service.delete("acme", here.service.remember(scope, "Forget it").id)
    deleted = next(item for item in here.items() if isinstance(item, DeletedMemory))
    begun = Begun(there.service.store.database, deleted.history[:1])

    report = LocalPlace(there.service.having(record=begun)).take_items(deleted)

    assert report.imported == {"deleted memories": 1}
    assert [item for item in there.items() if isinstance(item, DeletedMemory)] == [deleted]


# --- while others write


def test_what_changes_meanwhile_is_told_as_it_was_listed(here: LocalPlace) -> None:
    memory = a_life(here)
    items = here.exporting("acme")
    kept = next(item for item in items if isinstance(item, KeptMemory))

    here.service.update("acme", memory.id, MemoryChanges(text="I like milk"))

    assert all(event.version <= kept.memory.version for event in kept.history)
    told = [kept, *(item for item in items if isinstance(item, KeptMemory))]
    assert all(each.history[-1].version == each.memory.version for each in told)


# --- whatever was done

NAMES = st.sampled_from(["ada", "ben \U0001f642"])
RUNS = st.sampled_from([None, "r/1"])
TEXTS = st.sampled_from(["I like tea", "I like  coffee\u2028", "Meet Tom", "\U0001f642", '"{}"'])
VERDICTS = st.none() | st.builds(Feedback, st.sampled_from(Verdict), st.none() | st.just("why"))
STATED = st.sampled_from(
    [
        "Ada:person knows Tom:person",
        "Ada:person lives_in Rome:city from 2026-01-01 to 2026-06-01",
        "Ada:person lives_in Oslo:city; Rex:dog",
        "Tom:person",
    ]
)
DAYS = st.none() | st.integers(-2, 2).map(lambda days: (NOON + days * DAY).date())
STEPS = st.one_of(
    st.tuples(st.just("said"), NAMES, RUNS, TEXTS, DAYS, st.sampled_from(["infer", "verbatim"])),
    st.tuples(st.just("changed"), st.integers(0, 9), TEXTS, DAYS),
    st.tuples(st.just("judged"), st.integers(0, 9), VERDICTS),
    st.tuples(st.just("deleted"), st.integers(0, 9)),
    st.tuples(st.just("stated"), NAMES, STATED),
    st.tuples(st.just("described"), NAMES, st.dictionaries(st.text(max_size=3), st.none())),
)


@dataclass(frozen=True)
class Steps:
    """Does to a place what it is told; what is refused did nothing."""

    place: LocalPlace

    @property
    def memories(self) -> list[Memory]:
        return [item.memory for item in self.place.items() if isinstance(item, KeptMemory)]

    def said(self, name: str, run: str | None, text: str, day: date | None, how: str) -> None:
        scope = a_scope("acme", user=name, **({"run": run} if run else {}))
        self.place.service.say(scope, text, infer=how == "infer", expires_on=day)

    def changed(self, number: int, text: str, day: date | None) -> None:
        for memory in self.memories[number : number + 1]:
            changes = MemoryChanges(text=text, metadata={"n": number}, expires_on=day)
            with suppress(ConflictError):
                self.place.service.update("acme", memory.id, changes)

    def judged(self, number: int, feedback: Feedback | None) -> None:
        ports = self.place.service.ports
        give = GiveFeedback(ports.record, ports.wake_ups, ports.now, ports.new_id)
        for memory in self.memories[number : number + 1]:
            give("acme", memory.id, feedback)

    def deleted(self, number: int) -> None:
        for memory in self.memories[number : number + 1]:
            self.place.service.delete("acme", memory.id)

    def stated(self, name: str, text: str) -> None:
        world = World.over(self.place.service, a_scope("acme", user=name), ending="lives_in")
        with suppress(ConflictError):
            world.said(text)
        world.written()

    def described(self, name: str, metadata: dict[str, None]) -> None:
        subject = Subject(SubjectKind.USER, name)
        self.place.service.store.subjects.describe("acme", subject, metadata, at=NOON)


@settings(max_examples=30, deadline=None)
@given(st.lists(STEPS, max_size=14))
def test_whatever_was_done_comes_back(steps: list[tuple[Any, ...]]) -> None:
    with TemporaryDirectory() as folder, opened(Path(folder, "a")) as here:
        for name, *values in steps:
            getattr(Steps(here), name)(*values)
        told = here.lines()
        with opened(Path(folder, "b")) as there:
            report = there.take(told)

            assert report.conflicts == []
            assert there.lines() == told
            assert there.take(told).imported.total() == 0
