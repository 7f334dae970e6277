"""How often an operation asks the outside: exact numbers, whatever the size of the data."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from recollect.adapters.local.record import LocalRecord
from recollect.domain.changes import MemoryChanges
from recollect.domain.subjects import Scope
from tests.service import OnlyProposing, Service

PORTS = (
    "record",
    "episodes",
    "scopes",
    "listing",
    "outbox",
    "jobs",
    "index",
    "embedder",
    "wake_ups",
)
FREE = ("room_for",)
"""What asks nobody."""


class Counted:
    """Passes every call on to a port and counts it."""

    def __init__(self, name: str, port: object, calls: Counter[str]) -> None:
        self._name = name
        self._port = port
        self._calls = calls

    def __getattr__(self, method: str) -> Any:  # noqa: ANN401 - whatever the port has
        found = getattr(self._port, method)
        if not callable(found) or method in FREE:
            return found

        def call(*arguments: object, **options: object) -> object:
            self._calls[f"{self._name}.{method}"] += 1
            return found(*arguments, **options)

        return call


class CommitsOfTen(LocalRecord):
    """Holds ten writes a commit, as a transaction of DynamoDB may."""

    def room_for(self, scopes: Sequence[Scope]) -> int:
        return min(len(scopes), 10)


def counted(service: Service) -> tuple[Service, Counter[str]]:
    calls: Counter[str] = Counter()
    ports = {name: Counted(name, getattr(service.ports, name), calls) for name in PORTS}
    return service.having(**ports), calls


def test_a_verbatim_add_is_six_calls_whatever_its_size(service: Service, scope: Scope) -> None:
    watched, calls = counted(service)

    watched.say(scope, *(f"message number {number}" for number in range(150)))

    assert calls == {
        "jobs.accept": 1,
        "scopes.reserve_turns": 1,
        "scopes.find_texts": 1,
        "embedder.embed": 1,
        "record.commit": 1,
        "wake_ups.index": 1,
    }


def test_a_larger_add_stores_its_plan_and_commits_once_a_part(
    service: Service, scope: Scope
) -> None:
    watched, calls = counted(service)
    parts = 3

    watched.say(scope, *(f"message number {number}" for number in range(200 * parts)))

    assert calls["record.commit"] == 1 + parts
    assert calls["wake_ups.index"] == 1
    assert calls["jobs.accept"] == calls["scopes.reserve_turns"] == 1


def test_texts_are_embedded_many_at_once_in_however_small_parts(
    service: Service, scope: Scope
) -> None:
    watched, calls = counted(service.having(record=CommitsOfTen(service.store.database)))

    watched.say(scope, *(f"message number {number}" for number in range(200)))

    assert calls["record.commit"] == 1 + 20
    assert calls["embedder.embed"] == 3
    assert calls["wake_ups.index"] == 1


def test_a_repeated_add_embeds_nothing_and_wakes_nobody(service: Service, scope: Scope) -> None:
    service.say(scope, "I like tea")
    watched, calls = counted(service)

    watched.say(scope, "I like tea")

    assert "embedder.embed" not in calls
    assert "wake_ups.index" not in calls


def test_an_inferred_add_embeds_and_searches_all_its_facts_together(
    service: Service, scope: Scope
) -> None:
    watched, calls = counted(service)

    watched.say(scope, "I live in Lisbon.", "My dog is called Rex.", infer=True)

    assert calls == {
        "jobs.accept": 1,
        "episodes.recent": 1,
        "scopes.clock": 1,
        "scopes.find_texts": 1,
        "embedder.embed": 1,
        "outbox.unseen": 1,
        "index.propose": 1,
        "record.commit": 1,
        "wake_ups.index": 1,
    }


FOUND = {"embedder.embed": 1, "outbox.unseen": 1, "index.propose": 1}
"""What every search calls."""


def test_a_search_reads_only_what_it_shows_of_an_index_that_knows_the_rest(
    service: Service, scope: Scope
) -> None:
    service.say(scope, *(f"message number {number} about tea" for number in range(200)))
    service.index_all(scope)
    watched, calls = counted(service)

    found = watched.found(scope, "tea", limit=100)

    assert len(found) == 100
    assert calls == {**FOUND, "record.get": 1}


def test_a_search_reads_candidates_and_their_neighbours_in_two_rounds(
    service: Service, scope: Scope
) -> None:
    service.say(scope, *(f"message number {number} about tea" for number in range(200)))
    service.index_all(scope)
    service.say(scope, "one more about tea")
    watched, calls = counted(service.having(index=OnlyProposing(service.ports.index)))

    found = watched.found(scope, "tea", limit=100)

    assert len(found) == 100
    assert calls == {**FOUND, "scopes.turns_at": 1, "record.get": 2}


def test_the_messages_of_facts_are_read_together_and_the_facts_once(
    service: Service, scope: Scope
) -> None:
    for number in range(30):
        service.say(scope, f"We met {number} people.", f"I like tea number {number}.", infer=True)
    service.index_all(scope)

    for index in (service.ports.index, OnlyProposing(service.ports.index)):
        watched, calls = counted(service.having(index=index))

        assert len(watched.found(scope, "tea", limit=20)) == 20
        assert calls == {**FOUND, "record.get": 1, "episodes.get": 1}


def test_what_the_index_has_not_seen_takes_two_more_rounds(service: Service, scope: Scope) -> None:
    service.say(scope, *(f"message number {number} about tea" for number in range(200)))
    service.index_all(scope)
    service.say(scope, "one more about tea")
    watched, calls = counted(service)

    found = watched.found(scope, "tea", limit=100)

    assert len(found) == 100
    assert calls == {**FOUND, "scopes.turns_at": 1, "record.get": 3}


def test_an_update_embeds_only_a_changed_text(service: Service, scope: Scope) -> None:
    memory = service.remember(scope, "I like tea")
    watched, calls = counted(service)

    watched.update(scope.project, memory.id, MemoryChanges(metadata={"a": 1}))
    assert calls == {"record.get": 1, "record.commit": 1, "wake_ups.index": 1}

    watched.update(scope.project, memory.id, MemoryChanges(text="I like coffee"))
    assert calls["embedder.embed"] == 1
    assert calls["record.commit"] == 2
