"""What importing a chat log promises, whatever is in the file."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recollect.domain.errors import InvalidRequestError
from recollect.domain.memory import MAX_TEXT_BYTES
from recollect.entrypoints.cli import transcripts
from recollect.entrypoints.cli.transcripts import (
    BadLine,
    Conversation,
    TranscriptMessage,
    read_transcript,
)
from recollect.sample import QUESTIONS, sample_conversation, sample_sessions

Item = Conversation | BadLine
Read = Callable[[str, object], list[Item]]
DEEP = "[" * 40 + "]" * 40
EXTENSIONS = [".json", ".jsonl", ".ndjson", ".txt", ".log", ""]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def written(name: str, content: object) -> list[Item]:
        path = tmp_path / name
        if not isinstance(content, str | bytes):
            content = json.dumps(content)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return list(read_transcript(path))

    return written


def said(content: str, **others: object) -> dict[str, object]:
    return {"role": "user", "content": content, **others}


def lines(*values: object) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


def contents(items: list[Item]) -> list[list[str]]:
    return [[m.content for m in item.messages] for item in items if isinstance(item, Conversation)]


def bad(items: list[Item]) -> list[BadLine]:
    return [item for item in items if isinstance(item, BadLine)]


def keys(items: list[Item]) -> list[str]:
    return [item.key for item in items if isinstance(item, Conversation)]


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


@pytest.mark.parametrize("name", ["chat.jsonl", "chat.json", "chat.txt", "chat"])
def test_json_lines_are_known_by_their_content(read: Read, name: str) -> None:
    text = lines(said("a"), said("b")) + "\n" + lines({"messages": [said("c")], "user_id": "maya"})

    items = read(name, text)

    assert contents(items) == [["a", "b"], ["c"]]
    assert keys(items) == ["lines 1-2", "line 4"]


@pytest.mark.parametrize("name", ["chat.jsonl", "chat.txt", "chat"])
def test_a_json_list_is_known_by_its_content(read: Read, name: str) -> None:
    assert contents(read(name, json.dumps([said("a")], indent=2))) == [["a"]]


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


def test_the_locomo_layout_is_one_user_per_sample(read: Read) -> None:
    turn = {"speaker": "Ann", "dia_id": "D1:1", "text": "Look!", "blip_caption": "a red kite"}
    conversation = {
        "speaker_a": "Ann",
        "session_10": [{"speaker": "Bob", "dia_id": "D10:1", "text": "Bye"}],
        "session_2": [turn],
        "session_2_date_time": "1:56 pm on 8 May, 2023",
    }

    items = read(
        "data.json",
        [{"conversation": conversation, "sample_id": "c-1"}, {"conversation": conversation}],
    )

    assert keys(items) == [
        "sample c-1 session 2",
        "sample c-1 session 10",
        "sample conversation-2 session 2",
        "sample conversation-2 session 10",
    ]
    message = TranscriptMessage(
        role="user",
        content="Ann: Look! [a red kite]",
        name="Ann",
        metadata={"dia_id": "D1:1", "session": 2},
    )
    assert items[0] == Conversation(
        key="sample c-1 session 2",
        messages=(message,),
        ids={"user_id": "c-1"},
        said_at=datetime(2023, 5, 8, 13, 56, tzinfo=UTC),
    )


def test_a_sample_id_is_not_used_for_two_users(read: Read) -> None:
    sample = {"sample_id": "x", "conversation": {"session_1": [{"speaker": "A", "text": "b"}]}}

    items = read("data.json", [sample, sample])

    assert len(keys(items)) == 1
    assert [item.line for item in bad(items)] == [1]


def test_a_bad_turn_or_session_time_leaves_the_rest(read: Read) -> None:
    turns = [{"speaker": "A", "text": "one"}, {"speaker": "A"}, {"speaker": "A", "text": "three"}]
    conversation = {"session_1": [*turns, 4], "session_2": turns, "session_2_date_time": "soon"}

    items = read("data.json", [{"conversation": conversation, "sample_id": "x"}])

    assert contents(items) == [["A: one"], ["A: three"]]
    assert keys(items) == ["sample x session 1 message 1", "sample x session 1 message 3"]
    second, fourth, session = (item.reason for item in bad(items))
    assert second == "element 1: session 1 turn 2: text and blip_caption must be strings"
    assert fourth == "element 1: session 1 turn 4: must be an object with speaker and text"
    assert session.startswith("element 1: session 2: the time must be Unix seconds")


def test_speakers_of_a_text_become_turns(read: Read) -> None:
    text = "Maya: Hi!\nTheo Lee: Hello,\nhow are you?\n\nassistant: At 12:30: noon.\n"

    [item] = read("chat.txt", text)

    assert isinstance(item, Conversation)
    assert [(m.role, m.name, m.content) for m in item.messages] == [
        ("user", "Maya", "Hi!"),
        ("user", "Theo Lee", "Hello,\nhow are you?"),
        ("assistant", None, "At 12:30: noon."),
    ]
    assert item.key == "lines 1-5"


def test_other_text_becomes_paragraphs(read: Read) -> None:
    text = "We went there at\n10: 30 was too late.\n\n\nthey told us: http://example.com\n"

    assert contents(read("notes.md", text)) == [
        ["We went there at\n10: 30 was too late.", "they told us: http://example.com"]
    ]


def test_a_paragraph_is_cut_between_lines_before_it_is_too_long(read: Read) -> None:
    line = "x" * 1000

    [item] = read("notes.txt", f"{line}\n" * 100)

    assert isinstance(item, Conversation)
    texts = [message.content for message in item.messages]
    assert "\n".join(texts) == "\n".join([line] * 100)
    assert max(map(len, texts)) <= MAX_TEXT_BYTES


def test_a_line_of_text_that_is_too_long_fails_alone(read: Read) -> None:
    items = read("notes.txt", "Maya: a\n" + "x" * (MAX_TEXT_BYTES + 1) + "\n\nTheo: b\n")

    assert contents(items) == [["a"], ["b"]]
    assert [item.line for item in bad(items)] == [2]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("{oops}", "not valid JSON"),
        ('"text"', "must be an object"),
        ("{} {}", "not valid JSON: more after the value, at character 3"),
        ("{}", "must have role and content, or messages"),
        ('{"role": "user"}', "content must be a string"),
        ('{"content": "a"}', "role must be a string"),
        ('{"role": "user", "content": " "}', "must not be empty"),
        ('{"role": "user", "content": [{"type": "image_url"}]}', "content must be"),
        ('{"role": "user", "content": "a", "name": 1}', "name must be"),
        ('{"role": "user", "content": "a", "user_id": 7}', "user_id must be a string"),
        ('{"role": "user", "content": "a", "metadata": 1}', "metadata must be an object"),
        ('{"role": "user", "content": "a", "timestamp": "noon"}', "the time must be"),
        ('{"role": "user", "content": "a", "timestamp": true}', "the time must be"),
        ('{"role": "user", "content": "a", "timestamp": 1e300}', "the time must be"),
        ('{"role": "user", "content": "\\ud800"}', "half a character"),
        ('{"role": "user", "content": NaN}', "a number is too large, infinite or none"),
        ('{"role": "user", "content": 1e999}', "a number is too large, infinite or none"),
        ('{"role": "user", "content": %s}' % ("1" * 5000), "a number is too large"),
        ("[" * 100_000, "nested too deeply"),
        ('{"messages": []}', "messages must be a list that is not empty"),
        ('{"messages": "a"}', "messages must be a list that is not empty"),
        ('{"messages": [3]}', "message 1: must be an object"),
        ('{"conversation": {}}', "the conversation has no session_1"),
        ('{"conversation": {}, "sample_id": 3}', "sample_id must be a string"),
        ('{"role": "user", "content": "a", "metadata": {"a": ' + DEEP + "}}", "nested too deeply"),
    ],
)
def test_a_bad_line_is_named_and_the_rest_imported(read: Read, value: str, reason: str) -> None:
    items = read(
        "chat.jsonl", f'{{"role": "user", "content": "before"}}\n{value}\n' + lines(said("after"))
    )

    assert contents(items) == [["before"], ["after"]]
    assert keys(items) == ["line 1", "line 3"]
    [failure] = bad(items)
    assert failure.line == 2
    assert reason in failure.reason


def test_a_bad_element_is_named_with_its_line_and_the_rest_imported(read: Read) -> None:
    good = json.dumps(said("a"))
    text = f'[\n{good},\n{{"role": "[", "content": }},\n3, oops,\n[{good}]]'

    items = read("chat.json", text)

    assert contents(items) == [["a"], ["a"]]
    assert [(item.line, item.reason.split(":")[0]) for item in bad(items)] == [
        (3, "element 2"),
        (4, "element 3"),
        (4, "element 4"),
    ]


@pytest.mark.parametrize("damage", ['{"role" "user"}', "oops", "}"])
def test_a_bad_last_element_is_not_taken_for_the_end_of_the_file(read: Read, damage: str) -> None:
    items = read("chat.json", f"[{json.dumps(said('a'))}, {damage}]")

    assert contents(items) == [["a"]]
    [failure] = bad(items)
    assert failure.reason.startswith("element 2: not valid JSON")


def test_messages_that_fail_inside_a_conversation_leave_the_others(read: Read) -> None:
    messages = [said("a"), said("b"), said(""), said("d")]

    items = read("chat.jsonl", lines({"messages": messages, "user_id": "maya"}))

    assert contents(items) == [["a", "b"], ["d"]]
    assert keys(items) == ["line 1 messages 1-2", "line 1 message 4"]
    assert [item.line for item in bad(items)] == [1]


def test_wherever_a_json_list_is_cut_off_what_is_complete_is_read(read: Read) -> None:
    text = json.dumps([said("a [1]"), said('b "{'), said("c")])
    ends = [end + 1 for end, character in enumerate(text) if character == "}"]

    for cut in range(1, len(text)):
        items = read("chat.json", text[:cut])

        assert sum(map(len, contents(items))) == sum(end <= cut for end in ends), text[:cut]
        [failure] = bad(items)
        assert items[-1] == failure
        assert "ends early" in failure.reason


def test_an_object_that_is_cut_off_is_read_if_its_ids_came_first(read: Read) -> None:
    third = {"role": "user", "metadata": {"x": [1]}, "content": "c"}
    messages = {"messages": [said("a", metadata={"x": [1]}), said("b"), third]}
    owner_first = json.dumps({"user_id": "maya"} | messages)
    owner_last = json.dumps(messages | {"user_id": "maya"})

    first = read("first.json", owner_first[: owner_first.index('"c"')])
    last = read("last.json", owner_last[: owner_last.index('"user_id"')])

    assert contents(first) == [["a", "b"]]
    assert keys(first) == ["element 1 messages 1-2"]
    assert "ends early" in bad(first)[0].reason
    assert contents(last) == []
    assert "ends early" in bad(last)[0].reason


@pytest.mark.parametrize("name", ["chat.jsonl", "chat.txt"])
def test_a_line_that_is_not_utf_8_fails_alone(read: Read, name: str) -> None:
    good = {"chat.jsonl": lines(said("a")), "chat.txt": "Maya: a\n"}[name].encode()

    items = read(name, good + good.replace(b"a", b"\xff") + good)

    assert contents(items) == [["a"], ["a"]]
    assert bad(items) == [BadLine(2, "is not valid UTF-8")]


def test_json_that_is_not_utf_8_is_refused_with_the_place(read: Read) -> None:
    items = read("chat.json", b'[\n{"role": "\xff"}]')

    assert items == [BadLine(2, "the file is not valid UTF-8 at byte 12 (the first is byte 0)")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", '[{"role": "user", "content": "ß😀"}]'),
        ("a.jsonl", '{"role": "user", "content": "ß😀"}\r\n'),
        ("a.txt", "ß😀\r\n"),
    ],
)
def test_byte_order_marks_are_understood(read: Read, encoding: str, name: str, text: str) -> None:
    mark = "\ufeff" if encoding[-3:] in {"-le", "-be"} else ""

    assert contents(read(name, (mark + text).encode(encoding))) == [["ß😀"]]


@pytest.mark.parametrize("tail", [b"\n", b"\x00\xd8\n\x00"])
def test_broken_utf_16_fails_by_line(read: Read, tail: bytes) -> None:
    items = read("a.txt", "Maya: a\n".encode("utf-16") + tail)

    assert contents(items) == [["a"]]
    assert bad(items) == [BadLine(2, "is not valid UTF-16")]


@pytest.mark.parametrize("extension", EXTENSIONS)
@pytest.mark.parametrize("content", [b"", b" \n\t\n", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_an_empty_file_says_so(read: Read, extension: str, content: bytes) -> None:
    assert read(f"empty{extension}", content) == [
        BadLine(1, "the file is empty: it holds no messages")
    ]


def test_a_line_without_end_does_not_fill_the_memory(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcripts, "MAX_LINE_CHARACTERS", 50)

    items = read("a.jsonl", lines(said("a")) + "x" * 500 + "\n" + lines(said("b")))

    assert contents(items) == [["a"], ["b"]]
    assert bad(items) == [BadLine(2, "is longer than 50 characters")]


@pytest.mark.parametrize("name", ["missing.json", ".", "a" * 5000, "nul\0.json"])
def test_what_is_not_a_file_is_refused_at_once(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidRequestError):
        read_transcript(tmp_path / name)


@st.composite
def near_json(draw: st.DrawFn) -> bytes:
    """Whole values with members of any type under the names that are read."""
    words = ["messages", "role", "content", "name", "conversation", "session_1", "user_id"]
    others = ["metadata", "timestamp", "session_1_date_time", "text", "speaker", "sample_id"]
    names = st.sampled_from([*words, *others])
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | names | st.text(max_size=3)
    values = st.recursive(
        leaves, lambda v: st.lists(v, max_size=4) | st.dictionaries(names, v, max_size=6)
    )
    return b"\n".join(json.dumps(draw(values)).encode() for _ in range(draw(st.integers(1, 3))))


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Good files of every format in which some bytes were replaced, lost or added."""
    chat = {"user_id": "maya", "messages": [said("a", timestamp=1.5, metadata={"b": [1]})] * 3}
    turns = [{"speaker": "A", "text": "b", "dia_id": "D1:1"}] * 2
    sample = {"sample_id": "x", "conversation": {"session_1": turns, "session_2": turns}}
    texts = [json.dumps([chat, sample, said("c")], indent=draw(st.sampled_from([None, 1])))]
    texts += [lines(chat, said("c"), said("d"), sample), "Maya: Hi!\nTheo: Ho\n\nText.\n"]
    content = draw(st.sampled_from(texts)).encode(draw(st.sampled_from(["utf-8", "utf-16"])))
    start = draw(st.integers(0, len(content)))
    other = draw(st.binary(max_size=3) | st.sampled_from([b'"', b"]", b"}", b"[", b"{", b","]))
    return content[:start] + other + content[start + draw(st.integers(0, 9)) :]


@settings(max_examples=300, deadline=None)
@given(
    content=st.binary(max_size=200) | near_json() | damaged(),
    mark=st.sampled_from([b"", b"", b"[", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"]),
    extension=st.sampled_from(EXTENSIONS),
)
def test_any_bytes_give_conversations_or_bad_lines(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, mark: bytes, extension: str
) -> None:
    path = tmp_path_factory.getbasetemp() / f"any{extension}"
    path.write_bytes(mark + content)

    items = list(read_transcript(path))

    assert items
    assert items == list(read_transcript(path))
    assert len(set(keys(items))) == len(keys(items))
    assert all(1 <= len(piece) <= transcripts.MAX_MESSAGES for piece in contents(items))


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
