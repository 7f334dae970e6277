"""Writing many documents, however the engine takes them."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from opensearchpy import OpenSearch
from pydantic import BaseModel, ConfigDict

from recollect.adapters.aws.opensearch import opensearch_errors, refusal
from recollect.domain.errors import UnavailableError

MAX_OPERATIONS = 500
MAX_BYTES = 4 * 1024 * 1024
"""Of a request; AWS advises 3 to 5 MB, and the smallest domains refuse more than 10."""
PAUSES = (0.25, 0.5, 1.0, 2.0)
"""Seconds before each repetition of what an overloaded engine did not take."""

_CONFLICT = 409
_NOT_FOUND = 404
_TOO_MANY = 429
_SERVER_ERROR = 500
_TARGET_GONE = {"index_not_found_exception", "invalid_index_name_exception"}


class TargetGoneError(Exception):
    """An index was dropped after it was looked up."""


@dataclass(frozen=True)
class Operation:
    """One change of one document; without a document, its removal."""

    action: Mapping[str, Any]
    document: Mapping[str, Any] | None = None

    @cached_property
    def body(self) -> bytes:
        """The lines that stand for it in a request."""
        lines = [self.action] if self.document is None else [self.action, self.document]
        return b"".join(_dumped(line) + b"\n" for line in lines)


class _Error(BaseModel):
    type: str


class _Result(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    status: int
    error: _Error | None = None


class _Answer(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    items: list[dict[str, _Result]]


def write_all(
    client: OpenSearch, operations: Iterable[Operation], sleep: Callable[[float], None]
) -> None:
    """Do all operations, in requests of a bounded size.

    What has its version or a later one already is left alone. Raises `UnavailableError` for what
    the engine refuses or stays too busy for, and `TargetGoneError` if an index is gone; some of
    the operations may have been done then.
    """
    for batch in _batches(operations):
        left = _not_taken(client, batch)
        for pause in PAUSES:
            if not left:
                break
            sleep(pause)
            left = _not_taken(client, left)
        if left:
            message = f"The search index is too busy to take {len(left)} changes"
            raise UnavailableError(message)


def _not_taken(client: OpenSearch, batch: Sequence[Operation]) -> list[Operation]:
    """Do the operations; return those to be repeated."""
    with opensearch_errors():
        raw = client.bulk(body=b"".join(operation.body for operation in batch))
        results = [result for item in _Answer.model_validate(raw).items for result in item.values()]
    if len(results) != len(batch):
        message = "The search index did not answer for every change"
        raise UnavailableError(message)
    return [
        operation
        for operation, result in zip(batch, results, strict=True)
        if not _is_settled(result)
    ]


def _is_settled(result: _Result) -> bool:
    """Tell whether an operation is done with, rather than to be repeated."""
    if result.error is None or result.status == _CONFLICT:
        return True
    if result.error.type in _TARGET_GONE:
        raise TargetGoneError
    if result.status != _TOO_MANY and result.status < _SERVER_ERROR:
        raise UnavailableError(refusal(result.status, result.error.type))
    return False


def _batches(operations: Iterable[Operation]) -> Iterator[list[Operation]]:
    batch: list[Operation] = []
    size = 0
    for operation in operations:
        if batch and (len(batch) == MAX_OPERATIONS or size + len(operation.body) > MAX_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(operation)
        size += len(operation.body)
    if batch:
        yield batch


def _dumped(line: Mapping[str, Any]) -> bytes:
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode()
