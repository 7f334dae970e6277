"""Pictures are fetched from public https addresses only, whatever these turn out to be."""

import base64
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from urllib.parse import parse_qs, urlsplit

import pytest

from recollect.adapters.web.pictures import PublicPictures
from recollect.adapters.web.public_https import Deadline, PublicHttps
from recollect.bootstrap import models
from recollect.domain.attachments import MAX_PICTURE_BYTES
from recollect.domain.errors import InvalidRequestError, UnavailableError
from recollect.ports.models import Image, Pictures
from tests.contract.tls_server import (
    HERE,
    HOST,
    Names,
    Request,
    TlsServer,
    hang,
    here_or_public,
    https_to,
    serving,
    trusting,
)

PNG = b"\x89PNG\r\n\x1a\n and more"
INSIDE = "10.11.12.13"
PICTURE = f"https://{HOST}/picture.png"


def drip(request: Request) -> None:
    request.begin(200, len(PNG))
    for byte in PNG:
        request.wfile.write(bytes([byte]))
        if request.server.closing.wait(0.05):
            return


def pour(request: Request) -> None:
    """Send far more than any picture has, unless somebody hangs up."""
    request.begin(200, 100 * MAX_PICTURE_BYTES)
    for _ in range(100):
        request.wfile.write(bytes(MAX_PICTURE_BYTES))
    request.server.closing.set()


def break_off(request: Request) -> None:
    request.begin(200, 1_000)
    request.wfile.write(PNG)
    request.close_connection = True


def redirect(request: Request) -> None:
    query = parse_qs(urlsplit(request.path).query, keep_blank_values=True)
    request.answer(int(query["status"][0]), location=query["to"][0], set_cookie="a=b")


def status(request: Request) -> None:
    request.answer(int(parse_qs(urlsplit(request.path).query)["is"][0]), PNG)


def count_down(request: Request) -> None:
    left = int(parse_qs(urlsplit(request.path).query)["left"][0])
    if left:
        request.answer(302, LOCATION=f"/times?left={left - 1}")
    else:
        request.answer(200, PNG)


ANSWERERS = {
    "/picture.png": lambda request: request.answer(200, PNG, content_type="text/html"),
    "/page": lambda request: request.answer(200, b"<html>", content_type="image/png"),
    "/nothing": lambda request: request.answer(200),
    "/largest": lambda request: request.answer(200, PNG.ljust(MAX_PICTURE_BYTES, b"\0")),
    "/nowhere": lambda request: request.answer(302),
    "/redirect": redirect,
    "/times": count_down,
    "/drip": drip,
    "/pour": pour,
    "/hang": hang,
    "/break-off": break_off,
    "/status": status,
}


@pytest.fixture
def server() -> Iterator[TlsServer]:
    with serving(ANSWERERS) as server:
        yield server


def pictures_of(
    server: TlsServer, names: Names | None = None, *, seconds: float = 5.0
) -> PublicPictures:
    return PublicPictures(https_to(server, names or Names({HOST: [HERE]})), seconds)


def test_a_picture_at_an_address_is_what_its_bytes_say(server: TlsServer) -> None:
    pictures: Pictures = pictures_of(server)

    assert pictures.fetch(PICTURE) == Image("image/png", PNG)


def test_a_picture_in_a_data_url_needs_nobody() -> None:
    pictures = PublicPictures(PublicHttps(resolve=Names({})))
    data = base64.b64encode(PNG).decode()

    assert pictures.fetch(f"data:image/jpeg;base64,{data}") == Image("image/png", PNG)
    with pytest.raises(InvalidRequestError):
        pictures.fetch(f"data:text/html;base64,{data}")


