"""The index on OpenSearch beside the local one, which searches exactly, and among many tenants."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from recollect.domain.filters import EVERYTHING, Filter, Unexpired, both, parse_filter, subject_is
from recollect.domain.memory import Memory
from recollect.domain.ranking import score_all
from recollect.domain.subjects import Scope
from recollect.domain.text import terms
from recollect.ports.index import IndexQuery, MemoryIndex, Proposal
from recollect.testing.builders import NOON, a_memory, a_scope, a_vector
from tests.contract.indexes import local, managed

DIMENSIONS = 32
TOP = 10
OTHERS = 2_000
WORDS = [f"word{number}" for number in range(300)]

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MemoryIndex]:
    with local(tmp_path_factory.mktemp("index")) as build:
        yield build(DIMENSIONS).index


@pytest.fixture(scope="module")
def index() -> Iterator[MemoryIndex]:
    """An index that thousands of memories of others are in."""
    with managed(Path()) as build:
        indexed = build(DIMENSIONS)
        chance = random.Random(0)
        for tenant in range(4):
            other = a_scope(user=f"user-{tenant}")
            indexed.index.put(other.project, some_memories(other, OTHERS // 4, chance))
        yield indexed.index


def some_memories(scope: Scope, count: int, chance: random.Random) -> list[Memory]:
    return [
        a_memory(
            scope,
            # A few words are in many texts, most in few, as in any language.
            " ".join(WORDS[int(chance.paretovariate(0.4)) % 300] for _ in range(8)),
            vector=[chance.gauss(0, 1) for _ in range(DIMENSIONS)],
            metadata={"color": chance.choice(["red", "blue"])},
            expires_on=chance.choice([None, NOON.date()]),
        )
        for _ in range(count)
    ]


def some_queries(scope: Scope, memories: Sequence[Memory], seed: int) -> list[IndexQuery]:
    chance = random.Random(seed)
    ada = subject_is(scope.owner)
    filters: list[Filter] = [
        ada,
        both(ada, Unexpired(NOON)),
        both(ada, parse_filter({"metadata": {"color": "red"}})),
        both(ada, parse_filter({"keywords": "word1"})),
        both(ada, parse_filter({"NOT": {"keywords": "word3"}})),
        EVERYTHING,
    ]
    return [
        IndexQuery(
            matching,
            a_vector(*(chance.gauss(0, 1) for _ in range(DIMENSIONS))),
            tuple(dict.fromkeys(terms(chance.choice(memories).text)))[:5],
            60,
        )
        for matching in filters
    ]


def best(proposal: Proposal, query: IndexQuery, memories: Sequence[Memory]) -> list[float]:
    """Return the scores of the best candidates, best first, as a search would."""
    known = {memory.id: memory for memory in memories}
    texts = [
        (memory.embedding.vector() if memory.embedding else None, terms(memory.text))
        for memory in map(known.__getitem__, proposal.memory_ids)
        if query.matching.matches(memory)
    ]
    scores = score_all(query.vector, query.terms, texts, proposal.statistics)
    return sorted((each.semantic + each.keyword for each in scores), reverse=True)[:TOP]


def test_both_editions_find_the_same_with_the_same_scores(
    index: MemoryIndex, exact: MemoryIndex
) -> None:
    found = expected = 0
    for seed in range(3):
        scope = a_scope(user="ada")
        memories = some_memories(scope, 400, random.Random(seed + 1))
        for each in (index, exact):
            each.put(scope.project, memories)

        for query in some_queries(scope, memories, seed):
            [asked], [reference] = (each.propose(scope.project, [query]) for each in (index, exact))
            assert asked.statistics.documents == reference.statistics.documents
            assert asked.statistics.frequencies == reference.statistics.frequencies
            assert asked.statistics.average_length == pytest.approx(
                reference.statistics.average_length
            )
            ours, theirs = (best(each, query, memories) for each in (asked, reference))
            # By rank and not by memory: which of equally good ones are found does not matter.
            found += sum(our >= their - 1e-6 for our, their in zip(ours, theirs, strict=False))
            expected += len(theirs)
    assert found >= 0.99 * expected


@pytest.mark.parametrize("words", ["", "word1 word2"])
def test_a_small_tenant_gets_its_own_among_thousands(index: MemoryIndex, words: str) -> None:
    own = a_scope(user="ada")
    memories = some_memories(own, 20, random.Random(9))
    index.put(own.project, memories)

    for matching in (EVERYTHING, subject_is(own.owner)):
        # Far from their own and near to everybody's: the others have better neighbours.
        query = IndexQuery(matching, a_vector(*[1.0] * DIMENSIONS), tuple(terms(words)), 20)
        [found] = index.propose(own.project, [query])
        assert set(found.memory_ids) == {each.id for each in memories}


def test_a_rare_word_of_a_subject_is_found_beside_its_frequent_ones(index: MemoryIndex) -> None:
    """To the engine it is the other way round: everybody else speaks of the rare thing."""
    ada, others = a_scope(user="ada"), a_scope(user="bob")
    chance = random.Random(5)
    for scope, word in ((ada, "Zorro"), (others, "harpsichord")):
        memories = some_memories(scope, 400, chance)
        index.put(
            scope.project,
            [replace(memory, text=f"{word} {memory.text}") for memory in memories],
        )
    rare = a_memory(ada, f"There was once a harpsichord in that house {' '.join(WORDS[-30:])}")
    index.put(ada.project, [rare])

    asked = tuple(terms("When did Zorro buy the harpsichord?"))
    query = IndexQuery(subject_is(ada.owner), a_vector(*[0.0] * DIMENSIONS), asked, TOP)

    [found] = index.propose(ada.project, [query])

    assert rare.id in found.memory_ids
