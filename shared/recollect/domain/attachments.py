"""What may come with a message beside its text: pictures and text documents, and how they are sent.

Data URLs are those of RFC 2397.
"""

import binascii
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args
from urllib.parse import unquote_to_bytes

from recollect.domain.errors import InvalidRequestError

MAX_PICTURES = 20
"""Pictures of one add: as many as Bedrock's Converse takes in one call."""
MAX_DOCUMENTS = 20
MAX_PICTURE_BYTES = 3_750_000
"""Bytes of one picture's file: as many as Bedrock's Converse takes (`ImageBlock`)."""
MAX_DOCUMENT_BYTES = 256 * 1024
"""UTF-8 bytes of one document's text: some 60,000 tokens, which fit beside a conversation."""

PictureType: TypeAlias = Literal["image/png", "image/jpeg", "image/gif", "image/webp"]
PICTURE_TYPES: tuple[PictureType, ...] = get_args(PictureType)
_SIGNATURES: tuple[tuple[bytes, PictureType], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_DATA = "data:"


@dataclass(frozen=True)
class DataUrl:
    """The content of a data URL; the type is in small letters and without parameters."""

    media_type: str
    data: bytes

    @staticmethod
    def is_one(url: str) -> bool:
        """Tell whether a text is meant to be a data URL."""
        return url[: len(_DATA)].lower() == _DATA

    @classmethod
    def of(cls, url: str) -> "DataUrl":
        """Return what a data URL holds; raise `InvalidRequestError` if it is malformed."""
        head, comma, written = url[len(_DATA) :].partition(",")
        if not comma:
            message = "A data URL needs a comma before its data"
            raise InvalidRequestError(message)
        media_type, *parameters = (part.strip().lower() for part in head.split(";"))
        data = unquote_to_bytes(written)
        is_base64 = parameters[-1:] == ["base64"]
        return cls(media_type or "text/plain", decoded_base64(data) if is_base64 else data)


def decoded_base64(text: str | bytes) -> bytes:
    """Return the bytes that a base64 text stands for; raise `InvalidRequestError`.

    Strict: padding belongs to it, spaces and line breaks do not.
    """
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    # A ValueError, of which binascii's own is one, if there are letters beyond ASCII.
    except ValueError as error:
        message = "The data is not base64"
        raise InvalidRequestError(message) from error


def picture_type(data: bytes) -> PictureType:
    """Return what kind of picture a file is, judged by its first bytes.

    Raises `InvalidRequestError` if it is none that models can look at, or too large.
    """
    if len(data) > MAX_PICTURE_BYTES:
        message = f"A picture must have at most {MAX_PICTURE_BYTES} bytes"
        raise InvalidRequestError(message)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            return kind
    message = "The data is not a PNG, JPEG, GIF or WebP picture"
    raise InvalidRequestError(message)


def inline_picture(url: str) -> tuple[PictureType, bytes]:
    """Return the kind and the file of a picture that is sent as a data URL.

    Raises `InvalidRequestError` unless it says that it is a picture of a kind that models can look
    at, and is one. A PNG that is called a JPEG passes as the PNG that it is.
    """
    given = DataUrl.of(url)
    if given.media_type not in {*PICTURE_TYPES, "image/jpg"}:
        message = f"A picture's type must be one of {', '.join(PICTURE_TYPES)}"
        raise InvalidRequestError(message)
    return picture_type(given.data), given.data


def inline_document(url: str) -> str:
    """Return the text of a document that is sent as a data URL, or as base64 alone.

    Raises `InvalidRequestError` unless it is plain text of any kind in UTF-8, and not too long.
    """
    if not DataUrl.is_one(url):
        return checked_document(decoded_base64(url))
    given = DataUrl.of(url)
    if not given.media_type.startswith("text/"):
        message = "A document must be of a type text/...; other kinds are not read"
        raise InvalidRequestError(message)
    return checked_document(given.data)


def checked_document(data: bytes) -> str:
    """Return a document's text, without a byte order mark; raise `InvalidRequestError`."""
    if len(data) > MAX_DOCUMENT_BYTES:
        message = f"A document must have at most {MAX_DOCUMENT_BYTES} bytes"
        raise InvalidRequestError(message)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = "A document must be text in UTF-8"
        raise InvalidRequestError(message) from error
    if not text.strip():
        message = "A document must not be empty"
        raise InvalidRequestError(message)
    return text
