"""One DynamoDB table: calls in bulk, at once, and again where that is safe."""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from recollect.adapters.aws.dynamodb_errors import (
    CONDITION_FAILED,
    CancelledError,
    ConditionFailedError,
    ItemBusyError,
    overloaded,
    translated,
)
from recollect.ports.record import LostRaceError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item: TypeAlias = dict[str, Any]
"""Attributes in DynamoDB's own notation: `{"pk": {"S": "..."}, "version": {"N": "1"}}`."""
Key: TypeAlias = tuple[str, str]
"""Partition key and sort key."""

KEYS_PER_READ = 100
"""https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html"""
ITEMS_PER_WRITE = 25
"""https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html"""
PARALLEL_CALLS = 16
"""A page of 1,600 memories in one round trip; the client must have as many connections."""
MAX_TRIES = 24
FIRST_PAUSE_SECONDS = 0.01
LONGEST_PAUSE_SECONDS = 0.4
"""Pauses are drawn from 0 to a bound that doubles up to this: about 3 s over all tries, while
another transaction on the same item takes 10 to 20 ms."""

Input = TypeVar("Input")
Output = TypeVar("Output")


@dataclass(frozen=True)
class Step:
    """One item of a transaction: `request` is its Put, Update, Delete or ConditionCheck.

    `lost` is what it means if its condition does not hold; None drops the step then, and the rest
    is tried without it.
    """

    request: Item
    lost: LostRaceError | None = None


