"""Adds of the hosted platform's first version, as mem0ai 1.x for Python and 2.x for npm send."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from recollect.domain.jobs import Job
from recollect.entrypoints.http import HttpApp
from recollect.entrypoints.legacy_answers import FirstAddAnswer, FirstResults, first_add_answer
from recollect.entrypoints.legacy_bodies import FirstAddBody
from recollect.entrypoints.models import AddBody


@dataclass(frozen=True)
class LegacyAddRoutes:
    """`add` carries out what any version's body asks for."""

    add: Callable[[AddBody], Job]

    def add_to(self, app: HttpApp) -> None:
        """Have the router answer these."""
        app.post("/v1/memories", summary="Remember messages (version 1)")(self.post_first_add)

    def post_first_add(
        self, body: Annotated[FirstAddBody, Body()]
    ) -> FirstResults | FirstAddAnswer:
        """Remember a conversation; unless async_mode is false, the answer is the job to follow."""
        return first_add_answer(self.add(body), body)
