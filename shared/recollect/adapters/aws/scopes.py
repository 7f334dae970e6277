"""Scope clocks, turns and unique texts in the record table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from recollect.adapters import stored
from recollect.adapters.aws.dynamodb import Table, number
from recollect.adapters.aws.items import marker_key, scope_partition
from recollect.adapters.aws.projects import ProjectSecrets
from recollect.adapters.derived import text_marker, turn_id
from recollect.domain.jobs import Turn
from recollect.domain.subjects import Scope


@dataclass(frozen=True)
class DynamoScopes:
    """What the record table knows of one scope as a whole."""

    table: Table
    project_secrets: ProjectSecrets

    def clock(self, scope: Scope) -> int:
        """Return how many changes the scope has seen; 0 for an unknown one."""
        item = self.table.get((scope_partition(scope.project, scope.key), "A"))
        return int(item["clock"]["N"]) if item and "clock" in item else 0

    def reserve_turns(self, scope: Scope, count: int) -> tuple[Turn, ...]:
        """Return the next `count` turns, nobody else's ever."""
        secret = self.project_secrets.of(scope.project)
        after = self.table.update(
            # Not the clock's item: commits in transactions would stand in the way.
            (scope_partition(scope.project, scope.key), "T"),
            "ADD turns :count",
            {":count": number(count)},
            ReturnValues="UPDATED_NEW",
        )
        end = int(after["turns"]["N"])
        return tuple(Turn(turn, turn_id(secret, scope, turn)) for turn in range(end - count, end))

    def turns_at(self, scope: Scope, numbers: Sequence[int]) -> tuple[str, ...]:
        """Return the ids that memories have, or would have, at these turns of a scope, in order."""
        secret = self.project_secrets.of(scope.project)
        return tuple(turn_id(secret, scope, turn) for turn in numbers)

    def find_texts(self, scope: Scope, texts: Sequence[str], *, now: datetime) -> dict[str, str]:
        """Return text -> memory id for those that a living, unexpired memory of the scope has."""
        secret = self.project_secrets.of(scope.project)
        keys = {
            text: marker_key(scope.project, scope.key, text_marker(secret, text)) for text in texts
        }
        markers = self.table.get_all(keys.values())
        today = stored.day_text(now)
        return {
            text: markers[key]["memory_id"]["S"]
            for text, key in keys.items()
            if key in markers
            and ("expires_on" not in markers[key] or markers[key]["expires_on"]["S"] >= today)
        }
