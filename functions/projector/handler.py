"""The index queue: bring the search index to the record's state."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext

from recollect import bootstrap
from recollect.entrypoints.messages import SubjectsHaveNews
from recollect.entrypoints.queues import queue_handler
from recollect.ports.letters import QueueName

logger = Logger()
project_changes = bootstrap.project_changes()


def project_subjects(news: SubjectsHaveNews) -> None:
    """Index what is pending; raise to have SQS deliver this message alone again."""
    confirmed = project_changes(news.project, news.subject_keys)
    logger.info("Projected changes", confirmed=confirmed)


handle = queue_handler(SubjectsHaveNews, project_subjects, bootstrap.dead_letters(QueueName.INDEX))


@logger.inject_lambda_context(log_event=False)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Handle one batch; what failed is delivered again."""
    return handle(event, context)
