"""What importing a chat log promises of any file: its format, lines, encoding and text."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recollect.domain.errors import InvalidRequestError
from recollect.domain.memory import MAX_TEXT_BYTES
from recollect.entrypoints.cli.transcripts import read_transcript
from recollect.usecases.transcripts import MAX_MESSAGES, BadLine, Conversation
from recollect.usecases.transcripts import lines as line_reading
from tests.unit.transcripts import EXTENSIONS, Read, bad, contents, keys, lines, reader, said


@pytest.fixture
def read(tmp_path: Path) -> Read:
    return reader(tmp_path)


@pytest.mark.parametrize("name", ["chat.jsonl", "chat.json", "chat.txt", "chat"])
def test_json_lines_are_known_by_their_content(read: Read, name: str) -> None:
    text = lines(said("a"), said("b")) + "\n" + lines({"messages": [said("c")], "user_id": "maya"})

    items = read(name, text)

    assert contents(items) == [["a", "b"], ["c"]]
    assert keys(items) == ["lines 1-2", "line 4"]


@pytest.mark.parametrize("name", ["chat.jsonl", "chat.txt", "chat"])
def test_a_json_list_is_known_by_its_content(read: Read, name: str) -> None:
    assert contents(read(name, json.dumps([said("a")], indent=2))) == [["a"]]


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
    monkeypatch.setattr(line_reading, "MAX_LINE_CHARACTERS", 50)

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
    assert all(1 <= len(piece) <= MAX_MESSAGES for piece in contents(items))


@pytest.mark.parametrize("name", ["chat.txt", "chat.jsonl", "chat.json"])
def test_a_file_that_is_no_text_is_one_bad_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"\x7fELF\x02\x01\x01\0\0\0 hello\nI like tea\n" * 40)

    assert list(read_transcript(path)) == [BadLine(1, "the file is no text: it holds zero bytes")]
