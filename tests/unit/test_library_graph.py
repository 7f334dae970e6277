"""`Memory` and its graph: adds that wait for it, adds that do not, and what a search tells."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from recollect import AsyncMemory, Memory, bootstrap
from recollect.domain.errors import UnavailableError
from recollect.domain.graph import Owner
from recollect.domain.subjects import Subject, SubjectKind
from recollect.library.edition import PROJECT
from recollect.ports.models import Form, PromptTurn, Reply, Usage
from recollect.usecases.write_graph import BATCH

PATIENCE_SECONDS = 20
HOME = "I live in Lisbon."
LIVES = {"source": "ada", "relationship": "lives_in", "target": "Lisbon"}
MANY = 120
"""Owners: more than the queues of a service hand over at once."""
ADA = Owner(PROJECT, Subject.of(SubjectKind.USER, "ada").key)


class Slow:
    """A model that begins to read, and answers when it may; it finds a city in every memory."""

    model = "slow"
    began = threading.Event()
    may_answer = threading.Event()
    reads = 0

    def ask(self, system: str, turns: Sequence[PromptTurn], form: Form) -> Reply:  # noqa: ARG002
        Slow.reads += 1
        Slow.began.set()
        assert Slow.may_answer.wait(PATIENCE_SECONDS)
        lines = [json.loads(line) for line in turns[-1].text.splitlines() if line.startswith("{")]
        lives = {"source": "USER", "predicate": "lives_in", "target": "Lisbon"}
        found = [{"memory": line["memory"], "relations": [lives]} for line in lines]
        return Reply(json.dumps({"memories": found}), Usage(1, 10, 1))


class Absent:
    """A model that cannot be reached."""

    model = "absent"

    def ask(self, *_: object) -> Reply:
        raise UnavailableError(self.model)


class Nonsense:
    """A model whose answers are no use."""

    model = "nonsense"

    def ask(self, *_: object) -> Reply:
        return Reply('{"memories": [{"memory": 7}]}', Usage(1, 10, 1))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "recollect.db"


@pytest.fixture
def slow(data: Path) -> Iterator[Memory]:
    """A memory whose model has not answered yet."""
    Slow.began, Slow.may_answer, Slow.reads = threading.Event(), threading.Event(), 0
    with Memory(data, language_model=f"{__name__}:Slow") as memory:
        yield memory
        Slow.may_answer.set()


def unread(data: Path) -> int:
    with bootstrap.local_edition(data) as store:
        return len(store.graph_outbox.unread(ADA, limit=1_000))


def unprojected(data: Path) -> int:
    with bootstrap.local_edition(data) as store:
        return len(store.graph_outbox.unprojected(ADA, limit=1_000))


def owners_behind(data: Path) -> int:
    with bootstrap.local_edition(data) as store:
        return len(store.graph_outbox.unread_owners(before=datetime.now(UTC), limit=1_000))


def texts(memory: Memory) -> list[str]:
    return [each["memory"] for each in memory.get_all(user_id="ada")["results"]]


def told(memory: Memory, text: str, user: str = "ada") -> dict[str, Any]:
    """Add a text verbatim, and wait for the graph."""
    return memory.add(text, user_id=user, infer=False, enable_graph=True, wait_for_graph=True)


def cities(memory: Memory, **options: Any) -> list[str]:  # noqa: ANN401 - whatever it takes
    answer = memory.search("Where does ada live?", user_id="ada", enable_graph=True, **options)
    return [each["destination"] for each in answer["relations"]]


def test_an_add_that_waits_tells_what_it_did_to_the_graph(data: Path) -> None:
    with Memory(data) as memory:
        first = told(memory, HOME)
        then = told(memory, "I moved to Porto and live in Porto.")

    assert first["graph_status"] == then["graph_status"] == "SUCCEEDED"
    assert first["relations"] == {"added_entities": [LIVES], "deleted_entities": []}
    assert {**LIVES, "target": "Porto"} in then["relations"]["added_entities"]
    assert then["relations"]["deleted_entities"] == [LIVES]


@pytest.mark.parametrize("enable_graph", [None, False])
def test_an_add_that_is_not_for_the_graph_has_nothing_to_wait_for(
    data: Path, *, enable_graph: bool | None
) -> None:
    with Memory(data) as memory:
        added = memory.add(
            HOME, user_id="ada", infer=False, wait_for_graph=True, enable_graph=enable_graph
        )

        assert cities(memory) == []
    assert not {"relations", "graph_status"} & added.keys()


def test_a_search_tells_relations_as_the_open_source_memory_does(data: Path) -> None:
    with Memory(data) as memory:
        [kept] = told(memory, HOME)["results"]
        asked = memory.search("Where does ada live?", user_id="ada", enable_graph=True)
        others = memory.search("Where does ada live?", user_id="bea", enable_graph=True)

    [relation] = asked["relations"]
    score = relation.pop("score")
    assert relation == {
        "source": "ada",
        "source_type": "user",
        "relationship": "lives_in",
        "destination": "Lisbon",
        "target_type": "place",
        "memory_ids": [kept["id"]],
    }
    assert 0 < score <= 1
    assert [each["id"] for each in asked["results"]] == [kept["id"]]
    assert others["relations"] == others["results"] == []


def test_a_search_tells_relations_that_held_at_a_time(data: Path) -> None:
    with Memory(data) as memory:
        told(memory, HOME)
        between = datetime.now(UTC)
        told(memory, "I moved to Porto and live in Porto.")

        assert cities(memory) == ["Porto"]
        assert "Lisbon" in cities(memory, reference_date=between)
        assert "Lisbon" in cities(memory, reference_date=between.isoformat())
        with pytest.raises(ValueError, match="reference_date"):
            cities(memory, reference_date="soon")


def test_a_search_has_no_relations_unless_they_are_asked_for(data: Path) -> None:
    with Memory(data) as memory:
        told(memory, HOME)

        for enable_graph in (None, False):
            found = memory.search("Where does ada live?", user_id="ada", enable_graph=enable_graph)
            assert found["results"]
            assert "relations" not in found


def test_a_slow_reader_delays_no_call(data: Path, slow: Memory) -> None:
    for number in range(3):
        slow.add(f"{HOME} {number}", user_id="ada", infer=False, enable_graph=True)
    assert Slow.began.wait(PATIENCE_SECONDS)

    assert len(slow.get_all(user_id="ada")["results"]) == 3
    assert cities(slow) == []

    Slow.may_answer.set()
    last = told(slow, "And 4")
    assert last["graph_status"] == "SUCCEEDED"
    assert cities(slow) == ["Lisbon"]
    assert unread(data) == unprojected(data) == 0


def test_what_nobody_waits_for_follows_in_its_own_thread(data: Path, slow: Memory) -> None:
    Slow.may_answer.set()
    slow.add(HOME, user_id="ada", infer=False, enable_graph=True)

    # Behind what was to do before, one at a time.
    told(slow, "Tea.", "bea")

    assert cities(slow) == ["Lisbon"]
    assert unread(data) == unprojected(data) == 0


def test_closing_waits_for_one_batch_and_loses_nothing(data: Path, slow: Memory) -> None:
    turns = [f"{HOME} {number}" for number in range(2 * BATCH)]
    slow.add(turns, user_id="ada", infer=False, enable_graph=True)
    assert Slow.began.wait(PATIENCE_SECONDS)
    closing = threading.Thread(target=slow.close)
    closing.start()
    # It goes on with the batch in hand only once it knows.
    assert slow._edition.is_closing.wait(PATIENCE_SECONDS)  # noqa: SLF001
    Slow.may_answer.set()
    closing.join(PATIENCE_SECONDS)

    assert not closing.is_alive()
    assert Slow.reads == 1
    assert unread(data) == BATCH

    with Memory(data, language_model=f"{__name__}:Slow") as again:
        done = told(again, "4", "bea")
        assert done["graph_status"] == "SUCCEEDED"
        assert cities(again) == ["Lisbon"]
    assert unread(data) == unprojected(data) == 0


def test_many_owners_that_a_crash_left_behind_are_all_read(data: Path) -> None:
    with Memory(data, language_model=f"{__name__}:Absent") as memory:
        for number in range(MANY):
            memory.add(HOME, user_id=f"user {number}", infer=False, enable_graph=True)
    assert owners_behind(data) == MANY

    with Memory(data):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while owners_behind(data):
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.mark.parametrize(("mind", "status"), [("Absent", "PENDING"), ("Nonsense", "FAILED")])
def test_a_model_that_does_not_help_fails_no_add(data: Path, mind: str, status: str) -> None:
    with Memory(data, language_model=f"{__name__}:{mind}") as memory:
        added = told(memory, HOME)

        assert texts(memory) == [HOME]
    assert added["status"] == "SUCCEEDED"
    assert added["graph_status"] == status
    assert added["relations"] == {"added_entities": [], "deleted_entities": []}


def test_deletes_and_updates_reach_the_graph_whatever_is_asked_then(data: Path) -> None:
    with Memory(data) as memory:
        [kept] = told(memory, HOME)["results"]
        memory.update(kept["id"], "I live in Porto.")
        told(memory, "Tea.", "bea")
        assert cities(memory) == ["Porto"]

        memory.delete(kept["id"])
        # Before anybody has read it, what nobody says any more is not told.
        assert cities(memory) == []
        told(memory, "Milk.", "bea")
        assert cities(memory) == []


def test_the_asynchronous_object_does_the_same(data: Path) -> None:
    async def run() -> None:
        async with AsyncMemory(data) as memory:
            added = await memory.add(
                HOME, user_id="ada", infer=False, enable_graph=True, wait_for_graph=True
            )
            found = await memory.search("Where does ada live?", user_id="ada", enable_graph=True)
            assert added["relations"]["added_entities"] == [LIVES]
            assert [each["destination"] for each in found["relations"]] == ["Lisbon"]

    asyncio.run(run())
