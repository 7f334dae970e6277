"""Adds that arrive as messages, all for one project."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from recollect.domain.errors import InvalidRequestError
from recollect.domain.jobs import IdempotencyKey, Job
from recollect.domain.requests import AddRequest
from recollect.ports.keys import Keys
from recollect.usecases.add_memories import AddMemories
from recollect.usecases.manage_keys import has_key


@dataclass(frozen=True)
class IngestMessages:
    """Accept what messages of one queue ask a project to remember; a worker remembers it."""

    project: str
    keys: Keys
    add: AddMemories

    def check(self) -> None:
        """Raise `InvalidRequestError` unless the project has a key that is not revoked.

        Without one nobody could read what is remembered: a name is misspelt, or the project has
        been deleted.
        """
        if not has_key(self.keys, self.project):
            message = "RECOLLECT_INGEST_PROJECT names no project that has a key"
            raise InvalidRequestError(message)

    def __call__(
        self, request: AddRequest, name: str, body: str, *, sent_at: datetime, message_id: str
    ) -> Job:
        """Return the job, which waits for a worker, or the earlier one of a message of this name.

        Accepting a message again changes nothing, unless its job has failed: that is tried again.
        Raises `InvalidRequestError` before anything is stored, and `IdempotencyMismatchError` if
        an earlier message of this name had another body.
        """
        key = IdempotencyKey(f"sqs:{name}", hashlib.sha256(body.encode()).hexdigest())
        return self.add.accept(request, key, asked_at=sent_at, message_id=message_id)
