"""What every Archive promises, and what comes to a record from elsewhere: a fixture `store`."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from recollect.domain.graph import Alias, Owner, entity_id
from recollect.domain.memory import Episode, HistoryEvent, Json, Memory
from recollect.domain.subjects import Scope, Subject, SubjectKind
from recollect.ports.record import MemoryWrite, TextTakenError, VersionMovedError
from recollect.testing.builders import (
    NOON,
    a_change,
    a_graph_change,
    a_memory,
    a_scope,
    adding,
    an_entity,
    an_episode,
    deleting,
    updating,
)
from recollect.testing.fixtures import *
from recollect.testing.store import Store, a_project

DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
ODD_NAMES = ['"quoted"', "back\\slash", "\U0001f642 smile", "a/b#c~d", "['json']", "\u00e4", "a,b"]
METADATA: dict[str, Json] = {"name": "Ada \U0001f642", "tags": ["a"], "none": None}


def events_of(memory: Memory, *texts: str | None) -> tuple[HistoryEvent, ...]:
    """Return the events that gave the memory one text after the other; None is its deletion."""
    events, before = [], None
    for version, text in enumerate(texts, 1):
        after = None if text is None else replace(memory, text=text, version=version)
        at = NOON + version * DAY
        events.append(HistoryEvent.of(before, after, at=at, cause=f"job {version}"))
        before = after
    return tuple(events)


def brought(memory: Memory | None, *events: HistoryEvent) -> MemoryWrite:
    """Return the write that brings a memory, or what is left of one, with its history."""
    return MemoryWrite(before=None, after=memory, event=events[-1], earlier=events[:-1])


def bring(store: Store, write: MemoryWrite, **rest: Any) -> None:  # noqa: ANN401 - a Change's
    store.record.commit(write.scope.project, a_change(write, **rest))


def deleted(store: Store, project: str, subject: Subject, *, limit: int = 100) -> list[str]:
    """Return the ids of all deleted memories of a subject, page by page."""
    found: list[str] = []
    after = ""
    while page := store.archive.deleted(project, subject, limit=limit, after=after):
        assert len(page) <= limit
        found += page.values()
        after = list(page)[-1]
    return found


def episodes(
    store: Store, project: str, subject: Subject, *, limit: int = 100
) -> list[Episode | None]:
    """Return the episodes of all scopes of a subject, page by page."""
    found: list[Episode | None] = []
    after = ""
    while page := store.archive.episodes(project, subject, now=NOON, limit=limit, after=after):
        assert len(page) <= limit
        found += page.values()
        after = list(page)[-1]
    return found


# --- what comes from elsewhere


def test_a_memory_comes_with_its_history(store: Store, scope: Scope) -> None:
    memory = a_memory(scope, "likes coffee", version=3, vector=(1, 0))
    events = events_of(memory, "likes tea", "likes milk", "likes coffee")

    bring(store, brought(memory, *events))

    assert store.record.get(scope.project, [memory.id]) == {memory.id: memory}
    assert store.record.history(scope.project, memory.id) == list(events)
    assert set(deleted(store, scope.project, scope.owner)) <= {memory.id}
    pending = store.outbox.pending(scope.project, [scope.owner.key], limit=9)
    assert [(each.memory_id, each.version) for each in pending] == [(memory.id, 3)]
    entry = store.listing.subject(scope.project, scope.owner)
    assert entry is not None
    assert entry.memories == 1


def test_it_goes_on_from_there(store: Store, scope: Scope) -> None:
    memory = a_memory(scope, "likes coffee", version=2)
    events = events_of(memory, "likes tea", "likes coffee")
    bring(store, brought(memory, *events))

    changed = updating(memory, text="likes milk")
    store.record.commit(scope.project, a_change(changed))

    assert store.record.history(scope.project, memory.id) == [*events, changed.event]


def test_a_long_history_comes_as_a_whole(store: Store, scope: Scope) -> None:
    texts = [f"text {number}" for number in range(150)]
    memory = a_memory(scope, texts[-1], version=len(texts))
    events = events_of(memory, *texts)

    bring(store, brought(memory, *events))

    assert store.record.history(scope.project, memory.id) == list(events)


def test_what_is_there_is_not_replaced(store: Store, scope: Scope) -> None:
    there = a_memory(scope, "likes milk")
    store.record.commit(scope.project, a_change(adding(there)))
    other = a_memory(scope, "likes coffee", id=there.id, version=2)

    with pytest.raises(VersionMovedError):
        bring(store, brought(other, *events_of(other, "likes tea", "likes coffee")))

    assert store.record.get(scope.project, [there.id]) == {there.id: there}
    assert [event.new_text for event in store.record.history(scope.project, there.id)] == [
        "likes milk"
    ]


def test_its_text_is_unique_as_any(store: Store, scope: Scope) -> None:
    store.record.commit(scope.project, a_change(adding(a_memory(scope, "likes coffee"))))
    memory = a_memory(scope, "likes coffee", version=2)

    with pytest.raises(TextTakenError):
        bring(store, brought(memory, *events_of(memory, "likes tea", "likes coffee")))

    assert store.record.get(scope.project, [memory.id]) == {}
    # What was stored before the rest was refused can be found, and removed.
    left = store.record.history(scope.project, memory.id)
    assert not left or memory.id in deleted(store, scope.project, scope.owner)


def test_an_expired_one_leaves_its_text_to_whoever_has_it(store: Store, scope: Scope) -> None:
    living = a_memory(scope, "likes coffee")
    store.record.commit(scope.project, a_change(adding(living)))
    expired = a_memory(scope, "likes coffee", expires_on=(NOON - DAY).date())

    bring(store, brought(expired, *events_of(expired, "likes coffee")))

    both = store.record.get(scope.project, [living.id, expired.id])
    assert both == {living.id: living, expired.id: expired}
    found = store.scopes.find_texts(scope, ["likes coffee"], now=NOON)
    assert found == {"likes coffee": living.id}


def test_of_a_deleted_one_the_history_comes(store: Store, scope: Scope) -> None:
    memory = a_memory(scope)
    events = events_of(memory, "likes tea", "likes coffee", None)

    bring(store, brought(None, *events))

    assert store.record.get(scope.project, [memory.id]) == {}
    assert store.record.history(scope.project, memory.id) == list(events)
    assert deleted(store, scope.project, scope.owner) == [memory.id]
    assert store.listing.subject(scope.project, scope.owner) is None
    assert scope.owner in store.subjects.known(scope.project, limit=9).values()
    # Its text is nobody's.
    store.record.commit(scope.project, a_change(adding(a_memory(scope, "likes coffee"))))


def test_nothing_is_added_by_its_id(store: Store, scope: Scope) -> None:
    memory = a_memory(scope)
    events = events_of(memory, "likes tea", None)
    bring(store, brought(None, *events))

    for write in (adding(memory), brought(None, *events[:1], replace(events[1], cause="other"))):
        with pytest.raises(VersionMovedError):
            store.record.commit(scope.project, a_change(write))

    assert store.record.history(scope.project, memory.id) == list(events)


def test_a_living_one_is_not_buried(store: Store, scope: Scope) -> None:
    memory = a_memory(scope)
    store.record.commit(scope.project, a_change(adding(memory)))
    events = events_of(memory, "likes tea", None)

    with pytest.raises(VersionMovedError):
        bring(store, brought(None, events[1]))

    assert store.record.get(scope.project, [memory.id]) == {memory.id: memory}


# --- reading


@pytest.mark.parametrize("name", ODD_NAMES)
def test_deleted_memories_are_found_by_every_subject(store: Store, project: str, name: str) -> None:
    names = {kind.value: f"{name} {kind}" for kind in SubjectKind}
    for length in range(1, len(names) + 1):
        scope = a_scope(project, **dict(list(names.items())[:length]))
        memory = a_memory(scope, f"text {length}")
        store.record.commit(project, a_change(adding(memory)))
        store.record.commit(project, a_change(deleting(memory)))
    living = a_memory(a_scope(project, user=names["user"]), "lives")
    store.record.commit(project, a_change(adding(living)))

    subjects = [Subject(kind, names[kind]) for kind in SubjectKind]
    assert [len(deleted(store, project, each)) for each in subjects] == [4, 3, 2, 1]
    assert deleted(store, a_project(store), subjects[0]) == []


def test_deleted_memories_come_page_by_page(store: Store, scope: Scope) -> None:
    memories = [a_memory(scope, f"text {number}") for number in range(5)]
    for memory in memories:
        store.record.commit(scope.project, a_change(adding(memory)))
        store.record.commit(scope.project, a_change(deleting(memory)))

    found = deleted(store, scope.project, scope.owner, limit=2)

    assert sorted(found) == sorted(memory.id for memory in memories)


def test_episodes_are_found_by_every_subject(store: Store, project: str) -> None:
    scopes = [
        a_scope(project, user="ada"),
        a_scope(project, user="ada", run="1"),
        a_scope(project, user="ben", run="1"),
    ]
    told = [
        an_episode(scope, f"turn {number}", recorded_at=NOON + number * TICK)
        for scope in scopes
        for number in range(3)
    ]
    for episode in told:
        store.record.commit(project, a_change(episode=episode))

    for subject in (Subject(SubjectKind.USER, "ada"), Subject(SubjectKind.RUN, "1")):
        found = episodes(store, project, subject, limit=2)
        mine = [each for each in told if each.scope.is_within(subject)]
        assert len(found) == len(mine)
        assert all(each in found for each in mine)
    assert episodes(store, project, Subject(SubjectKind.USER, "zoe")) == []


def test_expired_episodes_are_only_counted(store: Store, scope: Scope) -> None:
    for expires_at in (NOON, NOON + TICK):
        episode = an_episode(scope, expires_at=expires_at)
        store.record.commit(scope.project, a_change(episode=episode))

    found = episodes(store, scope.project, scope.owner, limit=1)

    assert sorted(map(bool, found)) == [False, True]


def test_what_was_said_of_a_subject_is_read_without_memories(store: Store, project: str) -> None:
    ada, ben = (Subject(SubjectKind.USER, name) for name in ("ada", "ben"))
    store.subjects.describe(project, ada, METADATA, at=NOON)
    store.record.commit(project, a_change(adding(a_memory(a_scope(project, user="ben")))))

    assert store.archive.metadata(project, ada) == METADATA
    assert store.archive.metadata(project, ben) == {}
    assert store.archive.metadata(project, Subject(SubjectKind.RUN, "ada")) == {}


def test_aliases_come_page_by_page(store: Store, scope: Scope) -> None:
    owner, other = Owner.of(scope), Owner.of(a_scope(scope.project, user="ben"))
    ada = an_entity(owner, "Ada")
    store.graph.commit(owner, a_graph_change(entities=(ada,)))
    aliases = [
        Alias(entity_id(owner, f"Ada {number}", "person"), ada.id, f"Ada {number}", NOON)
        for number in range(5)
    ]
    store.graph.commit(owner, a_graph_change(aliases=tuple(aliases)))

    found: list[Alias] = []
    while page := store.archive.aliases(owner, limit=2, after=found[-1].id if found else ""):
        assert len(page) <= 2
        found += page

    assert found == sorted(aliases, key=lambda each: each.id)
    assert store.archive.aliases(other, limit=9) == []
