"""One WebSocket to a Gremlin server, made anew whenever its next answer could be another's."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar

from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, ClientWSTimeout, WSMsgType
from gremlin_python.driver.client import Client
from gremlin_python.driver.protocol import GremlinServerError

from recollect.domain.errors import DefectError, RecollectError, UnavailableError

MAX_TRIES = 8
FIRST_PAUSE_SECONDS = 0.01
LONGEST_PAUSE_SECONDS = 0.4
"""Pauses are drawn from 0 to a bound that doubles up to this: about 0.7 s over all tries."""
GOODBYE_SECONDS = 0.2
"""How long a server that is left may take to say goodbye."""
LARGEST_ANSWER_BYTES = 10 * 1024 * 1024
"""Of one message; the driver's own bound. Longer answers come in several."""

READ_ONLY = "ReadOnlyViolation"
"""What a Neptune instance answers that was the writer when the connection was made."""
CONFLICTS = (
    READ_ONLY,
    "ConcurrentModification",
    "with id already exists",
    "element modified in another transaction",
)
"""Parts of answers after which the same traversal may succeed: Neptune's codes, then what Gremlin
Server says to one of two that make the same vertex, or change one, at once."""
DEFECTS = (
    "IllegalArgument",
    "InvalidParameter",
    "MalformedQuery",
    "UnsupportedOperation",
)
DEFECT_STATUSES = frozenset({498, 499, 597, 599})
"""Malformed, invalid, failed to compile, cannot be serialised:
https://tinkerpop.apache.org/docs/3.7.3/dev/provider/#_graph_driver_provider_requirements"""

Result = TypeVar("Result")


@dataclass
class GremlinConnection:
    """The connection of a process to the server at `url`; made when it is first needed.

    `timeout_seconds` bounds all that one try takes, the handshake included. `sign` returns the
    headers of a handshake, anew for each, since a signature lasts minutes. It is for any thread,
    one at a time. `sleep` takes seconds; `chance` is from 0 to 1.
    """

    url: str
    sign: Callable[[], Mapping[str, str]]
    timeout_seconds: float
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.SystemRandom().random
    """Not seeded: environments that start from one snapshot must not pause alike."""
    _lock: Lock = field(default_factory=Lock, init=False, repr=False)
    _wire: "_Wire | None" = field(default=None, init=False, repr=False)

    def ask(self, traversal: Any) -> list[Any]:  # noqa: ANN401 - the driver has no types
        """Return what a traversal yields, which must be safe to repeat.

        It is repeated once, at once, if the connection breaks, and with pauses after conflicts;
        not after a time-out, which whoever waits has waited for. Raises `UnavailableError`, and
        `DefectError` if the server can never do it.
        """
        with gremlin_errors():
            for attempt in range(MAX_TRIES - 1):
                try:
                    return self._ask_connected(traversal.bytecode)
                except GremlinServerError as error:
                    if not _is_any(CONFLICTS, error):
                        raise
                longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**attempt)
                self.sleep(longest * self.chance())
            return self._ask_connected(traversal.bytecode)

    def close(self) -> None:
        """Leave the server; the next question connects again."""
        with self._lock:
            self._drop()

    def _ask_connected(self, bytecode: object) -> list[Any]:
        try:
            return self._ask_once(bytecode)
        except TimeoutError:
            raise
        # The server leaves idle connections, which shows only at the next question.
        except (RuntimeError, ClientError, OSError):
            return self._ask_once(bytecode)

    def _ask_once(self, bytecode: object) -> list[Any]:
        """Ask; keep the connection only if the question was answered, if with a refusal."""
        with self._lock:
            is_sound = False
            try:
                answer = self._connected().ask(bytecode, self.timeout_seconds)
                is_sound = True
            except GremlinServerError as error:
                is_sound = not _is_any((READ_ONLY,), error)
                raise
            finally:
                if not is_sound:
                    self._drop()
        return answer

    def _connected(self) -> "_Wire":
        if self._wire is None:
            self._wire = _Wire(self.url, self.sign())
        return self._wire

    def _drop(self) -> None:
        wire, self._wire = self._wire, None
        if wire:
            wire.close()


