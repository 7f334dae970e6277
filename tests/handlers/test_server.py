"""The local server, spoken to by a real client over a real socket, and in process."""

import asyncio
import base64
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

import httpx
import pytest

from recollect.domain.errors import InvalidRequestError, UnavailableError
from recollect.entrypoints.invocation import (
    MAX_PAYLOAD_BYTES,
    GatewayTransport,
    Handler,
    LambdaContext,
)
from recollect.entrypoints.route_table import Route, RouteTable
from recollect.entrypoints.server import LocalGateway, bind, serve

CROWD = 8
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EVERYONE = threading.Barrier(CROWD, timeout=10)
ECHO = Route("echo", "ANY", "/echo/{rest+}")
ROUTES = RouteTable(
    (
        ECHO,
        Route("crowd", "GET", "/crowd"),
        Route("broken", "POST", "/broken"),
        Route("malformed", "GET", "/malformed"),
        Route("text", "ANY", "/text"),
        Route("cookies", "GET", "/cookies"),
        Route("binary", "GET", "/binary"),
        Route("nothing", "DELETE", "/nothing"),
        Route("missing", "ANY", "$default"),
    )
)


def a_reply(body: str, **changes: object) -> dict[str, Any]:
    return {"statusCode": 200, "headers": {"Content-Type": "text/plain"}, "body": body} | changes


