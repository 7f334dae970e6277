"""The message by which anything with access to the queue has something remembered."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from pydantic import ConfigDict, Field, JsonValue, StrictStr

from recollect.domain.errors import InvalidRequestError
from recollect.domain.keys import Access
from recollect.domain.requests import AddRequest
from recollect.entrypoints.caller import MAX_IDEMPOTENCY_KEY_LENGTH
from recollect.entrypoints.models import AddBody
from recollect.entrypoints.queues import PoisonError, read_body

MAX_BODY_BYTES = 1_000_000
"""SQS takes 1,048,576 with all attributes; the rest is for what is told with a letter."""
SCHEMA_URL = "https://json-schema.org/draft/2020-12/schema"
DESCRIPTION = (
    "A message on the queue for messages: an add. The project is that of the queue. Nobody reads"
    " an answer, so that a field that is not known is refused, and not ignored as over HTTP."
)
EXAMPLES: list[JsonValue] = [
    {
        "version": 1,
        "id": "ticket-4711-2",
        "messages": [
            {"role": "user", "content": "I am allergic to walnuts."},
            {"role": "assistant", "content": "I will remember that."},
        ],
        "user_id": "maya",
        "timestamp": "2026-03-01T12:00:00Z",
        "metadata": {"source": "support"},
    },
    {"version": 1, "messages": "The office moves to Porto.", "app_id": "news", "infer": False},
]


class IngestMessage(AddBody):
    """An add as a message."""

    model_config = ConfigDict(
        title="Recollect ingest message",
        extra="forbid",
        json_schema_extra={"description": DESCRIPTION, "examples": EXAMPLES},
    )

    version: Literal[1] = Field(description="Of this form.")
    id: Annotated[StrictStr, Field(min_length=1, max_length=MAX_IDEMPOTENCY_KEY_LENGTH)] | None = (
        Field(
            None,
            description=(
                "The sender's own: another message of this id is the same one, and must have the"
                " same body. Without it, every message that is sent is one of its own."
            ),
        )
    )
    project_id: StrictStr | None = Field(
        None, description="Of no use, and refused if it is not the queue's project."
    )
    org_id: StrictStr | None = Field(None, description="As project_id.")
    async_mode: bool | None = Field(None, description="Of no use: nobody waits for an answer.")

    @classmethod
    def read(cls, record: SQSRecord) -> Self:
        """Return what a message says; raise `PoisonError`."""
        if len(record.body.encode()) > MAX_BODY_BYTES:
            message = f"is too large: at most {MAX_BODY_BYTES} bytes"
            raise PoisonError(message)
        return read_body(cls, record)

    def request_of(self, project: str) -> AddRequest:
        """Return what is to be remembered in the queue's project; raise `InvalidRequestError`."""
        if any(named not in {None, project} for named in (self.project_id, self.org_id)):
            message = "project_id or org_id is not the project of this queue"
            raise InvalidRequestError(message)
        return self.request(Access(project))


def schema_text() -> str:
    """Return the message's JSON schema, as it is committed."""
    schema: dict[str, Any] = {"$schema": SCHEMA_URL, **IngestMessage.model_json_schema()}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(schema_text(), encoding="utf-8")
