"""The queue of graphs' projections: bring the graph store and the entity index to the record."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext

from recollect import bootstrap
from recollect.bootstrap import current
from recollect.domain.graph import Owner
from recollect.entrypoints.messages import OwnerHasNews
from recollect.entrypoints.queues import queue_handler
from recollect.ports.letters import QueueName

logger = Logger()
project_graph = bootstrap.graphs.project_graph()


def project_commits(news: OwnerHasNews) -> None:
    """Write what the projections lack; raise to have SQS deliver this message alone again."""
    confirmed = project_graph(Owner(news.project, news.owner_key))
    logger.info("Projected commits", confirmed=confirmed)


handle = queue_handler(
    OwnerHasNews, project_commits, bootstrap.dead_letters(QueueName.GRAPH_PROJECTION)
)


@logger.inject_lambda_context(log_event=False)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Handle one batch; what failed is delivered again."""
    with current.within(context.get_remaining_time_in_millis):
        return handle(event, context)
