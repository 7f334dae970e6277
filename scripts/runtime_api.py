"""Runs a built function in a process of its own, as Lambda does.

The API between Lambda and a function's process is documented in the Lambda developer guide, "Using
the Lambda runtime API for custom runtimes".
"""

import json
import os
import re
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from typing import Any, ClassVar, Final, Self

import click

from scripts.artefacts import Artefact
from scripts.interpreter import RUNTIME

PREFIX: Final = "/2018-06-01/runtime"
ACCOUNT: Final = "000000000000"
REGION: Final = "us-east-1"
"""For functions whose caller exported none; nothing is called there."""
INIT_SECONDS: Final = 60
"""Lambda allows 10 s; a busy machine may need longer, and the time that it took is shown."""
POLL_SECONDS: Final = 0.05
STOP_SECONDS: Final = 5
STANDARD_ERROR: Final = 2


class FunctionFailedError(click.ClickException):
    """A function's init failed, or it gave no answer."""


@dataclass(frozen=True)
class Report:
    """What the function's process said: `next` for an event, or an answer with its body."""

    kind: str
    body: bytes = b""
    at: float = field(default_factory=time.perf_counter)


@dataclass(frozen=True)
class Answer:
    """What an invocation came to: what the handler returned, or the error that it raised."""

    value: Any
    is_error: bool
    milliseconds: float


@dataclass
class RunningFunction:
    """A function whose init is done; `init_milliseconds` is what it took, process start included.

    It takes one event at a time, as on Lambda.
    """

    artefact: Artefact
    init_milliseconds: float
    _process: subprocess.Popen[bytes]
    _api: "_RuntimeApi"

    def invoke(self, event: object) -> Answer:
        """Return what the handler makes of an event.

        Raises `FunctionFailedError` if the process ended or the function's time was up; the
        process is of no use then.
        """
        start = time.perf_counter()
        self._api.events.put(json.dumps(event).encode())
        limit = self.artefact.timeout_seconds
        report = _report(self._api, self._process, limit, f"timed out after {limit} s")
        _report(self._api, self._process, limit, "did not ask for another event")
        value = json.loads(report.body)
        return Answer(value, report.kind == "error", (report.at - start) * 1000)


@contextmanager
def running(
    artefact: Artefact, python: Path, runtime: Path, environment: Mapping[str, str]
) -> Iterator[RunningFunction]:
    """Start a function and yield it when its init is done; end its process with the block.

    `runtime` holds what Lambda has itself: awslambdaric and boto3. `environment` is added to what
    the template says; its PYTHONPATH is searched last. Raises `FunctionFailedError` if the init
    fails, with the function's own reason.
    """
    with _RuntimeApi(artefact) as api:
        variables = _environment(artefact, runtime, environment, api.server_port)
        start = time.perf_counter()
        # Without site: the interpreter's own packages are not there on Lambda.
        process = subprocess.Popen(  # noqa: S603 - an interpreter of this machine
            [str(python), "-S", "-m", "awslambdaric", artefact.handler],
            cwd=artefact.folder,
            env=variables,
            stdout=STANDARD_ERROR,
        )
        try:
            ready = _report(api, process, INIT_SECONDS, f"was not ready after {INIT_SECONDS} s")
            yield RunningFunction(artefact, (ready.at - start) * 1000, process, api)
        finally:
            process.kill()
            process.wait(STOP_SECONDS)


def _environment(
    artefact: Artefact, runtime: Path, environment: Mapping[str, str], port: int
) -> dict[str, str]:
    """Return the variables of the Lambda developer guide's list, the template's, and the rest."""
    last = [environment["PYTHONPATH"]] if "PYTHONPATH" in environment else []
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or REGION
    return {
        "PATH": os.defpath,
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{RUNTIME}",
        "AWS_LAMBDA_FUNCTION_NAME": artefact.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(artefact.memory_megabytes),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
        "LAMBDA_TASK_ROOT": str(artefact.folder),
        "_HANDLER": artefact.handler,
        **artefact.environment,
        **environment,
        "PYTHONPATH": os.pathsep.join((artefact.search_path, str(runtime), *last)),
        # Nothing can be written beside the code there.
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _report(
    api: "_RuntimeApi", process: subprocess.Popen[bytes], seconds: float, too_late: str
) -> Report:
    """Return what the process says next; raise `FunctionFailedError` if it says nothing in time."""
    deadline = time.monotonic() + seconds
    name = api.artefact.name
    while time.monotonic() < deadline:
        is_over = process.poll() is not None
        try:
            report = api.reports.get(timeout=POLL_SECONDS)
        except Empty:
            if is_over:
                message = f"{name} ended with exit status {process.returncode}"
                raise FunctionFailedError(message) from None
            continue
        if report.kind == "init":
            error = json.loads(report.body)
            message = f"{name} cannot start: {error['errorType']}: {error['errorMessage']}"
            raise FunctionFailedError(message)
        return report
    message = f"{name} {too_late}"
    raise FunctionFailedError(message)


class _RuntimeApi(ThreadingHTTPServer):
    """Hands events to one process on a free loopback port and collects what it says."""

    daemon_threads = True

    def __init__(self, artefact: Artefact) -> None:
        super().__init__(("127.0.0.1", 0), _Requests)
        self.artefact = artefact
        self.events: Queue[bytes | None] = Queue()
        self.reports: Queue[Report] = Queue()
        self._thread = threading.Thread(target=self.serve_forever, args=(POLL_SECONDS,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.events.put(None)
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a connection that broke: `_report` tells of the process's end."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type] # as it came


class _Requests(BaseHTTPRequestHandler):
    """The requests of the process on one connection."""

    server: _RuntimeApi
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    _ANSWERS: ClassVar = re.compile(rf"{PREFIX}/(?:(init)/error|invocation/[^/]+/(response|error))")

    def do_GET(self) -> None:
        """Answer with the next event, when there is one."""
        if self.path != f"{PREFIX}/invocation/next":
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self.server.reports.put(Report("next"))
        event = self.server.events.get()
        if event is None:
            self.close_connection = True
            return
        artefact = self.server.artefact
        deadline = int((time.time() + artefact.timeout_seconds) * 1000)
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{artefact.name}"
        headers = {
            "Lambda-Runtime-Aws-Request-Id": str(uuid.uuid4()),
            "Lambda-Runtime-Deadline-Ms": str(deadline),
            "Lambda-Runtime-Invoked-Function-Arn": arn,
        }
        self._answer(HTTPStatus.OK, event, headers)

    def do_POST(self) -> None:
        """Take an answer, an error, or the reason why the init failed."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        found = self._ANSWERS.fullmatch(self.path)
        if found is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self._answer(HTTPStatus.ACCEPTED, b'{"status":"OK"}', {})
        self.server.reports.put(Report(found[1] or found[2], body))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as above
        """Say nothing: what the function itself logs is enough."""

    def _answer(self, status: HTTPStatus, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
