"""Filters asked of OpenSearch: they never lose a match, and let nothing else through if exact."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recollect.adapters.aws import index_documents
from recollect.adapters.aws.index import OpenSearchIndex
from recollect.adapters.aws.index_filters import EVERYTHING, NOTHING, translate, translation
from recollect.adapters.aws.index_marks import (
    GRAM_LENGTH,
    asked_grams,
    asked_prefix,
    grams_of,
    mark,
    marks_of,
    place,
    trait_marks_of,
)
from recollect.domain.filters import Filter, Unexpired, both, created_between, in_scope
from recollect.domain.filters import parse_filter as parse
from recollect.domain.filters.logic import Not
from recollect.domain.memory import Memory, MemoryKind
from recollect.ports.index import IndexQuery
from recollect.testing.builders import NOON, a_memory, a_scope, a_vector
from tests.contract.indexes import a_client, drop, no_sleep, refresh, some_settings
from tests.engines import endpoint

PROJECT = a_scope().project
WORD = "signal"
"""Stands in every memory, so that a filter alone decides what is found."""

SCOPES: list[dict[str, str]] = [
    {"user": "ada"},
    {"user": "bob"},
    {"user": "ada", "agent": "butler"},
    {"agent": "butler", "app": "shop"},
    {"user": "ada", "run": "r1"},
]
TEXTS = [
    "tea",
    "Green TEA",
    "Straße in Zürich",
    "東京 and 京都",
    "a",
    "\ufb01ne \u017feas",
    "tea \0 pot",
]
CATEGORIES: list[tuple[str, ...]] = [(), ("food",), ("Food & Drink", "travel"), ("\ufb01nance",)]
VALUES: list[Any] = [
    *(None, True, False, 0, 1, 1.0, -1, 1.5, 10**20, 1e20, 0.1),
    *("", "red", "Red tape", "1", "true", [], ["red"], ["red", 1, True], [["red"]], {}),
    *({"a": 1}, {"a": {"b": [1, 2]}}, {"b": 2, "a": 1.0}),
]
TIMES = [
    NOON,
    NOON + timedelta(microseconds=1),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2026, 3, 1, 1, tzinfo=timezone(timedelta(hours=14))),
]
DAYS = [None, NOON.date(), NOON.date() - timedelta(days=1), date(9999, 12, 31), date(1, 1, 1)]


def some_memories(chance: random.Random) -> list[Memory]:
    return [
        a_memory(
            a_scope(PROJECT, **chance.choice(SCOPES)),
            f"{chance.choice(TEXTS)} {WORD}",
            created_at=chance.choice(TIMES),
            updated_at=chance.choice(TIMES),
            expires_on=chance.choice(DAYS),
            categories=chance.choice(CATEGORIES),
            metadata={
                key: chance.choice(VALUES) for key in ("color", "n") if chance.random() < 0.8
            },
            actor=chance.choice([None, "", "ada", "bob"]),
            role=chance.choice([None, "user", "assistant"]),
            kind=chance.choice(list(MemoryKind)),
        )
        for _ in range(150)
    ]


def a_part(text: str, chance: random.Random) -> str:
    """Return a part of a text that a filter may ask for, in some case."""
    start = chance.randrange(len(text))
    part = text[start : start + chance.randint(1, 6)]
    return chance.choice([part, part.upper(), part.casefold()]).strip() or "x"


def a_condition(memories: list[Memory], chance: random.Random) -> dict[str, Any]:
    memory = chance.choice(memories)
    key, value = chance.choice(["color", "n", "other"]), chance.choice(VALUES)
    time: object = chance.choice([memory.created_at.isoformat(), "2026-03-01", NOON.timestamp()])
    order = chance.choice(["gt", "gte", "lt", "lte", "ne"])
    category = a_part("Food & Drink travel \ufb01nance", chance)
    conditions: list[dict[str, Any]] = [
        {"user_id": chance.choice(["ada", "nobody", "*", {"ne": "bob"}, {"in": ["ada", "bob"]}])},
        {"agent_id": chance.choice(["butler", "*"])},
        {"run_id": chance.choice(["r1", {"ne": "*"}])},
        {"memory_ids": [memory.id, "unknown"]},
        {chance.choice(["created_at", "updated_at"]): chance.choice([time, {order: time}])},
        {"expiration_date": chance.choice(["*", "2026-03-01", {order: "2026-03-01"}])},
        {"categories": chance.choice(["food", "*", ["travel", "x"], {"contains": category}])},
        {"text": chance.choice([memory.text, {"contains": a_part(memory.text, chance)}])},
        {"keywords": a_part(memory.text, chance)},
        {"metadata": {key: {chance.choice(["eq", "ne", "contains"]): value}}},
        {"metadata": chance.choice([{key: "*"}, "*"])},
        {"actor_id": chance.choice(["ada", "*", {"ne": "ada"}, {"in": ["ada", "nobody"]}])},
        {"role": chance.choice(["user", "*", {"ne": "*"}, {"in": ["assistant", "tool"]}])},
        {"kind": chance.choice(["semantic", "*", {"ne": "episodic"}, {"in": ["procedural"]}])},
    ]
    return chance.choice(conditions)


def a_filter(memories: list[Memory], chance: random.Random, depth: int = 3) -> dict[str, Any]:
    if not depth or chance.random() < 0.4:
        return a_condition(memories, chance)
    parts = [a_filter(memories, chance, depth - 1) for _ in range(chance.randint(1, 3))]
    return {chance.choice(["AND", "OR", "NOT"]): parts}


@pytest.fixture(scope="module")
def memories() -> list[Memory]:
    return some_memories(random.Random(4))


@pytest.fixture(scope="module")
def index(memories: list[Memory]) -> Iterator[OpenSearchIndex]:
    settings = some_settings()
    stranger = a_scope(user="ada")
    with a_client(endpoint("opensearch")) as engine:
        index = OpenSearchIndex(engine, settings, no_sleep)
        index.put(PROJECT, memories)
        index.put(stranger.project, [replace(memory, scope=stranger) for memory in memories])
        refresh(engine, settings.prefix)
        yield index
        drop(engine, settings.prefix)


def found(index: OpenSearchIndex, matching: Filter) -> set[str]:
    query = IndexQuery(matching, a_vector(0, 0), (WORD,), 1_000)
    [proposal] = index.propose(PROJECT, [query])
    return set(proposal.memory_ids)


def expected(memories: list[Memory], matching: Filter) -> set[str]:
    return {memory.id for memory in memories if matching.matches(memory)}


def is_exact(matching: Filter) -> bool:
    bounds = translation(PROJECT, matching)
    return bounds.most == bounds.least


@pytest.mark.engines
@pytest.mark.parametrize("seed", range(10))
def test_no_filter_loses_a_match_and_an_exact_one_finds_nothing_else(
    index: OpenSearchIndex, memories: list[Memory], seed: int
) -> None:
    chance = random.Random(seed)
    asked = [a_filter(memories, chance) for _ in range(40)]
    for raw in asked:
        matching = parse(raw)
        proposed, matches = found(index, matching), expected(memories, matching)
        assert proposed >= matches, raw
        if is_exact(matching):
            assert proposed == matches, raw
    assert sum(is_exact(parse(raw)) for raw in asked) > len(asked) // 4


TRAITS: list[dict[str, Any]] = [
    *({"actor_id": "ada"}, {"actor_id": "*"}, {"actor_id": {"in": ["ada", "bob"]}}),
    *({"actor_id": {"ne": "*"}}, {"role": "user"}, {"role": {"ne": "user"}}),
    *({"kind": "episodic"}, {"NOT": {"kind": "episodic"}}, {"kind": "*"}),
]


@pytest.mark.engines
@pytest.mark.parametrize("raw", TRAITS, ids=str)
def test_who_said_it_and_the_kind_let_nothing_else_through(
    index: OpenSearchIndex, memories: list[Memory], raw: dict[str, Any]
) -> None:
    assert found(index, parse(raw)) == expected(memories, parse(raw))


@pytest.mark.engines
def test_what_was_indexed_before_its_traits_were_is_never_lost(
    memories: list[Memory], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = some_settings()
    earlier, later = memories[:75], memories[75:]
    with a_client(endpoint("opensearch")) as engine:
        index = OpenSearchIndex(engine, settings, no_sleep)
        with monkeypatch.context() as then:
            then.setattr(index_documents, "marks_of", lambda m: marks_of(m) - trait_marks_of(m))
            index.put(PROJECT, earlier)
        index.put(PROJECT, later)
        refresh(engine, settings.prefix)

        proposed = [found(index, parse(raw)) for raw in TRAITS]
        drop(engine, settings.prefix)

    known = {memory.id for memory in earlier}
    assert proposed == [known | expected(later, parse(raw)) for raw in TRAITS]


@pytest.mark.engines
@pytest.mark.parametrize("value", VALUES, ids=str)
def test_metadata_is_compared_as_json(
    index: OpenSearchIndex, memories: list[Memory], value: object
) -> None:
    for operator in ("eq", "ne", "contains"):
        matching = parse({"metadata": {"color": {operator: value}}})
        assert found(index, matching) >= expected(memories, matching)
        if operator != "contains":
            assert found(index, matching) == expected(memories, matching)


@pytest.mark.engines
@pytest.mark.parametrize("now", TIMES, ids=str)
def test_times_are_compared_to_the_microsecond(
    index: OpenSearchIndex, memories: list[Memory], now: datetime
) -> None:
    for matching in (
        Unexpired(now),
        Not(Unexpired(now)),
        created_between(now, now),
        created_between(None, now),
        in_scope(a_scope(PROJECT, user="ada", run="r1")),
    ):
        assert found(index, matching) == expected(memories, matching)


@pytest.mark.engines
@pytest.mark.parametrize(
    "raw",
    [
        {
            "OR": [{"keywords": f"{n} straße in zürich {n}"} for n in range(300)]
            + [{"keywords": "a"}]
        },
        {"OR": [{"metadata": {"color": f"{n}"}} for n in range(900)] + [{"user_id": "ada"}]},
        {"memory_ids": [f"{n}" for n in range(990)]},
    ],
    ids=["grams", "conditions", "values"],
)
def test_the_longest_filters_can_be_asked(
    index: OpenSearchIndex, memories: list[Memory], raw: dict[str, Any]
) -> None:
    matching = both(parse({"AND": [raw]}), parse({"user_id": "ada"}))

    assert found(index, matching) >= expected(memories, matching)


@pytest.mark.engines
def test_the_deepest_filter_can_be_asked(index: OpenSearchIndex, memories: list[Memory]) -> None:
    raw: dict[str, Any] = {"OR": [{"user_id": "ada"}, {"run_id": "r1"}]}
    for _ in range(9):
        raw = {"OR": [{"AND": [raw, {"agent_id": "butler"}]}, {"NOT": {"categories": "food"}}]}

    assert found(index, parse(raw)) == expected(memories, parse(raw))


def test_what_is_not_known_may_be_anything() -> None:
    class Odd(Filter):
        """A condition from elsewhere."""

        def matches(self, memory: Memory) -> bool:
            return "?" in memory.text

    assert translate(Odd()).most == EVERYTHING
    assert translate(Not(Odd())).most == EVERYTHING
    assert translate(Not(Odd())).least == NOTHING


def test_a_negation_keeps_what_it_can() -> None:
    rough, exact = {"keywords": "green tea"}, {"user_id": "ada"}

    either = translate(parse({"NOT": {"OR": [rough, exact]}})).most
    together = translate(parse({"NOT": {"AND": [rough, exact]}})).most

    assert either == translate(parse({"NOT": exact})).most
    assert together == EVERYTHING


@given(before=st.text(), part=st.text(min_size=1), after=st.text())
@example(before="Stra", part="SSE", after="")
@example(before="", part="ΑΣ", after="ς")
def test_a_text_has_the_grams_of_its_parts(before: str, part: str, after: str) -> None:
    stored = grams_of(a_memory(a_scope(), before + part + after))

    asked = asked_grams(place("text"), part)
    assert stored.issuperset(asked)
    if not asked:
        assert len(part.casefold()) < GRAM_LENGTH
        assert any(gram.startswith(asked_prefix(place("text"), part)) for gram in stored)


def test_marks_of_values_deeper_than_a_filter_are_made_without_looking() -> None:
    deep: list[Any] = []
    for _ in range(900):
        deep = [deep]

    assert mark("metadata", "a", deep) == mark("metadata", "a", [deep])
    assert mark("metadata", "a", [[1]]) != mark("metadata", "a", [[2]])
