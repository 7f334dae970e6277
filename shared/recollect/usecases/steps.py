"""What becomes of each step of an add: the guards that no model's answer can pass."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from recollect.domain.jobs import Decision, Draft, Fact, Job, Outcome
from recollect.domain.memory import Embedding, HistoryEvent, Memory
from recollect.domain.requests import AddRequest
from recollect.domain.roles import AGENT_ROLES
from recollect.ports.models import Choice
from recollect.ports.record import MemoryWrite
from recollect.usecases.thoughts import Thoughts

MAX_DELETIONS = 10
"""Memories that one add may delete, whatever a model says: history has them, but nobody looks."""
TURN_SPACING = timedelta(microseconds=1)
"""Memories of one add are this far apart in `created_at`, so that lists keep their order."""
SIMULTANEOUS = timedelta(minutes=1)
"""What was said earlier changes nothing that was said later, but for adds at the same time."""
TOO_MANY_DELETIONS = f"an add deletes at most {MAX_DELETIONS} memories"


@dataclass(frozen=True)
class Step:
    """What becomes of one draft: what is told of it, and what is stored together or not at all."""

    outcomes: tuple[Outcome, ...] = ()
    writes: tuple[MemoryWrite, ...] = ()


@dataclass
class StepBuilder:
    """Makes the steps of one commit; remembers which texts and memories it has given out.

    A decision is only carried out on candidates of its own fact that are not immutable, that no
    other fact of the part has changed, contradicts or says again, that were not said later, and
    that are not a user's own words if the fact is only the agent's. Otherwise the fact is added:
    nothing that was said is lost.
    """

    job: Job
    request: AddRequest
    now: datetime
    model: str
    thoughts: Thoughts
    known: dict[str, str]
    new_id: Callable[[], str]
    _changed: set[str] = field(default_factory=set)
    _said_again: set[str] = field(default_factory=set)
    _contradicted: set[str] = field(default_factory=set)
    _told: int = 0
    _deleted: int = 0

    def steps(self, drafts: Sequence[Draft], room: int) -> list[Step]:
        """Return steps for the first drafts, as many as have `room` writes; at least one."""
        self._changed = set(self.thoughts.touched)
        self._said_again = {self.known.get(draft.fact.text, "") for draft in drafts}
        self._contradicted = {
            memory.id for draft in drafts for memory in self._contradicted_by(draft.fact)
        }
        self._told = len(self.job.outcomes)
        self._deleted = sum(each.decision is Decision.DELETE for each in self.job.outcomes)
        made: list[Step] = []
        left = room
        for draft in drafts:
            step = self._step(draft, room)
            left -= len(step.writes)
            if left < 0:
                break
            made.append(step)
        return made

    def _step(self, draft: Draft, room: int) -> Step:
        fact = draft.fact
        if fact.quote is not None:
            return self._forget(fact, room)
        if fact.text in self.known:
            return self._none(fact, self.known[fact.text], "the same text is known")
        choice = self.thoughts.choices.get(fact)
        targets = self._targets(fact, choice)
        if choice is None or not targets:
            return self._add(draft)
        return self._decided(draft, targets, choice, room)

    def _decided(self, draft: Draft, targets: Sequence[Memory], choice: Choice, room: int) -> Step:
        match choice.decision:
            case Decision.NONE:
                return self._none(draft.fact, targets[0].id, choice.reason)
            case Decision.UPDATE:
                return self._update(draft.fact, targets[0], choice)
            case Decision.DELETE:
                return self._replace(draft, targets[: room - 1], choice)
            case _:
                return self._add(draft)

    def _targets(self, fact: Fact, choice: Choice | None) -> list[Memory]:
        """Return the memories that may be changed, or named, because of the fact."""
        view = self.thoughts.view
        if choice is None or view is None:
            return []
        near = [view.near[fact][place] for place in choice.candidates]
        unchanged = [memory for memory in near if memory.id not in self._changed]
        if choice.decision is Decision.NONE:
            return [memory for memory in unchanged if memory.id not in self._contradicted]
        return [
            memory
            for memory in unchanged
            if (fact.quote is not None or memory.id not in self._said_again)
            and self._said_at(fact) + SIMULTANEOUS >= memory.said_at
            and _may_change(fact, memory)
        ]

    def _contradicted_by(self, fact: Fact) -> list[Memory]:
        """Return what is deleted because of a fact that is kept, if that was decided on it."""
        choice = self.thoughts.choices.get(fact)
        is_kept = fact.quote is None
        is_so = is_kept and choice is not None and choice.decision is Decision.DELETE
        return self._targets(fact, choice) if is_so else []

    def _none(self, fact: Fact, memory_id: str, reason: str | None) -> Step:
        return Step((self._outcome(Decision.NONE, fact, memory_id, reason),))

    def _add(self, draft: Draft) -> Step:
        fact, request = draft.fact, self.request
        memory = Memory(
            id=draft.turn.memory_id if draft.turn else self.new_id(),
            scope=request.scope,
            text=fact.text,
            created_at=self._said_at(fact) + self._told * TURN_SPACING,
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
            is_graphed=bool(request.is_graphed),
            episode_id=self.job.id,
            message=fact.message,
            turn=draft.turn.number if draft.turn else None,
            valid_from=fact.valid_from,
            valid_to=fact.valid_to,
            salience=fact.salience,
            embedding=self._embedding(fact.text),
        )
        self.known[fact.text] = memory.id
        write = self._write(None, memory, fact, fact.prompt_version)
        return Step((self._outcome(Decision.ADD, fact, memory.id),), (write,))

    def _update(self, fact: Fact, target: Memory, choice: Choice) -> Step:
        text = choice.text or fact.text
        if text in self.known:
            return self._none(fact, self.known[text], choice.reason)
        after = replace(
            target,
            text=text,
            updated_at=self.now,
            version=target.version + 1,
            kind=fact.kind,
            categories=fact.categories or target.categories,
            role=fact.role,
            actor=fact.actor,
            attributed_to=fact.attributed_to,
            episode_id=self.job.id,
            message=fact.message,
            stated_at=self._said_at(fact),
            valid_from=fact.valid_from,
            valid_to=fact.valid_to,
            salience=target.salience if fact.salience is None else fact.salience,
            is_graphed=target.is_graphed or bool(self.request.is_graphed),
            embedding=self._embedding(text),
        )
        self.known[text] = target.id
        self._changed.add(target.id)
        told = self._outcome(
            Decision.UPDATE, fact, target.id, choice.reason, text=text, previous=target.text
        )
        write = self._write(target, after, fact, self.thoughts.decided_by)
        return Step((told,), (write,))

    def _replace(self, draft: Draft, targets: Sequence[Memory], choice: Choice) -> Step:
        """Delete what the fact contradicts and keep the fact, in one change."""
        deleted = self._deletions(draft.fact, targets, choice)
        added = self._add(draft)
        return Step((*deleted.outcomes, *added.outcomes), (*deleted.writes, *added.writes))

    def _forget(self, fact: Fact, room: int) -> Step:
        choice = self.thoughts.choices.get(fact)
        targets = self._targets(fact, choice)
        if choice is None or choice.decision is not Decision.DELETE:
            return Step()
        return self._deletions(fact, targets[:room], choice)

    def _deletions(self, fact: Fact, targets: Sequence[Memory], choice: Choice) -> Step:
        allowed = max(MAX_DELETIONS - self._deleted, 0)
        deleted, spared = targets[:allowed], targets[allowed:]
        self._deleted += len(deleted)
        self._changed |= {memory.id for memory in deleted}
        told = [
            *((Decision.DELETE, memory, choice.reason) for memory in deleted),
            *((Decision.NONE, memory, TOO_MANY_DELETIONS) for memory in spared),
        ]
        by = self.thoughts.decided_by
        return Step(
            tuple(
                self._outcome(decision, fact, each.id, reason, text=each.text, previous=each.text)
                for decision, each, reason in told
            ),
            tuple(self._write(memory, None, fact, by) for memory in deleted),
        )

    def _embedding(self, text: str) -> Embedding:
        return Embedding.of(self.model, self.thoughts.vectors[text])

    def _said_at(self, fact: Fact) -> datetime:
        return fact.said_at or self.request.said_from(self.job.created_at)

    def _write(
        self, before: Memory | None, after: Memory | None, fact: Fact, prompt_version: str | None
    ) -> MemoryWrite:
        event = HistoryEvent.of(
            before,
            after,
            at=self.now,
            cause=self.job.id,
            by=(fact.role, fact.actor),
            valid_from=fact.valid_from or self._said_at(fact),
            prompt_version=prompt_version,
        )
        return MemoryWrite(before=before, after=after, event=event)

    def _outcome(
        self,
        decision: Decision,
        fact: Fact,
        memory_id: str,
        reason: str | None = None,
        *,
        text: str | None = None,
        previous: str | None = None,
    ) -> Outcome:
        """Return what is told of a fact; its text, if it is not the fact's own, is the memory's."""
        self._told += 1
        return Outcome(
            decision=decision,
            memory_id=memory_id,
            text=fact.text if text is None else text,
            previous_text=previous,
            role=fact.role,
            actor=fact.actor,
            attributed_to=fact.attributed_to,
            categories=fact.categories,
            reason=reason,
            message=fact.message,
        )


def _may_change(fact: Fact, memory: Memory) -> bool:
    """Tell whether who said the fact has a say about the memory."""
    return not memory.is_immutable and (not _is_agent(fact.role) or _is_agent(memory.role))


def _is_agent(role: str | None) -> bool:
    return role is not None and role.casefold() in AGENT_ROLES
