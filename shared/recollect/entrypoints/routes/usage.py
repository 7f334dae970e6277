"""What a project's keys use."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from recollect.domain.errors import InvalidRequestError
from recollect.entrypoints.caller import caller
from recollect.entrypoints.http import HttpApp
from recollect.entrypoints.usage_answers import UsageAnswer, usage_answer
from recollect.usecases.metering import ReadUsage


@dataclass(frozen=True)
class UsageRoutes:
    """The route to what was counted."""

    read_usage: ReadUsage

    def add_to(self, app: HttpApp) -> None:
        """Have the router answer it."""
        app.get("/v1/usage", summary="Read what keys used")(self.get_usage)

    def get_usage(
        self,
        start: Annotated[
            str | None, Query(description="The first day, YYYY-MM-DD; else so that there are 30.")
        ] = None,
        end: Annotated[str | None, Query(description="The last day; else today, in UTC.")] = None,
    ) -> UsageAnswer:
        """Return the requests and tokens of each key on each day, of at most 400 days."""
        first, last = _day("start", start), _day("end", end)
        return usage_answer(self.read_usage(caller.project, first, last))


def _day(name: str, text: str | None) -> date | None:
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError as error:
        message = f"{name} must be a day such as 2030-12-31"
        raise InvalidRequestError(message) from error
