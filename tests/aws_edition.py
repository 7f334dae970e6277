"""The AWS edition on this machine: the deployed handlers, configured for AWS, before the engines.

`python -m tests.aws_edition` serves it on loopback until it is interrupted; `make start-engines`
starts the engines first. SQS and the schedule are driven here, as Lambda's pollers do on AWS.
"""

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3

from recollect.adapters.aws.dynamodb import Table
from recollect.adapters.aws.projects import DynamoKeys, DynamoSettings, ProjectSecrets
from recollect.domain.keys import KEY_PREFIX
from recollect.entrypoints.functions import HTTP_FUNCTIONS, QUEUE_FUNCTIONS, load_handlers, routes
from recollect.entrypoints.invocation import Handler, LambdaContext
from recollect.entrypoints.server import LocalGateway, bind, serve
from recollect.usecases.manage_keys import CreateKey
from tests.aws import dynamodb, make_bucket, make_queue, make_tables
from tests.callers import LiveService, new_id, now
from tests.contract import bedrock_server
from tests.engines import REGION, endpoint, s3_server

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

PROJECT = "default"
SAID = ("Address", "Key", "Keys in")
"""What is printed first when it is ready, a line each."""
PATIENCE_SECONDS = 90
DIMENSIONS = 256
MESSAGES_AT_ONCE = 10
WAIT_SECONDS = 1
VISIBILITY = timedelta(seconds=180)
WORKERS = 4
"""Invocations of the worker at once."""
MAINTENANCE_SECONDS = 5.0
OTHER_FUNCTIONS = ("maintenance", "admin")
QUEUES = {
    "worker": "RECOLLECT_WORKER_QUEUE_URL",
    "projector": "RECOLLECT_INDEX_QUEUE_URL",
    "graph_writer": "RECOLLECT_GRAPH_QUEUE_URL",
    "graph_projector": "RECOLLECT_GRAPH_PROJECTION_QUEUE_URL",
    "notifier": "RECOLLECT_WEBHOOK_QUEUE_URL",
}
"""The variables that name the queues, by the functions behind them."""


@contextlib.contextmanager
def configured() -> Iterator[None]:
    """Make tables, bucket, queue and models, and point the environment at them."""
    prefix = f"recollect-{uuid4().hex[:8]}"
    with s3_server() as s3_url, bedrock_server.running_bedrock() as bedrock:
        os.environ.update(
            AWS_ACCESS_KEY_ID="local",
            AWS_SECRET_ACCESS_KEY="local",
            AWS_DEFAULT_REGION=REGION,
            AWS_ENDPOINT_URL_DYNAMODB=endpoint("dynamodb"),
            AWS_ENDPOINT_URL_SQS=endpoint("sqs"),
            AWS_ENDPOINT_URL_S3=s3_url,
            AWS_ENDPOINT_URL_BEDROCK_RUNTIME=bedrock.address,
            RECOLLECT_EDITION="aws",
            RECOLLECT_EMBEDDER="bedrock",
            RECOLLECT_EMBEDDING_MODEL="amazon.titan-embed-text-v2:0",
            RECOLLECT_EMBEDDING_DIMENSIONS=str(DIMENSIONS),
            RECOLLECT_LANGUAGE_MODEL="bedrock",
            RECOLLECT_CHAT_MODEL="us.amazon.nova-lite-v1:0",
            RECOLLECT_OPENSEARCH_URL=endpoint("opensearch"),
            RECOLLECT_OPENSEARCH_AUTH="none",
            RECOLLECT_OPENSEARCH_ENGINE="lucene",
            RECOLLECT_OPENSEARCH_INDEX=prefix,
            RECOLLECT_OPENSEARCH_REFRESH_SECONDS="30",
            POWERTOOLS_LOG_LEVEL="ERROR",
            POWERTOOLS_METRICS_DISABLED="true",
            POWERTOOLS_SERVICE_NAME="recollect",
        )
        record, control = make_tables(boto3.client("dynamodb"), prefix)
        os.environ.update(
            RECOLLECT_RECORD_TABLE=record,
            RECOLLECT_CONTROL_TABLE=control,
            RECOLLECT_BUCKET=make_bucket(boto3.client("s3"), prefix),
            RECOLLECT_GRAPH="neptune",
            RECOLLECT_NEPTUNE_URL=endpoint("gremlin"),
            RECOLLECT_NEPTUNE_AUTH="none",
            RECOLLECT_INDEX_QUEUE_URL=make_queue(boto3.client("sqs"), prefix),
            RECOLLECT_WORKER_QUEUE_URL=make_queue(boto3.client("sqs"), f"{prefix}-worker.fifo"),
            RECOLLECT_GRAPH_QUEUE_URL=make_queue(boto3.client("sqs"), f"{prefix}-graph.fifo"),
            RECOLLECT_GRAPH_PROJECTION_QUEUE_URL=make_queue(
                boto3.client("sqs"), f"{prefix}-projections"
            ),
            RECOLLECT_WEBHOOK_QUEUE_URL=make_queue(boto3.client("sqs"), f"{prefix}-webhooks"),
            RECOLLECT_DEAD_LETTERS_URL=make_queue(boto3.client("sqs"), f"{prefix}-dead"),
        )
        yield


