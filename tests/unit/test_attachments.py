"""Pictures and documents as data URLs: read strictly, within limits."""

import base64

import pytest

from recollect.domain.attachments import (
    MAX_DOCUMENT_BYTES,
    MAX_PICTURE_BYTES,
    DataUrl,
    checked_document,
    inline_document,
    inline_picture,
    picture_type,
)
from recollect.domain.errors import InvalidRequestError

PNG, JPEG = b"\x89PNG\r\n\x1a\n and more", b"\xff\xd8\xff and more"


def a_data_url(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("data:text/plain;base64,aGVsbG8=", DataUrl("text/plain", b"hello")),
        ("DATA:Text/Markdown;Charset=UTF-8;BASE64,aGVsbG8%3D", DataUrl("text/markdown", b"hello")),
        ("data:,hello%20there,%20Ada", DataUrl("text/plain", b"hello there, Ada")),
        ("data:text/plain;x=base64,aGVsbG8=", DataUrl("text/plain", b"aGVsbG8=")),
        ("data:;base64,", DataUrl("text/plain", b"")),
    ],
)
def test_a_data_url(url: str, expected: DataUrl) -> None:
    assert DataUrl.is_one(url)
    assert DataUrl.of(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "data:text/plain;base64",
        *(
            f"data:text/plain;base64,{wrong}"
            for wrong in ("aGVsbG8", "aGVs bG8=", "aGVs\nbG8=", "aGVsbG8==", "a=GVsbG8", "a-_b")
        ),
        "data:text/plain;base64,é",
    ],
)
def test_a_malformed_data_url(url: str) -> None:
    with pytest.raises(InvalidRequestError):
        DataUrl.of(url)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PNG, "image/png"),
        (JPEG, "image/jpeg"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
    ],
)
def test_the_first_bytes_tell_what_a_picture_is(data: bytes, kind: str) -> None:
    assert picture_type(data) == kind
    assert inline_picture(a_data_url(data, "image/jpg")) == (kind, data)


@pytest.mark.parametrize(
    "data", [b"", b"<svg/>", b"%PDF-1.7", b"RIFF\x00\x00\x00\x00WAVE", b"BM", b" " + PNG]
)
def test_what_is_no_picture(data: bytes) -> None:
    with pytest.raises(InvalidRequestError, match="PNG, JPEG, GIF or WebP"):
        inline_picture(a_data_url(data))


@pytest.mark.parametrize("kind", ["image/svg+xml", "image/tiff", "text/plain", "", "image/*"])
def test_a_picture_that_is_called_something_else(kind: str) -> None:
    with pytest.raises(InvalidRequestError, match="type must be one of"):
        inline_picture(a_data_url(PNG, kind))


def test_the_largest_picture() -> None:
    largest = PNG.ljust(MAX_PICTURE_BYTES, b"\0")

    assert inline_picture(a_data_url(largest)) == ("image/png", largest)
    with pytest.raises(InvalidRequestError, match=f"at most {MAX_PICTURE_BYTES} bytes"):
        inline_picture(a_data_url(largest + b"\0"))


@pytest.mark.parametrize("url", ["YmVlcyDwn5Cd", a_data_url("bees 🐝".encode(), "text/x-python")])
def test_a_document_as_a_data_url_or_as_base64_alone(url: str) -> None:
    assert inline_document(url) == "bees 🐝"


def test_a_byte_order_mark_is_no_text() -> None:
    assert checked_document(b"\xef\xbb\xbfbees") == "bees"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (a_data_url(b"bees", "application/pdf"), "type text/"),
        (a_data_url(b"bees", "application/json"), "type text/"),
        (a_data_url(b"\xff\xfeb\0", "text/plain"), "UTF-8"),
        ("bees!", "not base64"),
        (a_data_url(b" \n", "text/plain"), "empty"),
        (a_data_url(b"b" * (MAX_DOCUMENT_BYTES + 1), "text/plain"), "at most 262144 bytes"),
    ],
)
def test_what_is_no_document(url: str, reason: str) -> None:
    with pytest.raises(InvalidRequestError, match=reason):
        inline_document(url)
