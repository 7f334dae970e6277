"""What every MemoryIndex promises, whichever engine is behind it: a fixture `build`.

Its scope is the module: one index for all tests, each of which works in a project of its own.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from recollect.domain.filters import (
    EVERYTHING,
    Filter,
    Unexpired,
    both,
    in_scope,
    parse_filter,
    subject_is,
)
from recollect.domain.memory import Embedding, Memory, MemoryKind, Vector
from recollect.domain.ranking import TermStatistics, TextScore, score_all
from recollect.domain.subjects import Scope
from recollect.domain.text import terms
from recollect.ports.index import IndexQuery, MemoryIndex, Proposal
from recollect.testing.builders import NOON, a_memory, a_scope, a_vector
from recollect.testing.indexes import Build

EVENTUALLY_SECONDS = 10.0
POLL_SECONDS = 0.05
NOWHERE = a_vector(0, 0)


@pytest.fixture
def dimensions() -> int:
    return 2


@pytest.fixture
def index(build: Build, dimensions: int) -> MemoryIndex:
    return build(dimensions).index


@pytest.fixture
def scope() -> Scope:
    return a_scope(user="ada")


def propose(
    index: MemoryIndex,
    project: str,
    matching: Filter = EVERYTHING,
    *,
    near: Vector = NOWHERE,
    words: str = "",
    limit: int = 10,
) -> Proposal:
    query = IndexQuery(matching, near, tuple(terms(words)), limit)
    [proposal] = index.propose(project, [query])
    return proposal


def settle(index: MemoryIndex, project: str) -> None:
    """Wait until the index shows what was changed so far, that is, a memory put after it."""
    last = a_memory(a_scope(project, app=f"app-{uuid4().hex}"), "signal")
    index.put(project, [last])
    found = subject_is(last.scope.owner)
    deadline = time.monotonic() + EVENTUALLY_SECONDS
    while not propose(index, project, found, words="signal").memory_ids:
        assert time.monotonic() < deadline, "the index does not show what was put"
        time.sleep(POLL_SECONDS)


def put(index: MemoryIndex, *memories: Memory) -> None:
    project = memories[0].scope.project
    index.put(project, memories)
    settle(index, project)


def test_the_nearest_memories_are_proposed(index: MemoryIndex, scope: Scope) -> None:
    near, nearer, far = (
        a_memory(scope, vector=vector) for vector in [(1, 0.5), (1, 0.1), (-1, 0.1)]
    )
    put(index, far, near, nearer)

    found = propose(index, scope.project, subject_is(scope.owner), near=a_vector(1, 0), limit=2)

    assert set(found.memory_ids) == {near.id, nearer.id}


def test_a_memory_is_proposed_for_its_words_alone(index: MemoryIndex, scope: Scope) -> None:
    worded = a_memory(scope, "Her cat is called Zorro", vector=(-1, 0))
    others = [a_memory(scope, f"tea number {number}", vector=(1, number)) for number in range(5)]
    put(index, worded, *others)

    found = propose(index, scope.project, near=a_vector(1, 0), words="the cats", limit=1)

    assert worded.id in found.memory_ids
    assert len(found.memory_ids) == 2


def test_a_memory_without_a_vector_is_proposed_for_its_words(
    index: MemoryIndex, scope: Scope
) -> None:
    plain = a_memory(scope, "likes tea")
    put(index, plain)

    assert propose(index, scope.project, near=a_vector(1, 0), words="tea").memory_ids == (plain.id,)
    assert propose(index, scope.project, near=a_vector(1, 0)).memory_ids == ()


def test_a_memory_whose_vector_is_all_zero_is_near_nothing(
    index: MemoryIndex, scope: Scope
) -> None:
    nowhere, near, far = (a_memory(scope, vector=vector) for vector in [(0, 0), (1, 0), (-1, 0)])
    put(index, nowhere, near, far)

    nearest = propose(index, scope.project, near=a_vector(1, 0), limit=1)
    anything = propose(index, scope.project, near=a_vector(1, 0))

    assert nearest.memory_ids == (near.id,)
    assert set(anything.memory_ids) == {near.id, far.id}


def test_neither_direction_nor_words_propose_nothing(index: MemoryIndex, scope: Scope) -> None:
    put(index, a_memory(scope, "likes tea", vector=(1, 0)))

    found = propose(index, scope.project, subject_is(scope.owner), words="the and of")

    assert found.memory_ids == ()
    assert found.statistics.documents == 1


def test_no_queries_have_no_proposals(index: MemoryIndex, scope: Scope) -> None:
    put(index, a_memory(scope, "likes tea", vector=(1, 0)))

    assert index.propose(scope.project, []) == []


def test_queries_asked_together_are_answered_in_order_as_if_each_were_alone(
    index: MemoryIndex, scope: Scope
) -> None:
    other = a_scope(scope.project, user="bob")
    numbered = a_memory(scope, "tea", vector=(1, 0), metadata={"a": 1})
    claimed = a_memory(scope, "pie", vector=(1, 0.1), metadata={"a": True})
    theirs = a_memory(other, "tea and pie", vector=(0, 1))
    put(index, numbered, claimed, theirs)
    # To Python these two are the same.
    is_1, is_true = (parse_filter({"user_id": "ada", "metadata": {"a": a}}) for a in (1, True))
    queries = [
        IndexQuery(is_1, a_vector(1, 0), ("tea",), 10),
        IndexQuery(is_true, a_vector(1, 0), ("tea",), 10),
        IndexQuery(subject_is(other.owner), NOWHERE, ("pie", "cake"), 10),
        IndexQuery(EVERYTHING, a_vector(0, 1), (), 1),
        IndexQuery(parse_filter({"user_id": {"in": []}}), a_vector(1, 0), ("tea",), 10),
        IndexQuery(EVERYTHING, NOWHERE, (), 10),
        IndexQuery(EVERYTHING, NOWHERE, ("tea",), 10),
    ]

    found = index.propose(scope.project, queries)

    assert found == [index.propose(scope.project, [query])[0] for query in queries]
    expected = [[numbered], [claimed], [theirs], [theirs], [], [], [numbered, theirs]]
    assert [set(each.memory_ids) for each in found] == [
        {memory.id for memory in memories} for memories in expected
    ]
    assert found[2].statistics == TermStatistics(1, 2.0, {"pie": 1, "cake": 0})


def test_a_memory_found_both_ways_is_proposed_once(index: MemoryIndex, scope: Scope) -> None:
    memory = a_memory(scope, "likes tea", vector=(1, 0))
    put(index, memory)

    found = propose(index, scope.project, near=a_vector(1, 0), words="tea")

    assert found.memory_ids == (memory.id,)


def test_another_project_sees_nothing(index: MemoryIndex, scope: Scope) -> None:
    stranger = a_scope(user="ada")
    memory = a_memory(scope, "likes tea", vector=(1, 0))
    put(index, memory)
    index.put(stranger.project, [a_memory(stranger, "likes pie", id=memory.id, vector=(0, 1))])
    index.remove(stranger.project, {memory.id: 2})
    settle(index, stranger.project)

    for matching in (EVERYTHING, subject_is(scope.owner), in_scope(scope)):
        asked = propose(index, stranger.project, matching, near=a_vector(1, 0), words="tea")
        own = propose(index, scope.project, matching, near=a_vector(1, 0), words="tea")
        assert memory.id not in asked.memory_ids
        assert asked.statistics.frequencies == {"tea": 0}
        assert memory.id in own.memory_ids


def test_an_unknown_project_and_an_unknown_subject_have_nothing(
    index: MemoryIndex, scope: Scope
) -> None:
    nothing = Proposal((), TermStatistics(0, 0.0, {"tea": 0}))

    found = propose(index, scope.project, near=a_vector(1, 0), words="tea")
    found_of_one = propose(index, scope.project, subject_is(scope.owner), words="tea")

    assert found == nothing
    assert found_of_one == nothing


def test_a_filter_that_names_nobody_possible_finds_nothing(
    index: MemoryIndex, scope: Scope
) -> None:
    put(index, a_memory(scope, "likes tea", vector=(1, 0)))
    nobody = parse_filter({"user_id": {"in": []}})

    found = propose(index, scope.project, nobody, near=a_vector(1, 0), words="tea")

    assert found.memory_ids == ()


SELECTIVE: list[tuple[dict[str, object], dict[str, Any]]] = [
    ({"metadata": {"color": "red"}}, {"metadata": {"color": "red"}}),
    ({"categories": {"in": ["food"]}}, {"categories": ("food",)}),
    ({"created_at": {"gt": "2026-03-02"}}, {"created_at": NOON + timedelta(days=9)}),
    ({"expiration_date": "2026-04-01"}, {"expires_on": (NOON + timedelta(days=31)).date()}),
    ({"keywords": {"contains": "RARE"}}, {"text": "likes tea RARE"}),
    ({"run_id": "r1"}, {"scope": {"user": "ada", "agent": "butler", "run": "r1"}}),
    ({"NOT": {"agent_id": "butler"}}, {"scope": {"user": "ada"}}),
    ({"actor_id": "grace"}, {"actor": "grace"}),
    ({"role": {"in": ["assistant", "tool"]}}, {"role": "assistant"}),
    ({"kind": {"ne": "semantic"}}, {"kind": MemoryKind.EPISODIC}),
]
"""Conditions, and what those have that meet them."""


@dataclass(frozen=True)
class Crowd:
    """2,000 memories of one user, and for each of the conditions the 5 that meet it."""

    index: MemoryIndex
    project: str
    few: list[set[str]]


@pytest.fixture(scope="module")
def crowd(build: Build) -> Crowd:
    index, project = build(2).index, a_scope().project
    many = a_scope(project, user="ada", agent="butler")
    few = []
    for _, changes in SELECTIVE:
        scope = a_scope(project, **changes.get("scope", {"user": "ada", "agent": "butler"}))
        fields = {"text": "likes tea", **changes, "scope": scope}
        few.append([a_memory(**fields, vector=(-1, number)) for number in range(5)])
    rest = 2_000 - sum(map(len, few))
    memories = [a_memory(many, "likes tea", vector=(1, number / rest)) for number in range(rest)]
    put(index, *memories, *(memory for some in few for memory in some))
    return Crowd(index, project, [{memory.id for memory in some} for some in few])


@pytest.mark.parametrize("place", range(len(SELECTIVE)))
def test_a_filter_that_leaves_5_of_2000_finds_its_5(crowd: Crowd, place: int) -> None:
    condition, _ = SELECTIVE[place]
    matching = both(parse_filter({"user_id": "ada"}), parse_filter(condition))

    near = propose(crowd.index, crowd.project, matching, near=a_vector(1, 0), limit=5)
    worded = propose(crowd.index, crowd.project, matching, words="tea", limit=5)

    assert set(near.memory_ids) == crowd.few[place]
    assert set(worded.memory_ids) == crowd.few[place]


def test_an_expired_memory_is_not_proposed_when_the_filter_says_so(
    index: MemoryIndex, scope: Scope
) -> None:
    today = NOON.date()
    lasting, last_day, over = (
        a_memory(scope, "tea", vector=(1, 0), expires_on=day)
        for day in (None, today, today - timedelta(days=1))
    )
    put(index, lasting, last_day, over)
    named = subject_is(scope.owner)

    now = propose(index, scope.project, both(named, Unexpired(NOON)), near=a_vector(1, 0))
    tomorrow = NOON + timedelta(days=1)
    later = propose(index, scope.project, both(named, Unexpired(tomorrow)), words="tea")
    always = propose(index, scope.project, named, words="tea")

    assert set(now.memory_ids) == {lasting.id, last_day.id}
    assert later.memory_ids == (lasting.id,)
    assert set(always.memory_ids) == {lasting.id, last_day.id, over.id}


def test_an_update_moves_text_vector_and_metadata(index: MemoryIndex, scope: Scope) -> None:
    old = a_memory(scope, "likes tea", vector=(1, 0), metadata={"a": 1})
    changed = replace(
        old, text="likes pie", version=2, metadata={"a": 2}, embedding=_embedding(0, 1)
    )
    other = a_memory(scope, "owns a dog", vector=(1, 1))
    put(index, old, other)
    put(index, changed)

    def found(matching: Filter = EVERYTHING, *, words: str) -> tuple[str, ...]:
        return propose(index, scope.project, matching, words=words).memory_ids

    nearest = propose(index, scope.project, near=a_vector(0, 1), limit=1)
    assert nearest.memory_ids == (changed.id,)
    assert found(words="pie") == (changed.id,)
    assert found(words="tea") == ()
    assert found(parse_filter({"metadata": {"a": 2}}), words="pie") == (changed.id,)
    assert found(parse_filter({"metadata": {"a": 1}}), words="pie") == ()
    statistics = propose(index, scope.project, subject_is(scope.owner), words="tea pie").statistics
    assert statistics == TermStatistics(2, 2.0, {"tea": 0, "pie": 1})


@pytest.mark.parametrize("version", [1, 2])
def test_an_old_or_equal_version_never_wins(index: MemoryIndex, scope: Scope, version: int) -> None:
    current = a_memory(scope, "likes pie", vector=(1, 0), version=2)
    put(index, current)
    put(index, replace(current, text="likes tea", version=version))

    assert propose(index, scope.project, words="tea").memory_ids == ()
    assert propose(index, scope.project, words="pie").memory_ids == (current.id,)


def test_of_two_versions_put_at_once_the_newer_one_wins(index: MemoryIndex, scope: Scope) -> None:
    old = a_memory(scope, "likes tea", vector=(1, 0))
    new = replace(old, text="likes pie", version=2)
    put(index, new, old)

    assert propose(index, scope.project, words="tea").memory_ids == ()
    assert propose(index, scope.project, words="pie").memory_ids == (new.id,)


def test_repeating_a_put_changes_nothing(index: MemoryIndex, scope: Scope) -> None:
    memory = a_memory(scope, "likes tea", vector=(1, 0))
    put(index, memory)
    put(index, memory)

    found = propose(index, scope.project, subject_is(scope.owner), words="tea")

    assert found == Proposal((memory.id,), TermStatistics(1, 2.0, {"tea": 1}))


def test_a_removed_memory_never_comes_back(index: MemoryIndex, scope: Scope) -> None:
    memory, kept = (a_memory(scope, "likes tea", vector=(1, 0)) for _ in range(2))
    put(index, memory, kept)

    index.remove(scope.project, {memory.id: 2})
    index.remove(scope.project, {memory.id: 2})
    for version in (1, 2, 3):
        put(index, replace(memory, version=version))

    for matching in (EVERYTHING, subject_is(scope.owner)):
        found = propose(index, scope.project, matching, near=a_vector(1, 0), words="tea")
        assert found.memory_ids == (kept.id,)
    assert found.statistics == TermStatistics(1, 2.0, {"tea": 1})


def test_a_memory_removed_before_it_was_put_stays_away(index: MemoryIndex, scope: Scope) -> None:
    memory = a_memory(scope, "likes tea", vector=(1, 0))
    index.remove(scope.project, {memory.id: 2})
    put(index, memory)

    assert propose(index, scope.project, near=a_vector(1, 0), words="tea").memory_ids == ()


def test_statistics_are_those_of_the_named_subject(index: MemoryIndex) -> None:
    ada = a_scope(user="ada")
    bob = a_scope(ada.project, user="bob")
    put(index, a_memory(ada, "likes green tea"), a_memory(ada, "cat"), a_memory(bob, "green tea"))

    found = propose(index, ada.project, subject_is(ada.owner), words="tea green dog")

    assert found.statistics == TermStatistics(2, 2.0, {"tea": 1, "green": 1, "dog": 0})


def test_statistics_do_not_depend_on_the_rest_of_the_filter(
    index: MemoryIndex, scope: Scope
) -> None:
    put(index, a_memory(scope, "likes tea"), a_memory(scope, "green tea", metadata={"a": 1}))
    matching = both(subject_is(scope.owner), parse_filter({"metadata": {"a": 1}}))

    found = propose(index, scope.project, matching, words="tea")

    assert len(found.memory_ids) == 1
    assert found.statistics == TermStatistics(2, 2.0, {"tea": 2})


def test_several_named_subjects_count_each_of_their_memories_once(index: MemoryIndex) -> None:
    ada = a_scope(user="ada")
    pair = a_scope(ada.project, user="ada", agent="butler")
    butler = a_scope(ada.project, agent="butler")
    bob = a_scope(ada.project, user="bob")
    asked = [a_memory(scope, "tea", vector=(1, 0)) for scope in (ada, pair, butler)]
    put(index, *asked, a_memory(bob, "tea", vector=(1, 0)))
    either = parse_filter({"OR": [{"user_id": "ada"}, {"agent_id": "butler"}]})

    found = propose(index, ada.project, either, near=a_vector(1, 0), words="tea")

    assert sorted(found.memory_ids) == sorted(memory.id for memory in asked)
    assert found.statistics == TermStatistics(3, 1.0, {"tea": 3})


def test_a_scope_is_not_its_parts(index: MemoryIndex) -> None:
    ada = a_scope(user="ada")
    pair = a_scope(ada.project, user="ada", run="r1")
    alone, together = (a_memory(scope, "tea", vector=(1, 0)) for scope in (ada, pair))
    put(index, alone, together)

    assert propose(index, ada.project, in_scope(ada), words="tea").memory_ids == (alone.id,)
    assert propose(index, ada.project, in_scope(pair), words="tea").memory_ids == (together.id,)


WORDS = ["tea", "pot", "cat", "dog", "sun", "moon", "Zürich", "東京", "42", "green", "blue"]
DIMENSIONS = 8


@pytest.mark.parametrize("dimensions", [DIMENSIONS])
@pytest.mark.parametrize("seed", range(8))
def test_proposals_hold_the_best_that_exact_search_finds(index: MemoryIndex, seed: int) -> None:
    chance = random.Random(seed)
    project = a_scope().project
    living = _some_history(index, project, chance)
    settle(index, project)

    queries = [_a_query(matching, chance) for matching in _some_filters(project, chance)]
    found = index.propose(project, queries)

    for proposal, query in zip(found, queries, strict=True):
        _assert_exact(proposal, query, living)


def _a_query(matching: Filter, chance: random.Random) -> IndexQuery:
    near = a_vector(*(chance.gauss(0, 1) for _ in range(DIMENSIONS)))
    asked = tuple(terms(" ".join(chance.sample(WORDS, 3))))
    return IndexQuery(matching, near, asked, limit=chance.choice([1, 7, 500]))


def _assert_exact(found: Proposal, query: IndexQuery, living: Sequence[Memory]) -> None:
    named = query.matching.named_subjects()
    if named is not None:
        held = [each for each in living if named.intersection(each.scope.subjects)]
        texts = [terms(memory.text) for memory in held]
        assert found.statistics == TermStatistics(
            len(held),
            sum(map(len, texts)) / len(texts) if texts else 0.0,
            {term: sum(term in text for text in texts) for term in query.terms},
        )
    matching = {each.id: each for each in living if query.matching.matches(each)}
    assert len(set(found.memory_ids)) == len(found.memory_ids)
    assert set(found.memory_ids) <= set(matching)
    exact = _scores(list(matching.values()), query, found.statistics)
    proposed = _scores([matching[each] for each in found.memory_ids], query, found.statistics)
    for part in ("semantic", "keyword"):
        best = sorted((getattr(score, part) for score in exact), reverse=True)[: query.limit]
        got = sorted((getattr(score, part) for score in proposed), reverse=True)[: query.limit]
        assert [each for each in got if each > 0] == pytest.approx(
            [each for each in best if each > 0], abs=1e-3
        )


def _scores(
    memories: Sequence[Memory], query: IndexQuery, statistics: TermStatistics
) -> list[TextScore]:
    candidates = [
        (memory.embedding.vector() if memory.embedding else None, terms(memory.text))
        for memory in memories
    ]
    return score_all(query.vector, query.terms, candidates, statistics)


def _some_history(index: MemoryIndex, project: str, chance: random.Random) -> list[Memory]:
    """Put, change and remove memories in random order, late and repeated news among them."""
    scopes = [
        a_scope(
            project, **dict(chance.sample([("user", "ada"), ("user", "bob"), ("run", "r1")], n))
        )
        for n in (1, 1, 2, 2)
    ]
    news = [_version(a_memory(chance.choice(scopes)), 1, chance) for _ in range(150)]
    news += [_version(memory, 2, chance) for memory in chance.sample(news, 60)]
    removed = {memory.id: 3 for memory in chance.sample(news, 25)}
    index.put(project, news[:40])
    index.remove(project, dict(list(removed.items())[:10]))
    chance.shuffle(news)
    for start in range(0, len(news), 50):
        index.put(project, news[start : start + 50])
    index.remove(project, removed)
    newest = {memory.id: memory for memory in sorted(news, key=lambda memory: memory.version)}
    return [memory for memory in newest.values() if memory.id not in removed]


def _version(memory: Memory, version: int, chance: random.Random) -> Memory:
    return replace(
        memory,
        version=version,
        text=" ".join(chance.choices(WORDS, k=chance.randint(1, 6))),
        embedding=_embedding(*(chance.gauss(0, 1) for _ in range(DIMENSIONS))),
        metadata={"color": chance.choice(["red", "blue"])},
        expires_on=chance.choice([None, NOON.date(), NOON.date() - timedelta(days=1)]),
    )


def _some_filters(project: str, chance: random.Random) -> list[Filter]:
    ada = subject_is(a_scope(project, user="ada").owner)
    red = parse_filter({"metadata": {"color": "red"}})
    return [
        EVERYTHING,
        red,
        both(ada, Unexpired(NOON)),
        both(both(ada, red), Unexpired(NOON)),
        in_scope(a_scope(project, user="ada", run="r1")),
        parse_filter({"OR": [{"user_id": "ada"}, {"run_id": "r1"}]}),
        parse_filter({"user_id": {"in": ["ada", "bob", "nobody"]}}),
        both(Unexpired(NOON), parse_filter({"NOT": {"user_id": chance.choice(["ada", "bob"])}})),
    ]


def _embedding(*numbers: float) -> Embedding:
    return Embedding.of("test", a_vector(*numbers))
