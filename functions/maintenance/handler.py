"""The schedule: drives on what a crash or a lost wake-up left behind."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from recollect import bootstrap
from recollect.bootstrap import current

logger = Logger()
maintain = bootstrap.maintain()


@logger.inject_lambda_context(log_event=False)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:  # noqa: ARG001 - Lambda's signature
    """Return how much was driven on; what this run does not reach, the next one does."""
    with current.within(context.get_remaining_time_in_millis()):
        return {"driven_on": maintain()}
