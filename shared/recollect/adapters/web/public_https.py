"""Requests to https addresses that callers name: public ones only, whatever their names resolve to.

A name is resolved once, all its addresses are checked, and one of these is connected to: a name
server that answers differently the second time is not asked a second time.
"""

import re
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import httpcore
import httpx

from recollect.adapters.web.addresses import is_public
from recollect.domain.errors import InvalidRequestError, UnavailableError

HTTPS_PORT = 443
MAX_URL_LENGTH = 8_192
MAX_NAME_LENGTH = 253
"""Characters of a host's name in the domain name system (RFC 1035)."""
MAX_ADDRESSES = 4
"""Addresses of one name that are tried, with an equal share of the time each."""
_RECORD_BYTES = 16 * 1024
"""What TLS sends in one record: more in one write could outlast its time limit."""
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
# The last label begins with a letter, which no spelling of an IPv4 address does.
_NAME = re.compile(rf"(?:{_LABEL}\.)+(?=[a-z]){_LABEL}")
_UNKNOWN_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


def resolve(host: str) -> Sequence[str]:
    """Return the IP addresses of a name in the order they should be tried; raise `OSError`."""
    found = socket.getaddrinfo(host, HTTPS_PORT, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def checked_url(text: str) -> httpx.URL:
    """Return the https address of a named host; raise `InvalidRequestError`.

    No other port, no user or password, no IP addresses, and no names without a dot: what these
    mean differs from machine to machine.
    """
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise _refused_address() from error
    is_plain = url.scheme == "https" and url.port in {None, HTTPS_PORT} and not url.userinfo
    if not (is_plain and len(text) <= MAX_URL_LENGTH and _is_name(url.raw_host.decode("ascii"))):
        raise _refused_address()
    return url


class Deadline:
    """A moment by which everything must be done."""

    def __init__(self, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._end = monotonic() + seconds

    def left(self) -> float:
        """Return the seconds until then; raise `UnavailableError` if there are none."""
        left = self._end - self._monotonic()
        if left <= 0:
            raise _too_slow()
        return left


@dataclass(frozen=True, kw_only=True)
class PublicHttps:
    """Sends requests to public https addresses, without proxies, cookies or redirects.

    `resolve` returns the IP addresses of a name or raises `OSError`, `is_public` tells which of
    them may be connected to, `port` is where; `tls` verifies the certificate for the name. Threads
    can share one object.
    """

    resolve: Callable[[str], Sequence[str]] = resolve
    is_public: Callable[[str], bool] = is_public
    port: int = HTTPS_PORT
    tls: ssl.SSLContext = field(default_factory=httpcore.default_ssl_context)

    @contextmanager
    def request(
        self,
        method: str,
        url: httpx.URL,
        *,
        headers: Mapping[str, str],
        content: bytes | None = None,
        deadline: Deadline,
    ) -> Iterator[httpcore.Response]:
        """Return the answer to one request, its body still to be read, for the block.

        `url` is one that `checked_url` returned. Raises, also while the body is read,
        `InvalidRequestError` unless all addresses of the host are public and it has a valid
        certificate, and `UnavailableError` when it cannot be reached or does not answer in time.
        """
        target = httpcore.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=None, target=url.raw_path
        )
        connection = httpcore.HTTPConnection(
            target.origin, ssl_context=self.tls, network_backend=_Checked(self, deadline)
        )
        with (
            _errors(),
            connection,
            connection.stream(method, target, headers=list(headers.items()), content=content) as it,
        ):
            yield it

    def addresses(self, host: str, deadline: Deadline) -> Sequence[str]:
        """Return the IP addresses of a host; raise as `request` does."""
        # Looking up a name has no time limit of its own.
        pool = ThreadPoolExecutor(max_workers=1)
        try:
            found = pool.submit(self.resolve, host).result(deadline.left())
        except TimeoutError as error:
            raise _too_slow() from error
        except OSError as error:
            if isinstance(error, socket.gaierror) and error.errno in _UNKNOWN_NAME:
                message = "The host of the address is not known"
                raise InvalidRequestError(message) from error
            raise _unreachable() from error
        finally:
            pool.shutdown(wait=False)
        if not found or not all(map(self.is_public, found)):
            raise _refused_address()
        return found[:MAX_ADDRESSES]


def content_of(response: httpcore.Response, limit: int) -> bytes:
    """Return the body of an answer; raise `InvalidRequestError` if it has more bytes than that."""
    content = bytearray()
    for part in response.iter_stream():
        content += part
        if len(content) > limit:
            message = f"The content of the address has more than {limit} bytes"
            raise InvalidRequestError(message)
    return bytes(content)


class _Checked(httpcore.NetworkBackend):
    """Connects to checked addresses of a host, within a deadline."""

    def __init__(self, https: PublicHttps, deadline: Deadline) -> None:
        self._https = https
        self._deadline = deadline
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,  # noqa: ARG002 - always the same one
        timeout: float | None = None,  # noqa: ARG002 - the deadline counts
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Return a connection to the first address that takes one."""
        addresses = self._https.addresses(host, self._deadline)
        for waiting in range(len(addresses), 0, -1):
            seconds = self._deadline.left() / waiting
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                stream = self._sockets.connect_tcp(
                    addresses[-waiting], self._https.port, seconds, local_address, socket_options
                )
                return _Timed(stream, self._deadline)
        raise _unreachable()


class _Timed(httpcore.NetworkStream):
    """A connection on which nothing lasts longer than until a deadline."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        """Return what has come."""
        return self._stream.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        """Send everything."""
        for start in range(0, len(buffer), _RECORD_BYTES):
            part = buffer[start : start + _RECORD_BYTES]
            self._stream.write(part, self._deadline.left())

    def close(self) -> None:
        """Hang up."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        """Return the same connection, encrypted."""
        left = self._deadline.left()
        return _Timed(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> object:
        """Return what httpcore asks of a connection."""
        return self._stream.get_extra_info(info)


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except httpcore.TimeoutException as error:
        raise _too_slow() from error
    except httpcore.ConnectError as error:
        if isinstance(error.__cause__, ssl.SSLCertVerificationError):
            message = "The host of the address has no valid certificate for its name"
            raise InvalidRequestError(message) from error
        raise _unreachable() from error
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise _unreachable() from error


def _is_name(host: str) -> bool:
    return len(host) <= MAX_NAME_LENGTH and _NAME.fullmatch(host) is not None


def _refused_address() -> InvalidRequestError:
    return InvalidRequestError(
        "The address must be https://, with the name of a public host, and no port or user"
    )


def _too_slow() -> UnavailableError:
    return UnavailableError("The host of the address did not answer in time")


def _unreachable() -> UnavailableError:
    return UnavailableError("The host of the address cannot be reached")
