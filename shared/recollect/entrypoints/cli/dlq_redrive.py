"""Gives dead letters of the data file to their functions, as SQS does on AWS."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from recollect.adapters.stored_letters import ORIGIN, dump_origin
from recollect.entrypoints.cli import local
from recollect.entrypoints.functions import load_handlers
from recollect.entrypoints.invocation import Handler, LambdaContext
from recollect.entrypoints.worker import VISIBILITY, sqs_event
from recollect.ports.letters import Letter, QueueName

FUNCTIONS: Final[Mapping[QueueName, str]] = {
    QueueName.INDEX: "projector",
    QueueName.GRAPH: "graph_writer",
    QueueName.GRAPH_PROJECTION: "graph_projector",
    QueueName.WEBHOOKS: "notifier",
    QueueName.WORKER: "worker",
    QueueName.INGEST: "ingest_messages",
    QueueName.OBJECTS: "ingest_objects",
}


@contextmanager
def opened_to_redrive(data: Path) -> Iterator[Callable[[Letter], bool]]:
    """Yield what gives a letter's message to its function and tells whether it was taken.

    Before the data file is closed, what was left to do is done.
    """
    with local.opened(data) as edition:

        def send(letter: Letter) -> bool:
            name = FUNCTIONS[letter.queue]
            # Users' messages have no queue here, so that their function is not always loaded.
            handler = edition.handlers.get(name) or load_handlers([name])[name]
            return _is_taken(handler, letter)

        yield send


def _is_taken(handler: Handler, letter: Letter) -> bool:
    event: dict[str, Any] = sqs_event([letter.message], now=local.now())
    [record] = event["Records"]
    record["eventSourceARN"] = record["eventSourceARN"].rpartition(":")[0] + f":{letter.queue}"
    if letter.origin:
        attribute = {"dataType": "String", "stringValue": dump_origin(letter.origin)}
        record["messageAttributes"] = {ORIGIN: attribute}
    name = FUNCTIONS[letter.queue]
    context = LambdaContext(name, local.new_id(), local.now() + VISIBILITY, local.now)
    return not handler(event, context)["batchItemFailures"]
