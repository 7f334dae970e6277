"""The connection to a Neptune cluster, each handshake of which is signed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError

from recollect.adapters.aws.gremlin_connection import GremlinConnection
from recollect.domain.errors import UnavailableError

if TYPE_CHECKING:
    import boto3

Auth: TypeAlias = Literal["iam", "none"]
"""Whether handshakes are signed: they must be if the cluster has IAM authentication."""

SERVICE = "neptune-db"
"""What Neptune's signatures are for:
https://docs.aws.amazon.com/neptune/latest/userguide/iam-auth-connecting-gremlin-python.html"""


def neptune_connection(
    url: str,
    *,
    auth: Auth,
    session: "boto3.Session",
    timeout_seconds: float,
    region: str | None = None,
) -> GremlinConnection:
    """Return a connection to the cluster at `url` (`wss://host:8182/gremlin`); nothing is sent yet.

    `region` is the cluster's, the session's unless it is given. `timeout_seconds` bounds each try.
    Its questions raise `UnavailableError` too if there is no region or no credentials to sign with.
    """
    signature = _Signature(url, session, region or session.region_name)
    return GremlinConnection(url, dict if auth == "none" else signature, timeout_seconds)


@dataclass(frozen=True)
class _Signature:
    """Signs the request with which a WebSocket begins, as who the session is by then."""

    url: str
    session: "boto3.Session"
    region: str | None

    def __call__(self) -> Mapping[str, str]:
        # A WebSocket begins as a GET over HTTP, and botocore knows only the default ports of that.
        request = AWSRequest("GET", "http" + self.url.removeprefix("ws"))
        try:
            credentials = self.session.get_credentials()
            if credentials is None or self.region is None:
                message = "There are no AWS credentials, or no region, to sign for the graph with"
                raise UnavailableError(message)
            frozen = credentials.get_frozen_credentials()
        except BotoCoreError as error:
            message = f"AWS credentials cannot be had for the graph ({type(error).__name__})"
            raise UnavailableError(message) from error
        SigV4Auth(frozen, SERVICE, self.region).add_auth(request)
        return dict(request.headers)
