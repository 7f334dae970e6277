"""Everything under /mcp: the memory tools of agents that speak the Model Context Protocol."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from recollect import bootstrap
from recollect.bootstrap import erasure, jobs, mcp, metering
from recollect.entrypoints.http import HttpApp
from recollect.entrypoints.mcp_tools import MemoryTools
from recollect.entrypoints.routes.mcp import McpRoutes

logger = Logger()
app = HttpApp(bootstrap.check_key(), metering.meter())
tools = MemoryTools(
    add=bootstrap.add_memories(),
    search=bootstrap.search_memories(),
    list_memories=bootstrap.list_memories(),
    read_memory=bootstrap.read_memory(),
    update_memory=bootstrap.update_memory(),
    delete_memory=bootstrap.delete_memory(),
    delete_memories=bootstrap.delete_memories(),
    erase_subject=erasure.erase_subject(),
    list_subjects=bootstrap.list_subjects(),
    list_jobs=jobs.list_jobs(),
    read_job=jobs.read_job(),
    follow_graph=bootstrap.graphs.follow_graph(),
)
McpRoutes(tools, mcp.origins()).add_to(app)


@logger.inject_lambda_context(log_event=False)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one API Gateway event."""
    return app.resolve(event, context)