def invoke(handler: Handler, event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a function answers to an event that is no request."""
    context: Any = LambdaContext("function", new_id(), now() + VISIBILITY, now)
    return handler(dict(event), context)


def drain(
    sqs: "SQSClient", queue_url: str, at_once: int, function: Handler, stopping: threading.Event
) -> None:
    """Hand messages to the queue's function, and delete those that it does not report as failed."""
    while not stopping.is_set():
        answer = sqs.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=at_once,
            WaitTimeSeconds=WAIT_SECONDS,
            MessageSystemAttributeNames=["All"],
        )
        messages = answer.get("Messages", [])
        if messages:
            result = invoke(
                function, {"Records": [as_record(message, "index") for message in messages]}
            )
            failed = {item["itemIdentifier"] for item in result["batchItemFailures"]}
            for message in messages:
                if message["MessageId"] not in failed:
                    sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])


def maintain(handler: Handler, stopping: threading.Event) -> None:
    """Run maintenance as the schedule does, only more often."""
    while not stopping.wait(MAINTENANCE_SECONDS):
        invoke(handler, {"source": "aws.scheduler"})


@contextlib.contextmanager
def background(handlers: Mapping[str, Handler]) -> Iterator[None]:
    """Drive the functions that no request reaches while the block runs."""
    stopping = threading.Event()
    sqs = boto3.client("sqs")
    threads = [
        threading.Thread(
            target=drain, args=(sqs, os.environ[url], at_once, handlers[name], stopping)
        )
        for name, url in QUEUES.items()
        for at_once in ([1] * WORKERS if name == "worker" else [MESSAGES_AT_ONCE])
    ]
    threads.append(threading.Thread(target=maintain, args=(handlers["maintenance"], stopping)))
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join()


def main() -> None:
    """Serve until SIGINT or SIGTERM; print the address and a key when it is ready."""
    parser = argparse.ArgumentParser(description="The AWS edition before engines on this machine")
    parser.add_argument("--port", type=int, default=0)
    with configured():
        handlers = load_handlers((*HTTP_FUNCTIONS, *QUEUE_FUNCTIONS, *OTHER_FUNCTIONS))
        invoke(handlers["admin"], {"command": "prepare_index"})
        key = invoke(
            handlers["admin"], {"command": "create_key", "project": PROJECT, "name": "first key"}
        )
        listener = bind("127.0.0.1", parser.parse_args().port)
        gateway = LocalGateway(handlers, routes(), now=now, new_id=new_id)
        with background(handlers):
            serve(
                gateway,
                socket=listener,
                on_ready=partial(_tell, listener.getsockname()[1], str(key["key"])),
            )


@contextlib.contextmanager
def running() -> Iterator[LiveService]:
    """Run this program in a process of its own, whose environment is all AWS."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.aws_edition"],
        env={**os.environ, "PYTHONPATH": "shared"},
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        text=True,
    )
    watchdog = threading.Timer(PATIENCE_SECONDS, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        first = "".join(process.stdout.readline() for _ in range(len(SAID)))
        said = re.fullmatch(r"\s+".join([*(rf"{name} +(\S+)" for name in SAID), ""]), first)
        assert said, f"the AWS edition did not start: {first}"
        watchdog.cancel()
        yield LiveService(said[1], _key_maker(said[3]))
    finally:
        watchdog.cancel()
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE_SECONDS)
        if process.stdout is not None:
            process.stdout.close()


def _key_maker(control_table: str) -> Callable[[], str]:
    control = Table(dynamodb(), control_table)
    keys = DynamoKeys(control, ProjectSecrets(control), new_id)
    create_key = CreateKey(
        keys, DynamoSettings(control), now, new_id, lambda: f"{KEY_PREFIX}{uuid4().hex}"
    )
    return lambda: create_key(f"project-{new_id()}", "test")[1]


def _tell(port: int, key: str) -> None:
    address = f"http://127.0.0.1:{port}"
    values = (address, key, os.environ["RECOLLECT_CONTROL_TABLE"])
    sys.stdout.write(
        "".join(f"{name:<9}{value}\n" for name, value in zip(SAID, values, strict=True))
        + "The AWS edition is ready, before engines on this machine; Ctrl-C stops it.\n"
        f'MemoryClient(api_key="{key}", host="{address}")\n'
    )
    sys.stdout.flush()


def as_record(message: Mapping[str, Any], queue: str) -> dict[str, Any]:
    """Return a received message as Lambda hands it to a function."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:000000000000:{queue}",
        "awsRegion": REGION,
    }


if __name__ == "__main__":
    main()
