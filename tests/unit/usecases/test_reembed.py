"""What embedding every memory again with another model promises."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from recollect.adapters.local.index_builds import LocalIndexBuilds
from recollect.adapters.local.store import LocalStore
from recollect.adapters.local.vectors import LocalVectors
from recollect.domain.errors import ConflictError, UnavailableError
from recollect.domain.filters import EVERYTHING
from recollect.domain.memory import Embedding, Memory, Vector
from recollect.domain.subjects import Scope
from recollect.ports.index import IndexQuery
from recollect.ports.models import EmbeddingTask
from recollect.testing.builders import a_change, updating
from recollect.usecases import walking
from recollect.usecases.rebuild_index import RebuildIndex
from recollect.usecases.reembed import MAX_PASSES, Reembed, Reembedded
from tests.service import RESIDENT_BYTES, Service, embedder


def ignore(*_: object) -> None:
    """Nobody watches, and nothing has to settle."""


@dataclass
class Toy:
    """A model of its own: texts are near each other that begin with the same letter."""

    asked: list[str] = field(default_factory=list)
    after: Callable[[], None] = ignore
    left: int = 1_000
    dimensions: int = 16
    model: str = "toy-16"

    def embed(self, texts: Sequence[str], task: EmbeddingTask) -> list[Vector]:
        assert task == "document"
        self.left -= len(texts)
        if self.left < 0:
            message = "overloaded"
            raise UnavailableError(message)
        self.asked += texts
        vectors = [self.vector(text) for text in texts]
        self.after()
        return vectors

    def vector(self, text: str) -> Vector:
        vector = np.zeros(self.dimensions, dtype=np.float32)
        vector[ord(text[0]) % self.dimensions] = 1
        return vector


@pytest.fixture
def store(service: Service) -> Iterator[LocalStore]:
    """The same file for somebody with the toy model."""
    store = LocalStore(service.store.path, embedding_model=Toy.model, resident_bytes=RESIDENT_BYTES)
    with closing(store.database):
        store.open(to_reembed=True)
        yield store


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "PAGE", 2)


def reembedding(store: LocalStore, toy: Toy) -> Reembed:
    builds = LocalIndexBuilds(store.database)
    rebuild = RebuildIndex(store.keys, store.listing, builds, settle=ignore)
    return Reembed(store.keys, store.listing, store.vectors, toy, rebuild)


def memories_of(store: LocalStore, scope: Scope) -> list[Memory]:
    return list(store.listing.memories(scope.project, EVERYTHING, limit=99).memories)


def nearest(store: LocalStore, scope: Scope, text: str) -> tuple[str, ...]:
    query = IndexQuery(EVERYTHING, Toy().vector(text), (), limit=1)
    [proposal] = store.index.propose(scope.project, [query])
    return proposal.memory_ids


def test_every_memory_has_a_vector_of_the_new_model_and_is_found_by_it(
    service: Service, scope: Scope, store: LocalStore
) -> None:
    tea, cake, pie, soup = (
        service.remember(scope, text) for text in ("tea", "cake", "pie", "soup")
    )
    service.delete(scope.project, soup.id)
    theirs = service.remember(service.new_scope("other", user="bob"), "water")
    toy = Toy()

    done = reembedding(store, toy)(ignore)

    assert done == Reembedded(embedded=4, indexed=4)
    assert sorted(toy.asked) == ["cake", "pie", "tea", "water"]
    for before in (tea, cake, pie):
        after = store.record.get(scope.project, [before.id])[before.id]
        vector = Embedding.of(toy.model, toy.vector(before.text))
        assert after == replace(before, embedding=vector)
        assert nearest(store, scope, before.text) == (before.id,)
        assert len(store.record.history(scope.project, before.id)) == 1
    assert nearest(store, theirs.scope, "water") == (theirs.id,)


def test_the_file_is_served_with_the_new_model_afterwards(
    service: Service, scope: Scope, store: LocalStore
) -> None:
    memory = service.remember(scope, "tea")
    reembedding(store, Toy())(ignore)

    store.open()
    store.record.commit(scope.project, a_change(updating(memories_of(store, scope)[0], text="pie")))
    with pytest.raises(UnavailableError, match="start again"):
        service.remember(scope, "cake")

    assert [each.id for each in memories_of(store, scope)] == [memory.id]


def test_what_was_interrupted_goes_on_and_embeds_no_text_again(
    service: Service, scope: Scope, store: LocalStore
) -> None:
    texts = [f"{letter} fact" for letter in "abcdefg"]
    service.say(scope, *texts)
    first, second = Toy(left=5), Toy()
    with pytest.raises(UnavailableError, match="overloaded"):
        reembedding(store, first)(ignore)
    with pytest.raises(UnavailableError, match="is being re-embedded with toy-16"):
        store.open()

    done = reembedding(store, second)(ignore)

    assert (len(first.asked), done) == (4, Reembedded(embedded=3, indexed=7))
    assert sorted(first.asked + second.asked) == texts
    store.open()
    for memory in memories_of(store, scope):
        assert nearest(store, scope, memory.text) == (memory.id,)


class Dying(LocalIndexBuilds):
    """Stops before the new index is complete."""

    def finish(self) -> None:
        message = "stopped"
        raise UnavailableError(message)


def test_a_build_that_was_interrupted_is_gone_on_with(
    service: Service, scope: Scope, store: LocalStore
) -> None:
    memory = service.remember(scope, "tea")
    reembed = reembedding(store, Toy())
    dying = replace(reembed.rebuild, builds=Dying(store.database))
    with pytest.raises(UnavailableError, match="stopped"):
        replace(reembed, rebuild=dying)(ignore)

    assert reembed(ignore) == Reembedded(embedded=0, indexed=1)

    assert nearest(store, scope, "tea") == (memory.id,)


def test_an_index_that_was_being_built_with_the_old_vectors_is_not_kept(
    service: Service, scope: Scope, store: LocalStore
) -> None:
    memory = service.remember(scope, "tea")
    builds = LocalIndexBuilds(service.store.database)
    builds.begin()
    builds.put(scope.project, [memory])

    reembedding(store, Toy())(ignore)

    assert nearest(store, scope, "tea") == (memory.id,)


def test_repeating_it_embeds_nothing(service: Service, scope: Scope, store: LocalStore) -> None:
    service.remember(scope, "tea")
    reembedding(store, Toy())(ignore)
    toy = Toy()

    done = reembedding(store, toy)(ignore)

    assert (done, toy.asked) == (Reembedded(embedded=0, indexed=1), [])


def test_going_back_to_the_first_model_is_the_same(
    service: Service, scope: Scope, store: LocalStore
) -> None:
    memory = service.remember(scope, "tea")
    with pytest.raises(UnavailableError):
        reembedding(store, Toy(left=0))(ignore)
    back = replace(reembedding(service.store, Toy()), embedder=embedder())

    assert back(ignore) == Reembedded(embedded=0, indexed=1)

    service.store.open()
    assert service.read(scope.project, memory.id) == memory


def test_a_change_made_meanwhile_is_kept_and_embedded(
    service: Service, scope: Scope, store: LocalStore
) -> None:
    changed, deleted = service.remember(scope, "tea"), service.remember(scope, "cake")
    toy = Toy()

    def meanwhile() -> None:
        toy.after = ignore
        write = updating(changed, text="pie", embedding=None)
        store.record.commit(scope.project, a_change(write))
        service.delete(scope.project, deleted.id)

    toy.after = meanwhile

    done = reembedding(store, toy)(ignore)

    assert (done, sorted(toy.asked)) == (Reembedded(embedded=3, indexed=1), ["cake", "pie", "tea"])
    [memory] = memories_of(store, scope)
    assert (memory.text, memory.version) == ("pie", 2)
    assert nearest(store, scope, "pie") == (changed.id,)


def test_somebody_who_never_stops_changing_does_not_keep_it_going_for_ever(
    service: Service, scope: Scope, store: LocalStore
) -> None:
    service.remember(scope, "tea")
    toy = Toy()

    def meanwhile() -> None:
        [memory] = memories_of(store, scope)
        write = updating(memory, text=f"tea {memory.version}", embedding=None)
        store.record.commit(scope.project, a_change(write))

    toy.after = meanwhile

    with pytest.raises(ConflictError, match="another model"):
        reembedding(store, toy)(ignore)

    assert len(toy.asked) == MAX_PASSES


def test_it_tells_how_far_it_is(service: Service, scope: Scope, store: LocalStore) -> None:
    service.say(scope, "tea", "cake", "pie")
    told: list[tuple[str, int]] = []

    reembedding(store, Toy())(lambda *done: told.append(done))

    assert told == [("embedded", 2), ("embedded", 1), ("indexed", 2), ("indexed", 1)]


@dataclass(frozen=True)
class Remembering(LocalVectors):
    """Remembers what it was asked to drop."""

    dropped: list[str] = field(default_factory=list)

    def drop_others(self, project: str, memory_ids: Sequence[str]) -> int:
        assert project
        self.dropped.extend(memory_ids)
        return len(memory_ids)


def test_what_other_models_made_is_dropped_when_the_index_is_complete(
    service: Service, scope: Scope, store: LocalStore
) -> None:
    memories = [service.remember(scope, text) for text in ("tea", "cake", "pie")]
    vectors = Remembering(store.database, Toy.model)
    reembed = replace(reembedding(store, Toy()), vectors=vectors)
    dying = replace(reembed.rebuild, builds=Dying(store.database))
    with pytest.raises(UnavailableError, match="stopped"):
        replace(reembed, rebuild=dying)(ignore)
    assert vectors.dropped == []

    reembed(ignore)

    assert sorted(vectors.dropped) == sorted(memory.id for memory in memories)
