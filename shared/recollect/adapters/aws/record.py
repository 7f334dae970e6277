"""The record in DynamoDB: one transaction a change."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import count

from recollect.adapters import stored
from recollect.adapters.aws.dynamodb import (
    Item,
    Step,
    Table,
    text,
)
from recollect.adapters.aws.dynamodb_errors import ConditionFailedError
from recollect.adapters.aws.episodes import EpisodeItems
from recollect.adapters.aws.items import (
    EXPIRING,
    is_possible,
    job_key,
    project_of,
    state_key,
)
from recollect.adapters.aws.job_items import JobItems
from recollect.adapters.aws.plan import Plan, deleted_marks, earlier_events, size_of
from recollect.adapters.aws.projects import ProjectSecrets
from recollect.adapters.aws.subject_items import SubjectItems
from recollect.adapters.aws.wide import first_places
from recollect.domain.errors import InvalidRequestError, UnavailableError
from recollect.domain.jobs import Job
from recollect.domain.memory import Embedding, HistoryEvent, Memory
from recollect.domain.requests import ErasedRequest
from recollect.domain.subjects import Scope
from recollect.ports.record import Change, ClockMovedError, FencedError, VersionMovedError

ITEMS_PER_TRANSACTION = 100
"""https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html"""
LARGEST_COMMIT = 10
"""Writes that stay below `BYTES_PER_TRANSACTION`: the largest have 170 KB (text and metadata of 32
KB each, a vector of 6 KB, and an event with two texts), unless a text is all control characters,
which JSON takes six bytes for."""
BYTES_PER_TRANSACTION = 4 * 1024 * 1024
"""As `ITEMS_PER_TRANSACTION`."""
_JOB_AND_EPISODE = 3
"""An episode has two items."""
MAX_STAMPS = 5
"""How often scopes may be stamped while a change is being committed."""


@dataclass(frozen=True)
class DynamoRecord:
    """The record of the AWS edition; see the port `Record` for what it promises."""

    table: Table
    project_secrets: ProjectSecrets
    subject_items: SubjectItems
    job_items: JobItems
    episode_items: EpisodeItems
    now: Callable[[], datetime]
    new_token: Callable[[], str]
    embedding_model: Callable[[], str]
    """Whose vector is read where a memory has several; asked for only then."""
    _sequence: "count[int]" = field(default_factory=count)

    def room_for(self, scopes: Sequence[Scope]) -> int:
        """Return how many writes to these scopes, from the first on, one change can hold."""
        items, known = _JOB_AND_EPISODE, set[str]()
        for at, scope in enumerate(scopes[:LARGEST_COMMIT]):
            # Its state, an event, two markers, what the graph writer has to read, and at worst
            # memberships at two places.
            items += 5 + 2 * len(scope.subjects)
            # A clock a scope, and what is pending for each subject.
            shared = {scope.key, *(subject.key for subject in scope.subjects)}
            items += len(shared - known)
            known |= shared
            if items > ITEMS_PER_TRANSACTION:
                return at
        return min(len(scopes), LARGEST_COMMIT)

    def commit(self, project: str, change: Change) -> None:
        """Store the change at once, or raise a `LostRaceError` and store nothing."""
        new = [write.scope for write in change.writes if write.before is None]
        new += [change.episode.scope] if change.episode else []
        said = change.scopes if change.said_by else tuple(new)
        if change.said_by and any(write.earlier for write in change.writes):
            # These are stored first, and stay where an erasure is noticed only then.
            self.subject_items.is_outdated(project, said)
        for _ in range(MAX_STAMPS):
            self.subject_items.introduce(project, new, change.at)
            erasures = self.subject_items.erasures(project, said, change.said_by)
            try:
                self._store(project, change, erasures)
                break
            except ClockMovedError:
                if not self.subject_items.is_outdated(project, said):
                    raise
            except FencedError:
                if change.job:
                    self._sweep(change.job)
                raise
        else:
            message = "The scope is being erased; try again"
            raise UnavailableError(message)
        if change.job and isinstance(change.job.request, ErasedRequest):
            self._sweep(change.job)
        # The change is made: nothing that goes wrong now may tell the caller otherwise.
        with suppress(UnavailableError):
            scopes = [write.scope for write in change.writes]
            self.subject_items.touch(project, scopes, change.at)

    def _sweep(self, job: Job) -> None:
        """Remove what is in the bucket for a job that was emptied: nothing leads there any more.

        What has failed is behind it already, so that nothing that goes wrong now is told.
        """
        with suppress(UnavailableError):
            item = self.table.get(job_key(job.project, job.id))
            if item and isinstance(self.job_items.job(job.project, item).request, ErasedRequest):
                self.job_items.forget_parts(job)
                self.episode_items.forget(job.project, job.id)

    def _store(self, project: str, change: Change, erasures: Mapping[str, str]) -> None:
        token = self.new_token()
        plan = Plan(self.table.name, project, self.project_secrets.of(project), self._unique(token))
        steps = [
            *self._job(change),
            *plan.steps(change, erasures),
            *self._episode(project, change),
        ]
        self.table.write_all(put=deleted_marks(project, change.writes))
        self.table.together(self._put_earlier, earlier_events(project, change.writes))
        if size_of(steps) > BYTES_PER_TRANSACTION:
            message = "These texts are too large to be stored together; send fewer at once"
            raise InvalidRequestError(message)
        if steps:
            self.table.transact(steps, token)

    def get(self, project: str, memory_ids: Sequence[str]) -> dict[str, Memory]:
        """Return the living memories among these, by id."""
        keys = [state_key(project, an_id) for an_id in memory_ids if is_possible(an_id)]
        found = self.table.get_all(keys).values()
        memories = [self._memory(project, item) for item in found if "body" in item]
        return {memory.id: memory for memory in memories}

    def expired(self, *, before: date, limit: int) -> list[tuple[str, str]]:
        """Return (project, id) of living memories whose last day lies before that day."""
        found = first_places(self.table, EXPIRING, limit=limit, up_to=before.isoformat())
        parts = (item["gsk"]["S"].split("#") for item in found)
        return [(project_of(project), memory_id) for _, project, memory_id in parts]

    def history(self, project: str, memory_id: str) -> list[HistoryEvent]:
        """Return a memory's events, oldest first."""
        if not is_possible(memory_id):
            return []
        values = {":pk": text(state_key(project, memory_id)[0]), ":events": text("E#")}
        items = self.table.query("pk = :pk AND begins_with(sk, :events)", values)
        return [stored.load_event(project, stored.load(item["body"]["S"])) for item in items]

    def _memory(self, project: str, item: Item) -> Memory:
        embedding = self._embedding(item["vec"]["M"])
        return stored.load_memory(project, stored.load(item["body"]["S"]), embedding)

    def _embedding(self, vectors: Item) -> Embedding | None:
        if not vectors:
            return None
        preferred = self.embedding_model() if len(vectors) > 1 else None
        model = preferred if preferred in vectors else min(vectors)
        return Embedding(model, vectors[model]["B"])

    def _unique(self, token: str) -> str:
        """Return a text that no other change has and that sorts by time."""
        micros = int(self.now().timestamp() * 1_000_000)
        return f"{micros:016d}-{next(self._sequence):08d}-{token[:8]}"

    def _put_earlier(self, event: Item) -> None:
        """Store an event of a memory that is about to be added, unless another one is there."""
        try:
            self.table.put(
                event,
                ConditionExpression="attribute_not_exists(pk) OR body = :body",
                ExpressionAttributeValues={":body": event["body"]},
            )
        except ConditionFailedError as error:
            message = "A memory of this id has another history"
            raise VersionMovedError(message) from error

    def _job(self, change: Change) -> list[Step]:
        if change.job is None:
            return []
        return [self.job_items.replacing(self.table.name, change.job, change.lease_end)]

    def _episode(self, project: str, change: Change) -> list[Step]:
        if change.episode is None:
            return []
        items = self.episode_items.of(project, change.episode)
        return [Step({"Put": {"TableName": self.table.name, "Item": item}}) for item in items]
