"""Everything that changes what is there: updates, deletes, keys, the project."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from recollect import bootstrap
from recollect.bootstrap import erasure, metering, subjects, webhooks
from recollect.entrypoints.http import HttpApp
from recollect.entrypoints.routes.batch import BatchRoutes
from recollect.entrypoints.routes.entities import EntityRoutes
from recollect.entrypoints.routes.exports import ExportRoutes
from recollect.entrypoints.routes.feedback import FeedbackRoutes
from recollect.entrypoints.routes.keys import KeyRoutes
from recollect.entrypoints.routes.members import MemberRoutes
from recollect.entrypoints.routes.memories import MemoryRoutes
from recollect.entrypoints.routes.open_source_changes import OpenSourceChangeRoutes
from recollect.entrypoints.routes.profiles import ProfileWriteRoutes
from recollect.entrypoints.routes.projects import ProjectRoutes
from recollect.entrypoints.routes.webhooks import WebhookRoutes

logger = Logger()
app = HttpApp(bootstrap.check_key(), metering.meter(), writes=True)
ProjectRoutes(
    bootstrap.projects.create_project(),
    bootstrap.projects.change_project(),
    bootstrap.delete_memories(),
).add_to(app)
EntityRoutes(subjects.describe_subject(), erasure.erase_subject()).add_to(app)
BatchRoutes(bootstrap.jobs.update_batch(), bootstrap.jobs.delete_batch()).add_to(app)
KeyRoutes(bootstrap.create_key(), bootstrap.keys.revoke_key(), bootstrap.keys.rotate_key()).add_to(
    app
)
FeedbackRoutes(bootstrap.give_feedback()).add_to(app)
MemberRoutes(bootstrap.keys.manage_members()).add_to(app)
ProfileWriteRoutes().add_to(app)
WebhookRoutes(webhooks.manage_webhooks()).add_to(app)
ExportRoutes(bootstrap.exports.export_memories()).add_to(app)
update_memory = bootstrap.update_memory()
delete_memory = bootstrap.delete_memory()
delete_memories = bootstrap.delete_memories()
MemoryRoutes(update_memory, delete_memory, delete_memories).add_to(app)
OpenSourceChangeRoutes(
    update_memory, delete_memory, delete_memories, erasure.erase_subject()
).add_to(app)


@logger.inject_lambda_context(log_event=False)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one API Gateway event."""
    return app.resolve(event, context)
