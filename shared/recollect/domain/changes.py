"""What is asked to change of a memory."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from recollect.domain.memory import Json, Memory, checked_metadata, checked_text
from recollect.domain.redaction import Redaction


@dataclass(frozen=True, kw_only=True)
class MemoryChanges:
    """What to change of a memory; what is None stays as it is.

    `metadata` is merged into what is there, key by key. `clears_expiry` removes the last day.
    """

    text: str | None = None
    metadata: Mapping[str, Json] | None = None
    said_at: datetime | None = None
    expires_on: date | None = None
    clears_expiry: bool = False

    def apply(self, memory: Memory) -> Memory:
        """Return the memory with these changes, its version as it was.

        Raises `InvalidRequestError` if the text or the merged metadata cannot be kept.
        """
        return replace(
            memory,
            text=memory.text if self.text is None else checked_text(self.text),
            metadata=self._merged(memory.metadata),
            created_at=self.said_at or memory.created_at,
            expires_on=None if self.clears_expiry else self.expires_on or memory.expires_on,
        )

    def redacted(self, redaction: Redaction | None) -> "MemoryChanges":
        """Return these changes as a project lets them be kept."""
        if redaction is None:
            return self
        return replace(
            self,
            text=redaction.redact(self.text) if self.text else self.text,
            metadata=redaction.redact_members(self.metadata) if self.metadata else self.metadata,
        )

    def _merged(self, known: Mapping[str, Json]) -> Mapping[str, Json]:
        return checked_metadata({**known, **self.metadata}) if self.metadata else known
