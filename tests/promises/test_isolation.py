"""Promise 10: nothing crosses projects, and a filter narrows, never widens."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count, product
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recollect.adapters.local.database import Database
from recollect.adapters.local.projects import LocalKeys
from recollect.adapters.local.record import LocalRecord
from recollect.domain.changes import MemoryChanges
from recollect.domain.filters import Filter, Unexpired, both, parse_filter
from recollect.domain.memory import Embedding, Json, Memory
from recollect.domain.subjects import Scope, SubjectKind
from recollect.testing.builders import NOON, a_change, a_key, a_memory, adding
from tests.service import Service, a_service, embedder

Filters: TypeAlias = dict[str, Json]
Step: TypeAlias = tuple[str, int, dict[str, Any]]

EXAMPLES = 500
"""Of each of the two properties: a thousand worlds in all."""
PROJECTS = 2
YESTERDAY, TOMORROW = NOON.date() - timedelta(days=1), NOON.date() + timedelta(days=1)
TEXTS = ("likes green tea", "likes black coffee", "owns a dog", "tea \U0001f375 \u304a\u8336")
NAMES = ("ada", "a,b \U0001f98a")
FIELDS = ("user_id", "user_id", "user_id", "agent_id", "run_id", "app_id")
NUMBERS = count()

names = st.sampled_from(NAMES)
values = st.sampled_from([1, True, None, "good", ["a", 1]])
metadata = st.fixed_dictionaries({}, optional={"mood": values, "n": values})
scopes = st.one_of(
    st.fixed_dictionaries({SubjectKind.USER: names}),
    st.fixed_dictionaries({SubjectKind.USER: names}, optional={SubjectKind.RUN: names}),
    st.fixed_dictionaries({SubjectKind.AGENT: names}, optional={SubjectKind.APP: names}),
)
memories = st.fixed_dictionaries(
    {
        "text": st.sampled_from(TEXTS),
        "names": scopes,
        "metadata": metadata,
        "categories": st.lists(st.sampled_from(["food", "pets"]), unique=True).map(tuple),
        "expires_on": st.sampled_from([None, None, YESTERDAY, NOON.date(), TOMORROW]),
        "created_at": st.integers(-3, 3).map(lambda days: NOON + timedelta(days=days)),
    }
)
changes = st.fixed_dictionaries(
    {},
    optional={
        "text": st.sampled_from(TEXTS),
        "metadata": metadata,
        "expires_on": st.sampled_from([YESTERDAY, TOMORROW]),
    },
)
projects = st.integers(0, PROJECTS - 1)
adds: st.SearchStrategy[Step] = st.tuples(st.just("add"), projects, memories)
indexings: st.SearchStrategy[Step] = st.tuples(st.just("project"), projects, st.just({}))
steps: st.SearchStrategy[Step] = st.one_of(
    adds,
    indexings,
    st.tuples(st.just("change"), st.integers(0, 9), changes),
    st.tuples(st.just("delete"), st.integers(0, 9), st.just({})),
)
worlds = st.tuples(
    st.lists(adds, min_size=4, max_size=8),
    st.lists(indexings, max_size=2),
    st.lists(steps, max_size=5),
).map(lambda parts: [step for part in parts for step in part])


def one(key: st.SearchStrategy[str], value: st.SearchStrategy[Any]) -> st.SearchStrategy[Filters]:
    return st.tuples(key, value).map(lambda pair: {pair[0]: pair[1]})


def key(name: str) -> st.SearchStrategy[str]:
    return st.just(name)


about_subjects = one(
    st.sampled_from(FIELDS),
    st.one_of(
        names,
        st.just("*"),
        one(key("in"), st.lists(names, max_size=2)),
        one(key("ne"), st.one_of(names, st.just("*"))),
    ),
)
about_the_rest = st.one_of(
    one(key("metadata"), one(st.sampled_from(["mood", "n"]), values)),
    one(key("metadata"), one(key("n"), one(key("ne"), st.just(1)))),
    one(key("categories"), st.sampled_from(["food", "*"])),
    one(key("text"), one(key("contains"), st.sampled_from(["tea", "o"]))),
    one(key("keywords"), st.sampled_from(["LIKES", "dog"])),
    one(key("created_at"), one(st.sampled_from(["lt", "gte"]), st.just(NOON.date().isoformat()))),
    one(key("expiration_date"), st.sampled_from(["*", TOMORROW.isoformat()])),
)
filters: st.SearchStrategy[Filters] = st.recursive(
    st.one_of(about_subjects, about_subjects, about_the_rest),
    lambda parts: st.one_of(
        one(st.sampled_from(["AND", "OR", "NOT"]), st.lists(parts, max_size=3)),
        st.tuples(parts, parts).map(lambda pair: {**pair[0], **pair[1]}),
    ),
    max_leaves=5,
)


class HastyDatabase(Database):
    """Never waits for the disk: these tests are not about power cuts."""

    @contextmanager
    def writing(
        self,
        *,
        durable: bool = True,  # noqa: ARG002 - what this class is there to ignore
    ) -> Iterator[sqlite3.Connection]:
        with super().writing(durable=False) as connection:
            yield connection


asked_for = st.one_of(
    about_subjects,
    filters,
    st.tuples(about_subjects, filters).map(lambda pair: {"AND": list(pair)}),
)


@dataclass
class World:
    """Some projects of their own in a file that many worlds share, and what must be in them."""

    service: Service
    projects: list[str] = field(default_factory=list)
    known: dict[str, dict[str, Memory]] = field(default_factory=dict)

    @classmethod
    def made_of(cls, service: Service, taken: list[Step]) -> "World":
        world = cls(service)
        for _ in range(PROJECTS):
            project = f"project {next(NUMBERS)}"
            service.store.keys.create(project, a_key(project), key_hash=project)
            world.projects.append(project)
            world.known[project] = {}
        for name, number, values in taken:
            getattr(world, name)(number, **values)
        return world

    def add(
        self,
        project_number: int,
        *,
        text: str,
        names: dict[SubjectKind, str],
        **rest: Any,  # noqa: ANN401 - whatever a memory has
    ) -> None:
        project = self.projects[project_number]
        unique = f"{text} {next(NUMBERS)}"
        [vector] = embedder().embed([unique], "document")
        embedding = Embedding.of(embedder().model, vector)
        memory = a_memory(Scope.of(project, names), unique, embedding=embedding, **rest)
        self.service.ports.record.commit(project, a_change(adding(memory)))
        self.known[project][memory.id] = memory

    def change(self, number: int, **asked: Any) -> None:  # noqa: ANN401 - whatever can change
        for project, memory_id in self._pick(number):
            if text := asked.get("text"):
                asked["text"] = f"{text} {next(NUMBERS)}"
            if asked:
                after = self.service.update(project, memory_id, MemoryChanges(**asked))
                self.known[project][memory_id] = after

    def delete(self, number: int) -> None:
        for project, memory_id in self._pick(number):
            self.service.delete(project, memory_id)
            del self.known[project][memory_id]

    def project(self, project_number: int) -> None:
        project = self.projects[project_number]
        named = {
            subject.key
            for memory in self.known[project].values()
            for subject in memory.scope.subjects
        }
        self.service.project_changes(project, sorted(named)[project_number:])

    def _pick(self, number: int) -> list[tuple[str, str]]:
        pairs = [(project, each) for project in self.projects for each in self.known[project]]
        return pairs[number : number + 1]

    def expected(self, project: str, matching: Filter) -> set[str]:
        shown = both(matching, Unexpired(NOON))
        return {memory.id for memory in self.known[project].values() if shown.matches(memory)}

    def listed(self, project: str, matching: Filter) -> set[str]:
        page = self.service.list(project, matching, page_size=200)
        assert page.count == len(page.memories)
        for memory in page.memories:
            assert memory == self.known[project][memory.id]
        return {memory.id for memory in page.memories}

    def searched(self, project: str, matching: Filter) -> set[str]:
        result = self.service.search(
            project, "who likes tea?", matching, limit=1_000, threshold=0.0
        )
        for found in result.found:
            assert found.memory == self.known[project][found.memory.id]
        return {found.memory.id for found in result.found}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = a_service(tmp_path_factory.mktemp("isolation") / "recollect.db")
    hasty = HastyDatabase(service.store.path, ())
    service.store.keys = LocalKeys(hasty)
    yield service.having(record=LocalRecord(hasty))
    hasty.close()
    service.store.database.close()


thorough = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@thorough
@given(taken=worlds, questions=st.lists(asked_for, min_size=3, max_size=3))
def test_promise_10_every_answer_is_of_the_project_and_of_the_filter(
    shared: Service, taken: list[Step], questions: list[Filters]
) -> None:
    world = World.made_of(shared, taken)

    for project, matching in product(world.projects, map(parse_filter, questions)):
        expected = world.expected(project, matching)
        assert world.listed(project, matching) == expected
        if matching.named_subjects() is None:
            assert world.searched(project, matching) <= expected
        else:
            assert world.searched(project, matching) == expected


@thorough
@given(taken=worlds, asked=asked_for, more=filters)
def test_promise_10_a_filter_never_widens(
    shared: Service, taken: list[Step], asked: Filters, more: Filters
) -> None:
    world = World.made_of(shared, taken)
    wide = parse_filter(asked)
    narrow = [parse_filter({"AND": [asked, more]}), parse_filter({"AND": [more, asked]})]

    for project in world.projects:
        listed, expected = world.listed(project, wide), world.expected(project, wide)
        found = world.searched(project, wide)
        for matching in narrow:
            assert world.listed(project, matching) <= listed
            assert world.searched(project, matching) <= expected
            if wide.named_subjects() is not None:
                assert world.searched(project, matching) <= found
