"""What S3 says of objects, in the form of its event notifications."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote_plus, unquote_plus

from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field

from recollect.domain.errors import InvalidRequestError
from recollect.domain.object_keys import ObjectKey
from recollect.domain.requests import IngestRequest
from recollect.ports.objects import etag_version

CREATED = "ObjectCreated:"
"""Begins the names of the events that are of interest; all others change nothing."""
TEST = "s3:TestEvent"
NO_VERSION = frozenset({None, "", "null"})
"""What objects without versions have as their version."""


def _decoded(key: object) -> object:
    return unquote_plus(key, errors="strict") if isinstance(key, str) else key


class _Bucket(BaseModel):
    name: str = Field(min_length=1)


class _Object(BaseModel):
    key: Annotated[str, BeforeValidator(_decoded)]
    size: int = 0
    etag: str = Field("", alias="eTag")
    version_id: str | None = Field(None, alias="versionId")
    sequencer: str = ""

    @property
    def version(self) -> str:
        """What tells the object from all that had or will have its key."""
        if self.version_id not in NO_VERSION:
            return str(self.version_id)
        if not self.etag:
            message = "The notification has neither a version nor an ETag"
            raise InvalidRequestError(message)
        return etag_version(self.etag, self.sequencer)


class _Entity(BaseModel):
    bucket: _Bucket
    object: _Object


class _Record(BaseModel):
    event_name: str = Field(alias="eventName")
    event_time: AwareDatetime = Field(alias="eventTime")
    s3: _Entity

    @property
    def is_of_interest(self) -> bool:
        """Whether there is something to read now: not a folder, as consoles make them."""
        is_folder = self.s3.object.key.endswith("/") and not self.s3.object.size
        return self.event_name.startswith(CREATED) and not is_folder

    def request(self) -> IngestRequest:
        """Return what is to be done; raise `InvalidRequestError`."""
        found = self.s3.object
        return IngestRequest(
            project=ObjectKey.of(found.key).project,
            bucket=self.s3.bucket.name,
            key=found.key,
            version=found.version,
            size=found.size,
            modified_at=self.event_time,
        )


class ObjectNotification(BaseModel):
    """A notification, or what S3 sends to see whether notifications arrive."""

    records: list[_Record] | None = Field(None, alias="Records")
    event: str = Field("", alias="Event")

    def requests(self) -> list[IngestRequest]:
        """Return what is to be done; raise `InvalidRequestError` for what is no project's."""
        if self.records is None and self.event != TEST:
            message = "It is no notification of S3"
            raise InvalidRequestError(message)
        return [record.request() for record in self.records or () if record.is_of_interest]


def notification(
    folder: Path, key: str, *, size: int, version: str, at: datetime
) -> dict[str, Any]:
    """Return what S3 would say of a file below a folder that stands for a bucket."""
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": "local",
                "eventTime": at.isoformat(),
                "eventName": f"{CREATED}Put",
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "bucket": {"name": str(folder), "arn": f"arn:aws:s3:::{folder.name}"},
                    "object": {"key": quote_plus(key), "size": size, "versionId": version},
                },
            }
        ]
    }
