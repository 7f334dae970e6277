"""Webhooks are sent to public https addresses only, whatever these turn out to be."""

import time
from collections.abc import Iterator, Mapping, Sequence

import pytest

from recollect.adapters.web.addresses import is_public
from recollect.adapters.web.public_https import PublicHttps
from recollect.adapters.web.webhooks import TIME_LIMIT_SECONDS, PublicWebhookSender
from recollect.bootstrap import webhooks
from recollect.domain.errors import InvalidRequestError, UnavailableError
from recollect.ports.webhooks import WebhookSender
from tests.contract.tls_server import (
    HERE,
    HOST,
    Names,
    Request,
    TlsServer,
    hang,
    https_to,
    serving,
)

URL = f"https://{HOST}/hook"
BODY = '{"event_id": "é"}'.encode()
HEADERS = {"Content-Type": "application/json", "X-Recollect-Signature": "t=1,v1=ab"}
MEGABYTE = 1024 * 1024


def pour(request: Request) -> None:
    """Answer with far more than anybody wants, unless they hang up."""
    request.begin(200, 1_000 * MEGABYTE)
    for _ in range(1_000):
        request.wfile.write(bytes(MEGABYTE))
    request.server.closing.set()


def drip(request: Request) -> None:
    """Never come to the end of the answer's head."""
    request.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while not request.server.closing.wait(0.05):
        request.wfile.write(b"x: y\r\n")


ANSWERERS = {
    "/hook": lambda request: request.answer(204),
    "/refusing": lambda request: request.answer(503, b"busy"),
    "/gone": lambda request: request.answer(410),
    "/redirect": lambda request: request.answer(307, location="https://inside.example/admin"),
    "/here": lambda request: request.answer(302, location="/hook"),
    "/pour": pour,
    "/hang": hang,
    "/drip": drip,
}


@pytest.fixture
def server() -> Iterator[TlsServer]:
    with serving(ANSWERERS) as server:
        yield server


def sender_to(
    server: TlsServer, names: Names | None = None, *, seconds: float = 5.0
) -> WebhookSender:
    return PublicWebhookSender(https_to(server, names or Names({HOST: [HERE]})), seconds)


def test_a_body_is_posted_with_its_headers_and_nothing_about_us(server: TlsServer) -> None:
    sender = sender_to(server)

    assert sender.send(f"{URL}?key=1", BODY, HEADERS) == 204

    [request] = server.seen
    assert (request.command, request.path, request.content) == ("POST", "/hook?key=1", BODY)
    assert dict(request.headers) == {
        "Host": HOST,
        **HEADERS,
        "User-Agent": "recollect",
        "Content-Length": str(len(BODY)),
    }


@pytest.mark.parametrize(
    ("path", "status"), [("refusing", 503), ("gone", 410), ("redirect", 307), ("here", 302)]
)
def test_any_status_is_an_answer_and_redirects_are_not_followed(
    server: TlsServer, path: str, status: int
) -> None:
    names = Names({HOST: [HERE], "inside.example": [HERE]})

    assert sender_to(server, names).send(f"https://{HOST}/{path}", BODY, {}) == status

    assert names.asked == [HOST]
    assert [request.path for request in server.seen] == [f"/{path}"]


def test_the_content_of_an_answer_is_not_read(server: TlsServer) -> None:
    assert sender_to(server).send(f"https://{HOST}/pour", BODY, {}) == 200

    assert not server.closing.is_set()


@pytest.mark.parametrize("path", ["hang", "drip"])
def test_who_does_not_answer_in_time_is_left(server: TlsServer, path: str) -> None:
    start = time.monotonic()

    with pytest.raises(UnavailableError, match="in time"):
        sender_to(server, seconds=0.3).send(f"https://{HOST}/{path}", BODY, {})

    assert time.monotonic() - start < 3


@pytest.mark.parametrize(
    "addresses",
    [
        ["10.0.0.1"],
        ["169.254.169.254"],
        ["fd00:ec2::254"],
        ["::ffff:127.0.0.2"],
        [HERE, "192.168.1.1"],
        [],
    ],
)
def test_a_name_of_a_private_address_is_refused(
    server: TlsServer, addresses: Sequence[str]
) -> None:
    with pytest.raises(InvalidRequestError):
        sender_to(server, Names({HOST: addresses})).send(URL, BODY, HEADERS)

    assert server.seen == []


def test_a_name_that_becomes_private_is_refused_at_the_next_request(server: TlsServer) -> None:
    addresses = {HOST: [HERE]}
    sender = sender_to(server, Names(addresses))
    sender.send(URL, BODY, HEADERS)
    addresses[HOST] = ["10.0.0.1"]

    with pytest.raises(InvalidRequestError):
        sender.send(URL, BODY, HEADERS)

    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "url",
    [
        f"http://{HOST}/hook",
        f"https://{HOST}:8443/hook",
        f"https://ada@{HOST}/hook",
        f"https://ada:secret@{HOST}/hook",
        f"https://{HOST}@inside.example:80/hook",
        "https://127.0.0.1/hook",
        "https://[::1]/hook",
        "https://0x7f000001/hook",
        "https://localhost/hook",
        "file:///etc/passwd",
        "",
    ],
)
def test_an_address_that_cannot_be_public_is_refused_before_anybody_is_asked(
    server: TlsServer, url: str
) -> None:
    names = Names({})
    sender = sender_to(server, names)

    with pytest.raises(InvalidRequestError, match="https://"):
        sender.check(url)
    with pytest.raises(InvalidRequestError, match="https://"):
        sender.send(url, BODY, HEADERS)

    assert names.asked == []


def test_an_address_is_not_asked_when_it_is_checked(server: TlsServer) -> None:
    names = Names({})

    sender_to(server, names).check(URL)

    assert names.asked == []


@pytest.mark.parametrize("names", [{}, {HOST: [HERE]}], ids=["unknown", "bad certificate"])
def test_an_unknown_name_or_a_bad_certificate_is_refused(
    server: TlsServer, names: Mapping[str, Sequence[str]]
) -> None:
    https = PublicHttps(resolve=Names(names), is_public=lambda _: True, port=server.server_port)

    with pytest.raises(InvalidRequestError):
        PublicWebhookSender(https).send(URL, BODY, HEADERS)

    assert server.seen == []


def test_production_resolves_names_and_lets_only_public_addresses_through() -> None:
    sender = webhooks.webhook_sender()

    assert isinstance(sender, PublicWebhookSender)
    assert sender.https.is_public is is_public
    assert (sender.https.port, sender.seconds) == (443, TIME_LIMIT_SECONDS)
