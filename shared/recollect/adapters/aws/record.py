"""The record in DynamoDB: one transaction a change."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count

from recollect.adapters import stored
from recollect.adapters.aws.dynamodb import (
    Item,
    Step,
    Table,
    key_item,
    text,
)
from recollect.adapters.aws.dynamodb_errors import ConditionFailedError
from recollect.adapters.aws.episodes import EpisodeItems
from recollect.adapters.aws.items import (
    EXPIRING,
    is_possible,
    project_of,
    state_key,
    subject_partition,
    wide_subjects,
)
from recollect.adapters.aws.jobs import JobItems
from recollect.adapters.aws.plan import Plan, deleted_marks, size_of
from recollect.adapters.aws.projects import ProjectSecrets
from recollect.adapters.aws.wide import first_places
from recollect.domain.errors import InvalidRequestError, UnavailableError
from recollect.domain.memory import Embedding, HistoryEvent, Memory
from recollect.domain.subjects import Scope, Subject
from recollect.ports.record import Change

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
TOUCH_EVERY = timedelta(seconds=60)
"""How much newer than its `updated_at` a subject's last change can be: a subject that many scopes
share would else be one item that all their writes wait for."""
MAX_KNOWN = 10_000
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class SubjectItems:
    """What is known of subjects beside their memories: names, times, and the scopes they are in."""

    table: Table
    _introduced: set[tuple[str, str, str]] = field(default_factory=set)
    """Project, scope and subject of what this process has introduced."""
    _touched: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """Project and subject of what this process has touched, and when."""

    def introduce(self, project: str, scopes: Iterable[Scope], at: datetime) -> None:
        """Make the subjects of these scopes known, before their first memory is there."""
        new = [
            (scope, subject)
            for scope in dict.fromkeys(scopes)
            for subject in scope.subjects
            if (project, scope.key, subject.key) not in self._introduced
        ]
        subjects = list(dict.fromkeys(subject for _, subject in new))
        self.table.together(lambda subject: self.make_known(project, subject, at), subjects)
        self.table.write_all(
            put=[
                key_item((subject_partition(project, subject.key), f"C#{scope.key}"))
                for scope, subject in new
            ]
        )
        if len(self._introduced) > MAX_KNOWN:
            self._introduced.clear()
        self._introduced.update((project, scope.key, subject.key) for scope, subject in new)

    def touch(self, project: str, scopes: Iterable[Scope], at: datetime) -> None:
        """Note that these subjects have changed, unless this process did so a moment ago."""
        due = [
            subject
            for subject in dict.fromkeys(each for scope in scopes for each in scope.subjects)
            if at - self._touched.get((project, subject.key), LONG_AGO) >= TOUCH_EVERY
        ]
        self.table.together(lambda subject: self._note_change(project, subject, at), due)
        if len(self._touched) > MAX_KNOWN:
            self._touched.clear()
        self._touched.update(((project, subject.key), at) for subject in due)

    def make_known(self, project: str, subject: Subject, at: datetime) -> None:
        """Have the project know a subject, unless it does."""
        time = stored.time_text(at)
        item = {
            **key_item((subject_partition(project, subject.key), "A")),
            "kind": text(subject.kind),
            "name": text(subject.name),
            "created_at": text(time),
            "updated_at": text(time),
            "gpk": text(wide_subjects(project)),
            "gsk": text(f"{time}#{subject.kind}#{subject.key}"),
        }
        with suppress(ConditionFailedError):
            self.table.put(item, ConditionExpression="attribute_not_exists(pk)")
            self._touched[project, subject.key] = at

    def _note_change(self, project: str, subject: Subject, at: datetime) -> None:
        with suppress(ConditionFailedError):
            self.table.update(
                (subject_partition(project, subject.key), "A"),
                "SET updated_at = :at",
                {":at": text(stored.time_text(at))},
                ConditionExpression="updated_at < :at",
            )


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
        token = self.new_token()
        plan = Plan(self.table.name, project, self.project_secrets.of(project), self._unique(token))
        steps = [*self._job(change), *plan.steps(change), *self._episode(project, change)]
        scopes = [write.scope for write in change.writes]
        new = [write.scope for write in change.writes if write.before is None]
        new += [change.episode.scope] if change.episode else []
        self.subject_items.introduce(project, new, change.at)
        self.table.write_all(put=deleted_marks(project, change.writes))
        if size_of(steps) > BYTES_PER_TRANSACTION:
            message = "These texts are too large to be stored together; send fewer at once"
            raise InvalidRequestError(message)
        if steps:
            self.table.transact(steps, token)
        # The change is made: nothing that goes wrong now may tell the caller otherwise.
        with suppress(UnavailableError):
            self.subject_items.touch(project, scopes, change.at)

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

    def _job(self, change: Change) -> list[Step]:
        if change.job is None:
            return []
        return [self.job_items.replacing(self.table.name, change.job, change.lease_end)]

    def _episode(self, project: str, change: Change) -> list[Step]:
        if change.episode is None:
            return []
        items = self.episode_items.of(project, change.episode)
        return [Step({"Put": {"TableName": self.table.name, "Item": item}}) for item in items]
