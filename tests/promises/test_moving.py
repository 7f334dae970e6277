"""What a project remembers can move to the other edition and back, and is the same again."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from recollect.domain.changes import MemoryChanges
from recollect.domain.graph import Owner
from recollect.domain.memory import Feedback, Verdict
from recollect.ports.archive import DeletedMemory, KeptMemory
from recollect.testing.builders import NOON, a_change, a_memory, a_scope, adding, updating
from recollect.usecases.give_feedback import GiveFeedback
from recollect.usecases.import_report import NAMES
from tests.moving import Place
from tests.service import UseCases, a_service

DAY = timedelta(days=1)
LONG = "and so on \U0001f642 " * 800
"""Thirty of them are an episode that no item of a table can hold."""
CHANGES = 120
"""More events than one transaction has room for."""


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[Place]:
    service = a_service(tmp_path / "laptop.db")
    service.open_project("acme")
    yield Place(service)
    service.store.database.close()


@pytest.fixture
def home(edition: UseCases) -> Place:
    """A project in which much has happened."""
    place = Place(edition, edition.open_project("acme"))
    live(place)
    return place


def live(place: Place) -> None:
    service, project = place.service, place.project
    maya = a_scope(project, user="maya", agent="tutor", run="r/1")
    service.ports.subjects.describe(project, maya.owner, {"plan": "pro"}, at=NOON)
    coffee = service.remember(maya, "I like tea", metadata={"topic": "drinks"})
    service.update(project, coffee.id, MemoryChanges(text="I like coffee", said_at=NOON - DAY))
    give = GiveFeedback(
        service.ports.record, service.ports.wake_ups, service.ports.now, service.ports.new_id
    )
    give(project, coffee.id, Feedback(Verdict.NEGATIVE, "not at all"))
    service.remember(maya, "See you", expires_on=(NOON + DAY).date(), is_immutable=True)
    service.delete(project, service.remember(maya, "Forget it").id)
    service.say(maya, *(f"Listen to part {number}: {LONG}" for number in range(30)))
    friends = a_scope(project, user="maya")
    for text in ("My sister Anna lives in Rome.", "My brother Tom works at Acme."):
        service.say(friends, text, infer=True, is_graphed=True)
    service.write_graph(Owner.of(friends))
    change_often(place)


def change_often(place: Place) -> None:
    memory = a_memory(a_scope(place.project, app="robot"), "text 0")
    place.service.ports.record.commit(place.project, a_change(adding(memory)))
    for number in range(1, CHANGES):
        write = updating(memory, text=f"text {number}")
        place.service.ports.record.commit(place.project, a_change(write))
        memory = write.after or memory


def test_a_project_moves_and_comes_back(home: Place, laptop: Place) -> None:
    told = home.lines()
    assert {NAMES[type(item)] for item in home.items()} >= {
        "subjects",
        "entities",
        "relations",
        "memories",
        "deleted memories",
        "episodes",
    }

    there = laptop.take(told)
    back = Place(home.service, home.service.open_project("back"))
    here = back.take(laptop.lines())

    assert (there.conflicts, here.conflicts) == ([], [])
    assert sorted(laptop.lines()) == sorted(told)
    assert sorted(back.lines()) == sorted(told)
    assert back.take(told).imported == {}


def test_what_moved_is_found_and_changes_as_ever(home: Place, laptop: Place) -> None:
    laptop.take(home.lines())
    memory = next(
        item.memory
        for item in laptop.items()
        if isinstance(item, KeptMemory) and item.memory.text == "I like coffee"
    )
    back = Place(home.service, home.service.open_project("back"))
    back.take(laptop.lines())
    scope = a_scope(back.project, user="maya", agent="tutor", run="r/1")

    found = back.service.found(scope, "coffee", limit=1)
    changed = back.service.update(back.project, memory.id, MemoryChanges(text="I like milk"))
    back.service.delete(back.project, memory.id)

    assert [each.memory.id for each in found] == [memory.id]
    assert changed.version == memory.version + 1
    told = [item for item in back.items() if isinstance(item, DeletedMemory)]
    assert memory.id in {each.id for each in told}
