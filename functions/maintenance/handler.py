"""The schedules: drive on what was left behind, and tell how far indexes have drifted."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from recollect import bootstrap
from recollect.bootstrap import current, drift
from recollect.entrypoints.metrics import count_drift

logger = Logger()
maintain = bootstrap.maintain()
report_drift = drift.report_drift()


def drive_on() -> Mapping[str, int]:
    """Return how much was driven on; what this run does not reach, the next one does."""
    return {"driven_on": maintain()}


def tell_drift() -> Mapping[str, int | None]:
    """Return how much has drifted, in numbers that alarms watch as well."""
    found = report_drift()
    count_drift(found)
    return vars(found)


TASKS = {"drive_on": drive_on, "report_drift": tell_drift}


@logger.inject_lambda_context(log_event=False)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> Mapping[str, int | None]:
    """Do the task that the schedule names; the one that names none drives on."""
    with current.within(context.get_remaining_time_in_millis):
        return TASKS[event.get("task", "drive_on")]()
