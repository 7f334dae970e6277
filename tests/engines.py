"""The real engines that tests marked `engines` run on: where they are, and an S3 beside them."""

import json
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

ENDPOINTS = "RECOLLECT_TEST_ENDPOINTS"
"""Names the engines' addresses: a JSON object, or the file that holds it."""

REGION: Final = "eu-west-1"
"""The region that every client of a test is in; the engines' ARNs name it too."""

GREMLIN_LINES: Final = {"3.7": "gremlin", "3.8": "gremlin38"}
"""The server for each line of clients: Neptune up to 1.4 is like the first, 1.5 like the other."""

_WRITTEN_BY_START = Path(__file__).parents[1] / ".engines" / "endpoints.json"
_SECONDS_TO_CONNECT = 5


@cache
def endpoint(name: str) -> str:
    """Return the URL of `dynamodb`, `sqs`, `opensearch`, `gremlin` or `gremlin38`.

    Fails if nobody is there.
    """
    url = _addresses().get(name)
    if url is None or not _is_listening(url):
        pytest.fail(f"{name} is not running: 'make engines' starts it", pytrace=False)
    return url


def gremlin_engine() -> str:
    """Return the name of the Gremlin Server of the installed client's own line."""
    return GREMLIN_LINES[version("gremlinpython").rpartition(".")[0]]


def gremlin_server() -> str:
    """Return its URL; fail if nobody is there."""
    return endpoint(gremlin_engine())


def received(client: "SQSClient", url: str) -> list["MessageTypeDef"]:
    """Return at most ten messages of a queue, with all that they say of themselves."""
    answer = client.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10,
        MessageAttributeNames=["All"],
        MessageSystemAttributeNames=["All"],
    )
    return answer.get("Messages", [])


@contextmanager
def s3_server() -> Iterator[str]:
    """Yield the URL of an S3 server in this process, on a port of its own.

    All of them share one set of buckets, so a test makes a bucket of its own.
    """
    # Here and not above: two seconds that only the tests with an S3 should wait for.
    from moto.moto_server import werkzeug_app as moto  # noqa: PLC0415
    from werkzeug.serving import make_server  # noqa: PLC0415

    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    application = moto.DomainDispatcherApplication(moto.create_backend_app)
    server = make_server("127.0.0.1", 0, application, threaded=True)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _addresses() -> dict[str, str]:
    said = os.environ.get(ENDPOINTS, "")
    if said.lstrip().startswith("{"):
        return dict(json.loads(said))
    file = Path(said) if said else _WRITTEN_BY_START
    return dict(json.loads(file.read_text())) if file.exists() else {}


def _is_listening(url: str) -> bool:
    parts = urlsplit(url)
    address = (parts.hostname or "", parts.port or 80)
    try:
        with socket.create_connection(address, _SECONDS_TO_CONNECT):
            return True
    except OSError:
        return False