def echo(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    return a_reply(json.dumps(event), headers={"Content-Type": "application/json"})


def crowd(_event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    EVERYONE.wait()
    return a_reply("together")


def broken(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    raise ValueError(event["body"])


def missing(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    return a_reply(
        json.dumps({"route": event["routeKey"], "path": event["rawPath"]}), statusCode=404
    )


HANDLERS: dict[str, Handler] = {
    "echo": echo,
    "crowd": crowd,
    "broken": broken,
    "missing": missing,
    "malformed": lambda _event, _context: a_reply("ok", statusCode="200"),
    "text": lambda _event, _context: a_reply("text"),
    "cookies": lambda _event, _context: a_reply("", cookies=["a=1; Path=/", "b=2; Path=/"]),
    "binary": lambda _event, _context: a_reply("AP+A", isBase64Encoded=True),
    "nothing": lambda _event, _context: {"statusCode": 204},
}


def ids() -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"request-{next(numbers)}"


def a_gateway(
    handlers: dict[str, Handler] = HANDLERS, routes: RouteTable = ROUTES, *, threads: int = CROWD
) -> LocalGateway:
    return LocalGateway(handlers, routes, now=lambda: NOW, new_id=ids(), threads=threads)


class EnoughError(Exception):
    """What `on_ready` raises to stop the server."""


@contextmanager
def served(gateway: LocalGateway) -> Iterator[str]:
    listener = bind("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    ready, enough = threading.Event(), threading.Event()

    def on_ready() -> None:
        ready.set()
        enough.wait()
        raise EnoughError

    def run() -> None:
        with suppress(EnoughError):
            serve(gateway, socket=listener, on_ready=on_ready)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert ready.wait(10)
        yield url
    finally:
        enough.set()
        thread.join(10)
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with served(a_gateway()) as url:
        yield url


@pytest.fixture(params=["socket", "in process"])
def client(request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    url, transport = "http://127.0.0.1:8080", None
    if request.param == "socket":
        url = request.getfixturevalue("server")
    else:
        transport = GatewayTransport(HANDLERS, ROUTES, now=lambda: NOW, new_id=ids())
    with httpx.Client(base_url=url, transport=transport, timeout=20) as client:
        yield client


# What both fronts do


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("/echo/al%20ice%2Fx/", "/echo/al ice/x/"),
        ("/echo/caf%C3%A9", "/echo/café"),
        ("/echo/%FF", "/echo/\N{REPLACEMENT CHARACTER}"),
        ("/echo//twice//", "/echo//twice//"),
        ("/echo/a%3Fb%23c", "/echo/a?b#c"),
    ],
)
def test_functions_see_decoded_paths(client: httpx.Client, raw: str, path: str) -> None:
    event = client.get(raw).json()

    assert event["rawPath"] == path
    assert event["routeKey"] == "ANY /echo/{rest+}"
    assert event["pathParameters"] == {"rest": path.removeprefix("/echo/")}


def test_a_path_that_begins_with_two_slashes_stays_so(client: httpx.Client) -> None:
    url = client.base_url.copy_with(raw_path=b"//echo/x")

    response = client.send(httpx.Request("GET", url))

    assert response.json() == {"route": "$default", "path": "//echo/x"}


def test_repeated_query_parameters_are_joined(client: httpx.Client) -> None:
    event = client.get("/echo/x?id=1&id=2&q=a%20b%2Bc").json()

    assert event["rawQueryString"] == "id=1&id=2&q=a%20b%2Bc"
    assert event["queryStringParameters"] == {"id": "1,2", "q": "a b+c"}


def test_cookies_arrive_as_a_list(client: httpx.Client) -> None:
    event = client.get("/echo/x", headers={"cookie": "a=1; b=2"}).json()

    assert event["cookies"] == ["a=1", "b=2"]
    assert "cookie" not in event["headers"]


def test_cookies_leave_one_by_one(client: httpx.Client) -> None:
    response = client.get("/cookies")

    assert response.headers.get_list("set-cookie") == ["a=1; Path=/", "b=2; Path=/"]


def test_json_arrives_as_text_also_with_delete(client: httpx.Client) -> None:
    event = client.request("DELETE", "/echo/x", json={"ids": ["grüße"]}).json()

    assert event["requestContext"]["http"]["method"] == "DELETE"
    assert json.loads(event["body"]) == {"ids": ["grüße"]}
    assert event["isBase64Encoded"] is False


def test_bytes_arrive_in_base64(client: httpx.Client) -> None:
    sent = bytes(range(256))

    event = client.post("/echo/x", content=sent).json()

    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == sent


def test_bytes_leave_as_bytes(client: httpx.Client) -> None:
    response = client.get("/binary")

    assert response.content == b"\x00\xff\x80"
    assert response.headers["content-length"] == "3"


def test_the_event_says_who_asked_whom_and_when(client: httpx.Client) -> None:
    event = client.get("/echo/x", headers={"user-agent": "agent/1"}).json()

    context = event["requestContext"]
    assert context["http"]["sourceIp"] == event["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert context["http"]["userAgent"] == "agent/1"
    assert context["domainName"] == "127.0.0.1"
    assert context["timeEpoch"] == NOW.timestamp() * 1000
    assert context["requestId"].startswith("request-")


def test_unknown_paths_go_to_the_default_route(client: httpx.Client) -> None:
    response = client.get("/no/such/path")

    assert response.status_code == 404
    assert response.json() == {"route": "$default", "path": "/no/such/path"}


def test_a_head_request_gets_the_headers_alone(client: httpx.Client) -> None:
    response = client.head("/text")

    assert response.status_code == 200
    assert response.headers["content-length"] == "4"
    assert response.content == b""


def test_an_options_request_is_a_request_like_others(client: httpx.Client) -> None:
    response = client.options("/text")

    assert (response.status_code, response.text) == (200, "text")


def test_a_response_may_have_no_body(client: httpx.Client) -> None:
    response = client.delete("/nothing")

    assert (response.status_code, response.content) == (204, b"")
    assert "content-length" not in response.headers


def test_a_failing_function_says_nothing_of_the_request(
    client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        response = client.post("/broken", json={"text": "a secret"})

    assert response.status_code == 500
    assert set(response.json().values()) == {"Internal Server Error"}
    assert set(response.json()) == {"detail", "error", "message"}
    assert "function broken failed on request request-" in caplog.text
    assert "ValueError" in caplog.text
    assert "in broken" in caplog.text
    assert "secret" not in caplog.text
    assert client.get("/text").status_code == 200


def test_a_malformed_result_is_a_defect(
    client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    response = client.get("/malformed")

    assert response.status_code == 500
    assert "MalformedResultError" in caplog.text


@pytest.mark.parametrize(
    ("size", "content_type"),
    [
        (MAX_PAYLOAD_BYTES + 1, "text/plain"),
        (MAX_PAYLOAD_BYTES * 3 // 4, "application/octet-stream"),
    ],
)
def test_a_body_that_is_no_event_is_refused(
    client: httpx.Client, size: int, content_type: str
) -> None:
    headers = {"content-type": content_type}

    response = client.post("/echo/x", content=b"x" * size, headers=headers)

    assert response.status_code == 413
    assert set(response.json()) == {"detail", "error", "message"}
    assert "too large" in response.json()["detail"]
    assert client.get("/text").status_code == 200


def test_what_escapes_make_too_large_is_refused(client: httpx.Client) -> None:
    body = b"\x01" * (MAX_PAYLOAD_BYTES // 6)

    response = client.post("/text", content=body, headers={"content-type": "text/plain"})

    assert response.status_code == 413


@pytest.mark.parametrize(
    ("size", "content_type"),
    [
        (MAX_PAYLOAD_BYTES - 4096, "text/plain"),
        (MAX_PAYLOAD_BYTES * 3 // 4 - 4096, "application/octet-stream"),
    ],
)
def test_a_body_that_just_fits_is_taken(client: httpx.Client, size: int, content_type: str) -> None:
    headers = {"content-type": content_type}

    response = client.post("/text", content=b"x" * size, headers=headers)

    assert response.status_code == 200


def test_without_a_default_route_unknown_paths_are_not_found() -> None:
    routes = RouteTable((ECHO,))
    transport = GatewayTransport(HANDLERS, routes, now=lambda: NOW, new_id=ids())
    with httpx.Client(transport=transport, base_url="http://local") as client:
        response = client.get("/nowhere")

    assert response.status_code == 404
    assert response.json() == dict.fromkeys(("detail", "error", "message"), "Not Found")


def test_a_route_without_a_handler_fails_at_the_start() -> None:
    with pytest.raises(InvalidRequestError, match="no handler: echo"):
        a_gateway({}, RouteTable((ECHO,)))


# The socket


def test_requests_are_served_at_once(server: str) -> None:
    with httpx.Client(base_url=server, timeout=20) as client, ThreadPoolExecutor(CROWD) as threads:
        answers = list(threads.map(lambda _: client.get("/crowd").text, range(CROWD)))

    assert answers == ["together"] * CROWD


def test_a_body_without_an_end_is_cut_off_at_the_limit(server: str) -> None:
    head = "POST /text HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = "10000\r\n" + "x" * 65536 + "\r\n"

    answer = talk(server, head + chunk * (MAX_PAYLOAD_BYTES // 65536 + 1))

    assert answer.startswith("HTTP/1.1 413 ")


def test_a_body_announced_too_large_is_refused_before_it_is_sent(server: str) -> None:
    head = "POST /text HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n"

    assert talk(server, head).startswith("HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("nonsense\r\n\r\n", 400),
        ("GET /caf\N{LATIN SMALL LETTER E WITH ACUTE} HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET /text HTTP/1.1\r\n\r\n", 400),
        ("GET /text HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        ("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET http://x/text HTTP/1.1\r\nHost: x\r\n\r\n", 200),
        ("GET http://x HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        ("GET /text HTTP/1.0\r\n\r\n", 200),
    ],
)
def test_requests_by_hand(server: str, head: str, status: int) -> None:
    answer = talk(server, head)

    assert answer.startswith(f"HTTP/1.1 {status} ")
    if status == 400:
        assert set(json.loads(answer.partition("\r\n\r\n")[2])) == {"detail", "error", "message"}


def test_half_a_body_is_never_served() -> None:
    bodies: list[object] = []
    sent: list[object] = []
    messages: Iterator[dict[str, Any]] = iter(
        [
            {"type": "http.request", "body": b"half", "more_body": True},
            {"type": "http.disconnect"},
        ]
    )
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "raw_path": b"/",
        "query_string": b"",
        "headers": [],
        "client": None,
    }

    def keep(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
        bodies.append(event.get("body"))
        return a_reply("")

    async def receive() -> MutableMapping[str, Any]:
        return next(messages)

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    gateway = a_gateway({"keep": keep}, RouteTable((Route("keep", "POST", "/"),)))
    asyncio.run(gateway(scope, receive, send))

    assert (bodies, sent) == ([], [])


def connected(url: str) -> socket.socket:
    parsed = httpx.URL(url)
    return socket.create_connection((parsed.host, parsed.port or 80), timeout=10)


def talk(url: str, head: str) -> str:
    """Return the server's answer to bytes that no client library would send."""
    with connected(url) as connection:
        connection.sendall(head.encode("latin-1"))
        answer = connection.recv(65536)
        while b"content-length: " in answer and answer.endswith(b"\r\n\r\n"):
            answer += connection.recv(65536)
    return answer.decode("latin-1")


def test_on_ready_can_speak_to_the_server() -> None:
    listener = bind("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/text"

    def on_ready() -> None:
        raise EnoughError(httpx.get(url).text)

    with pytest.raises(EnoughError, match="text"):
        serve(a_gateway(), socket=listener, on_ready=on_ready)


def test_a_stopped_server_leaves_its_port_free() -> None:
    def stop() -> None:
        raise EnoughError

    listener = bind("127.0.0.1", 0)
    port = listener.getsockname()[1]
    with pytest.raises(EnoughError):
        serve(a_gateway(), socket=listener, on_ready=stop)

    with pytest.raises(EnoughError):
        serve(a_gateway(), host="127.0.0.1", port=port, on_ready=stop)


def test_a_taken_port_is_one_clear_line() -> None:
    with bind("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]

        with pytest.raises(UnavailableError, match=rf"^Port {port} is taken: [^\n]+$"):
            bind("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "port", "reason"),
    [("127.0.0.1", 65536, "from 0 to 65535"), ("192.0.2.1", 0, "Cannot listen on 192.0.2.1")],
)
def test_an_address_that_cannot_be_had_is_one_clear_line(host: str, port: int, reason: str) -> None:
    with pytest.raises(UnavailableError, match=rf"^[^\n]*{reason}[^\n]*$"):
        bind(host, port)


SCRIPT = """
import sys
from datetime import UTC, datetime
from recollect.entrypoints.route_table import Route, RouteTable
from recollect.entrypoints.server import LocalGateway, bind, serve

def wait(event, context):
    print("running", flush=True)
    sys.stdin.readline()
    return {"statusCode": 200, "body": "finished"}

routes = RouteTable((Route("wait", "GET", "/wait"),))
gateway = LocalGateway({"wait": wait}, routes, now=lambda: datetime.now(UTC), new_id=str)
listener = bind("127.0.0.1", 0)
print(listener.getsockname()[1], flush=True)
serve(gateway, socket=listener)
print("cleaned up", flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_running_requests_finish_and_the_caller_clean_up(
    number: signal.Signals,
) -> None:
    command = [sys.executable, "-c", SCRIPT]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    pipes = partial(subprocess.Popen, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with pipes(command, env=environment) as process, ThreadPoolExecutor(1) as thread:
        assert process.stdin is not None
        assert process.stdout is not None
        url = f"http://127.0.0.1:{int(process.stdout.readline())}/wait"
        answer = thread.submit(httpx.get, url, timeout=20)
        assert process.stdout.readline() == "running\n"

        process.send_signal(number)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.stdin.write("go on\n")
        process.stdin.flush()

        assert answer.result().text == "finished"
        assert process.stdout.read() == "cleaned up\n"
    assert process.returncode == 0


# The context


def test_a_context_knows_its_function_and_its_deadline() -> None:
    times = iter([NOW, NOW + timedelta(seconds=10), NOW + timedelta(seconds=31)])
    seen: list[object] = []

    def look(_event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        seen.extend(
            [
                context.function_name,
                context.aws_request_id,
                context.get_remaining_time_in_millis(),
                context.get_remaining_time_in_millis(),
                context.invoked_function_arn.rpartition(":")[2],
                context.memory_limit_in_mb > 0,
            ]
        )
        return a_reply("")

    routes = RouteTable((Route("look", "GET", "/"),))
    transport = GatewayTransport({"look": look}, routes, now=lambda: next(times), new_id=ids())
    with httpx.Client(transport=transport, base_url="http://local") as client:
        client.get("/")

    assert seen == ["look", "request-1", 20_000, 0, "look", True]
