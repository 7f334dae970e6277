"""Pictures that messages point at."""

from dataclasses import dataclass
from http import HTTPStatus

import httpcore
import httpx

from recollect.adapters.web.public_https import Deadline, PublicHttps, checked_url, content_of
from recollect.domain.attachments import (
    MAX_PICTURE_BYTES,
    PICTURE_TYPES,
    DataUrl,
    inline_picture,
    picture_type,
)
from recollect.domain.errors import InvalidRequestError, UnavailableError
from recollect.ports.models import Image

TIME_LIMIT_SECONDS = 5.0
"""For everything from the name to the last byte, redirects included."""
MAX_REDIRECTS = 3
_HEADERS = {
    "Accept": ", ".join(PICTURE_TYPES),
    "Accept-Encoding": "identity",
    # Some hosts of pictures refuse requests that do not tell whose they are.
    "User-Agent": "recollect",
}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


@dataclass(frozen=True)
class PublicPictures:
    """Decodes pictures of data URLs, and fetches those at public https addresses.

    What kind of picture it is, its first bytes tell: neither the address nor its server.
    """

    https: PublicHttps
    seconds: float = TIME_LIMIT_SECONDS

    def fetch(self, url: str) -> Image:
        """Return the picture; raise `InvalidRequestError` or `UnavailableError`."""
        if DataUrl.is_one(url):
            return Image(*inline_picture(url))
        data = self._downloaded(url)
        return Image(picture_type(data), data)

    def _downloaded(self, url: str) -> bytes:
        deadline = Deadline(self.seconds)
        for _ in range(1 + MAX_REDIRECTS):
            place = checked_url(url)
            with self.https.request("GET", place, headers=_HEADERS, deadline=deadline) as response:
                if response.status == HTTPStatus.OK:
                    return content_of(response, MAX_PICTURE_BYTES)
                url = _redirected(place, response)
        message = f"The address of a picture redirects more than {MAX_REDIRECTS} times"
        raise InvalidRequestError(message)


def _redirected(place: httpx.URL, response: httpcore.Response) -> str:
    """Return where an answer sends us; raise for one that is neither that nor a picture."""
    message = f"The address of a picture answers {response.status}"
    if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR or response.status in _LATER:
        raise UnavailableError(message)
    target = {name.lower(): value for name, value in response.headers}.get(b"location")
    if response.status not in _REDIRECTS or target is None:
        raise InvalidRequestError(message)
    try:
        return str(place.join(target.decode("utf-8", "replace")))
    except (httpx.InvalidURL, ValueError) as error:
        raise InvalidRequestError(message) from error
