"""What only whoever runs the service may do: first keys, limits of projects, the index itself.

No route and no queue leads here; `lambda:InvokeFunction` is the permission to use it.
"""

from typing import Annotated, Any, Literal

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict, Field, RootModel, StrictInt

from recollect import bootstrap
from recollect.bootstrap import metering
from recollect.entrypoints.key_answers import key_answer
from recollect.entrypoints.key_bodies import KeyBody

logger = Logger()
create_key = bootstrap.create_key()
prepare_index = bootstrap.prepare_index()
limit_project = metering.limit_project()


class CreateKey(KeyBody, extra="forbid"):
    """Make a key as `POST /v1/keys` does; the project comes to be with its first one."""

    command: Literal["create_key"]
    project: str = Field(min_length=1, max_length=100)
    name: str

    def __call__(self) -> dict[str, Any]:
        """Return the key, which is never shown again."""
        return {**key_answer(*create_key(self.project, self.name, self.grant))}


class PrepareIndex(BaseModel, extra="forbid"):
    """Make the search index if there is none."""

    command: Literal["prepare_index"]

    def __call__(self) -> dict[str, Any]:
        """Change nothing when repeated."""
        prepare_index()
        return {"message": "The search index is ready"}


class LimitProject(BaseModel, extra="forbid"):
    """Limit what all keys of a project together may use; what is not given stays."""

    command: Literal["limit_project"]
    project: str
    requests_per_minute: StrictInt | None = None
    tokens_per_day: StrictInt | None = None

    def __call__(self) -> dict[str, Any]:
        """Return the project's limits; null is none. All functions follow within a minute."""
        given = self.model_dump(exclude={"command", "project"}, exclude_unset=True)
        return {"project_id": self.project, "limits": vars(limit_project(self.project, given))}


class Command(
    RootModel[Annotated[CreateKey | PrepareIndex | LimitProject, Field(discriminator="command")]]
):
    """What the function is invoked with."""

    model_config = ConfigDict(hide_input_in_errors=True)


@logger.inject_lambda_context(log_event=False)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Carry out one command; raise `pydantic.ValidationError` for what is none."""
    return Command.model_validate(event).root()
