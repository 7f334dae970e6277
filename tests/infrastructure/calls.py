"""What functions ask of AWS, noted where botocore makes the calls, and whether they may."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

from recollect.entrypoints.invocation import Handler
from tests.aws_edition import QUEUES
from tests.infrastructure.templates import CHOICES, MAIN, Stack, listed
from tests.infrastructure.test_permissions import BUCKET, CONTROL, RECORD, statements

STACK = Stack(MAIN, {**CHOICES["a graph in a cluster"], "IngestProject": "default"})
USAGE = "U#"
"""Partitions that are written by other threads, whenever they come to it."""


@dataclass(frozen=True)
class Call:
    """One thing that a function asked for: of what, in which partitions or below which prefix."""

    function: str
    action: str
    resource: str
    names: tuple[str, ...] = ()

    def is_allowed(self) -> bool:
        """Tell whether one of the statements of the function's role says so."""
        return any(
            self.action in listed(statement["Action"])
            and any(fnmatchcase(self.resource, each) for each in listed(statement["Resource"]))
            and all(self._fits(each) for each in statement.get("Condition", {}).items())
            for statement in statements(STACK, _name(self.function))
        )

    def _fits(self, condition: tuple[str, Mapping[str, Any]]) -> bool:
        kind, wanted = condition
        if kind == "Null":
            # Of those statements that mean what Lambda itself does.
            return False
        ((_, patterns),) = wanted.items()
        return all(any(fnmatchcase(name, each) for each in patterns) for name in self.names)


Asked: TypeAlias = Iterator[tuple[str, str, tuple[str, ...]]]
"""Actions without their service, what on, and which partitions or prefixes of that."""


@dataclass
class Witness:
    """Notes what is asked of AWS by the function that is at work."""

    calls: set[Call] = field(default_factory=set)
    function: str = ""

    def watching(self, name: str, handler: Handler) -> Handler:
        """Return the function so that it is known when it is at work."""

        def handle(event: Any, context: Any) -> Any:  # noqa: ANN401 - Lambda's
            self.function = name
            return handler(event, context)

        return handle

    def note(self, params: Mapping[str, Any], model: Any, **_: object) -> None:  # noqa: ANN401
        """Note a call before botocore makes it."""
        told = {"dynamodb": _of_dynamodb, "s3": _of_s3, "sqs": self._of_sqs}
        service = model.service_model.service_name
        if service not in told:
            return
        for action, resource, names in told[service](model.name, params):
            if not any(name.startswith(USAGE) for name in names):
                self.calls.add(Call(self.function, f"{service}:{action}", resource, names))

    def _of_sqs(self, name: str, params: Mapping[str, Any]) -> Asked:
        own = _variables(self.function)
        given = [*QUEUES.values(), "RECOLLECT_DEAD_LETTERS_URL"]
        queues = {os.environ[each]: str(own[each]) for each in given if each in own}
        yield name, queues[params["QueueUrl"]].replace("}", ".Arn}"), ()


def _variables(function: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = STACK.functions[_name(function)]["Environment"]["Variables"]
    return found


def _name(function: str) -> str:
    return f"{function.title().replace('_', '')}Function"


def _table(params: Mapping[str, Any]) -> str:
    table = {
        os.environ["RECOLLECT_RECORD_TABLE"]: RECORD,
        os.environ["RECOLLECT_CONTROL_TABLE"]: CONTROL,
    }[params["TableName"]]
    return f"{table}/index/{params['IndexName']}" if "IndexName" in params else table


def _of_dynamodb(name: str, params: Mapping[str, Any]) -> Asked:
    if name == "TransactWriteItems":
        for step in params["TransactItems"]:
            ((kind, single),) = step.items()
            action = "ConditionCheckItem" if kind == "ConditionCheck" else f"{kind}Item"
            yield action, _table(single), (_partition(single),)
    elif name in {"BatchGetItem", "BatchWriteItem"}:
        for table, asked in params["RequestItems"].items():
            many = asked["Keys"] if name == "BatchGetItem" else [_written(each) for each in asked]
            names = tuple(sorted({each["pk"]["S"] for each in many}))
            yield name, _table({"TableName": table}), names
    else:
        yield name, _table(params), (_partition(params),)


def _written(request: Mapping[str, Any]) -> Mapping[str, Any]:
    ((_, single),) = request.items()
    written: Mapping[str, Any] = single.get("Item") or single["Key"]
    return written


def _partition(params: Mapping[str, Any]) -> str:
    if "KeyConditionExpression" in params:
        values = params["ExpressionAttributeValues"]
        return str(values.get(":pk", values.get(":gpk"))["S"])
    return str((params.get("Item") or params["Key"])["pk"]["S"])


def _of_s3(name: str, params: Mapping[str, Any]) -> Asked:
    if name.startswith("ListObjects"):
        yield "ListBucket", BUCKET, (params["Prefix"],)
    else:
        is_version = name == "GetObject" and "VersionId" in params
        yield f"{name}Version" if is_version else name, f"{BUCKET}/{params['Key']}", ()
