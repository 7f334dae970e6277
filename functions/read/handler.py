"""Everything that only reads: lists, memories, history, episodes, entities, jobs, keys, project."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from recollect import bootstrap
from recollect.bootstrap import metering, providers, subjects, webhooks
from recollect.entrypoints.http import HttpApp
from recollect.entrypoints.routes import documentation
from recollect.entrypoints.routes.entities import EntityReadRoutes
from recollect.entrypoints.routes.events import EventRoutes
from recollect.entrypoints.routes.exports import ExportReadRoutes
from recollect.entrypoints.routes.graph import GraphRoutes
from recollect.entrypoints.routes.keys import KeyReadRoutes
from recollect.entrypoints.routes.legacy_lists import LegacyListRoutes
from recollect.entrypoints.routes.members import MemberReadRoutes
from recollect.entrypoints.routes.memories import MemoryReadRoutes
from recollect.entrypoints.routes.open_source_reads import OpenSourceReadRoutes
from recollect.entrypoints.routes.profiles import ProfileReadRoutes
from recollect.entrypoints.routes.projects import ProjectReadRoutes
from recollect.entrypoints.routes.stock import StockRoutes
from recollect.entrypoints.routes.usage import UsageRoutes
from recollect.entrypoints.routes.webhooks import WebhookReadRoutes

logger = Logger()
app = HttpApp(bootstrap.check_key(), metering.meter(), without_key=documentation.PATHS)
documentation.DocumentationRoutes().add_to(app)
EventRoutes(
    bootstrap.jobs.await_job(), bootstrap.jobs.list_jobs(), bootstrap.graphs.follow_graph()
).add_to(app)
StockRoutes(subjects.count_memories(), subjects.list_histories()).add_to(app)
EntityReadRoutes(bootstrap.list_subjects()).add_to(app)
ProjectReadRoutes(bootstrap.projects.read_project()).add_to(app)
KeyReadRoutes(bootstrap.keys.list_keys()).add_to(app)
MemberReadRoutes(bootstrap.keys.manage_members()).add_to(app)
ProfileReadRoutes().add_to(app)
ExportReadRoutes(bootstrap.exports.read_export(), bootstrap.exports.summarise_memories()).add_to(
    app
)
UsageRoutes(metering.read_usage()).add_to(app)
WebhookReadRoutes(webhooks.manage_webhooks(), webhooks.list_deliveries()).add_to(app)
list_memories, read_memory = bootstrap.list_memories(), bootstrap.read_memory()
browse_graph = bootstrap.graphs.browse_graph()
MemoryReadRoutes(list_memories, read_memory).add_to(app)
GraphRoutes(browse_graph).add_to(app)
OpenSourceReadRoutes(
    list_memories, read_memory, subjects.read_subjects(), providers.providers()
).add_to(app)
# The last of all: names of entities take whatever is left of a path.
LegacyListRoutes(list_memories, subjects.read_subjects(), browse_graph).add_to(app)


@logger.inject_lambda_context(log_event=False)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one API Gateway event."""
    return app.resolve(event, context)
