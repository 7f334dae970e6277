"""What callers put into an add, in every way the clients write it, and what it means to us."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from recollect.domain.attachments import MAX_DOCUMENTS, MAX_PICTURES
from recollect.domain.errors import InvalidRequestError
from recollect.domain.guidance import MAX_WISH_LENGTH, Guidance
from recollect.domain.keys import Access
from recollect.domain.memory import Attachment, MemoryKind, Message
from recollect.domain.requests import AddRequest
from recollect.entrypoints.models import AddBody

Json = dict[str, Any]

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n and more").decode()
PNG_URL = f"data:image/png;base64,{PNG}"
NOTES = base64.b64encode(b"# Bees\n\nThree hives").decode()
NOTES_URL = f"data:text/markdown;base64,{NOTES}"
THE_NOTES = Attachment("document", text="# Bees\n\nThree hives")
NAMED_NOTES = Attachment("document", text="bees.md\n\n# Bees\n\nThree hives")
MAY = datetime(2024, 5, 1, tzinfo=UTC)


def asked(**fields: object) -> AddRequest:
    """Return what an add of a user means, with these fields besides."""
    body = {"messages": "I keep bees", "user_id": "ada", **fields}
    return AddBody.model_validate(body).request(Access("acme"))


def said(content: object) -> Message:
    """Return what one message of this content means."""
    [message] = asked(messages=[{"role": "user", "content": content}]).messages
    return message


# Messages.


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ("hi", [Message("user", "hi")]),
        ({"role": "assistant", "content": "hi"}, [Message("assistant", "hi")]),
        (["hi", {"content": "you"}], [Message("user", "hi"), Message("user", "you")]),
        ([{"role": "user", "content": None}, "hi"], [Message("user", ""), Message("user", "hi")]),
        ({"content": "hi", "name": ""}, [Message("user", "hi")]),
        ({"content": "hi", "name": "Ada", "id": 5}, [Message("user", "hi", "Ada")]),
        ({"content": "hi", "timestamp": 1714521600}, [Message("user", "hi", said_at=MAY)]),
        ({"content": "hi", "timestamp": "2024-05-01"}, [Message("user", "hi", said_at=MAY)]),
    ],
)
def test_messages_in_every_form(messages: object, expected: list[Message]) -> None:
    assert list(asked(messages=messages).messages) == expected


def test_texts_among_parts_are_one_text() -> None:
    parts: list[Json] = [
        {"type": "text", "text": "Look at"},
        {"type": "image_url", "image_url": {"url": PNG_URL, "detail": "low"}},
        {"text": "my bees", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": ""},
    ]

    assert said(parts) == Message(
        "user", "Look at\nmy bees\n", attachments=(Attachment("image", url=PNG_URL),)
    )


@pytest.mark.parametrize(
    ("part", "url"),
    [
        ({"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}, None),
        ({"type": "image_url", "image_url": "https://a.example/b.png"}, None),
        ({"type": "image", "source": {"type": "url", "url": "https://a.example/b.png"}}, None),
        ({"type": "image_url", "image_url": PNG_URL}, PNG_URL),
        (
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/png", "data": PNG},
            },
            PNG_URL,
        ),
    ],
)
def test_a_message_may_be_a_picture_alone(part: Json, url: str | None) -> None:
    expected = (Attachment("image", url=url or "https://a.example/b.png"),)

    assert said(part) == said([part]) == Message("user", "", attachments=expected)


@pytest.mark.parametrize(
    ("part", "document"),
    [
        ({"type": "file", "file": {"file_data": NOTES_URL, "filename": "bees.md"}}, NAMED_NOTES),
        ({"type": "file", "file": {"file_data": NOTES}}, THE_NOTES),
        ({"type": "mdx_url", "mdx_url": {"url": NOTES}}, THE_NOTES),
        ({"type": "mdx_url", "mdx_url": {"url": NOTES_URL}}, THE_NOTES),
        ({"type": "txt_url", "txt_url": NOTES_URL}, THE_NOTES),
        (
            {
                "type": "document",
                "title": " bees.md\n",
                "source": {
                    "type": "text",
                    "media_type": "text/plain",
                    "data": "# Bees\n\nThree hives",
                },
            },
            NAMED_NOTES,
        ),
    ],
)
def test_a_message_may_be_a_text_document_alone(part: Json, document: Attachment) -> None:
    assert said(part) == Message("user", "", attachments=(document,))


PDF = "data:application/pdf;base64,JVBERi0xLjc="
WRONG_PARTS: list[tuple[Json, str]] = [
    ({"type": "text"}, "needs a text in text"),
    ({"type": "text", "text": 5}, "needs a text in text"),
    ({"type": None, "text": "hi"}, "not supported; send text, pictures"),
    ({"type": ["text"], "text": "hi"}, "not supported"),
    ({"type": "input_audio", "input_audio": {}}, "'input_audio' are not supported"),
    ({"type": "tool_use", "input": {}}, "'tool_use' are not supported"),
    ({"type": "pdf_url", "pdf_url": {"url": PDF}}, "'pdf_url' are not supported; send text"),
    ({"type": "image_url"}, "needs a text in image_url"),
    ({"type": "image_url", "image_url": 5}, "needs a text in image_url"),
    ({"type": "image_url", "image_url": {"url": ""}}, "needs a text in image_url.url"),
    ({"type": "image_url", "image_url": {"url": [PNG_URL]}}, "needs a text in image_url.url"),
    ({"type": "image_url", "image_url": "http://a.example/b.png"}, "https address"),
    ({"type": "image_url", "image_url": "file:///etc/passwd"}, "https address"),
    ({"type": "image_url", "image_url": PNG}, "https address"),
    ({"type": "image_url", "image_url": f"https://a.example/{'b' * 9_000}"}, "8192 characters"),
    ({"type": "image_url", "image_url": f"{PNG_URL}*"}, "not base64"),
    ({"type": "image_url", "image_url": PDF}, "type must be one of"),
    ({"type": "image_url", "image_url": PDF.replace("application/pdf", "image/png")}, "PNG, JPEG"),
    ({"type": "image_url", "image_url": "data:image/png;base64"}, "comma"),
    ({"type": "image", "source": PNG_URL}, "needs a text in source.type"),
    ({"type": "image", "source": {"type": "file", "file_id": "f"}}, "source of type 'file'"),
    ({"type": "image", "source": {"type": "base64", "data": PNG}}, "source.media_type"),
    ({"type": "file", "file": {"file_id": "f"}}, "needs a text in file.file_data"),
    ({"type": "file", "file": "f"}, "needs a text in file.file_data"),
    ({"type": "file", "file": {"file_data": PDF, "filename": "a.pdf"}}, "type text/"),
    ({"type": "file", "file": {"file_data": "https://a.example/b"}}, "not fetched; send"),
    ({"type": "mdx_url", "mdx_url": {"url": "https://a.example/b.mdx"}}, "not fetched; send"),
    ({"type": "txt_url", "txt_url": {"url": "s3://a/b.txt"}}, "not fetched; send"),
    ({"type": "txt_url", "txt_url": {"url": "no base64!"}}, "not base64"),
    (
        {"type": "document", "source": {"type": "base64", "data": "JVBERi0xLjc="}},
        "'document' with a source of type 'base64' are not supported",
    ),
    ({"type": "document", "source": {"type": "text", "data": " "}}, "must not be empty"),
]


@pytest.mark.parametrize(("part", "reason"), WRONG_PARTS, ids=lambda value: str(value)[:60])
def test_parts_that_are_not_understood(part: Json, reason: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        said(["hi", part][1:])

    assert reason in str(refused.value)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("part", "limit"),
    [
        ({"type": "image_url", "image_url": PNG_URL}, MAX_PICTURES),
        ({"type": "txt_url", "txt_url": NOTES}, MAX_DOCUMENTS),
    ],
)
def test_attachments_are_limited_in_all_messages_together(part: Json, limit: int) -> None:
    turns = [{"content": [part] * 5} for _ in range(limit // 5)]

    assert sum(len(message.attachments) for message in asked(messages=turns).messages) == limit
    with pytest.raises(InvalidRequestError, match="at most 20 pictures and 20 documents"):
        asked(messages=[*turns, {"content": part}])


# What is wished for.


def test_switches_that_are_null_are_as_if_they_were_not_given() -> None:
    request = asked(infer=None, immutable=None)

    assert (request.infer, request.is_immutable) == (True, False)


def test_without_wishes_nothing_is_asked_for() -> None:
    request = asked()

    assert (request.kind, request.reference_at, request.guidance) == (None, None, Guidance())


def test_wishes_in_the_words_of_the_caller() -> None:
    request = asked(
        custom_instructions="Remember animals",
        agent_custom_instructions="Remember promises",
        includes="bees",
        excludes="cats",
        prompt="Remember plants",
    )

    assert request.guidance == Guidance(
        instructions="Remember animals",
        agent_instructions="Remember promises",
        includes="bees",
        excludes="cats",
    )


def test_a_prompt_is_an_instruction_where_there_is_no_other() -> None:
    assert asked(prompt="Remember plants").guidance == Guidance(instructions="Remember plants")


def test_a_prompt_says_how_to_summarise_a_procedure() -> None:
    request = asked(
        memory_type="procedural_memory", agent_id="cook", prompt="Step by step", includes="times"
    )

    assert request.kind is MemoryKind.PROCEDURAL
    assert request.guidance == Guidance(extraction_prompt="Step by step", includes="times")


@pytest.mark.parametrize("kind", ["semantic", "episodic"])
def test_a_kind_for_all_memories(kind: str) -> None:
    assert asked(memory_type=f"{kind}_memory").kind == kind


def test_a_procedure_is_an_agents() -> None:
    asked(memory_type="procedural_memory", filters={"agent_id": "cook"})
    with pytest.raises(InvalidRequestError, match="procedural_memory needs an agent_id"):
        asked(memory_type="procedural_memory")


@pytest.mark.parametrize(
    ("given", "categories"),
    [
        ([{"food": "what they eat"}, {"pets": None}], {"food": "what they eat", "pets": ""}),
        ([{"food": "what they eat", "pets": ""}], {"food": "what they eat", "pets": ""}),
        (["food", {"pets": "animals"}], {"food": "", "pets": "animals"}),
        ([], None),
        (None, None),
    ],
)
def test_categories_with_descriptions_or_names_alone(
    given: object, categories: dict[str, str] | None
) -> None:
    assert asked(custom_categories=given).guidance.categories == categories


@pytest.mark.parametrize("wrong", [5, None, ["food"], True])
def test_a_category_that_is_neither_is_refused_in_the_words_clients_know(wrong: object) -> None:
    with pytest.raises(ValidationError) as refused:
        asked(custom_categories=[wrong])

    expected = f'Expected a dictionary of items but got type "{type(wrong).__name__}"'
    assert refused.value.errors()[0]["msg"] == expected


@pytest.mark.parametrize("name", ["reference_date", "observation_datetime", "observation_date"])
@pytest.mark.parametrize("value", ["2024-05-01", "2024-05-01T02:00:00+02:00", 1714521600])
def test_relative_dates_are_counted_from_a_time_of_its_own(name: str, value: object) -> None:
    request = asked(**{name: value})

    assert (request.reference_at, request.said_at) == (MAY, None)


def test_a_wrong_time_is_refused_by_its_name() -> None:
    with pytest.raises(InvalidRequestError, match="observation_date must be unix seconds"):
        asked(observation_date="in May")


def test_a_wish_is_limited() -> None:
    wishes = ("custom_instructions", "agent_custom_instructions", "includes", "excludes", "prompt")
    for wish in wishes:
        asked(**{wish: "é" * MAX_WISH_LENGTH})
        with pytest.raises(ValidationError):
            asked(**{wish: "é" * (MAX_WISH_LENGTH + 1)})


@pytest.mark.parametrize("enable_graph", [True, False, None])
def test_the_graph_is_asked_for_or_left_to_the_project(*, enable_graph: bool | None) -> None:
    assert asked(enable_graph=enable_graph).is_graphed is enable_graph
    assert asked().is_graphed is None


def test_what_older_clients_send_besides_is_ignored() -> None:
    extra = {"org_id": "o", "project_id": "p", "source": "CLI", "version": "v2", "custom": [1]}
    legacy = {"output_format": "v1.1", "async_mode": True, "categories": ["a"]}

    assert asked(**extra, **legacy) == asked()
