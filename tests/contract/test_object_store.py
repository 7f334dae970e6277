"""Both object stores pass the published suite, and say what is wrong with S3."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config

from recollect.adapters.aws.object_store import S3ObjectStore
from recollect.adapters.local.object_store import FolderObjectStore, file_version
from recollect.domain.errors import NotFoundError, UnavailableError
from recollect.ports.objects import ObjectVersion, etag_version
from recollect.testing.object_store import *
from recollect.testing.object_store import Stage
from tests.engines import s3_server

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class FolderStage:
    def __init__(self, folder: Path) -> None:
        self.store = FolderObjectStore()
        self.bucket = str(folder)

    def put(self, key: str, data: bytes) -> ObjectVersion:
        path = Path(self.bucket, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return ObjectVersion(self.bucket, key, file_version(path.stat()))

    def get(self, key: str) -> bytes:
        return Path(self.bucket, key).read_bytes()

    def remove(self, key: str) -> None:
        Path(self.bucket, key).unlink()


@dataclass
class S3Stage:
    client: "S3Client"
    bucket: str

    @property
    def store(self) -> S3ObjectStore:
        return S3ObjectStore(self.client)

    def put(self, key: str, data: bytes) -> ObjectVersion:
        answer = self.client.put_object(Bucket=self.bucket, Key=key, Body=data)
        tagged = etag_version(answer["ETag"].strip('"'), uuid4().hex)
        return ObjectVersion(self.bucket, key, answer.get("VersionId", tagged))

    def get(self, key: str) -> bytes:
        return self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def remove(self, key: str) -> None:
        versions = self.client.list_object_versions(Bucket=self.bucket, Prefix=key)
        for version in versions.get("Versions", []):
            self.client.delete_object(Bucket=self.bucket, Key=key, VersionId=version["VersionId"])


@pytest.fixture(scope="module")
def s3() -> Iterator["S3Client"]:
    with s3_server() as url:
        client = boto3.client(
            "s3",
            region_name="us-east-1",
            endpoint_url=url,
            aws_access_key_id="made-up",
            aws_secret_access_key="made-up",
            config=Config(retries={"total_max_attempts": 1}),
        )
        yield client
        client.close()


@pytest.fixture(params=["folder", "versioned", "unversioned"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Stage:
    if request.param == "folder":
        return FolderStage(tmp_path)
    client: S3Client = request.getfixturevalue("s3")
    bucket = f"bucket-{uuid4().hex[:12]}"
    client.create_bucket(Bucket=bucket)
    if request.param == "versioned":
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return S3Stage(client, bucket)


def test_a_bucket_that_is_not_there_is_unavailable(s3: "S3Client") -> None:
    store = S3ObjectStore(s3)

    with pytest.raises(UnavailableError, match="NoSuchBucket"):
        store.open(ObjectVersion("no-such-bucket", "projects/a", "etag-1-2"), 0)
    with pytest.raises(UnavailableError, match="NoSuchBucket"):
        store.write("no-such-bucket", "reports/a", b"")


def test_a_service_that_is_not_there_is_unavailable() -> None:
    client = boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1:9",
        aws_access_key_id="made-up",
        aws_secret_access_key="made-up",
        config=Config(retries={"total_max_attempts": 1}),
    )

    with pytest.raises(UnavailableError, match="cannot be reached"):
        S3ObjectStore(client).open(ObjectVersion("bucket", "projects/a", "1"), 0)


def test_a_mark_of_deletion_is_no_version(s3: "S3Client") -> None:
    bucket = f"bucket-{uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=bucket, Key="projects/a", Body=b"a")
    mark = s3.delete_object(Bucket=bucket, Key="projects/a")["VersionId"]

    with pytest.raises(NotFoundError):
        S3ObjectStore(s3).open(ObjectVersion(bucket, "projects/a", mark), 0)


def test_a_folder_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("in the way")

    with pytest.raises(UnavailableError):
        FolderObjectStore().write(str(tmp_path), "reports/acme/a.json", b"")


def test_a_file_that_cannot_be_read_is_unavailable(tmp_path: Path) -> None:
    loop = tmp_path / "projects"
    loop.symlink_to(loop)

    with pytest.raises(UnavailableError):
        FolderObjectStore().open(ObjectVersion(str(tmp_path), "projects/a", "1"), 0)
