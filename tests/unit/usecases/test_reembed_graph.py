"""What embedding the names of entities again with another model promises."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from recollect.domain.errors import UnavailableError
from recollect.domain.graph import Entity, Owner
from recollect.domain.memory import Vector
from recollect.domain.subjects import Scope
from recollect.ports.models import EmbeddingTask
from recollect.testing.builders import a_graph_change, a_scope, an_entity
from recollect.usecases import walking
from recollect.usecases.reembed_graph import ReembedGraph
from tests.service import Service


@dataclass
class Toy:
    """A model of its own, which answers for so many names."""

    left: int = 1_000
    asked: list[str] = field(default_factory=list)
    dimensions: int = 16
    model: str = "toy-16"

    def embed(self, texts: Sequence[str], task: EmbeddingTask) -> list[Vector]:
        assert task == "document"
        self.left -= len(texts)
        if self.left < 0:
            message = "overloaded"
            raise UnavailableError(message)
        self.asked += texts
        return [np.ones(self.dimensions, dtype=np.float32) for _ in texts]


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "ENTITIES_PER_PAGE", 2)


def known(service: Service, scope: Scope, count: int) -> list[Entity]:
    owner = Owner.of(scope)
    entities = [an_entity(owner, f"name {number}", vector=(0.6, 0.8)) for number in range(count)]
    service.store.graph.commit(owner, a_graph_change(entities=tuple(entities)))
    return entities


def reembedding(service: Service, toy: Toy) -> ReembedGraph:
    ports = service.ports
    return ReembedGraph(ports.keys, ports.graph, toy, ports.now)


def told(_: str, __: int) -> None: ...


def test_every_name_is_embedded_once_and_projected(service: Service, scope: Scope) -> None:
    entities = known(service, scope, 5)
    theirs = a_scope(service.open_project("other"), user="bob")
    known(service, theirs, 1)
    toy = Toy()

    assert reembedding(service, toy)(told) == 6

    assert len(toy.asked) == 6
    found = service.store.graph.entities(Owner.of(scope), [each.id for each in entities])
    for entity in entities:
        after = found[entity.id]
        assert after.embedding is not None
        assert after == replace(entity, version=2, embedding=after.embedding)
        assert after.embedding.model == toy.model
    fresh = service.store.graph_outbox.fresh(Owner.of(scope), limit=99)
    assert set(fresh) == {each.id for each in entities}

    assert reembedding(service, toy)(told) == 0


def test_what_breaks_off_goes_on(service: Service, scope: Scope) -> None:
    known(service, scope, 5)

    with pytest.raises(UnavailableError):
        reembedding(service, Toy(left=3))(told)

    assert reembedding(service, Toy())(told) == 3


def test_what_others_change_is_left_to_the_next_time(service: Service, scope: Scope) -> None:
    first, *_ = known(service, scope, 1)

    class Slow(Toy):
        def embed(self, texts: Sequence[str], task: EmbeddingTask) -> list[Vector]:
            moved = replace(first, version=2, mentions=7)
            service.store.graph.commit(first.owner, a_graph_change(entities=(moved,)))
            return super().embed(texts, task)

    assert reembedding(service, Slow())(told) == 0

    assert service.store.graph.entities(first.owner, [first.id])[first.id].mentions == 7
    assert reembedding(service, Toy())(told) == 1