def test_the_server_learns_the_name_and_nothing_about_us(
    server: TlsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    pictures_of(server).fetch(f"https://{HOST}/redirect?status=302&to=/picture.png")

    assert server.names == [HOST, HOST]
    for request in server.seen:
        assert {name.lower(): value for name, value in request.headers.items()} == {
            "host": HOST,
            "accept": "image/png, image/jpeg, image/gif, image/webp",
            "accept-encoding": "identity",
            "user-agent": "recollect",
        }


@pytest.mark.parametrize("path", ["/page", "/nothing", "/pour"])
def test_what_is_no_picture_or_too_large(server: TlsServer, path: str) -> None:
    with pytest.raises(InvalidRequestError, match=r"PNG, JPEG|bytes"):
        pictures_of(server).fetch(f"https://{HOST}{path}")

    assert not server.closing.is_set()


def test_the_largest_picture(server: TlsServer) -> None:
    assert len(pictures_of(server).fetch(f"https://{HOST}/largest").data) == MAX_PICTURE_BYTES


@pytest.mark.parametrize("status", [204, 206, 304, 400, 401, 403, 404, 410, 418])
def test_an_answer_that_will_stay_the_same(server: TlsServer, status: int) -> None:
    with pytest.raises(InvalidRequestError, match=f"answers {status}"):
        pictures_of(server).fetch(f"https://{HOST}/status?is={status}")


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_an_answer_that_may_be_another_later(server: TlsServer, status: int) -> None:
    with pytest.raises(UnavailableError, match=f"answers {status}"):
        pictures_of(server).fetch(f"https://{HOST}/status?is={status}")


@pytest.mark.parametrize(
    "addresses",
    [
        [INSIDE],
        [HERE, INSIDE],
        [INSIDE, HERE],
        [HERE, "::ffff:10.11.12.13"],
        ["169.254.169.254"],
        ["::1"],
        [HERE, "fd00:ec2::254"],
        [HERE] * 10 + [INSIDE],
        [],
    ],
)
def test_a_name_with_an_address_that_is_not_public(server: TlsServer, addresses: list[str]) -> None:
    with pytest.raises(InvalidRequestError, match="name of a public host") as refused:
        pictures_of(server, Names({HOST: addresses})).fetch(PICTURE)

    assert not server.seen
    assert not server.names
    assert not any(address in str(refused.value) for address in addresses)


def test_a_name_is_asked_for_once_and_what_was_checked_is_connected_to(server: TlsServer) -> None:
    names = Names({HOST: [HERE]})

    pictures_of(server, names).fetch(PICTURE)

    # The name means nothing to this machine: only the address that was checked leads there.
    assert names.asked == [HOST]
    assert len(server.seen) == 1


def test_every_redirect_is_asked_for_and_checked_anew(server: TlsServer) -> None:
    answers = iter([[HERE], [INSIDE]])

    class Rebinding(Names):
        def __call__(self, host: str) -> Sequence[str]:
            self.asked.append(host)
            return next(answers)

    names = Rebinding({})
    with pytest.raises(InvalidRequestError, match="public"):
        pictures_of(server, names).fetch(f"https://{HOST}/redirect?status=302&to=/picture.png")

    assert names.asked == [HOST, HOST]
    assert [request.path for request in server.seen] == ["/redirect?status=302&to=/picture.png"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("to", ["/picture.png", "picture.png", f"//{HOST}/picture.png", PICTURE])
def test_a_redirect_to_a_picture(server: TlsServer, status: int, to: str) -> None:
    url = f"https://{HOST}/redirect?status={status}&to={to}"

    assert pictures_of(server).fetch(url).data == PNG


@pytest.mark.parametrize(
    "to",
    [
        f"http://{HOST}/picture.png",
        "//inside.example/picture.png",
        "https://inside.example/picture.png",
        "https://127.0.0.1/picture.png",
        "https://2130706433/",
        "https://0177.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest/meta-data/iam/security-credentials/",
        f"https://user@{HOST}/picture.png",
        f"https://{HOST}:8443/picture.png",
        "https://localhost/",
        "file:///etc/passwd",
        "data:image/png;base64,iVBORw0KGgo=",
        "https://[",
        ":https://a]",
        "",
    ],
)
def test_a_redirect_to_anything_else(server: TlsServer, to: str) -> None:
    names = Names({HOST: [HERE], "inside.example": [INSIDE]})

    with pytest.raises(InvalidRequestError):
        pictures_of(server, names).fetch(f"https://{HOST}/redirect?status=302&to={to}")

    assert all(request.path.startswith("/redirect") for request in server.seen)


def test_three_redirects_are_followed_and_no_more(server: TlsServer) -> None:
    assert pictures_of(server).fetch(f"https://{HOST}/times?left=3").data == PNG
    server.seen.clear()

    with pytest.raises(InvalidRequestError, match="more than 3"):
        pictures_of(server).fetch(f"https://{HOST}/times?left=4")

    assert len(server.seen) == 4


def test_a_redirect_to_nowhere(server: TlsServer) -> None:
    with pytest.raises(InvalidRequestError, match="answers 302"):
        pictures_of(server).fetch(f"https://{HOST}/nowhere")


@pytest.mark.parametrize("path", ["/drip", "/hang"])
def test_a_server_that_takes_its_time(server: TlsServer, path: str) -> None:
    start = time.monotonic()

    # A byte comes every 50 ms: each wait is short, all of them together are not.
    with pytest.raises(UnavailableError, match="in time"):
        pictures_of(server, seconds=0.3).fetch(f"https://{HOST}{path}")

    assert time.monotonic() - start < 5


def test_a_server_that_never_shakes_hands() -> None:
    with socket.create_server((HERE, 0)) as silent:
        https = PublicHttps(
            resolve=Names({HOST: [HERE]}),
            is_public=here_or_public,
            port=silent.getsockname()[1],
        )

        with pytest.raises(UnavailableError, match="in time"):
            PublicPictures(https, 0.3).fetch(PICTURE)


def test_a_server_that_speaks_no_tls() -> None:
    with socket.create_server((HERE, 0)) as plain:
        https = PublicHttps(
            resolve=Names({HOST: [HERE]}), is_public=here_or_public, port=plain.getsockname()[1]
        )

        def answer() -> None:
            connection, _ = plain.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(UnavailableError, match="cannot be reached"):
            PublicPictures(https).fetch(PICTURE)
        thread.join()


def test_time_that_is_up_is_not_waited_for() -> None:
    times = iter([100.0, 104.0, 105.0])
    deadline = Deadline(5.0, lambda: next(times))

    assert deadline.left() == 1.0
    with pytest.raises(UnavailableError, match="in time"):
        deadline.left()


def test_a_name_server_that_takes_its_time(server: TlsServer) -> None:
    enough = threading.Event()

    class Slow(Names):
        def __call__(self, host: str) -> Sequence[str]:
            enough.wait(10)
            return super().__call__(host)

    start = time.monotonic()
    try:
        with pytest.raises(UnavailableError, match="in time"):
            pictures_of(server, Slow({HOST: [HERE]}), seconds=0.2).fetch(PICTURE)
    finally:
        enough.set()

    assert time.monotonic() - start < 5
    assert not server.names


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), InvalidRequestError),
        (socket.gaierror(socket.EAI_AGAIN, "try again"), UnavailableError),
        (OSError("no network"), UnavailableError),
    ],
)
def test_a_name_that_is_not_found(
    server: TlsServer, error: OSError, expected: type[Exception]
) -> None:
    class Failing(Names):
        def __call__(self, host: str) -> Sequence[str]:
            self.asked.append(host)
            raise error

    with pytest.raises(expected):
        pictures_of(server, Failing({})).fetch(PICTURE)


