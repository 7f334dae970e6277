"""What searches and writes see on AWS while every memory is embedded with another model."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from uuid import uuid4

import numpy as np
import pytest
from opensearchpy import OpenSearch

from recollect.adapters.aws.index import OpenSearchIndex
from recollect.adapters.aws.index_builds import OpenSearchIndexBuilds
from recollect.adapters.aws.index_family import IndexSettings
from recollect.adapters.aws.store import DynamoStore
from recollect.domain.changes import MemoryChanges
from recollect.domain.memory import Memory, Vector
from recollect.domain.subjects import Scope
from recollect.testing.indexes import Refreshed
from recollect.usecases.rebuild_index import RebuildIndex
from recollect.usecases.reembed import Reembed, Reembedded
from tests.aws import dynamo_store
from tests.contract.indexes import a_client, drop, no_sleep, refresh, some_settings
from tests.engines import endpoint
from tests.service import Clock, Ports, UseCases

pytestmark = pytest.mark.engines

DIMENSIONS = 64


def ignore(*_: object) -> None:
    """Nobody watches, and nothing has to settle."""


@dataclass
class Letters:
    """Texts are near each other that have the same letter at a place: the first, or the last."""

    place: int
    asked: list[str] = field(default_factory=list)
    before: Callable[[], None] = ignore
    dimensions: int = DIMENSIONS

    @property
    def model(self) -> str:
        return f"letters:{self.place}-{DIMENSIONS}"

    def embed(self, texts: Sequence[str], task: str) -> list[Vector]:
        if task == "document":
            self.asked += texts
            self.before()
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> Vector:
        vector = np.zeros(DIMENSIONS, dtype=np.float32)
        vector[ord(text[self.place]) % DIMENSIONS] = 1
        return vector


@dataclass(frozen=True)
class Deployment:
    """What is deployed with one model, over tables and an index that all share."""

    store: DynamoStore
    engine: OpenSearch
    settings: IndexSettings
    letters: Letters

    def service(self, clock: Clock) -> UseCases:
        store = replace(self.store, now=clock, embedding_model=lambda: self.letters.model)
        index = Refreshed(
            OpenSearchIndex(self.engine, self.settings, no_sleep),
            partial(refresh, self.engine, self.settings.prefix),
        )
        ports = Ports.over(store, index, clock, lambda: str(uuid4()))
        return UseCases(ports=replace(ports, embedder=self.letters), clock=clock)

    def reembed(self, clock: Clock, progress: Callable[[str, int], None] = ignore) -> Reembedded:
        ports = self.service(clock).ports
        store = replace(self.store, embedding_model=lambda: self.letters.model)
        builds = OpenSearchIndexBuilds(self.engine, self.settings, no_sleep)
        rebuild = RebuildIndex(ports.keys, ports.listing, builds, settle=ignore)
        return Reembed(ports.keys, ports.listing, store.vectors, self.letters, rebuild)(progress)


@dataclass(frozen=True)
class Change:
    """The deployment with the old model, the one with the new model, and a scope."""

    old: Deployment
    new: Deployment
    scope: Scope
    clock: Clock

    def remember(self, *texts: str) -> list[Memory]:
        service = self.old.service(self.clock)
        memories = [service.remember(self.scope, text) for text in texts]
        service.index_all(self.scope)
        return memories

    def near(self, deployment: Deployment, query: str) -> list[str]:
        """Return the texts that are found for what they mean, not for their words."""
        service = deployment.service(self.clock)
        found = service.found(self.scope, query)
        return sorted(each.memory.text for each in found if each.score.components["semantic"] > 0.9)

    def worded(self, deployment: Deployment, query: str) -> list[str]:
        """Return the texts that are found for their words."""
        service = deployment.service(self.clock)
        found = service.found(self.scope, query)
        return sorted(each.memory.text for each in found if each.score.components["keyword"] > 0)


@pytest.fixture
def change() -> Iterator[Change]:
    with dynamo_store() as store, a_client(endpoint("opensearch")) as engine:
        first, last = Letters(0), Letters(-1)
        prefix = some_settings().prefix
        old, new = (
            Deployment(
                store,
                engine,
                some_settings(prefix=prefix, model=letters.model, dimensions=DIMENSIONS),
                letters,
            )
            for letters in (first, last)
        )
        clock = Clock()
        scope = old.service(clock).new_scope(user="ada")
        yield Change(old, new, scope, clock)
        drop(engine, prefix)


def test_the_old_model_finds_by_meaning_until_the_new_index_is_complete(change: Change) -> None:
    change.remember("apples sold", "berries mix", "cherries law")
    seen = [change.near(change.old, "anything")]

    def look(*_: object) -> None:
        seen.append(change.near(change.old, "anything"))

    change.new.letters.before = look
    done = change.new.reembed(change.clock, look)

    assert done == Reembedded(embedded=3, indexed=3)
    # Before, while it is embedded, when it is embedded, when it is indexed.
    assert seen == [["apples sold"]] * 4
    assert change.near(change.new, "word") == ["apples sold"]
    assert change.near(change.old, "anything") == []
    assert change.worded(change.old, "any apples") == ["apples sold"]


def test_what_is_changed_while_it_is_embedded_keeps_the_change(change: Change) -> None:
    changed, deleted, _ = change.remember("apples sold", "berries mix", "cherries law")
    service = change.old.service(change.clock)

    def meanwhile() -> None:
        change.new.letters.before = ignore
        changes = MemoryChanges(text="peaches sour")
        service.update(change.scope.project, changed.id, changes)
        service.delete(change.scope.project, deleted.id)
        service.index_all(change.scope)

    change.new.letters.before = meanwhile
    done = change.new.reembed(change.clock)

    assert done == Reembedded(embedded=4, indexed=2)
    assert change.new.letters.asked[-1] == "peaches sour"
    assert change.near(change.new, "or") == ["peaches sour"]
    assert change.near(change.new, "word") == []


def test_what_the_old_model_writes_is_found_by_words_until_this_is_repeated(
    change: Change,
) -> None:
    first, _ = change.remember("apples sold", "berries mix")

    def meanwhile(what: str, _: int) -> None:
        if what == "indexed":
            changes = MemoryChanges(text="peaches sour")
            service = change.old.service(change.clock)
            service.update(change.scope.project, first.id, changes)
            service.index_all(change.scope)

    change.new.reembed(change.clock, meanwhile)
    change.remember("cherries law")

    assert change.near(change.new, "or") == []
    assert change.worded(change.new, "peaches") == ["peaches sour"]
    assert change.worded(change.new, "cherries") == ["cherries law"]
    done = change.new.reembed(change.clock)
    assert done == Reembedded(embedded=2, indexed=3)
    assert change.near(change.new, "or") == ["peaches sour"]
    assert change.near(change.new, "how") == ["cherries law"]


def test_only_vectors_of_the_new_model_are_kept(change: Change) -> None:
    memories = change.remember("apples sold", "berries mix")

    change.new.reembed(change.clock)

    service = change.old.service(change.clock)
    kept = service.ports.record.get(change.scope.project, [memory.id for memory in memories])
    models = {memory.embedding.model for memory in kept.values() if memory.embedding}
    assert models == {change.new.letters.model}
    assert len(change.old.engine.indices.get(index=f"{change.old.settings.prefix}-*")) == 1
