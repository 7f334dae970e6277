"""What is too large for an item of a table, in S3."""

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from recollect.adapters.aws.dynamodb import Item, text
from recollect.adapters.aws.s3_errors import translated
from recollect.domain.errors import UnavailableError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LARGEST_INLINE_BYTES = 100 * 1024
"""An item has at most 400 KB."""
MAX_KNOWN = 256


class MissingObjectError(UnavailableError):
    """An object that an item tells of is gone: the table is of an earlier time than the bucket."""


@dataclass(frozen=True)
class Objects:
    """Texts in a bucket, each written once under the hash of what it says."""

    client: "S3Client"
    bucket: str
    _known: dict[str, None] = field(default_factory=dict)
    """What this process has written, so that a job's parts are not sent with every commit."""

    def outsourced(self, value: str, prefix: str, *, above: int = LARGEST_INLINE_BYTES) -> Item:
        """Return the attribute for a text: the text itself or, above so many bytes, where it is.

        To be called before the commit: an object whose commit fails is an orphan, never the
        other way round. Raises `UnavailableError`.
        """
        data = value.encode()
        if len(data) <= above:
            return text(value)
        key = f"{prefix}/{hashlib.sha256(data).hexdigest()}"
        if key not in self._known:
            with translated(self.bucket, MissingObjectError):
                self.client.put_object(
                    Bucket=self.bucket, Key=key, Body=data, ContentType="application/json"
                )
            self._remember(key)
        return {"M": {"object": text(key)}}

    def text_of(self, attribute: Item) -> str:
        """Return the text of an attribute that `outsourced` made.

        Raises `UnavailableError`, a `MissingObjectError` if the text is there no more.
        """
        if "S" in attribute:
            inline: str = attribute["S"]
            return inline
        with translated(self.bucket, MissingObjectError):
            answer = self.client.get_object(Bucket=self.bucket, Key=attribute["M"]["object"]["S"])
            return answer["Body"].read().decode()

    def remove(self, key: str) -> None:
        """Delete an object, if it is there; raise `UnavailableError`."""
        with translated(self.bucket, MissingObjectError):
            self.client.delete_object(Bucket=self.bucket, Key=key)
        self._known.pop(key, None)

    def remove_all(self, prefix: str) -> None:
        """Delete every object whose key begins so; raise `UnavailableError`."""
        with translated(self.bucket, MissingObjectError):
            pages = self.client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.bucket, Prefix=prefix):
                for found in page.get("Contents", ()):
                    self.remove(found["Key"])

    def _remember(self, key: str) -> None:
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        self._known[key] = None
