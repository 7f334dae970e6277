"""What becomes of facts, whatever a decider says of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import pytest

from recollect.domain.jobs import Decision, Fact, Job
from recollect.domain.memory import Embedding, HistoryAction, Memory, MemoryKind, Message
from recollect.domain.subjects import Scope
from recollect.ports.models import Choice, Extraction
from recollect.testing.builders import NOON, a_change, a_memory, a_scope, adding
from recollect.usecases.decisions import NEAREST
from tests.service import Service, embedder

TEA, COFFEE = "likes green tea", "likes black coffee"


@dataclass(frozen=True)
class LineExtractor:
    """Takes every line for a fact."""

    def extract(self, messages: Sequence[Message], *, said_at: datetime) -> Extraction:
        assert said_at.tzinfo
        lines = [line for message in messages for line in message.content.splitlines()]
        facts = (Fact(text=line, role="user", categories=("taste",)) for line in lines)
        return Extraction(facts=tuple(facts), notes={})


@dataclass(frozen=True)
class ScriptedDecider:
    """Decides as it is told; without a candidate it adds. Notes what it was asked."""

    decision: Decision
    asked: list[tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]] = field(default_factory=list)

    def decide(self, facts: Sequence[Fact], candidates: Sequence[Sequence[str]]) -> list[Choice]:
        self.asked.append((tuple(fact.text for fact in facts), tuple(map(tuple, candidates))))
        return [
            Choice(self.decision, 0, "as told") if near else Choice(Decision.ADD)
            for near in candidates
        ]


def deciding(service: Service, decision: Decision) -> tuple[Service, ScriptedDecider]:
    decider = ScriptedDecider(decision)
    return service.having(extractor=LineExtractor(), decider=decider), decider


def decisions(job: Job) -> list[tuple[Decision, str]]:
    return [(outcome.decision, outcome.memory_id) for outcome in job.outcomes]


def texts(service: Service, scope: Scope) -> list[str]:
    return sorted(memory.text for memory in service.listed(scope))


def test_an_update_replaces_the_text_and_keeps_the_rest(service: Service, scope: Scope) -> None:
    before = service.remember(scope, TEA, metadata={"a": 1}, expires_on=date(2030, 1, 1))
    service, _ = deciding(service, Decision.UPDATE)

    job = service.say(scope, "likes white tea", infer=True, metadata={"b": 2})

    [outcome] = job.outcomes
    after = service.read(scope.project, before.id)
    assert (outcome.decision, outcome.memory_id) == (Decision.UPDATE, before.id)
    assert (outcome.previous_text, outcome.text, outcome.reason) == (
        TEA,
        "likes white tea",
        "as told",
    )
    assert (after.text, after.version, after.metadata) == ("likes white tea", 2, {"a": 1})
    assert (after.expires_on, after.created_at) == (before.expires_on, before.created_at)
    [_, (event, _)] = service.read.history(scope.project, before.id).events
    assert (event.action, event.old_text, event.new_text, event.cause) == (
        HistoryAction.UPDATE,
        TEA,
        "likes white tea",
        job.id,
    )


def test_a_delete_removes_what_the_fact_denies(service: Service, scope: Scope) -> None:
    before = service.remember(scope, TEA)
    service, _ = deciding(service, Decision.DELETE)

    job = service.say(scope, "never liked green tea", infer=True)

    assert decisions(job) == [(Decision.DELETE, before.id)]
    assert texts(service, scope) == []
    [_, (event, _)] = service.read.history(scope.project, before.id).events
    assert (event.action, event.old_text, event.new_text) == (HistoryAction.DELETE, TEA, None)


def test_an_added_fact_carries_what_the_extractor_found(service: Service, scope: Scope) -> None:
    service, decider = deciding(service, Decision.UPDATE)

    service.say(scope, TEA, infer=True)

    [memory] = service.listed(scope)
    assert (memory.categories, memory.kind, memory.role) == (
        ("taste",),
        MemoryKind.SEMANTIC,
        "user",
    )
    assert decider.asked == []


@pytest.mark.parametrize("decision", [Decision.UPDATE, Decision.DELETE])
def test_what_would_change_an_immutable_memory_is_added_beside_it(
    service: Service, scope: Scope, decision: Decision
) -> None:
    before = service.remember(scope, TEA, is_immutable=True)
    service, _ = deciding(service, decision)

    job = service.say(scope, "likes white tea", infer=True)

    assert [decision for decision, _ in decisions(job)] == [Decision.ADD]
    assert service.read(scope.project, before.id) == before
    assert texts(service, scope) == sorted([TEA, "likes white tea"])


def test_one_memory_is_changed_once_an_add(service: Service, scope: Scope) -> None:
    before = service.remember(scope, TEA)
    service, _ = deciding(service, Decision.UPDATE)

    job = service.say(scope, "likes white tea\nlikes red tea", infer=True)

    assert [decision for decision, _ in decisions(job)] == [Decision.UPDATE, Decision.ADD]
    assert job.outcomes[0].memory_id == before.id
    assert texts(service, scope) == ["likes red tea", "likes white tea"]


@pytest.mark.parametrize("decision", [Decision.UPDATE, Decision.DELETE])
@pytest.mark.parametrize("said", [f"likes white tea\n{TEA}", f"{TEA}\nlikes white tea"])
def test_a_text_that_is_said_again_is_not_taken_away(
    service: Service, scope: Scope, decision: Decision, said: str
) -> None:
    before = service.remember(scope, TEA)
    service, _ = deciding(service, decision)

    job = service.say(scope, said, infer=True)

    assert (Decision.NONE, before.id) in decisions(job)
    assert texts(service, scope) == [TEA, "likes white tea"]


def test_a_restatement_of_what_is_said_again_is_none(service: Service, scope: Scope) -> None:
    before = service.remember(scope, TEA)
    service, _ = deciding(service, Decision.NONE)

    job = service.say(scope, f"{TEA}\nlikes green tea a lot", infer=True)

    assert decisions(job) == [(Decision.NONE, before.id)] * 2


def test_the_text_that_an_update_gave_is_known(service: Service, scope: Scope) -> None:
    before = service.remember(scope, TEA)
    service, _ = deciding(service, Decision.UPDATE)

    job = service.say(scope, "likes white tea\nlikes white tea", infer=True)

    assert decisions(job) == [(Decision.UPDATE, before.id), (Decision.NONE, before.id)]


def test_the_decider_sees_the_nearest_texts_of_the_scope_alone(
    service: Service, scope: Scope
) -> None:
    service.say(scope, TEA, COFFEE, *(f"has been to city {number}" for number in range(9)))
    service.say(a_scope(scope.project, user="ada", run="r1"), "likes cold tea")
    service.say(a_scope(scope.project, user="bob"), "likes hot tea")
    service.remember(scope, "likes old tea", expires_on=date(2020, 1, 1))
    service, decider = deciding(service, Decision.NONE)

    service.say(scope, "likes tea", infer=True)

    [(facts, [near])] = decider.asked
    assert facts == ("likes tea",)
    assert near[0] == TEA
    assert len(near) == NEAREST
    assert not {"likes cold tea", "likes hot tea", "likes old tea"} & set(near)


def test_vectors_of_another_model_do_not_count_as_near(service: Service, scope: Scope) -> None:
    [vector] = embedder().embed(["likes tea"], "document")
    strange = a_memory(scope, "strange", id="strange")
    other = Embedding("another-model", Embedding.of("test", vector).data)
    twin = a_memory(scope, "twin", id="twin", embedding=other)
    service.store.record.commit(scope.project, a_change(adding(strange), adding(twin)))
    service.say(scope, TEA)
    service, decider = deciding(service, Decision.NONE)

    service.say(scope, "likes tea", infer=True)

    [(_, [near])] = decider.asked
    assert near[0] == TEA
    assert set(near[1:]) == {"strange", "twin"}


def test_backdated_facts_keep_their_order(service: Service, scope: Scope) -> None:
    service, _ = deciding(service, Decision.NONE)

    service.say(scope, "b\na\nc", infer=True, said_at=NOON)

    listed: tuple[Memory, ...] = service.listed(scope)
    assert [memory.text for memory in reversed(listed)] == ["b", "a", "c"]
