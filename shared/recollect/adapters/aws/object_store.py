"""Objects of users in S3."""

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from botocore.exceptions import ClientError

from recollect.adapters.aws.s3_errors import translated
from recollect.domain.errors import NotFoundError
from recollect.ports.objects import ObjectVersion, etag_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BYTES_AT_ONCE = 4 * 1024 * 1024
"""Of a request: what it costs and how long it takes is little beside what reading takes then."""

BEHIND_THE_END = "InvalidRange"


@dataclass(frozen=True)
class S3ObjectStore:
    """Versions of objects, read in ranges; see the port `ObjectStore` for what it promises."""

    client: "S3Client"

    def open(self, version: ObjectVersion, offset: int) -> BinaryIO:
        """Return the bytes from this one on."""
        ranges = _Ranges(self.client, version, offset)
        ranges.load()
        return io.BufferedReader(ranges)

    def write(self, bucket: str, key: str, data: bytes) -> None:
        """Write an object."""
        with translated(bucket, NotFoundError):
            self.client.put_object(
                Bucket=bucket, Key=key, Body=data, ContentType="application/json"
            )


class _Ranges(io.RawIOBase):
    def __init__(self, client: "S3Client", version: ObjectVersion, offset: int) -> None:
        super().__init__()
        self._client = client
        self._version = version
        self._offset = offset
        self._part = memoryview(b"")
        self._is_over = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        if not self._part:
            self.load()
        size = min(len(buffer), len(self._part))
        buffer[:size] = self._part[:size]
        self._part = self._part[size:]
        return size

    def load(self) -> None:
        """Get the next range."""
        if self._is_over:
            return
        with translated(self._version.bucket, NotFoundError):
            data = self._next_range()
        self._is_over = len(data) < BYTES_AT_ONCE
        self._offset += len(data)
        self._part = memoryview(data)

    def _next_range(self) -> bytes:
        wanted = f"bytes={self._offset}-{self._offset + BYTES_AT_ONCE - 1}"
        bucket, key, version = self._version.bucket, self._version.key, self._version.version
        try:
            if etag := etag_of(version):
                answer = self._client.get_object(
                    Bucket=bucket, Key=key, Range=wanted, IfMatch=f'"{etag}"'
                )
            else:
                answer = self._client.get_object(
                    Bucket=bucket, Key=key, Range=wanted, VersionId=version
                )
            return answer["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] != BEHIND_THE_END:
                raise
            return b""
