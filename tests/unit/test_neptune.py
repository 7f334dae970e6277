"""How handshakes with Neptune are signed, recomputed from what a server receives."""

import hashlib
import hmac
import socketserver
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from itertools import count
from threading import Thread

import boto3
import botocore.auth
import botocore.session
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import (
    CredentialProvider,
    CredentialResolver,
    Credentials,
    ReadOnlyCredentials,
    RefreshableCredentials,
)
from botocore.exceptions import CredentialRetrievalError
from gremlin_python.process.graph_traversal import GraphTraversalSource
from gremlin_python.process.traversal import TraversalStrategies
from gremlin_python.structure.graph import Graph

from recollect.adapters.aws.neptune import neptune_connection
from recollect.domain.errors import UnavailableError

KEY, SECRET, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG", "a session's token"
REGION = "eu-west-1"
URL = "wss://graph.cluster-abc.eu-west-1.neptune.amazonaws.com:8182/gremlin"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECONDS = 10.0
LOOK_SECONDS = 0.02

g = GraphTraversalSource(Graph(), TraversalStrategies())


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Noon at first, and a minute later each time that botocore looks."""
    minutes = count()
    monkeypatch.setattr(
        botocore.auth, "get_current_datetime", lambda: NOON + timedelta(minutes=next(minutes))
    )


def a_session(
    *, token: str | None = TOKEN, region: str | None = REGION, key: str = KEY
) -> boto3.Session:
    return boto3.Session(key, SECRET, token, region_name=region)


def signed(
    session: boto3.Session, *, url: str = URL, region: str | None = None
) -> Mapping[str, str]:
    """Return the headers of a connection's next handshake."""
    connection = neptune_connection(
        url, auth="iam", session=session, region=region, timeout_seconds=SECONDS
    )
    return connection.sign()


