"""What a lost race of an add costs: the models are asked nothing twice."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from recollect.adapters.local.record import LocalRecord
from recollect.domain.guidance import Guidance
from recollect.domain.jobs import Decision, Fact
from recollect.domain.memory import Vector
from recollect.domain.subjects import Scope
from recollect.ports.models import Choice, Decided, EmbeddingTask, Known
from recollect.ports.record import Change, ClockMovedError
from recollect.testing.builders import a_change, a_memory, a_scope, adding
from tests.service import Service, embedder


@dataclass(frozen=True)
class LosingRecord(LocalRecord):
    """Lets others commit before an add, each of them once, so that it loses as many races."""

    others: list[Change]

    def commit(self, project: str, change: Change) -> None:
        if change.episode and self.others:
            super().commit(project, self.others.pop())
            raise ClockMovedError
        super().commit(project, change)


@dataclass(frozen=True)
class CountingEmbedder:
    """Counts how often it embeds a text."""

    texts: Counter[str] = field(default_factory=Counter)
    model: str = embedder().model
    dimensions: int = embedder().dimensions

    def embed(self, texts: Sequence[str], task: EmbeddingTask) -> list[Vector]:
        self.texts.update(texts)
        return embedder().embed(texts, task)


def another(scope: Scope, text: str) -> Change:
    return a_change(adding(a_memory(scope, text)))


@pytest.mark.parametrize("infer", [True, False])
def test_a_lost_race_embeds_nothing_again(service: Service, scope: Scope, *, infer: bool) -> None:
    others = [another(scope, "It rains."), another(scope, "It snows.")]
    counting = CountingEmbedder()
    racing = service.having(record=LosingRecord(service.store.database, others), embedder=counting)

    job = racing.say(scope, "I live in Lisbon.", "My dog is called Rex.", infer=infer)

    assert [each.decision for each in job.outcomes] == [Decision.ADD] * 2
    assert others == []
    assert counting.texts == {"I live in Lisbon.": 1, "My dog is called Rex.": 1}


@dataclass(frozen=True)
class CountingDecider:
    """Adds everything; counts how often it is asked about how many facts."""

    asked: list[int] = field(default_factory=list)

    def decide(
        self, facts: Sequence[Fact], candidates: Sequence[Sequence[Known]], guidance: Guidance
    ) -> Decided:
        self.asked.append(len(facts))
        assert len(candidates) == len(facts)
        assert guidance == Guidance()
        return Decided(choices=tuple(Choice(Decision.ADD) for _ in facts))


def test_a_lost_race_is_decided_again_only_if_what_is_near_has_changed(
    service: Service, scope: Scope
) -> None:
    service.remember(scope, "I live in Porto.")
    elsewhere = a_scope(scope.project, user="ada", run="r1")
    counting = CountingDecider()
    others = [a_change(adding(a_memory(elsewhere, "It rains."))) for _ in range(1)]
    racing = service.having(record=LosingRecord(service.store.database, others), decider=counting)

    racing.say(scope, "I live in Lisbon.", infer=True)

    assert counting.asked == [1]

    racing = service.having(
        record=LosingRecord(service.store.database, [another(scope, "I live in Faro.")]),
        decider=counting,
    )
    racing.say(scope, "I live in Braga.", infer=True)

    assert counting.asked == [1, 1, 1]
