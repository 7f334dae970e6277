"""When searches showed memories, in the control table, for no search may write the record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from recollect.adapters import stored
from recollect.adapters.aws.dynamodb import Item, Key, Table, key_item, number, text
from recollect.adapters.aws.items import is_possible, project_part

KEPT = timedelta(days=183)


@dataclass(frozen=True)
class DynamoTouches:
    """Touches in the control table, an item a memory, which is forgotten after half a year."""

    control: Table

    def get(self, project: str, memory_ids: Sequence[str]) -> dict[str, tuple[datetime, ...]]:
        """Return the touches of those memories that have any. A BatchGetItem for 100."""
        places = {_key(project, an_id): an_id for an_id in memory_ids if is_possible(an_id)}
        return {
            places[key]: tuple(stored.time_of(time["S"]) for time in item["times"]["L"])
            for key, item in self.control.get_all(places).items()
        }

    def put(self, project: str, touches: Mapping[str, Sequence[datetime]]) -> None:
        """Keep these touches instead of those before. A BatchWriteItem for 25."""
        items = [_item(project, an_id, times) for an_id, times in touches.items() if times]
        self.control.write_all(put=items)

    def forget(self, project: str, memory_ids: Sequence[str]) -> None:
        """Forget the touches of these memories. A BatchWriteItem for 25."""
        self.control.write_all(delete=[_key(project, an_id) for an_id in memory_ids])


def _item(project: str, memory_id: str, times: Sequence[datetime]) -> Item:
    return {
        **key_item(_key(project, memory_id)),
        "times": {"L": [text(stored.time_text(time)) for time in times]},
        "ttl": number(int((max(times) + KEPT).timestamp())),
    }


def _key(project: str, memory_id: str) -> Key:
    return f"T#{project_part(project)}#{memory_id}", "T"
