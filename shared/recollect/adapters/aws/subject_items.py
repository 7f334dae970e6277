"""What the record table has of subjects beside their memories: names, times and scopes."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from recollect.adapters import stored
from recollect.adapters.aws.dynamodb import Table, key_item, text
from recollect.adapters.aws.dynamodb_errors import ConditionFailedError
from recollect.adapters.aws.erasure import Marks, Stamp, Stamps, last_marks
from recollect.adapters.aws.items import subject_partition, wide_subjects
from recollect.domain.subjects import Scope, Subject
from recollect.ports.record import ErasedError

TOUCH_EVERY = timedelta(seconds=60)
"""How much newer than its `updated_at` a subject's last change can be: a subject that many scopes
share would else be one item that all their writes wait for."""
MAX_KNOWN = 10_000
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class SubjectItems:
    """What is known of subjects beside their memories: names, times, and the scopes they are in."""

    table: Table
    marks: Marks
    stamps: Stamps
    _introduced: set[tuple[str, str, str]] = field(default_factory=set)
    """Project, scope and subject of what this process has introduced."""
    _touched: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """Project and subject of what this process has touched, and when."""
    _stamps: dict[tuple[str, str], Stamp] = field(default_factory=dict)
    """By project and scope key, the stamps of erasures that this process knows."""

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
        if new:
            self._stamp(project, dict.fromkeys(scope for scope, _ in new))
        if len(self._introduced) > MAX_KNOWN:
            self._introduced.clear()
            self._stamps.clear()
        self._introduced.update((project, scope.key, subject.key) for scope, subject in new)

    def erasures(
        self, project: str, scopes: Iterable[Scope], said_by: datetime | None
    ) -> dict[str, str]:
        """Return the ids of the scopes' stamps as this process knows them, empty without one.

        Raises `ErasedError` if something that was said by then was erased since.
        """
        known = {scope.key: self._stamps.get((project, scope.key)) for scope in scopes}
        last = max((stamp.erased_at for stamp in known.values() if stamp), default="")
        if said_by and last >= stored.time_text(said_by):
            raise ErasedError.of_subject()
        return {scope_key: stamp.id if stamp else "" for scope_key, stamp in known.items()}

    def is_outdated(self, project: str, scopes: Iterable[Scope]) -> bool:
        """Tell whether a scope has another stamp than this process knew; it knows it then.

        And makes its subjects known again, which an erasure may have forgotten.
        """
        keys = {scope.key for scope in scopes}
        found = self.stamps.of(project, keys)
        changed = {key for key in found if self._stamps.get((project, key)) != found[key]}
        self._stamps.update({(project, key): found[key] for key in changed})
        self._introduced.difference_update(
            [each for each in self._introduced if each[0] == project and each[1] in changed]
        )
        return bool(changed)

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

    def _stamp(self, project: str, scopes: Iterable[Scope]) -> None:
        """Have scopes that are new here refuse what was said before an erasure of a subject.

        It may not have seen them, as they are known as the subject's only now.
        """
        keys = {scope.key: [subject.key for subject in scope.subjects] for scope in scopes}
        marked = self.marks.of(project, {each for some in keys.values() for each in some})
        last = last_marks(keys, marked)
        if not last:
            return
        found = self.stamps.of(project, last)
        late = [key for key in last if key not in found or found[key].erased_at < last[key]]
        for scope_key in late:
            self.stamps.put(project, last[scope_key], scope_key)
        stamps = {**found, **(self.stamps.of(project, late) if late else {})}
        self._stamps.update({(project, key): stamp for key, stamp in stamps.items()})
