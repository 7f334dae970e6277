"""A small https server on loopback with a certificate of its own; it can misbehave too."""

import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from recollect.adapters.web.addresses import is_public
from recollect.adapters.web.public_https import PublicHttps

HOST = "pictures.example"
HERE = "127.0.0.1"
Answerer = Callable[["Request"], None]


class Request(BaseHTTPRequestHandler):
    """One request, and how it is answered."""

    protocol_version = "HTTP/1.1"
    server: "TlsServer"
    content = b""
    """What was posted."""

    def do_GET(self) -> None:
        self.server.seen.append(self)
        path = self.path.partition("?")[0]
        # Whoever did not wait for the answer has gone.
        with suppress(OSError):
            self.server.answerers[path](self)

    def do_POST(self) -> None:
        self.content = self.rfile.read(int(self.headers["content-length"]))
        self.do_GET()

    def answer(self, status: int, content: bytes = b"", **headers: str) -> None:
        """Send an answer; names of headers are written with underscores."""
        self.begin(status, len(content), **headers)
        self.wfile.write(content)

    def begin(self, status: int, length: int, **headers: str) -> None:
        """Send the head of an answer of so many bytes."""
        self.send_response(status)
        for name, value in {**headers, "content_length": str(length)}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


class TlsServer(ThreadingHTTPServer):
    """Answers each path as it is told to, and keeps what it was asked."""

    def __init__(self, answerers: Mapping[str, Answerer]) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.answerers = answerers
        self.seen: list[Request] = []
        self.names: list[str | None] = []
        """The host that each connection was meant for, as TLS tells it."""
        self.closing = threading.Event()
        certificate, key = _certificate()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            Path(file.name).write_bytes(certificate + key)
            context.load_cert_chain(file.name)
        context.sni_callback = lambda _, name, __: self.names.append(name)
        # The handshake is for the thread of the request: whoever hangs holds up nobody else.
        self.socket = context.wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False
        )

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients who do not trust the certificate, or hang up."""


@contextmanager
def serving(answerers: Mapping[str, Answerer]) -> Iterator[TlsServer]:
    """Serve in the background while the block runs."""
    server = TlsServer(answerers)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


def hang(request: Request) -> None:
    """Answer nothing, until the server is closed."""
    request.server.closing.wait(10)


class Names:
    """A name server: each name's addresses, and what it was asked."""

    def __init__(self, addresses: Mapping[str, Sequence[str]]) -> None:
        self._addresses = addresses
        self.asked: list[str] = []

    def __call__(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        if host not in self._addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return self._addresses[host]


def here_or_public(address: str) -> bool:
    return address == HERE or is_public(address)


def https_to(server: TlsServer, names: Names) -> PublicHttps:
    """Return what connects to the server, as if its address were public."""
    return PublicHttps(
        resolve=names, is_public=here_or_public, port=server.server_port, tls=trusting()
    )


def trusting() -> ssl.SSLContext:
    """Return what trusts the server's certificate, and no other."""
    return ssl.create_default_context(cadata=_certificate()[0].decode())


@cache
def _certificate() -> tuple[bytes, bytes]:
    """Return a certificate for `HOST` that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2100, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(pem), private
