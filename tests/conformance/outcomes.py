"""What came of a client's calls, and the plays in which they are made."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import httpx

from tests.callers import LiveService, credentials
from tests.conformance.clients import Client, Driver, RaisedError
from tests.conformance.deviations import DEVIATIONS, Deviation
from tests.conformance.shapes import difference

Result: TypeAlias = Literal["ok", "client", "failed"]


@dataclass(frozen=True)
class Outcome:
    """What one call came to: it went as documented, or the client cannot, or we failed."""

    client: Client
    method: str
    result: Result
    detail: str = ""


class FailedCallError(Exception):
    """A call failed, so that what follows it makes no sense."""


@dataclass
class Play:
    """Calls of one client to a service, in projects of their own; keeps every outcome."""

    client: Client
    driver: Driver
    service: LiveService
    read: Callable[[Any], Any] = lambda answer: answer
    """Undoes what a client does to the names in an answer."""
    outcomes: list[Outcome] = field(default_factory=list)
    key: str = ""

    def begin(self, host: str = "") -> None:
        """Make the client anew, with a key of a project that has nothing."""
        self.key = self.service.new_key()
        self.driver.open(self.client, host or self.service.address, self.key)

    def call(
        self,
        method: str,
        *args: Any,  # noqa: ANN401 - any JSON
        shape: Any,  # noqa: ANN401 - whatever pydantic takes
        **options: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        """Return what a method answers if it is of the shape; raise `FailedCallError` otherwise.

        For what the client is known not to be able to, it returns None.
        """
        deviation = DEVIATIONS.get((self.client.label, method))
        try:
            answer = self.read(self.driver.call(method, *args, **options))
        except RaisedError as error:
            return self._judge(method, error, deviation)
        missing = difference(answer, shape) or (deviation and "it works against expectation")
        if missing:
            raise self._failure(method, missing)
        self._keep(method, "ok")
        return answer

    def send(self, method: str, path: str, body: Any = None) -> Any:  # noqa: ANN401 - any JSON
        """Return what the service answers without the client; raise unless it is a success."""
        with httpx.Client(base_url=self.service.address, headers=credentials(self.key)) as http:
            return http.request(method, path, json=body).raise_for_status().json()

    def file(self, name: str, text: str) -> str:
        """Return the path of a file with this text that the client can read."""
        path = self.driver.home / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def perform(self, scene: Callable[["Play"], None]) -> None:
        """Play a scene in a project of its own; a failure ends it, but not the play."""
        self.begin()
        try:
            scene(self)
        except FailedCallError:
            return
        except (AssertionError, httpx.HTTPError, KeyError, TypeError) as error:
            told = " ".join(str(error).split())[:200]
            self._keep(scene.__name__, "failed", f"{type(error).__name__}: {told}")

    def finish(self) -> None:
        """Take note of the methods that were not called, and those that cannot be."""
        called = {outcome.method for outcome in self.outcomes}
        for method in self.driver.methods():
            if method not in called:
                self._keep(method, "failed", "it was never called")

    def _judge(self, method: str, error: RaisedError, deviation: Deviation | None) -> None:
        if deviation is None or not deviation.explains(error):
            raise self._failure(method, str(error))
        self._keep(method, "client", deviation.reason)

    def _failure(self, method: str, detail: str) -> FailedCallError:
        self._keep(method, "failed", detail)
        return FailedCallError(detail)

    def _keep(self, method: str, result: Result, detail: str = "") -> None:
        self.outcomes.append(Outcome(self.client, method, result, detail))
