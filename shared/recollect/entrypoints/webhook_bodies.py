"""What callers send of webhooks, as the mem0 clients write it."""

from pydantic import BaseModel, Field, StrictBool, StrictStr

from recollect.domain.webhooks import MAX_NAME_LENGTH, MAX_URL_LENGTH, EventType
from recollect.usecases.manage_webhooks import WebhookChanges

_URL = "Where to: https://, the name of a public host, and no port or user."
_EVENT_TYPES = f"What to tell of: some of {', '.join(EventType)}."


class WebhookBody(BaseModel):
    """The body that makes a webhook."""

    name: StrictStr = Field(description=f"At most {MAX_NAME_LENGTH} characters.")
    url: StrictStr = Field(description=f"{_URL} At most {MAX_URL_LENGTH} characters.")
    event_types: list[StrictStr] = Field(description=_EVENT_TYPES)


class WebhookChangeBody(BaseModel):
    """The body that changes a webhook; what is not given, or null, stays as it is."""

    name: StrictStr | None = Field(None, description=f"At most {MAX_NAME_LENGTH} characters.")
    url: StrictStr | None = Field(None, description=_URL)
    event_types: list[StrictStr] | None = Field(None, description=_EVENT_TYPES)
    is_active: StrictBool | None = Field(None, description="false: it hears of nothing.")

    def changes(self) -> WebhookChanges:
        """Return it in our words."""
        return WebhookChanges(
            name=self.name, url=self.url, event_types=self.event_types, is_active=self.is_active
        )
