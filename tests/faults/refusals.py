"""How each engine says that it is overloaded or broken, and what no engine says."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Fault(StrEnum):
    """What goes wrong with a request."""

    SILENT = "no answer"
    THROTTLED = "throttled"
    BROKEN = "500"
    UNAVAILABLE = "503"
    RESET = "reset before its effect"
    LOST = "reset after its effect"
    GARBLED = "malformed answer"
    CUT = "truncated answer"


TAKES_EFFECT = frozenset({Fault.LOST, Fault.GARBLED, Fault.CUT})
"""The engine has done what it was asked for, but the client cannot know."""

QUOTED = "VERBATIM arn:aws:iam::123456789012:role/secret"
"""Stands in every refusal: an answer that repeats an engine's own words gives it away."""


@dataclass(frozen=True)
class Reply:
    """An HTTP answer."""

    status: int
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


GARBLED = f"<html>{QUOTED}</html>".encode()


def dynamodb(status: int, code: str, **more: object) -> Reply:
    """Return an error of DynamoDB's."""
    kind = f"com.amazonaws.dynamodb.v20120810#{code}"
    return checked(status, {"__type": kind, "message": QUOTED, **more})


def checked(status: int, body: object) -> Reply:
    """Return an answer of DynamoDB's, with its checksum."""
    content = json.dumps(body).encode()
    checksum = str(zlib.crc32(content))
    headers = {"Content-Type": "application/x-amz-json-1.0", "x-amz-crc32": checksum}
    return Reply(status, content, headers)


def _sqs(status: int, code: str) -> Reply:
    content = json.dumps({"__type": f"com.amazonaws.sqs#{code}", "message": QUOTED}).encode()
    return Reply(status, content, {"Content-Type": "application/x-amz-json-1.0"})


def _s3(status: int, code: str) -> Reply:
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code>'
        f"<Message>{QUOTED}</Message><RequestId>4442587FB7D0A2F9</RequestId></Error>"
    ).encode()
    return Reply(status, content, {"Content-Type": "application/xml"})


def _opensearch(status: int, code: str) -> Reply:
    cause = {"type": code, "reason": QUOTED}
    content = json.dumps({"error": {"root_cause": [cause], **cause}, "status": status}).encode()
    return Reply(status, content, {"Content-Type": "application/json; charset=UTF-8"})


def _bedrock(status: int, code: str) -> Reply:
    content = json.dumps({"message": QUOTED}).encode()
    return Reply(status, content, {"Content-Type": "application/json", "x-amzn-ErrorType": code})


REFUSALS: Mapping[str, Mapping[Fault, Reply]] = {
    "dynamodb": {
        Fault.THROTTLED: dynamodb(400, "ProvisionedThroughputExceededException"),
        Fault.BROKEN: dynamodb(500, "InternalServerError"),
        Fault.UNAVAILABLE: dynamodb(503, "ServiceUnavailable"),
    },
    "s3": {
        Fault.THROTTLED: _s3(503, "SlowDown"),
        Fault.BROKEN: _s3(500, "InternalError"),
        Fault.UNAVAILABLE: _s3(503, "ServiceUnavailable"),
    },
    "sqs": {
        Fault.THROTTLED: _sqs(400, "RequestThrottled"),
        Fault.BROKEN: _sqs(500, "InternalFailure"),
        Fault.UNAVAILABLE: _sqs(503, "ServiceUnavailable"),
    },
    "opensearch": {
        Fault.THROTTLED: _opensearch(429, "rejected_execution_exception"),
        Fault.BROKEN: _opensearch(500, "null_pointer_exception"),
        # What a load balancer says of a domain without nodes.
        Fault.UNAVAILABLE: Reply(503, GARBLED, {"Content-Type": "text/html"}),
    },
    "bedrock": {
        Fault.THROTTLED: _bedrock(429, "ThrottlingException"),
        Fault.BROKEN: _bedrock(500, "InternalServerException"),
        Fault.UNAVAILABLE: _bedrock(503, "ServiceUnavailableException"),
    },
}
"""How each engine refuses what it cannot do now."""
