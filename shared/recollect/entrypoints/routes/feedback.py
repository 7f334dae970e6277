"""What people think of memories."""

from dataclasses import dataclass
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body
from pydantic import BaseModel, Field, StrictStr
from typing_extensions import TypedDict

from recollect.domain.memory import Feedback, Verdict
from recollect.entrypoints.caller import caller
from recollect.entrypoints.http import HttpApp
from recollect.entrypoints.urls import memory_id_from
from recollect.usecases.give_feedback import GiveFeedback

MAX_REASON_LENGTH = 2_000


class FeedbackBody(BaseModel):
    """What somebody thinks of a memory."""

    memory_id: StrictStr
    feedback: Verdict | None = Field(None, description="null takes it back.")
    feedback_reason: Annotated[StrictStr, Field(max_length=MAX_REASON_LENGTH)] | None = None


class FeedbackAnswer(TypedDict):
    """What is noted of a memory now."""

    id: str
    feedback: str | None
    feedback_reason: str | None


@dataclass(frozen=True)
class FeedbackRoutes:
    """Giving feedback and taking it back."""

    give_feedback: GiveFeedback

    def add_to(self, app: HttpApp) -> None:
        """Have a function that writes serve them."""
        app.post("/v1/feedback", summary="Give feedback on a memory")(self.post_feedback)

    def post_feedback(self, body: Annotated[FeedbackBody, Body()]) -> FeedbackAnswer:
        """Note what somebody thinks of a memory; `GET` of the memory tells it."""
        caller.refuse_idempotency_key()
        access, verdict = caller.access, body.feedback
        memory = self.give_feedback(
            access.project,
            memory_id_from(body.memory_id),
            Feedback(verdict, body.feedback_reason) if verdict else None,
            within=access.subject,
        )
        noted = memory.feedback
        return {
            "id": memory.id,
            "feedback": noted.verdict if noted else None,
            "feedback_reason": noted.reason if noted else None,
        }