def test_a_server_that_breaks_off(server: TlsServer) -> None:
    with pytest.raises(UnavailableError, match="cannot be reached"):
        pictures_of(server).fetch(f"https://{HOST}/break-off")


def test_the_next_address_is_tried_when_one_takes_no_connection(server: TlsServer) -> None:
    https = PublicHttps(
        resolve=Names({HOST: ["::1", HERE]}),
        is_public=lambda _: True,
        port=server.server_port,
        tls=trusting(),
    )

    assert PublicPictures(https).fetch(PICTURE).data == PNG


def test_nobody_listens() -> None:
    with socket.create_server((HERE, 0)) as gone:
        port = gone.getsockname()[1]
    https = PublicHttps(resolve=Names({HOST: [HERE]}), is_public=here_or_public, port=port)

    with pytest.raises(UnavailableError, match="cannot be reached"):
        PublicPictures(https).fetch(PICTURE)


def test_a_certificate_of_another_name_or_of_nobody(server: TlsServer) -> None:
    other = Names({"other.example": [HERE]})
    untrusting = PublicHttps(
        resolve=Names({HOST: [HERE]}), is_public=here_or_public, port=server.server_port
    )

    with pytest.raises(InvalidRequestError, match="no valid certificate"):
        pictures_of(server, other).fetch("https://other.example/picture.png")
    with pytest.raises(InvalidRequestError, match="no valid certificate"):
        PublicPictures(untrusting).fetch(PICTURE)

    assert not server.seen


def test_an_address_that_is_refused_is_not_even_looked_up(server: TlsServer) -> None:
    names = Names({})

    for url in (f"http://{HOST}/", "https://127.0.0.1/", f"https://u@{HOST}/", "ftp://a.example"):
        with pytest.raises(InvalidRequestError):
            pictures_of(server, names).fetch(url)

    assert not names.asked


def test_the_configured_ones_are_these() -> None:
    data = base64.b64encode(PNG).decode()

    assert models.pictures().fetch(f"data:image/png;base64,{data}").data == PNG
    with pytest.raises(InvalidRequestError, match="public"):
        models.pictures().fetch("https://127.0.0.1/picture.png")
