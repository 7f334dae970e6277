"""Documents of which each project has one: replaced from the version that was read, or not."""

from collections.abc import Mapping
from typing import Any

from recollect.adapters import stored
from recollect.adapters.aws.dynamodb import (
    Key,
    Table,
    key_item,
    number,
    text,
)
from recollect.adapters.aws.dynamodb_errors import ConditionFailedError
from recollect.ports.record import LostRaceError


def read_document(table: Table, key: Key) -> tuple[stored.Document, int] | None:
    """Return a document and its version, or None."""
    item = table.get(key)
    return (stored.load(item["body"]["S"]), int(item["version"]["N"])) if item else None


def replace_document(table: Table, key: Key, document: Mapping[str, Any], *, version: int) -> None:
    """Store a document that was made from the version before; the first one is made from none.

    Raises `LostRaceError` if that version is not there any more.
    """
    item = {**key_item(key), "version": number(version), "body": text(stored.dump(document))}
    condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
    if version > 1:
        condition = {
            "ConditionExpression": "version = :before",
            "ExpressionAttributeValues": {":before": number(version - 1)},
        }
    try:
        table.put(item, **condition)
    except ConditionFailedError as error:
        message = "This was changed by somebody else"
        raise LostRaceError(message) from error
