"""Adds in every version of the protocol."""

from typing import Annotated, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.utilities.typing import LambdaContext

from recollect import bootstrap
from recollect.bootstrap import current, metering
from recollect.domain.jobs import Job
from recollect.entrypoints.answers import AddAnswer
from recollect.entrypoints.caller import caller
from recollect.entrypoints.http import HttpApp
from recollect.entrypoints.metrics import count_job
from recollect.entrypoints.models import AddBody
from recollect.entrypoints.presenters import add_answer
from recollect.entrypoints.routes.legacy_add import LegacyAddRoutes
from recollect.entrypoints.routes.open_source import OpenSourceAddRoutes

logger = Logger()
app = HttpApp(bootstrap.check_key(), metering.meter(), writes=True)
add = bootstrap.add_memories()


def added(body: AddBody) -> Job:
    """Carry out what a body asks for, and count what it took."""
    asked, key = body.request(caller.access), caller.idempotency_key
    if not body.is_awaited:
        return add.accept(asked, key)
    job = add(asked, key)
    # An earlier request's job has cost this one nothing.
    if current.spent():
        count_job(job)
    return job


@app.post("/v3/memories/add", summary="Remember messages")
def post_add(body: Annotated[AddBody, Body()]) -> AddAnswer:
    """Remember a conversation: its facts, or with infer=false every message verbatim."""
    return add_answer(added(body), is_awaited=body.is_awaited)


LegacyAddRoutes(added).add_to(app)
OpenSourceAddRoutes(added).add_to(app)


@logger.inject_lambda_context(log_event=False)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one API Gateway event."""
    return app.resolve(event, context)