@contextmanager
def gremlin_errors() -> Iterator[None]:
    """Raise `UnavailableError` or `DefectError` for whatever keeps the server from an answer.

    The server's own words are not repeated: they can quote names.
    """
    try:
        yield
    except GremlinServerError as error:
        raise _refusal(error) from error
    except TimeoutError as error:
        message = "The graph did not answer in time"
        raise UnavailableError(message) from error
    except (RuntimeError, ClientError, OSError) as error:
        message = f"The graph cannot be reached ({type(error).__name__})"
        raise UnavailableError(message) from error


def _refusal(error: GremlinServerError) -> RecollectError:
    message = f"The graph answered {error.status_code}"
    if _is_any(CONFLICTS, error):
        return UnavailableError(f"{message} (conflict)")
    is_defect = error.status_code in DEFECT_STATUSES or _is_any(DEFECTS, error)
    return DefectError(message) if is_defect else UnavailableError(message)


def _is_any(signs: tuple[str, ...], error: GremlinServerError) -> bool:
    said = [str(error.status_message), *(error.status_attributes or {}).get("exceptions", ())]
    return any(sign in text for sign in signs for text in said)


class _Wire:
    """A client of the driver with one socket, good until something but a refusal goes wrong."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        # It logs questions at DEBUG, and at ERROR whole answers with the server's stack.
        logging.getLogger("gremlinpython").setLevel(logging.CRITICAL)
        self._socket = _Socket()
        self._client = Client(
            url,
            "g",
            transport_factory=lambda: self._socket,
            pool_size=1,
            max_workers=1,
            headers=dict(headers),
        )

    def ask(self, bytecode: object, seconds: float) -> list[Any]:
        """Return what the bytecode yields; the server gives up when we do."""
        self._socket.allow(seconds)
        options = {"evaluationTimeout": max(1, int(seconds * 1000))}
        answer = self._client.submit(bytecode, request_options=options).all().result()
        return [each.object for each in answer for _ in range(each.bulk)]

    def close(self) -> None:
        """Close the socket, which a failed write has taken out of the client's reach."""
        self._client.close()
        self._socket.close()


class _Socket:
    """A WebSocket as the driver wants it, on an event loop of its own.

    The driver's own would wait five minutes for a handshake and ten seconds for a goodbye, takes a
    time-out for each message of an answer, and leaves a session open if it cannot connect.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._deadline = self._loop.time()
        self._session: ClientSession | None = None
        self._websocket: ClientWebSocketResponse | None = None

    def allow(self, seconds: float) -> None:
        """Give everything from now on this long."""
        self._deadline = self._loop.time() + seconds

    def connect(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        self._run(self._open(url, headers))

    def write(self, message: bytes) -> None:
        self._run(self._opened.send_bytes(message))

    def read(self) -> bytes:
        message = self._run(self._opened.receive())
        if message.type is not WSMsgType.BINARY:
            raise ConnectionResetError
        data: bytes = message.data
        return data

    def close(self) -> None:
        if self._loop.is_closed():
            return
        self.allow(2 * GOODBYE_SECONDS)
        try:
            self._run(self._leave())
        finally:
            self._loop.close()

    @property
    def closed(self) -> bool:
        return self._loop.is_closed()

    @property
    def _opened(self) -> ClientWebSocketResponse:
        if self._websocket is None:
            raise ConnectionResetError
        return self._websocket

    def _run(self, doing: Coroutine[Any, Any, Result]) -> Result:
        return self._loop.run_until_complete(self._in_time(doing))

    async def _in_time(self, doing: Coroutine[Any, Any, Result]) -> Result:
        async with asyncio.timeout_at(self._deadline):
            return await doing

    async def _open(self, url: str, headers: Mapping[str, str] | None) -> None:
        self._session = ClientSession()
        self._websocket = await self._session.ws_connect(
            url,
            headers=headers,
            max_msg_size=LARGEST_ANSWER_BYTES,
            timeout=ClientWSTimeout(ws_close=GOODBYE_SECONDS),
        )

    async def _leave(self) -> None:
        if self._websocket:
            await self._websocket.close()
        if self._session:
            await self._session.close()
