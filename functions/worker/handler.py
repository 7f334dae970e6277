"""The worker queue: carry on the jobs that wait."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext

from recollect import bootstrap
from recollect.bootstrap import current, metering, worker
from recollect.domain.jobs import Job, JobStatus
from recollect.entrypoints.messages import JobIsWaiting
from recollect.entrypoints.metering import count_spent
from recollect.entrypoints.metrics import count_job
from recollect.entrypoints.queues import queue_handler
from recollect.ports.letters import QueueName

logger = Logger()
carry_on = worker.carry_on()
meter = metering.meter()
graves = bootstrap.dead_letters(QueueName.WORKER)


def work(news: JobIsWaiting) -> None:
    """Carry on one job; raise to have SQS deliver this message alone again."""
    before = current.spent()
    job = carry_on(news.project, news.job_id, again=news.again)
    if job is None:
        return
    count_spent(meter, job, current.spent() - before)
    count_job(job)
    logger.info("Worked on a job", status=job.status, attempt=job.attempt)
    if job.status is JobStatus.FAILED and job.message_id:
        bury(job)


def bury(job: Job) -> None:
    """Have a person look at a message that came to nothing; nobody else was told."""
    letter = JobIsWaiting(
        project=job.project, job_id=job.id, again=True, correlation_id=current.correlation_id()
    )
    graves.bury(letter.model_dump_json(), f"failed: {job.error}")


handle = queue_handler(JobIsWaiting, work, graves)


@logger.inject_lambda_context(log_event=False)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Handle one batch; what was stopped is delivered again."""
    with current.within(context.get_remaining_time_in_millis):
        return handle(event, context)
