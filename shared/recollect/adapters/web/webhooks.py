"""Requests to webhooks."""

from collections.abc import Mapping
from dataclasses import dataclass

from recollect.adapters.web.public_https import Deadline, PublicHttps, checked_url

TIME_LIMIT_SECONDS = 10.0
"""For everything from the name to the status of the answer."""


@dataclass(frozen=True)
class PublicWebhookSender:
    """Posts to public https addresses; of an answer only the status is read."""

    https: PublicHttps
    seconds: float = TIME_LIMIT_SECONDS

    def check(self, url: str) -> None:
        """Raise `InvalidRequestError` for anything but a public host's name at https, port 443."""
        checked_url(url)

    def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Return the status of the answer; raise `InvalidRequestError` or `UnavailableError`."""
        told = {**headers, "User-Agent": "recollect"}
        deadline = Deadline(self.seconds)
        place = checked_url(url)
        with self.https.request(
            "POST", place, headers=told, content=body, deadline=deadline
        ) as response:
            return response.status
