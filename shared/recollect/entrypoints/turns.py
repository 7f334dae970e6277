"""The turns of a conversation as clients write them: texts, and parts in the ways of three vendors.

`text` and `image_url` are parts of OpenAI's and mem0's, `file` is OpenAI's, `image` and `document`
are Anthropic's, `mdx_url` and `txt_url` are mem0's.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, BeforeValidator, Field, StrictStr

from recollect.domain.attachments import (
    MAX_DOCUMENTS,
    MAX_PICTURES,
    DataUrl,
    checked_document,
    inline_document,
    inline_picture,
)
from recollect.domain.errors import InvalidRequestError
from recollect.domain.memory import Attachment, Message
from recollect.entrypoints.times import Timestamp, time_from

JsonObject: TypeAlias = dict[str, Any]
MAX_ADDRESS_LENGTH = 8_192
"""Characters of a picture's address; signed ones of S3 have some 2,000."""
_SUPPORTED = (
    "send text, pictures (image_url, image), or text documents inline (file, document, mdx_url,"
    " txt_url)"
)


def _optional_text(value: object) -> object:
    return value if value is not None else ""


class MessageBody(BaseModel):
    """One turn of a conversation."""

    role: Annotated[StrictStr, Field(min_length=1, max_length=64)] = "user"
    content: Annotated[
        StrictStr | list[JsonObject] | JsonObject, BeforeValidator(_optional_text)
    ] = Field("", description="A text, or parts: text, pictures and inline text documents.")
    name: Annotated[StrictStr, Field(max_length=256)] | None = None
    timestamp: Timestamp | None = Field(None, description="When this was said, if not with all.")

    def message(self) -> Message:
        """Return the turn; raise `InvalidRequestError` for parts that are not understood."""
        parts = _parts(self.content)
        return Message(
            role=self.role,
            content="\n".join(part for part in parts if isinstance(part, str)),
            name=self.name or None,
            said_at=time_from(self.timestamp),
            attachments=tuple(part for part in parts if isinstance(part, Attachment)),
        )


def _turns(messages: object) -> object:
    """Return what a client sent as a list of turns; one text is a turn of the user."""
    turns = messages if isinstance(messages, list) else [messages]
    return [{"content": turn} if isinstance(turn, str) else turn for turn in turns]


Turns: TypeAlias = Annotated[
    list[MessageBody],
    BeforeValidator(
        _turns, json_schema_input_type=StrictStr | MessageBody | list[StrictStr | MessageBody]
    ),
]
"""One text, one message, or a list of both."""


def messages_from(turns: Sequence[MessageBody]) -> tuple[Message, ...]:
    """Return the messages of an add; raise `InvalidRequestError`, also for too many attachments."""
    messages = tuple(turn.message() for turn in turns)
    kinds = [each.kind for message in messages for each in message.attachments]
    if kinds.count("image") > MAX_PICTURES or kinds.count("document") > MAX_DOCUMENTS:
        text = f"An add may have at most {MAX_PICTURES} pictures and {MAX_DOCUMENTS} documents"
        raise InvalidRequestError(text)
    return messages


def _parts(content: str | list[JsonObject] | JsonObject) -> list[str | Attachment]:
    if isinstance(content, str):
        return [content]
    return [_part(part) for part in (content if isinstance(content, list) else [content])]


def _part(part: JsonObject) -> str | Attachment:
    kind = part.get("type", "text")
    read = _READERS.get(kind) if isinstance(kind, str) else None
    if read is None:
        raise _unsupported(part)
    return read(part)


def _text(part: JsonObject) -> str:
    # An empty text is one, too.
    return "" if part.get("text") == "" else _text_at(part, "text")


def _image_url(part: JsonObject) -> Attachment:
    return _picture(_url_at(part, "image_url"))


def _image(part: JsonObject) -> Attachment:
    source = _text_at(part, "source", "type")
    if source == "url":
        return _picture(_text_at(part, "source", "url"))
    if source != "base64":
        raise _unsupported(part, source)
    media_type, data = _text_at(part, "source", "media_type"), _text_at(part, "source", "data")
    return _picture(f"data:{media_type};base64,{data}")


def _picture(url: str) -> Attachment:
    if DataUrl.is_one(url):
        inline_picture(url)
    elif not url.lower().startswith("https://"):
        message = "A picture must be a data URL or an https address"
        raise InvalidRequestError(message)
    elif len(url) > MAX_ADDRESS_LENGTH:
        message = f"The address of a picture must have at most {MAX_ADDRESS_LENGTH} characters"
        raise InvalidRequestError(message)
    return Attachment("image", url=url)


def _file(part: JsonObject) -> Attachment:
    return _linked_document(_text_at(part, "file", "file_data"), part["file"].get("filename"))


def _document(part: JsonObject) -> Attachment:
    source = _text_at(part, "source", "type")
    if source != "text":
        raise _unsupported(part, source)
    text = checked_document(_text_at(part, "source", "data").encode())
    return _titled(text, part.get("title"))


def _document_url(part: JsonObject) -> Attachment:
    return _linked_document(_url_at(part, part["type"]))


def _linked_document(url: str, title: object = None) -> Attachment:
    # No base64 has a colon.
    if ":" in url and not DataUrl.is_one(url):
        message = "Documents at an address are not fetched; send their text inline"
        raise InvalidRequestError(message)
    return _titled(inline_document(url), title)


def _titled(text: str, title: object) -> Attachment:
    """Return a document, after the name that tells what it is."""
    name = " ".join(title.split())[:256] if isinstance(title, str) else ""
    return Attachment("document", text=f"{name}\n\n{text}" if name else text)


_READERS: Mapping[str, Callable[[JsonObject], str | Attachment]] = {
    "text": _text,
    "image_url": _image_url,
    "image": _image,
    "file": _file,
    "document": _document,
    "mdx_url": _document_url,
    "txt_url": _document_url,
}


def _url_at(part: JsonObject, name: str) -> str:
    """Return the URL of a part, which stands in an object or alone."""
    return _text_at(part, name, *(["url"] if isinstance(part.get(name), dict) else []))


def _text_at(part: JsonObject, *path: str) -> str:
    value: Any = part
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, str) or not value:
        message = f"A message part of type {_shown(part)} needs a text in {'.'.join(path)}"
        raise InvalidRequestError(message)
    return value


def _unsupported(part: JsonObject, source: str = "") -> InvalidRequestError:
    of = f" with a source of type {ascii(source)[:40]}" if source else ""
    message = f"Message parts of type {_shown(part)}{of} are not supported; {_SUPPORTED}"
    return InvalidRequestError(message)


def _shown(part: JsonObject) -> str:
    return ascii(part.get("type", "text"))[:40]
