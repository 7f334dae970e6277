"""POST /v3/memories/search/."""

from typing import Annotated, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.utilities.typing import LambdaContext

from recollect import bootstrap
from recollect.bootstrap import metering
from recollect.entrypoints.answers import SearchAnswer
from recollect.entrypoints.caller import caller
from recollect.entrypoints.http import HttpApp
from recollect.entrypoints.presenters import search_answer
from recollect.entrypoints.questions import PromptSearchBody, found
from recollect.entrypoints.routes.legacy_search import LegacySearchRoutes
from recollect.entrypoints.routes.open_source import OpenSourceSearchRoutes

logger = Logger()
app = HttpApp(bootstrap.check_key(), metering.meter())
search = bootstrap.search_memories()


@app.post("/v3/memories/search", summary="Find memories")
def post_search(body: Annotated[PromptSearchBody, Body()]) -> SearchAnswer:
    """Return the memories that answer a question best; the filters must name an entity."""
    return search_answer(
        found(search, body, caller.access),
        body.fields,
        explain=bool(body.explain),
        include_context=bool(body.include_context),
    )


LegacySearchRoutes(search, bootstrap.list_memories()).add_to(app)
OpenSourceSearchRoutes(search).add_to(app)


@logger.inject_lambda_context(log_event=False)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one API Gateway event."""
    return app.resolve(event, context)
