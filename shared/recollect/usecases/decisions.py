"""Deciding what each step of an add means for what the scope already knows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from recollect.domain.filters import Unexpired, both, in_scope
from recollect.domain.jobs import Fact, Job
from recollect.domain.memory import Memory, MemoryKind, Vector
from recollect.domain.questions import Question
from recollect.domain.requests import AddRequest
from recollect.domain.subjects import Scope
from recollect.ports.models import Decider, Embedder, Known
from recollect.ports.record import Scopes
from recollect.usecases.candidates import FindCandidates
from recollect.usecases.steps import Step, StepBuilder
from recollect.usecases.thoughts import Thoughts, View

NEAREST = 5
"""Similar memories that a fact is compared with."""
MAX_OWN = 50
"""Memories of the part in hand that are expected among the nearest, at most."""
EMBEDDED_TOGETHER = 96
"""Texts of a plan that are looked up and embedded at once, whatever fits into a commit: as many as
the models take that take several."""


@dataclass(frozen=True)
class DecideDrafts:
    """Turn drafts into steps: exact repeats are NONE, verbatim turns ADD, facts are decided on."""

    scopes: Scopes
    embedder: Embedder
    decider: Decider
    find: FindCandidates
    now: Callable[[], datetime]
    new_id: Callable[[], str]

    def __call__(self, job: Job, request: AddRequest, thoughts: Thoughts, room: int) -> list[Step]:
        """Return steps for the next drafts of the job's plan, with at most `room` writes.

        At least one step; nothing is stored yet. What follows those drafts is looked up, embedded
        and decided on with them, to be asked for once.
        """
        plan = job.plan or ()
        # In whole batches, wherever the commits end.
        end = -(-min(job.done + room, len(plan)) // EMBEDDED_TOGETHER) * EMBEDDED_TOGETHER
        drafts = plan[job.done : end]
        stated = [draft.fact for draft in drafts if draft.fact.quote is None]
        known = self._known(request.scope, [fact.text for fact in stated])
        new = [draft for draft in drafts if draft.fact.quote or draft.fact.text not in known]
        self._embed([draft.fact.text for draft in new], thoughts)
        open_facts = [draft.fact for draft in new if draft.turn is None]
        is_summary = request.kind is MemoryKind.PROCEDURAL
        if request.infer and not is_summary and open_facts:
            self._decide(job, request, open_facts, thoughts)
            known |= self._rewritten(request.scope, thoughts)
        builder = StepBuilder(
            job, request, self.now(), self.embedder.model, thoughts, known, self.new_id
        )
        return builder.steps(drafts, room)

    def _known(self, scope: Scope, texts: Sequence[str]) -> dict[str, str]:
        distinct = list(dict.fromkeys(texts))
        return self.scopes.find_texts(scope, distinct, now=self.now()) if distinct else {}

    def _embed(self, texts: Sequence[str], thoughts: Thoughts) -> None:
        new = [text for text in dict.fromkeys(texts) if text not in thoughts.vectors]
        if new:
            vectors = self.embedder.embed(new, "document")
            thoughts.vectors.update(zip(new, vectors, strict=True))

    def _rewritten(self, scope: Scope, thoughts: Thoughts) -> dict[str, str]:
        """Look up and embed what updated memories are to say, where that is not a fact's text."""
        texts = [choice.text for choice in thoughts.choices.values() if choice.text]
        self._embed(texts, thoughts)
        return self._known(scope, texts)

    def _decide(
        self, job: Job, request: AddRequest, facts: Sequence[Fact], thoughts: Thoughts
    ) -> None:
        if thoughts.view is None or not thoughts.view.near.keys() >= set(facts):
            thoughts.view = self._look(job, request, facts, thoughts)
            now_near = thoughts.view.versions()
            if any(thoughts.seen.get(fact) != near for fact, near in now_near.items()):
                self._choose(request, facts, thoughts, thoughts.view)
            thoughts.seen = now_near

    def _look(
        self, job: Job, request: AddRequest, facts: Sequence[Fact], thoughts: Thoughts
    ) -> View:
        # The clock first: what changes after it makes the commit lose.
        clock = self.scopes.clock(request.scope)
        matching = both(in_scope(request.scope), Unexpired(self.now()))
        questions = [Question.of(fact.text, thoughts.vectors[fact.text]) for fact in facts]
        # What comes from this very part is near as well, but does not count.
        limit = NEAREST + min(job.done, MAX_OWN)
        found = self.find(request.project, matching, questions, limit=limit)
        start = min(draft.fact.message or 0 for draft in job.plan or ())
        return View(
            clock,
            {
                fact: self._nearest(
                    [each for each in candidates.memories if not _is_of_part(each, job, start)],
                    question.vector,
                )
                for fact, question, candidates in zip(facts, questions, found, strict=True)
            },
        )

    def _nearest(self, memories: Sequence[Memory], vector: Vector) -> tuple[Memory, ...]:
        model = self.embedder.model

        def closeness(memory: Memory) -> float:
            embedding = memory.embedding
            if embedding is None or embedding.model != model:
                return 0.0
            return float(embedding.vector() @ vector)

        return tuple(sorted(memories, key=closeness, reverse=True)[:NEAREST])

    def _choose(
        self, request: AddRequest, facts: Sequence[Fact], thoughts: Thoughts, view: View
    ) -> None:
        thoughts.choices = {}
        if not any(view.near.values()):
            return
        near = [[_told(memory) for memory in view.near[fact]] for fact in facts]
        decided = self.decider.decide(facts, near, request.guidance)
        thoughts.choices = dict(zip(facts, decided.choices, strict=True))
        thoughts.decided_by = decided.prompt_version
        thoughts.usage += decided.usage
        if decided.prompt_version:
            thoughts.prompts.add(decided.prompt_version)


def _is_of_part(memory: Memory, job: Job, start: int) -> bool:
    """Tell whether a memory comes from the very part of the conversation that is in hand."""
    return memory.episode_id == job.id and (memory.message or 0) >= start


def _told(memory: Memory) -> Known:
    return Known(
        memory.text,
        memory.said_at,
        memory.attributed_to,
        valid_from=memory.valid_from,
        valid_to=memory.valid_to,
    )
