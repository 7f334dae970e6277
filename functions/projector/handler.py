"""SQS wake-ups: brings the index to the record's state."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from recollect import bootstrap
from recollect.entrypoints.messages import SubjectsHaveNews

logger = Logger()
project_changes = bootstrap.project_changes()


def project_subjects(record: SQSRecord) -> None:
    """Index what is pending; raise to have SQS deliver this message alone again."""
    news = SubjectsHaveNews.model_validate_json(record.body)
    project_changes(news.project, news.subject_keys)


@logger.inject_lambda_context(log_event=False)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Handle one batch; what failed is delivered again."""
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(event, project_subjects, processor, context)
