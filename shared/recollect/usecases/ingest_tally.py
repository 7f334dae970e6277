"""What became of an object so far: counts, and what went wrong where."""

from dataclasses import asdict, dataclass, field
from typing import Any, Final, cast

from recollect.domain.jobs import Job, JobStatus
from recollect.domain.memory import Json
from recollect.domain.requests import AddRequest
from recollect.usecases.transcripts import START, BadLine, Place

MOST_PROBLEMS: Final = 1_000
"""Of which the report tells what they are; of more it tells how many."""
MOST_CHARACTERS: Final = 300
"""Of what a problem says: the reason of a failed job may be an engine's own, and long."""
TALLY: Final = "tally"
"""The note of an object's job with all that the next worker has to know, but for the problems:
these are the job's result so far."""
PLACE: Final = "place"
"""The note of a conversation's job that says where in the object it stands."""


@dataclass
class Tally:
    """How far an object was read, and what became of it; nothing in it quotes what was said.

    `behind` is the place to go on reading at, after so many `items`. `accepted` conversations are
    jobs, of which the first `settled` have ended; for the next one it `waits` so often already.
    """

    behind: Place = START
    is_read: bool = False
    items: int = 0
    accepted: int = 0
    settled: int = 0
    waits: int = 0
    messages: int = 0
    system_messages: int = 0
    succeeded: int = 0
    failed: int = 0
    bad: int = 0
    memories: dict[str, int] = field(default_factory=dict)
    problems: list[dict[str, Json]] = field(default_factory=list)
    more_problems: int = 0

    @classmethod
    def of(cls, job: Job) -> "Tally":
        """Return the tally that `noted` wrote into the job; an empty one if it did not yet."""
        if TALLY not in job.notes:
            return cls()
        kept = cast("dict[str, Any]", job.notes[TALLY])
        problems = cast("list[dict[str, Json]]", job.result)
        return cls(
            **{
                **kept,
                "behind": Place(**kept["behind"]),
                "memories": dict(kept["memories"]),
                "problems": list(problems),
            }
        )

    def noted(self) -> tuple[dict[str, Json], Json]:
        """Return it as the notes of the job and, for what may be long, its result."""
        kept = asdict(self)
        problems = kept.pop("problems")
        return {**self.told(), TALLY: kept}, problems

    @property
    def unfinished(self) -> int:
        """How many conversations wait, or wait for one before them, at most."""
        return self.accepted - self.settled

    def refuse(self, place: str, reason: str) -> None:
        """Note what cannot be remembered, and why."""
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append({"place": place, "reason": reason[:MOST_CHARACTERS]})
        else:
            self.more_problems += 1

    def skip(self, line: BadLine) -> None:
        """Count what cannot be read."""
        self.bad += 1
        self.refuse(f"line {line.line}", line.reason)

    def settle(self, job: Job | None) -> None:
        """Count what became of the next conversation's job; None if nobody knows any more."""
        self.settled += 1
        self.waits = 0
        if job and job.status is JobStatus.SUCCEEDED:
            self.succeeded += 1
            for outcome in job.outcomes:
                self.memories[outcome.decision] = self.memories.get(outcome.decision, 0) + 1
            return
        self.failed += 1
        place = job.notes.get(PLACE) if job and isinstance(job.request, AddRequest) else None
        reason = (job.error if job else None) or "its job is gone"
        self.refuse(str(place or f"conversation {self.settled}"), reason)

    def told(self) -> dict[str, Json]:
        """Return it as a caller is told."""
        return {
            "conversations": {
                "found": self.accepted,
                "succeeded": self.succeeded,
                "failed": self.failed,
                "open": self.unfinished,
            },
            "messages": self.messages,
            "system_messages": self.system_messages,
            "bad": self.bad,
            "memories": dict(self.memories),
        }
