"""What is said of subjects, in their items of the record table."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from recollect.adapters import stored
from recollect.adapters.aws.dynamodb import Key, Table, text
from recollect.adapters.aws.dynamodb_errors import ConditionFailedError
from recollect.adapters.aws.items import WIDE_INDEX, subject_partition, wide_subjects
from recollect.adapters.aws.listing import DynamoListing
from recollect.adapters.aws.subject_items import SubjectItems
from recollect.domain.memory import Json
from recollect.domain.subjects import Subject, SubjectKind
from recollect.ports.record import SubjectEntry


@dataclass(frozen=True)
class DynamoSubjects:
    """What the record table has of subjects beside their memories."""

    table: Table
    subject_items: SubjectItems
    listing: DynamoListing

    def describe(
        self, project: str, subject: Subject, metadata: Mapping[str, Json], *, at: datetime
    ) -> SubjectEntry:
        """Keep this of a subject instead of what was kept before; return what is known of it."""
        self.subject_items.make_known(project, subject, at)
        item = self.table.update(
            _place(project, subject),
            "SET metadata = :metadata",
            {":metadata": text(stored.dump({"metadata": metadata}))},
            ReturnValues="ALL_NEW",
        )
        return self.listing.entry(project, item)

    def forget(self, project: str, subject: Subject) -> None:
        """Keep nothing of what was said of the subject."""
        with suppress(ConditionFailedError):
            self.table.update(
                _place(project, subject),
                "REMOVE metadata",
                {},
                ConditionExpression="attribute_exists(pk)",
            )

    def known(self, project: str, *, limit: int, after: str = "") -> dict[str, Subject]:
        """Return place -> subject for all that ever had memories or messages, or were described."""
        found = self.table.query(
            "gpk = :gpk AND gsk > :after",
            {":gpk": text(wide_subjects(project)), ":after": text(after or " ")},
            IndexName=WIDE_INDEX,
            Limit=limit,
        )
        places = [item["gsk"]["S"] for item in islice(found, limit)]
        keys = {place: (subject_partition(project, place.split("#")[2]), "A") for place in places}
        items = self.table.get_all(keys.values())
        return {
            place: Subject(SubjectKind(items[key]["kind"]["S"]), items[key]["name"]["S"])
            for place, key in keys.items()
            # One that was forgotten a moment ago may still be in the index.
            if key in items
        }


def _place(project: str, subject: Subject) -> Key:
    return subject_partition(project, subject.key), "A"
