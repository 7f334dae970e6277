"""What an attempt at an add has found out so far."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from recollect.domain.jobs import Fact, Job
from recollect.domain.memory import Json, Memory, Vector
from recollect.ports.models import Choice, Extraction, Usage
from recollect.ports.record import MemoryWrite


@dataclass(frozen=True)
class View:
    """What was near the open facts of a part, at one state of the scope."""

    clock: int
    near: Mapping[Fact, tuple[Memory, ...]]

    def versions(self) -> dict[Fact, list[tuple[str, int]]]:
        """Return what tells whether something near a fact has changed."""
        return {
            fact: [(memory.id, memory.version) for memory in memories]
            for fact, memories in self.near.items()
        }


@dataclass
class Thoughts:
    """What an attempt at an add has found out, so that nothing is asked for twice.

    `view` and `touched` (ids of memories that were changed or deleted) are about the part of the
    conversation in hand; `notes`, `usage` and `prompts` are what is not in the job's notes yet.
    """

    vectors: dict[str, Vector] = field(default_factory=dict)
    view: View | None = None
    seen: dict[Fact, list[tuple[str, int]]] = field(default_factory=dict)
    choices: dict[Fact, Choice] = field(default_factory=dict)
    decided_by: str | None = None
    touched: set[str] = field(default_factory=set)
    notes: dict[str, Json] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    prompts: set[str] = field(default_factory=set)

    def begin_part(self) -> None:
        """Forget what was about the part before."""
        self.view = None
        self.seen, self.choices = {}, {}
        self.touched = set()

    def committed(self, writes: Sequence[MemoryWrite]) -> None:
        """Note that these are stored: the scope is where they left it."""
        self.touched |= {write.before.id for write in writes if write.before}
        self.notes, self.usage, self.prompts = {}, Usage(), set()
        if self.view and writes:
            self.view = View(self.view.clock + 1, self.view.near)

    def lost_race(self) -> None:
        """Note that others have changed the scope: it has to be looked at again."""
        self.view = None

    def learn(self, extraction: Extraction) -> None:
        """Take note of how facts were found."""
        self.notes = _sum(self.notes, extraction.notes)
        self.usage += extraction.usage
        if extraction.prompt_version:
            self.prompts.add(extraction.prompt_version)

    def noted(self, job: Job) -> Job:
        """Return the job with what was noted, and what the models have cost, in its notes."""
        notes = _sum(_sum(job.notes, self.notes), usage_notes(self.usage))
        if self.prompts:
            known = notes.get("prompts", ())
            earlier = set(known) if isinstance(known, list | tuple) else set[Json]()
            notes["prompts"] = sorted(map(str, earlier | self.prompts))
        return replace(job, notes=notes)


def usage_notes(usage: Usage) -> dict[str, Json]:
    """Return what models have cost as the notes of a job; none if they were not asked."""
    if not usage.calls:
        return {}
    return {
        "model_calls": usage.calls,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
    }


def _sum(notes: Mapping[str, Json], more: Mapping[str, Json]) -> dict[str, Json]:
    """Return both, the numbers of both added up."""
    return {**notes, **{name: _added(notes.get(name), value) for name, value in more.items()}}


def _added(known: Json, value: Json) -> Json:
    if isinstance(known, bool) or not (isinstance(known, int) and isinstance(value, int)):
        return value
    return known + value
