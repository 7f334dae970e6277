"""Deciding what each step of an add means for what the scope already knows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from recollect.domain.filters import Unexpired, both, in_scope
from recollect.domain.jobs import AddRequest, Decision, Draft, Fact, Job, Outcome
from recollect.domain.memory import Embedding, HistoryEvent, Memory, Vector
from recollect.domain.text import terms
from recollect.ports.models import Choice, Decider, Embedder
from recollect.ports.record import MemoryWrite, Scopes
from recollect.usecases.candidates import FindCandidates

NEAREST = 5
"""Similar memories that a fact is compared with."""
TURN_SPACING = timedelta(microseconds=1)
"""Memories of one add are this far apart in `created_at`, so that lists keep their order."""


@dataclass(frozen=True)
class Step:
    """What becomes of one draft."""

    outcome: Outcome
    write: MemoryWrite | None = None


@dataclass(frozen=True)
class Thoughts:
    """What the models have said during an add, so that a lost race asks them nothing twice."""

    embedder: Embedder
    decider: Decider
    _of_texts: dict[str, Vector] = field(default_factory=dict)
    _decided: dict[object, list[Choice]] = field(default_factory=dict)

    def choices(self, facts: Sequence[Fact], near: Sequence[Sequence[Memory]]) -> list[Choice]:
        """Return what to do with each fact; decided again only if what is near has changed."""
        known = tuple(tuple((memory.id, memory.version) for memory in some) for some in near)
        question = (tuple(facts), known)
        if question not in self._decided:
            texts = [[memory.text for memory in some] for some in near]
            self._decided[question] = self.decider.decide(facts, texts)
        return self._decided[question]

    def vectors(self, texts: Sequence[str]) -> Mapping[str, Vector]:
        """Return text -> vector, of these texts and earlier ones; embeds the new ones together."""
        new = [text for text in texts if text not in self._of_texts]
        if new:
            vectors = self.embedder.embed(new, "document")
            self._of_texts.update(zip(new, vectors, strict=True))
        return self._of_texts


@dataclass(frozen=True)
class DecideDrafts:
    """Turn drafts into writes: exact repeats are NONE, verbatim turns ADD, facts are decided on."""

    scopes: Scopes
    embedder: Embedder
    decider: Decider
    find: FindCandidates
    now: Callable[[], datetime]
    new_id: Callable[[], str]

    def think(self) -> Thoughts:
        """Return the empty memory of what the models say during one add."""
        return Thoughts(self.embedder, self.decider)

    def __call__(
        self, job: Job, request: AddRequest, ahead: Sequence[Draft], count: int, thoughts: Thoughts
    ) -> list[Step]:
        """Return one step for each of the first `count` drafts, in order; nothing is stored yet.

        What follows them is only looked up and embedded with them, to be asked for once.
        """
        drafts = ahead[:count]
        texts = list(dict.fromkeys(draft.fact.text for draft in ahead))
        known = self.scopes.find_texts(request.scope, texts, now=self.now())
        embedded = thoughts.vectors([text for text in texts if text not in known])
        asked = {draft.fact.text for draft in drafts}
        restated = frozenset(known[text] for text in asked & known.keys())
        builder = _Builder(job, request, self.now(), self.embedder.model, embedded, known, restated)
        choices = self._choices(request, drafts, known, thoughts)
        return [
            builder.step(job.done + place, draft, choices.get(draft.fact.text), self.new_id)
            for place, draft in enumerate(drafts)
        ]

    def _choices(
        self,
        request: AddRequest,
        drafts: Sequence[Draft],
        known: Mapping[str, str],
        thoughts: Thoughts,
    ) -> dict[str, tuple[Choice, Memory | None]]:
        facts = {draft.fact.text: draft.fact for draft in drafts if draft.turn is None}
        new = [fact for text, fact in facts.items() if text not in known]
        vectors = thoughts.vectors([fact.text for fact in new])
        near = [self._near(request, fact, vectors[fact.text]) for fact in new]
        if not any(near):
            return {}
        choices = thoughts.choices(new, near)
        return {
            fact.text: (choice, some[choice.candidate] if choice.candidate is not None else None)
            for fact, some, choice in zip(new, near, choices, strict=True)
        }

    def _near(self, request: AddRequest, fact: Fact, vector: Vector) -> list[Memory]:
        matching = both(in_scope(request.scope), Unexpired(self.now()))
        candidates = self.find(request.project, matching, vector, terms(fact.text), limit=NEAREST)
        model = self.embedder.model

        def closeness(memory: Memory) -> float:
            embedding = memory.embedding
            if embedding is None or embedding.model != model:
                return 0.0
            return float(embedding.vector() @ vector)

        return sorted(candidates.memories, key=closeness, reverse=True)[:NEAREST]


@dataclass
class _Builder:
    """Writes for one part of an add; remembers which texts it has given out."""

    job: Job
    request: AddRequest
    now: datetime
    model: str
    vectors: Mapping[str, Vector]
    known: dict[str, str]
    restated: frozenset[str]
    """Memories whose very text this part says again: no other fact of it may take it from them."""
    touched: set[str] = field(default_factory=set)

    def step(
        self,
        place: int,
        draft: Draft,
        chosen: tuple[Choice, Memory | None] | None,
        new_id: Callable[[], str],
    ) -> Step:
        """Return what becomes of the draft at this place of the plan."""
        text = draft.fact.text
        if text in self.known:
            return self._none(draft.fact, self.known[text], "the same text is known")
        choice, target = chosen or (Choice(Decision.ADD), None)
        if target is None or choice.decision is Decision.ADD or target.id in self.touched:
            return self._add(place, draft, draft.turn.memory_id if draft.turn else new_id())
        if choice.decision is Decision.NONE:
            return self._none(draft.fact, target.id, choice.reason)
        if target.is_immutable or target.id in self.restated:
            return self._add(place, draft, new_id())
        self.touched.add(target.id)
        if choice.decision is Decision.DELETE:
            return self._delete(draft.fact, target, choice)
        return self._update(draft.fact, target, choice)

    def _none(self, fact: Fact, memory_id: str, reason: str | None) -> Step:
        return Step(self._outcome(Decision.NONE, fact, memory_id, reason=reason))

    def _add(self, place: int, draft: Draft, memory_id: str) -> Step:
        fact, request = draft.fact, self.request
        memory = Memory(
            id=memory_id,
            scope=request.scope,
            text=fact.text,
            created_at=(request.said_at or self.job.created_at) + place * TURN_SPACING,
            updated_at=self.now,
            recorded_at=self.now,
            kind=fact.kind,
            metadata=request.metadata,
            categories=fact.categories,
            role=fact.role,
            actor=fact.actor,
            attributed_to=fact.attributed_to,
            expires_on=request.expires_on,
            is_immutable=request.is_immutable,
            episode_id=self.job.id,
            turn=draft.turn.number if draft.turn else None,
            embedding=Embedding.of(self.model, self.vectors[fact.text]),
        )
        self.known[fact.text] = memory_id
        return Step(self._outcome(Decision.ADD, fact, memory_id), self._write(None, memory, fact))

    def _update(self, fact: Fact, target: Memory, choice: Choice) -> Step:
        after = replace(
            target,
            text=fact.text,
            updated_at=self.now,
            version=target.version + 1,
            embedding=Embedding.of(self.model, self.vectors[fact.text]),
        )
        self.known[fact.text] = target.id
        outcome = self._outcome(
            Decision.UPDATE, fact, target.id, previous=target.text, reason=choice.reason
        )
        return Step(outcome, self._write(target, after, fact))

    def _delete(self, fact: Fact, target: Memory, choice: Choice) -> Step:
        outcome = self._outcome(
            Decision.DELETE, fact, target.id, previous=target.text, reason=choice.reason
        )
        return Step(outcome, self._write(target, None, fact))

    def _write(self, before: Memory | None, after: Memory | None, fact: Fact) -> MemoryWrite:
        by = (fact.role, fact.actor)
        event = HistoryEvent.of(before, after, at=self.now, cause=self.job.id, by=by)
        return MemoryWrite(before=before, after=after, event=event)

    def _outcome(
        self,
        decision: Decision,
        fact: Fact,
        memory_id: str,
        *,
        previous: str | None = None,
        reason: str | None = None,
    ) -> Outcome:
        return Outcome(
            decision=decision,
            memory_id=memory_id,
            text=fact.text,
            previous_text=previous,
            role=fact.role,
            actor=fact.actor,
            attributed_to=fact.attributed_to,
            categories=fact.categories,
            reason=reason,
        )