@dataclass(frozen=True)
class Table:
    """A table with the keys `pk` and `sk`, read consistently unless an index is named.

    Every method raises `UnavailableError` if DynamoDB cannot be reached, refuses or stays
    overloaded. Throttled calls and conflicts are repeated with jitter (`sleep` takes seconds).
    """

    client: "DynamoDBClient"
    name: str
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.SystemRandom().random
    """Not seeded: environments that start from one snapshot must not pause alike."""

    @cached_property
    def threads(self) -> ThreadPoolExecutor:
        """Threads for independent calls, started when they are first needed."""
        return ThreadPoolExecutor(PARALLEL_CALLS, thread_name_prefix="dynamodb")

    def together(self, call: Callable[[Input], Output], inputs: Sequence[Input]) -> list[Output]:
        """Return what the call returns for each input, in order; made at once. Not to be nested."""
        if len(inputs) < 2:  # noqa: PLR2004 - nothing to do at once
            return [call(each) for each in inputs]
        return list(self.threads.map(call, inputs))

    def get(self, key: Key) -> Item | None:
        """Return one item, or None."""
        answer = self._call(self.client.get_item, Key=key_item(key), ConsistentRead=True)
        item: Item | None = answer.get("Item")
        return item

    def get_all(self, keys: Iterable[Key]) -> dict[Key, Item]:
        """Return the items that are there, by key."""
        wanted = list(dict.fromkeys(keys))
        parts = [wanted[at : at + KEYS_PER_READ] for at in range(0, len(wanted), KEYS_PER_READ)]
        found: dict[Key, Item] = {}
        for items in self.together(self._get_part, parts):
            found.update((key_of(item), item) for item in items)
        return found

    def query(
        self,
        condition: str,
        values: Item,
        *,
        forward: bool = True,
        **options: Any,  # noqa: ANN401 - DynamoDB's
    ) -> Iterator[Item]:
        """Yield items in the order of the sort key, reading page by page as they are asked for."""
        for page in self.query_pages(condition, values, forward=forward, **options):
            yield from page["Items"]

    def query_pages(
        self,
        condition: str,
        values: Item,
        *,
        forward: bool = True,
        **options: Any,  # noqa: ANN401 - as above
    ) -> Iterator[Mapping[str, Any]]:
        """Yield the answers of a query."""
        start: Mapping[str, Any] = {}
        while True:
            page = self._call(
                self.client.query,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values,
                ScanIndexForward=forward,
                **{"ConsistentRead": "IndexName" not in options, **options, **start},
            )
            yield page
            if "LastEvaluatedKey" not in page:
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def put(self, item: Item, **condition: Any) -> None:  # noqa: ANN401 - DynamoDB's
        """Write an item; raise `ConditionFailedError` if its condition does not hold."""
        try:
            self._call(self.client.put_item, Item=item, **condition)
        except ConditionFailedError as error:
            if not (error.is_repeated and self.get(key_of(item)) == item):
                raise

    def update(self, key: Key, expression: str, values: Item, **options: Any) -> Item:  # noqa: ANN401
        """Change an item and return what is asked for; raise `ConditionFailedError`."""
        answer = self._call(
            self.client.update_item,
            Key=key_item(key),
            UpdateExpression=expression,
            **({"ExpressionAttributeValues": values} if values else {}),
            **options,
        )
        attributes: Item = answer.get("Attributes", {})
        return attributes

    def delete(self, key: Key, **condition: Any) -> None:  # noqa: ANN401 - DynamoDB's
        """Delete an item, if it is there; raise `ConditionFailedError`."""
        self._call(self.client.delete_item, Key=key_item(key), **condition)

    def write_all(self, *, put: Sequence[Item] = (), delete: Sequence[Key] = ()) -> None:
        """Write and delete items without conditions, each for itself."""
        requests: list[Item] = [{"PutRequest": {"Item": item}} for item in put]
        requests += [{"DeleteRequest": {"Key": key_item(key)}} for key in delete]
        parts = [
            requests[at : at + ITEMS_PER_WRITE] for at in range(0, len(requests), ITEMS_PER_WRITE)
        ]
        self.together(self._write_part, parts)

    def transact(self, steps: Sequence[Step], token: str) -> None:
        """Do all steps or none; raise the `lost` of the first step whose condition fails.

        The token makes repeating safe: DynamoDB carries out one transaction a token.
        """
        for pause in self._pauses():
            reasons = self._try(steps, token)
            failed = [
                step
                for step, reason in zip(steps, reasons, strict=False)
                if reason == CONDITION_FAILED
            ]
            for step in failed:
                if step.lost:
                    raise step.lost
            if failed:
                steps = [step for step in steps if step not in failed]
                token = f"{token[:32]}{len(steps):04d}"
            elif not reasons:
                return
            else:
                self.sleep(pause)
        raise overloaded(self.name)

    def _try(self, steps: Sequence[Step], token: str) -> list[str]:
        """Return the reasons, one a step, for which the transaction was cancelled, if it was."""
        try:
            with translated(self.name):
                self.client.transact_write_items(
                    TransactItems=[step.request for step in steps],  # type: ignore[misc]  # built here
                    ClientRequestToken=token,
                )
        except CancelledError as cancelled:
            return cancelled.reasons
        return []

    def _get_part(self, keys: Sequence[Key]) -> list[Item]:
        items: list[Item] = []
        left: Item = {self.name: {"Keys": [key_item(key) for key in keys], "ConsistentRead": True}}
        for pause in self._pauses():
            with translated(self.name):
                answer = self.client.batch_get_item(RequestItems=left)
            items += answer["Responses"].get(self.name, [])
            left = dict(answer["UnprocessedKeys"])
            if not left:
                return items
            self.sleep(pause)
        raise overloaded(self.name)

    def _write_part(self, requests: Sequence[Item]) -> None:
        left: Item = {self.name: list(requests)}
        for pause in self._pauses():
            with translated(self.name):
                left = dict(self.client.batch_write_item(RequestItems=left)["UnprocessedItems"])
            if not left:
                return
            self.sleep(pause)
        raise overloaded(self.name)

    def _call(self, operation: Callable[..., Any], **arguments: Any) -> Any:  # noqa: ANN401 - DynamoDB's
        for pause in self._pauses():
            try:
                with translated(self.name):
                    return operation(TableName=self.name, **arguments)
            except ItemBusyError:
                self.sleep(pause)
        raise overloaded(self.name)

    def _pauses(self) -> Iterator[float]:
        for number in range(MAX_TRIES):
            yield self.chance() * min(FIRST_PAUSE_SECONDS * 2**number, LONGEST_PAUSE_SECONDS)


def text(value: str) -> Item:
    """Return a text in DynamoDB's notation."""
    return {"S": value}


def number(value: int) -> Item:
    """Return a number in DynamoDB's notation."""
    return {"N": str(value)}


def key_item(key: Key) -> Item:
    """Return the attributes of a key."""
    return {"pk": text(key[0]), "sk": text(key[1])}


def key_of(item: Mapping[str, Any]) -> Key:
    """Return the key of an item."""
    return item["pk"]["S"], item["sk"]["S"]
