"""What only whoever runs the service may do: a project's first key, and the index itself.

No route and no queue leads here; `lambda:InvokeFunction` is the permission to use it.
"""

from typing import Annotated, Any, Literal

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict, Field, RootModel

from recollect import bootstrap
from recollect.entrypoints.presenters import key_answer

logger = Logger()
create_key = bootstrap.create_key()
prepare_index = bootstrap.prepare_index()


class CreateKey(BaseModel, extra="forbid"):
    """Make a key; the project comes to be with its first one."""

    command: Literal["create_key"]
    project: str = Field(min_length=1, max_length=100)
    name: str

    def __call__(self) -> dict[str, Any]:
        """Return the key, which is never shown again."""
        return {**key_answer(*create_key(self.project, self.name))}


class PrepareIndex(BaseModel, extra="forbid"):
    """Make the search index if there is none."""

    command: Literal["prepare_index"]

    def __call__(self) -> dict[str, Any]:
        """Change nothing when repeated."""
        prepare_index()
        return {"message": "The search index is ready"}


class Command(RootModel[Annotated[CreateKey | PrepareIndex, Field(discriminator="command")]]):
    """What the function is invoked with."""

    model_config = ConfigDict(hide_input_in_errors=True)


@logger.inject_lambda_context(log_event=False)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Carry out one command; raise `pydantic.ValidationError` for what is none."""
    return Command.model_validate(event).root()
