"""POST /v3/memories/search/."""

from typing import Annotated, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.utilities.typing import LambdaContext

from recollect import bootstrap
from recollect.entrypoints.answers import SearchAnswer
from recollect.entrypoints.http import HttpApp
from recollect.entrypoints.models import SearchBody
from recollect.entrypoints.presenters import search_answer

logger = Logger()
app = HttpApp(bootstrap.check_key())
search = bootstrap.search_memories()


@app.post("/v3/memories/search", summary="Find memories")
def post_search(body: Annotated[SearchBody, Body()]) -> SearchAnswer:
    """Return the memories that answer a question best; the filters must name an entity."""
    result = search(
        app.project,
        body.query,
        body.matching(),
        limit=body.result_limit,
        threshold=body.least_score,
        show_expired=body.show_expired,
        with_graph=body.enable_graph,
        at=body.reference_at,
    )
    return search_answer(
        result, body.fields, explain=body.explain, include_context=body.include_context
    )


@logger.inject_lambda_context(log_event=False)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one API Gateway event."""
    return app.resolve(event, context)
