"""What was said shortly before, which helps to understand what is said now."""

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from recollect.domain.jobs import Decision, Outcome
from recollect.domain.memory import Episode, Message
from recollect.domain.subjects import Scope, SubjectKind
from recollect.ports.jobs import Jobs
from recollect.ports.record import Episodes, Record
from recollect.usecases.parts import CONTEXT_MESSAGES

SESSION_GAP = timedelta(minutes=30)
"""Without a run, what was said longer ago belongs to another conversation."""


@dataclass(frozen=True)
class RecentMessages:
    """The last messages of a session, but for those whose facts have been deleted since."""

    episodes: Episodes
    jobs: Jobs
    record: Record
    now: Callable[[], datetime]

    def __call__(self, scope: Scope, *, said_at: datetime) -> tuple[Message, ...]:
        """Return at most `CONTEXT_MESSAGES` messages of earlier adds to the scope, oldest first.

        Each has the time it was said at.
        """
        has_run = scope.name_of(SubjectKind.RUN) is not None
        recent: list[Episode] = []
        for episode in self.episodes.recent(scope, limit=CONTEXT_MESSAGES, now=self.now()):
            gap = said_at - episode.said_at
            if gap < timedelta(0) or (gap > SESSION_GAP and not has_run):
                continue
            recent.insert(0, episode)
            if sum(len(each.messages) for each in recent) >= CONTEXT_MESSAGES:
                break
        return tuple(self._kept(scope.project, recent)[-CONTEXT_MESSAGES:])

    def _kept(self, project: str, episodes: Sequence[Episode]) -> list[Message]:
        """Return their messages without those that something came of which is gone by now."""
        found = [(each, self.jobs.get(project, each.id)) for each in episodes]
        told = {outcome.memory_id for _, job in found if job for outcome in job.outcomes}
        known = self.record.get(project, sorted(told)) if told else {}
        now = self.now()
        living = {an_id for an_id, memory in known.items() if not memory.is_expired(now)}
        return [
            replace(message, said_at=message.said_at or episode.said_at)
            for episode, job in found
            if job
            for message in _without_gone(episode, job.outcomes, living)
        ]


def _without_gone(
    episode: Episode, outcomes: Sequence[Outcome], living: AbstractSet[str]
) -> Iterator[Message]:
    """Yield the messages of which nothing came, or something that is still there."""
    gone = {
        outcome.message
        for outcome in outcomes
        if outcome.decision is not Decision.DELETE and outcome.memory_id not in living
    }
    kept = {outcome.message for outcome in outcomes if outcome.memory_id in living}
    deleting = {outcome.message for outcome in outcomes if outcome.decision is Decision.DELETE}
    withheld = gone | (deleting - kept)
    if None in withheld:
        # An earlier release did not note which message it was.
        return
    yield from (each for place, each in enumerate(episode.messages) if place not in withheld)
