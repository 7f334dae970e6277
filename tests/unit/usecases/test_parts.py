"""Dividing a conversation into what can be read at once."""

from datetime import UTC, datetime

import pytest

from recollect.domain.memory import Attachment, Message
from recollect.ports.models import Conversation
from recollect.usecases.parts import (
    CONTEXT_MESSAGES,
    LEAST_SPLIT_CHARACTERS,
    MAX_CHARACTERS,
    MAX_TURNS,
    characters,
    end_of_part,
    halves,
)


def said(*texts: str) -> tuple[Message, ...]:
    return tuple(Message("user", text) for text in texts)


def conversation(*messages: Message, before: tuple[Message, ...] = ()) -> Conversation:
    return Conversation(messages=messages, said_at=datetime(2026, 3, 1, tzinfo=UTC), before=before)


def test_documents_count_as_what_is_said() -> None:
    assert characters(Message("user", "four", attachments=(Attachment("document", "12345"),))) == 9


def test_a_part_is_whole_turns_that_fit() -> None:
    half = "x" * (MAX_CHARACTERS // 2)

    assert end_of_part(said("a", "b", "c"), 0) == 3
    assert end_of_part(said(half, half, "c", "d"), 0) == 2
    assert end_of_part(said(half, half, "c", "d"), 2) == 4
    assert end_of_part(said("x" * MAX_CHARACTERS * 2, "b"), 0) == 1
    assert end_of_part(said("a", "x" * MAX_CHARACTERS * 2), 0) == 1
    assert end_of_part(said(*["a"] * (MAX_TURNS + 5)), 0) == MAX_TURNS
    assert end_of_part(said(*["a"] * (MAX_TURNS + 5)), MAX_TURNS) == MAX_TURNS + 5


def test_every_part_makes_progress_until_the_end() -> None:
    messages = said(*(("x" * (at * 997 % 30_000)) for at in range(300)))
    at, seen = 0, 0
    while at < len(messages):
        end = end_of_part(messages, at)
        assert at < end <= at + MAX_TURNS
        assert sum(map(characters, messages[at:end])) <= MAX_CHARACTERS or end == at + 1
        at, seen = end, seen + 1
    assert seen < 300


def test_the_second_half_knows_what_was_said_in_the_first() -> None:
    messages = said(*(f"turn {at}" for at in range(40)))

    (_, first), (middle, second) = halves(conversation(*messages, before=said("earlier")))

    assert (*first.messages, *second.messages) == messages
    assert first.before == said("earlier")
    assert second.before == messages[:middle][-CONTEXT_MESSAGES:]


@pytest.mark.parametrize("end", ["\n\n", "\n", ". ", " ", "\u3002"])
def test_a_text_is_divided_where_something_ends(end: str) -> None:
    text = f"word{end}" * LEAST_SPLIT_CHARACTERS

    (_, first), (start, second) = halves(conversation(*said(text)))

    contents = (first.messages[0].content, second.messages[0].content)
    assert "".join(contents) == text
    assert start == 0
    assert end == "\u3002" or contents[0].endswith(end)


def test_a_short_message_is_not_divided() -> None:
    assert halves(conversation(*said("x" * (2 * LEAST_SPLIT_CHARACTERS - 1)))) == []


def test_many_short_documents_of_one_message_are_not_divided() -> None:
    documents = (Attachment("document", "x" * (2 * LEAST_SPLIT_CHARACTERS - 1)),) * 9

    assert halves(conversation(Message("user", "a", attachments=documents))) == []


def test_documents_are_divided_with_their_message() -> None:
    long = Attachment("document", "x" * 2 * LEAST_SPLIT_CHARACTERS)
    short = Attachment("document", "short")

    (_, first), (_, second) = halves(
        conversation(Message("user", "Read!", attachments=(long, short)))
    )

    assert first.messages[0].content == "Read!"
    assert [each.text for each in first.messages[0].attachments][1:] == ["short"]
    assert second.messages[0].content == ""
    assert [len(each.text) for each in second.messages[0].attachments] == [LEAST_SPLIT_CHARACTERS]
