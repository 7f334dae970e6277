"""Which messages of a chat log become one conversation, and under which key."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recollect.sample import QUESTIONS, sample_conversation, sample_sessions
from recollect.usecases.transcripts import Conversation, TranscriptMessage
from tests.unit.transcripts import Read, bad, contents, keys, lines, reader, said


@pytest.fixture
def read(tmp_path: Path) -> Read:
    return reader(tmp_path)


def test_a_list_of_messages_is_one_conversation(read: Read) -> None:
    items = read(
        "chat.json",
        [
            said("Hi", name="Maya", timestamp="2024-05-01T10:00:00+02:00", metadata={"mood": [1]}),
            {"role": "assistant", "content": [{"type": "text", "text": "Hello"}], "name": None},
        ],
    )

    at = datetime(2024, 5, 1, 8, tzinfo=UTC)
    first = TranscriptMessage(
        role="user", content="Hi", name="Maya", metadata={"mood": [1]}, said_at=at
    )
    second = TranscriptMessage(role="assistant", content="Hello")
    assert items == [Conversation(key="elements 1-2", messages=(first, second), said_at=at)]
    assert [i.said_at.tzinfo for i in items if isinstance(i, Conversation) and i.said_at] == [UTC]


def test_an_object_carries_ids_metadata_and_time(read: Read) -> None:
    chat = {
        "messages": [said("Hi")],
        "user_id": " maya ",
        "run_id": "r1",
        "app_id": None,
        "metadata": {"source": "phone"},
        "timestamp": 1714550400,
    }

    [item] = read("chat.json", chat)

    assert item == Conversation(
        key="element 1",
        messages=(TranscriptMessage(role="user", content="Hi"),),
        ids={"user_id": "maya", "run_id": "r1"},
        said_at=datetime(2024, 5, 1, 8, tzinfo=UTC),
        metadata={"source": "phone"},
    )


def test_a_list_of_conversations_stays_apart(read: Read) -> None:
    items = read("chats.json", [{"messages": [said("a")]}, [said("b")], said("c"), said("d")])

    assert contents(items) == [["a"], ["b"], ["c", "d"]]
    assert keys(items) == ["element 1", "element 2", "elements 3-4"]


def test_messages_of_other_ids_are_other_conversations(read: Read) -> None:
    text = lines(said("a", user_id="maya"), said("b", user_id="maya"), said("c", user_id="theo"))

    items = read("chat.jsonl", text)

    assert [i.ids["user_id"] for i in items if isinstance(i, Conversation)] == ["maya", "theo"]
    assert contents(items) == [["a", "b"], ["c"]]


def test_a_long_conversation_comes_in_pieces_with_keys_of_their_own(read: Read) -> None:
    items = read("chat.json", {"messages": [said(str(n)) for n in range(250)]})

    assert [len(piece) for piece in contents(items)] == [100, 100, 50]
    assert keys(items) == [
        "element 1 messages 1-100",
        "element 1 messages 101-200",
        "element 1 messages 201-250",
    ]


def test_a_pause_of_more_than_half_an_hour_begins_another_conversation(read: Read) -> None:
    start = datetime(2024, 5, 1, tzinfo=UTC)
    minutes = [0, 30, 61]
    texts = [said(str(m), timestamp=(start + timedelta(minutes=m)).timestamp()) for m in minutes]

    items = read("chat.jsonl", lines(*texts))

    assert contents(items) == [["0", "30"], ["61"]]
    assert [item.said_at for item in items if isinstance(item, Conversation)] == [
        start,
        start + timedelta(minutes=61),
    ]


def test_messages_that_fail_inside_a_conversation_leave_the_others(read: Read) -> None:
    messages = [said("a"), said("b"), said(""), said("d")]

    items = read("chat.jsonl", lines({"messages": messages, "user_id": "maya"}))

    assert contents(items) == [["a", "b"], ["d"]]
    assert keys(items) == ["line 1 messages 1-2", "line 1 message 4"]
    assert [item.line for item in bad(items)] == [1]


def test_the_sample_is_many_dated_sessions_that_hold_the_answers() -> None:
    sessions = sample_sessions()
    whole = sample_conversation()

    assert len(whole.messages) >= 120
    assert sum(len(session.messages) for session in sessions) == len(whole.messages)
    days = {session.said_at.date() for session in sessions if session.said_at}
    assert len(days) == len(sessions) >= 6
    assert whole.ids == {"user_id": "maya"}
    texts = [message.content for message in whole.messages]
    assert [texts.count(question.answer) for question in QUESTIONS] == [1, 1, 1]
