"""What becomes of facts, whatever a decider says of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest

from recollect.adapters.local.record import LocalRecord
from recollect.domain.guidance import Guidance
from recollect.domain.jobs import Decision, Fact, Job, JobStatus
from recollect.domain.memory import Embedding, HistoryAction, Memory, MemoryKind
from recollect.domain.subjects import Scope
from recollect.ports.models import Choice, Conversation, Decided, Extraction, Known, Usage
from recollect.testing.builders import NOON, a_change, a_memory, a_scope, adding
from recollect.usecases.decisions import NEAREST
from recollect.usecases.steps import MAX_DELETIONS, TOO_MANY_DELETIONS
from tests.service import Service, embedder

TEA, COFFEE = "likes green tea", "likes black coffee"


@dataclass(frozen=True)
class LineExtractor:
    """Takes every line for a fact, and for a request to forget if it begins with "forget"."""

    role: str = "user"

    def extract(self, conversation: Conversation) -> Extraction:
        assert conversation.said_at.tzinfo
        facts = [
            self._fact(place, line)
            for place, message in enumerate(conversation.messages)
            for line in message.content.splitlines()
        ]
        return Extraction(facts=tuple(facts), notes={}, prompt_version="extract-1")

    def summarise(self, conversation: Conversation) -> Extraction:
        raise NotImplementedError

    def _fact(self, place: int, line: str) -> Fact:
        quote = line if line.startswith("forget ") else None
        return Fact(
            text=line.removeprefix("forget "),
            role=self.role,
            attributed_to=self.role,
            categories=("taste",),
            message=place,
            valid_from=NOON,
            quote=quote,
            prompt_version="extract-1",
        )


@dataclass(frozen=True)
class ScriptedDecider:
    """Decides as it is told; without a candidate it adds. Notes what it was asked."""

    decision: Decision
    candidates: tuple[int, ...] = (0,)
    text: str | None = None
    asked: list[tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]] = field(default_factory=list)

    def decide(
        self, facts: Sequence[Fact], candidates: Sequence[Sequence[Known]], guidance: Guidance
    ) -> Decided:
        assert guidance == Guidance()
        near = tuple(tuple(known.text for known in some) for some in candidates)
        self.asked.append((tuple(fact.text for fact in facts), near))
        return Decided(
            choices=tuple(self._choice(len(some)) for some in near),
            usage=Usage(1, 100, 10),
            prompt_version="decide-1",
        )

    def _choice(self, near: int) -> Choice:
        if not near:
            return Choice(Decision.ADD)
        named = tuple(place for place in self.candidates if place < near)
        return Choice(self.decision, named, "as told", self.text)


@dataclass(frozen=True)
class CommitsOfOne(LocalRecord):
    """Holds one write a commit."""

    def room_for(self, scopes: Sequence[Scope]) -> int:
        return min(len(scopes), 1)


def deciding(
    service: Service,
    decision: Decision,
    **changes: Any,  # noqa: ANN401 - of the decider
) -> tuple[Service, ScriptedDecider]:
    decider = ScriptedDecider(decision, **changes)
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


def test_an_update_says_what_is_true_of_both(service: Service, scope: Scope) -> None:
    before = service.remember(scope, TEA)
    service, _ = deciding(service, Decision.UPDATE, text="likes green and white tea")

    job = service.say(scope, "likes white tea", infer=True)

    after = service.read(scope.project, before.id)
    assert job.outcomes[0].text == after.text == "likes green and white tea"
    assert after.embedding is not None
    [expected] = embedder().embed([after.text], "document")
    assert after.embedding == Embedding.of(embedder().model, expected)
    assert (after.episode_id, after.message) == (job.id, 0)
    [(_, _), (event, _)] = service.read.history(scope.project, before.id).events
    assert (event.prompt_version, event.valid_from) == ("decide-1", NOON)


@pytest.mark.parametrize("known", [TEA, COFFEE])
def test_an_update_to_what_is_known_already_is_none(
    service: Service, scope: Scope, known: str
) -> None:
    service.say(scope, TEA, COFFEE)
    before = service.listed(scope)
    service, _ = deciding(service, Decision.UPDATE, text=known)

    job = service.say(scope, "likes green tea very much", infer=True)

    [outcome] = job.outcomes
    [expected] = [memory.id for memory in before if memory.text == known]
    assert (outcome.decision, outcome.memory_id) == (Decision.NONE, expected)
    assert service.listed(scope) == before


def test_a_fact_takes_the_place_of_what_it_contradicts(service: Service, scope: Scope) -> None:
    before = service.remember(scope, TEA)
    service, _ = deciding(service, Decision.DELETE)

    job = service.say(scope, "never liked green tea", infer=True)

    deleted, added = job.outcomes
    assert (deleted.decision, deleted.memory_id) == (Decision.DELETE, before.id)
    assert (deleted.text, deleted.previous_text, deleted.reason) == (TEA, TEA, "as told")
    assert (added.decision, added.text) == (Decision.ADD, "never liked green tea")
    assert texts(service, scope) == ["never liked green tea"]
    [_, (event, _)] = service.read.history(scope.project, before.id).events
    assert (event.action, event.old_text, event.new_text) == (HistoryAction.DELETE, TEA, None)
    assert event.prompt_version == "decide-1"
    [(first, _)] = service.read.history(scope.project, added.memory_id).events
    assert first.prompt_version == "extract-1"


def test_a_fact_may_contradict_several(service: Service, scope: Scope) -> None:
    service.say(scope, TEA, COFFEE)
    service, _ = deciding(service, Decision.DELETE, candidates=(0, 1))

    job = service.say(scope, "likes neither green tea nor black coffee", infer=True)

    assert [each.decision for each in job.outcomes] == [
        Decision.DELETE,
        Decision.DELETE,
        Decision.ADD,
    ]
    assert texts(service, scope) == ["likes neither green tea nor black coffee"]


def test_what_a_user_asks_to_forget_is_deleted_and_nothing_kept(
    service: Service, scope: Scope
) -> None:
    service.say(scope, TEA, COFFEE)
    service, _ = deciding(service, Decision.DELETE)

    job = service.say(scope, f"forget {TEA}", infer=True)

    assert [(each.decision, each.text) for each in job.outcomes] == [(Decision.DELETE, TEA)]
    assert texts(service, scope) == [COFFEE]


@pytest.mark.parametrize("decision", [Decision.NONE, Decision.ADD, Decision.UPDATE])
def test_what_is_not_found_to_be_forgotten_changes_nothing(
    service: Service, scope: Scope, decision: Decision
) -> None:
    service.say(scope, TEA)
    service, _ = deciding(service, decision)

    job = service.say(scope, f"forget {TEA}", infer=True)

    assert job.outcomes == ()
    assert texts(service, scope) == [TEA]


def test_an_add_deletes_only_so_much(service: Service, scope: Scope) -> None:
    liked = [f"likes tea number {number}" for number in range(MAX_DELETIONS + 5)]
    service.say(scope, *liked)
    service, _ = deciding(service, Decision.DELETE, candidates=(0, 1, 2, 3, 4))

    job = service.say(scope, "\n".join(f"forget {text}" for text in liked), infer=True)

    deleted = [each for each in job.outcomes if each.decision is Decision.DELETE]
    spared = [each for each in job.outcomes if each.decision is Decision.NONE]
    assert len(deleted) == MAX_DELETIONS
    assert len(service.listed(scope)) == 5
    assert {each.reason for each in spared} == {TOO_MANY_DELETIONS}


@pytest.mark.parametrize("decision", [Decision.DELETE, Decision.UPDATE])
def test_an_agent_has_no_say_about_what_a_user_said(
    service: Service, scope: Scope, decision: Decision
) -> None:
    service.say(scope, TEA)
    service, _ = deciding(service, decision)
    agent = service.having(extractor=LineExtractor("Assistant"))

    job = agent.say(scope, "hates green tea", infer=True)

    assert [each.decision for each in job.outcomes] == [Decision.ADD]
    assert TEA in texts(service, scope)


def test_a_user_may_correct_an_agent(service: Service, scope: Scope) -> None:
    adding_more, _ = deciding(service, Decision.ADD)
    adding_more.having(extractor=LineExtractor("assistant")).say(scope, TEA, infer=True)
    service, _ = deciding(service, Decision.UPDATE)

    job = service.say(scope, "likes white tea", infer=True)

    assert [each.decision for each in job.outcomes] == [Decision.UPDATE]
    assert service.listed(scope)[0].attributed_to == "user"


def test_the_job_tells_what_the_models_cost(service: Service, scope: Scope) -> None:
    service.say(scope, TEA)
    service, _ = deciding(service, Decision.ADD)

    job = service.say(scope, "likes white tea", infer=True)

    assert job.notes == {
        "model_calls": 1,
        "input_tokens": 100,
        "output_tokens": 10,
        "prompts": ["decide-1", "extract-1"],
    }


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


def test_a_fact_that_is_found_twice_is_one(service: Service, scope: Scope) -> None:
    before = service.remember(scope, TEA)
    service, _ = deciding(service, Decision.UPDATE, text="likes green and white tea")

    job = service.say(scope, "likes white tea\nlikes white tea", infer=True)

    assert decisions(job) == [(Decision.UPDATE, before.id)]
    assert texts(service, scope) == ["likes green and white tea"]


@pytest.mark.parametrize("decision", [Decision.UPDATE, Decision.DELETE])
def test_what_was_said_earlier_does_not_replace_what_was_said_later(
    service: Service, scope: Scope, decision: Decision
) -> None:
    service.remember(scope, TEA)
    service, _ = deciding(service, decision)

    job = service.say(scope, "likes no tea", infer=True, said_at=NOON - timedelta(days=1))

    assert [each.decision for each in job.outcomes] == [Decision.ADD]
    assert texts(service, scope) == [TEA, "likes no tea"]


def test_an_update_is_said_when_its_words_were(service: Service, scope: Scope) -> None:
    first = NOON - timedelta(days=90)
    before = service.remember(scope, TEA, said_at=first)
    service, _ = deciding(service, Decision.UPDATE)

    service.say(scope, "likes white tea", infer=True, said_at=NOON - timedelta(days=30))
    job = service.say(scope, "likes red tea", infer=True, said_at=NOON - timedelta(days=60))

    after = service.read(scope.project, before.id)
    assert (before.said_at, after.created_at) == (first, first)
    assert (after.text, after.said_at) == ("likes white tea", NOON - timedelta(days=30))
    assert [each.decision for each in job.outcomes] == [Decision.ADD]


def test_a_choice_to_add_changes_nothing_whatever_it_names(service: Service, scope: Scope) -> None:
    service.remember(scope, TEA)
    service, _ = deciding(service, Decision.ADD, candidates=(0,))

    job = service.say(scope, "likes white tea", infer=True)

    assert [each.decision for each in job.outcomes] == [Decision.ADD]
    assert texts(service, scope) == [TEA, "likes white tea"]


def test_what_is_said_again_and_asked_to_be_forgotten_is_forgotten(
    service: Service, scope: Scope
) -> None:
    service.remember(scope, TEA)
    service, _ = deciding(service, Decision.DELETE)

    job = service.say(scope, f"{TEA}\nforget {TEA}", infer=True)

    assert [each.decision for each in job.outcomes] == [Decision.NONE, Decision.DELETE]
    assert texts(service, scope) == []


def test_a_text_that_others_take_meanwhile_is_known_in_every_commit(
    service: Service, scope: Scope
) -> None:
    service.say(scope, TEA, COFFEE)
    service, _ = deciding(service, Decision.UPDATE, text=COFFEE)
    record = CommitsOfOne(service.store.database)

    job = service.having(record=record).say(scope, "likes tea a lot\nlikes cups", infer=True)

    assert job.status is JobStatus.SUCCEEDED
    assert texts(service, scope) == sorted([TEA, COFFEE])


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


@dataclass(frozen=True)
class EachDecider:
    """Decides each fact by its first word: "none", or else that it contradicts what is near."""

    def decide(
        self, facts: Sequence[Fact], candidates: Sequence[Sequence[Known]], guidance: Guidance
    ) -> Decided:
        assert guidance == Guidance()
        assert all(candidates)
        return Decided(choices=tuple(map(self._choice, facts)))

    def _choice(self, fact: Fact) -> Choice:
        is_known = fact.text.startswith("none")
        return Choice(Decision.NONE if is_known else Decision.DELETE, (0,))


@pytest.mark.parametrize("said", ["none: likes tea\nhates tea", "hates tea\nnone: likes tea"])
def test_what_is_only_known_from_what_is_contradicted_is_kept(
    service: Service, scope: Scope, said: str
) -> None:
    service.remember(scope, TEA)
    service = service.having(extractor=LineExtractor(), decider=EachDecider())

    service.say(scope, said, infer=True)

    assert texts(service, scope) == ["hates tea", "none: likes tea"]
