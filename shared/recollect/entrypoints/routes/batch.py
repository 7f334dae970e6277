"""The routes that change or delete many memories at once."""

from dataclasses import dataclass
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from recollect.entrypoints.batch_bodies import (
    BatchAnswer,
    BatchDeleteBody,
    BatchUpdateBody,
    batch_answer,
)
from recollect.entrypoints.caller import caller
from recollect.entrypoints.http import HttpApp
from recollect.usecases.change_memories import DeleteBatch, UpdateBatch


@dataclass(frozen=True)
class BatchRoutes:
    """What works on up to 1,000 memories under one job."""

    update_batch: UpdateBatch
    delete_batch: DeleteBatch

    def add_to(self, app: HttpApp) -> None:
        """Have the router answer them."""
        app.put("/v1/batch", summary="Change many memories")(self.put_batch)
        app.delete("/v1/batch", summary="Delete many memories")(self.delete_many)

    def put_batch(self, body: Annotated[BatchUpdateBody, Body()]) -> BatchAnswer:
        """Change the memories, or none if one is unknown, immutable or cannot be changed so.

        If the time is up it goes on after the answer, which says PENDING; follow the event then.
        """
        job = self.update_batch(body.request(caller.access), caller.idempotency_key)
        return batch_answer(job, "update", "updated")

    def delete_many(self, body: Annotated[BatchDeleteBody, Body()]) -> BatchAnswer:
        """Delete the memories, or none if one is unknown; their histories stay.

        If the time is up it goes on after the answer, which says PENDING; follow the event then.
        """
        job = self.delete_batch(body.request(caller.access), caller.idempotency_key)
        return batch_answer(job, "delete", "deleted")
