"""POST /v3/memories/add/."""

from typing import Annotated, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.utilities.typing import LambdaContext

from recollect import bootstrap
from recollect.entrypoints.answers import AddAnswer
from recollect.entrypoints.http import HttpApp
from recollect.entrypoints.metrics import count_tokens
from recollect.entrypoints.models import AddBody
from recollect.entrypoints.presenters import add_answer

logger = Logger()
app = HttpApp(bootstrap.check_key())
add = bootstrap.add_memories()


@app.post("/v3/memories/add", summary="Remember messages")
def post_add(body: Annotated[AddBody, Body()]) -> AddAnswer:
    """Remember a conversation: its facts, or with infer=false every message verbatim."""
    job = add(body.request(app.project), app.idempotency_key)
    count_tokens(job.notes)
    return add_answer(job)


@logger.inject_lambda_context(log_event=False)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one API Gateway event."""
    return app.resolve(event, context)