def by_the_book(
    host: str, headers: Mapping[str, str], *, key: str = KEY, region: str = REGION
) -> str:
    """Return the `Authorization` of a GET of /gremlin, computed from AWS's description alone."""
    at = headers["X-Amz-Date"]
    named = {"host": host, "x-amz-date": at}
    if "X-Amz-Security-Token" in headers:
        named["x-amz-security-token"] = headers["X-Amz-Security-Token"]
    names = ";".join(named)
    lines = [f"{name}:{value}" for name, value in named.items()]
    nothing = hashlib.sha256().hexdigest()
    request = "\n".join(["GET", "/gremlin", "", *lines, "", names, nothing])
    parts = (at[:8], region, "neptune-db", "aws4_request")
    scope = "/".join(parts)
    digest = hashlib.sha256(request.encode()).hexdigest()
    secret = f"AWS4{SECRET}".encode()
    for part in (*parts, f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{digest}"):
        secret = hmac.digest(secret, part.encode(), "sha256")
    return (
        f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={names}, "
        f"Signature={secret.hex()}"
    )


@pytest.mark.parametrize("token", [TOKEN, None], ids=["with a token", "without"])
@pytest.mark.parametrize(
    ("url", "host"),
    [
        (URL, "graph.cluster-abc.eu-west-1.neptune.amazonaws.com:8182"),
        ("wss://graph.example/gremlin", "graph.example"),
        ("wss://graph.example:443/gremlin", "graph.example"),
        ("ws://127.0.0.1:8182/gremlin", "127.0.0.1:8182"),
    ],
)
def test_a_handshake_is_signed_as_aws_describes_it(url: str, host: str, token: str | None) -> None:
    headers = signed(a_session(token=token), url=url)

    assert headers["X-Amz-Date"] == "20260301T120000Z"
    assert headers.get("X-Amz-Security-Token") == token
    assert headers["Authorization"] == by_the_book(host, headers)


def test_a_handshake_is_signed_as_botocore_signs_a_get(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: NOON)
    request = AWSRequest("GET", URL.replace("wss", "https"))
    SigV4Auth(ReadOnlyCredentials(KEY, SECRET, TOKEN), "neptune-db", REGION).add_auth(request)

    assert signed(a_session()) == dict(request.headers)


def test_the_region_is_the_clusters_else_the_sessions() -> None:
    elsewhere = signed(a_session(), region="us-east-2")
    here = signed(a_session())

    host = "graph.cluster-abc.eu-west-1.neptune.amazonaws.com:8182"
    assert elsewhere["Authorization"] == by_the_book(host, elsewhere, region="us-east-2")
    assert "/eu-west-1/neptune-db/" in here["Authorization"]


def test_without_authentication_nothing_is_signed() -> None:
    connection = neptune_connection(URL, auth="none", session=a_session(), timeout_seconds=SECONDS)

    assert connection.sign() == {}


class _Refusal(socketserver.StreamRequestHandler):
    """Remembers the head of a request, and forbids it."""

    server: "Forbidding"

    def handle(self) -> None:
        first = self.rfile.readline()
        head = b"".join(iter(self.rfile.readline, b"\r\n"))
        self.server.heads.append((first, dict(message_from_bytes(head).items())))
        self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")


class Forbidding(socketserver.TCPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Refusal)
        self.heads: list[tuple[bytes, dict[str, str]]] = []


@contextmanager
def forbidding() -> Iterator[Forbidding]:
    with Forbidding() as server:
        thread = Thread(target=server.serve_forever, args=(LOOK_SECONDS,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_what_is_sent_is_what_was_signed_and_each_connection_is_signed_anew() -> None:
    with forbidding() as server:
        port = server.server_address[1]
        url = f"ws://127.0.0.1:{port}/gremlin"
        connection = neptune_connection(
            url, auth="iam", session=a_session(), timeout_seconds=SECONDS
        )
        with closing(connection), pytest.raises(UnavailableError) as refused:
            connection.ask(g.inject(1))

    times = [head["X-Amz-Date"] for _, head in server.heads]
    assert times == ["20260301T120000Z", "20260301T120100Z"]
    for first, head in server.heads:
        assert first == b"GET /gremlin HTTP/1.1\r\n"
        assert head["Authorization"] == by_the_book(head["Host"], head)
        assert head["X-Amz-Security-Token"] == TOKEN
    assert all(each not in str(refused.value) for each in (KEY, SECRET, TOKEN, "Signature"))


@dataclass
class Provided(CredentialProvider):
    """Credentials that come from nowhere but here."""

    credentials: Credentials | None

    METHOD = "test"

    def load(self) -> Credentials | None:
        return self.credentials


def provided(credentials: Credentials | None) -> boto3.Session:
    session = botocore.session.Session()
    session.register_component("credential_provider", CredentialResolver([Provided(credentials)]))
    return boto3.Session(botocore_session=session, region_name=REGION)


@dataclass
class Rotation:
    """Gives a new key each time, which is due to be changed at once."""

    given: list[str] = field(default_factory=list)

    def __call__(self) -> dict[str, str]:
        self.given.append(f"KEY{len(self.given)}")
        soon = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
        return {
            "access_key": self.given[-1],
            "secret_key": SECRET,
            "token": TOKEN,
            "expiry_time": soon,
        }


def test_credentials_are_refreshed_for_each_connection() -> None:
    refresh = Rotation()
    rotating = RefreshableCredentials.create_from_metadata(
        refresh(), refresh_using=refresh, method="test"
    )
    session = provided(rotating)
    connection = neptune_connection(URL, auth="iam", session=session, timeout_seconds=SECONDS)

    keys = [connection.sign()["Authorization"].partition("/")[0] for _ in range(2)]

    assert keys == [f"AWS4-HMAC-SHA256 Credential={key}" for key in refresh.given[1:]]
    assert len(set(keys)) == 2


class _Unreachable(Credentials):
    def __init__(self) -> None:
        super().__init__("key", "secret")

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        raise CredentialRetrievalError(provider="test", error_msg="a secret")


@pytest.mark.parametrize(
    ("session", "said"),
    [
        (provided(None), "no AWS credentials"),
        (provided(_Unreachable()), r"\(CredentialRetrievalError\)"),
    ],
    ids=["nobody", "unreachable"],
)
def test_without_credentials_the_graph_is_unavailable(session: boto3.Session, said: str) -> None:
    connection = neptune_connection(URL, auth="iam", session=session, timeout_seconds=SECONDS)

    with closing(connection), pytest.raises(UnavailableError, match=said) as refused:
        connection.ask(g.inject(1))

    assert "secret" not in str(refused.value)


def test_without_a_region_the_graph_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")

    with pytest.raises(UnavailableError, match="no region"):
        signed(a_session(region=None))
