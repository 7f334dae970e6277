"""The graph queue: read what memories say into their owner's graph."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext

from recollect import bootstrap
from recollect.bootstrap import current
from recollect.domain.graph import Owner
from recollect.entrypoints.messages import MemoryIsUnreadable, OwnerHasNews
from recollect.entrypoints.queues import queue_handler
from recollect.ports.graph_outbox import SetAside
from recollect.ports.letters import QueueName

logger = Logger()
write_graph = bootstrap.graphs.write_graph()
graves = bootstrap.dead_letters(QueueName.GRAPH)


def bury(aside: SetAside) -> None:
    """Have a person look at what nobody can read."""
    letter = MemoryIsUnreadable(
        project=aside.owner.project,
        owner_key=aside.owner.key,
        memory_id=aside.unread.memory_id,
        version=aside.unread.version,
        correlation_id=current.correlation_id(),
    )
    graves.bury(letter.model_dump_json(), aside.reason)


def read_memories(news: OwnerHasNews) -> None:
    """Read what is unread; raise to have SQS deliver this message alone again."""
    read = write_graph(Owner(news.project, news.owner_key), bury)
    logger.info("Read for the graph", read=read)


handle = queue_handler(OwnerHasNews, read_memories, graves)


@logger.inject_lambda_context(log_event=False)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Handle one batch; what failed is delivered again."""
    with current.within(context.get_remaining_time_in_millis):
        return handle(event, context)
