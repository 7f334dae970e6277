"""boto3 clients as this service needs them: impatient, with as many connections as threads."""

import zlib
from http import HTTPStatus
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoRegionError

from recollect.adapters.aws.bedrock import client_config
from recollect.adapters.aws.dynamodb import PARALLEL_CALLS
from recollect.domain.errors import UnavailableError

if TYPE_CHECKING:
    from botocore.awsrequest import AWSResponse
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

STORAGE = Config(
    connect_timeout=1,
    # DynamoDB answers in some 10 ms; a call that takes this long is made again on a new connection.
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=PARALLEL_CALLS,
)
"""For DynamoDB and S3: with all tries some 7 s. A request that finds them silent may ask three
times, for its work, for its job and to note that it failed, within an HTTP API's 30 s."""

WAKE_UPS = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=PARALLEL_CALLS,
)
"""For SQS, which an answer to a caller must not wait for long: maintenance makes up for it."""


class GarbledAnswerError(BotoCoreError):
    """What came is not what was sent."""

    fmt = "The answer does not have its checksum"


def dynamodb() -> "DynamoDBClient":
    """Return a client for DynamoDB that raises `GarbledAnswerError` for what it did not send."""
    client = boto3.client("dynamodb", config=STORAGE)
    client.meta.events.register("after-call.dynamodb", _check_sum)
    return client


def s3() -> "S3Client":
    """Return a client for S3."""
    return boto3.client("s3", config=STORAGE)


def bedrock(*, read_seconds: float, attempts: int) -> "BedrockRuntimeClient":
    """Return a client for Bedrock's models, which may take so long to answer, so many times.

    Raises `UnavailableError` if no region is named.
    """
    config = client_config(read_seconds=read_seconds, attempts=attempts)
    try:
        return boto3.client("bedrock-runtime", config=config)
    except NoRegionError as error:
        message = "No AWS region is configured: set AWS_DEFAULT_REGION"
        raise UnavailableError(message) from error


def secret(arn: str) -> str:
    """Return a secret's text; raise `UnavailableError` if it cannot be read."""
    try:
        client = boto3.client("secretsmanager", config=STORAGE)
        return client.get_secret_value(SecretId=arn)["SecretString"]
    except (BotoCoreError, ClientError, KeyError) as error:
        message = f"The secret {arn} cannot be read: {type(error).__name__}"
        raise UnavailableError(message) from error


def sqs() -> "SQSClient":
    """Return a client for SQS."""
    return boto3.client("sqs", config=WAKE_UPS)


def _check_sum(http_response: "AWSResponse", **_: object) -> None:
    # What is no JSON is an empty answer to botocore: as if there were no such item, key or project.
    given = http_response.headers.get("x-amz-crc32", "")
    if http_response.status_code == HTTPStatus.OK and given != str(
        zlib.crc32(http_response.content)
    ):
        raise GarbledAnswerError
