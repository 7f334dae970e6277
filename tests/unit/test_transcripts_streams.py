"""What reading a log as a stream promises: any size, gzip, and going on after any item."""

import gzip
import io
import json
import tracemalloc
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recollect.entrypoints.cli.transcripts import Transcript
from recollect.usecases.transcripts import (
    EMPTY,
    START,
    BadLine,
    Content,
    Conversation,
    Item,
    Place,
    conversations,
    json_text,
    json_window,
    read_content,
    shared_metadata,
)
from recollect.usecases.transcripts import lines as line_reading
from recollect.usecases.transcripts.content import Encoding
from recollect.usecases.transcripts.json_window import Window
from tests.unit.transcripts import EXTENSIONS, bad, contents, keys, lines, said

GZIP_DAMAGE = "the gzip data is damaged here, or ends early"


def content_of(data: bytes, name: str = "chat") -> Content:
    def open_at(offset: int) -> BinaryIO:
        return io.BytesIO(data[offset:])

    return Content(name, open_at)


def read(data: bytes | str, name: str = "chat", after: Place = START) -> list[Item]:
    whole = data.encode() if isinstance(data, str) else data
    return list(read_content(content_of(whole, name), after, is_at_once=False))


def told(items: list[Item]) -> list[tuple[Item, Place]]:
    return [(item, item.behind) for item in items]


@pytest.fixture(params=[1, 7, 64 * 1024])
def _windows(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold so many characters of JSON at first."""
    monkeypatch.setattr(json_window, "CHARACTERS_AT_ONCE", request.param)


@st.composite
def logs(draw: st.DrawFn) -> bytes:
    """Logs of every format, some of them damaged."""
    turns = [{"speaker": "A", "text": "b", "dia_id": "D1:1"}] * 2
    sample = {"sample_id": "x", "conversation": {"session_1": turns, "session_2": turns}}
    values = st.sampled_from(
        [
            said("a"),
            said("ß😀", user_id="maya"),
            said("later", timestamp=10_000),
            said(""),
            {"user_id": "theo", "messages": [said("c"), said(""), said("d", timestamp=5)] * 2},
            [said("e")] * 3,
            sample,
            17,
            "text",
        ]
    )
    some = draw(st.lists(values, max_size=6))
    indent = draw(st.sampled_from([None, 1]))
    text = draw(
        st.sampled_from(
            [
                json.dumps(some, indent=indent),
                "\n".join(json.dumps(value, indent=indent) for value in some),
                lines(*some),
                "Maya: Hi!\nTheo: Ho\n\n# Text\n\n- it\n" * len(some),
            ]
        )
    )
    data = text.encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])))
    start = draw(st.integers(0, len(data)))
    other = draw(st.binary(max_size=2) | st.sampled_from([b"", b"", b'"', b"]", b"}", b"\n"]))
    return data[:start] + other + data[start + draw(st.integers(0, 5)) :]


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=logs(), extension=st.sampled_from([*EXTENSIONS, ".md"]))
@pytest.mark.usefixtures("_windows")
def test_reading_goes_on_behind_any_item_as_if_it_had_not_stopped(
    data: bytes, extension: str
) -> None:
    name = f"chat{extension}"
    items = told(read(data, name))

    for number, (_, behind) in enumerate(items, 1):
        assert told(read(data, name, behind)) == items[number:]


@settings(max_examples=200, deadline=None)
@given(data=logs(), extension=st.sampled_from([*EXTENSIONS, ".md"]))
def test_gzip_changes_nothing(data: bytes, extension: str) -> None:
    packed = gzip.compress(data, 1)
    items = told(read(data, f"chat{extension}"))

    assert told(read(packed, f"chat{extension}.gz")) == items
    assert told(read(packed, f"chat{extension}.GZ", items[0][1])) == items[1:]


@settings(max_examples=100, deadline=None)
@given(data=logs(), size=st.integers(1, 40))
def test_what_is_held_at_once_changes_nothing(data: bytes, size: int) -> None:
    items = told(read(data, "chat.json"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_window, "CHARACTERS_AT_ONCE", size)

        assert told(read(data, "chat.json")) == items


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_gzip_that_ends_early_gives_what_is_complete(cut: int) -> None:
    text = lines(*(said(f"message {number} {number * 7919}") for number in range(10_000)))

    items = read(gzip.compress(text.encode())[:-cut], "chat.jsonl.gz")

    assert isinstance(items[-1], BadLine)
    assert items[-1].reason == GZIP_DAMAGE
    assert contents(items)[0][0] == "message 0 0"
    assert read(gzip.compress(text.encode())[:-cut], "chat.jsonl.gz", items[-1].behind) == []


def test_gzip_that_is_damaged_from_the_beginning_says_so() -> None:
    data = b"\x1f\x8b\x08" + b"nonsense" * 10

    assert read(data, "chat.gz") == [BadLine(1, GZIP_DAMAGE)]


def test_gzip_with_something_behind_it_says_so() -> None:
    data = gzip.compress(b"Maya: a\n") + b"behind"

    assert [contents(items := read(data)), bad(items)] == [[["a"]], [BadLine(2, GZIP_DAMAGE)]]


def test_a_list_that_is_not_closed_says_so_once() -> None:
    text = f"[{json.dumps(said('a'))},\n"

    items = read(text)

    assert bad(items) == [BadLine(2, "the file ends early: its list is not closed")]
    assert read(text, after=items[-1].behind) == []


def test_an_empty_log_says_so_once() -> None:
    items = read(b"")

    assert items == [BadLine(1, EMPTY)]
    assert read(b"", after=items[-1].behind) == []


@pytest.mark.usefixtures("_windows")
def test_an_element_that_is_not_utf_8_fails_alone() -> None:
    good = json.dumps(said("a")).encode()

    items = read(b"[" + good + b',{"role": "\xff"},' + good + b"]")

    reason = f"the file is not valid UTF-8 at byte {len(good) + 12} (the first is byte 0)"
    assert contents(items) == [["a"], ["a"]]
    assert bad(items) == [BadLine(1, reason)]


@pytest.mark.usefixtures("_windows")
def test_an_element_that_is_too_long_ends_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_window, "MAX_ELEMENT_CHARACTERS", 400)
    monkeypatch.setattr(json_text, "MAX_ELEMENT_CHARACTERS", 400)
    long = {"user_id": "maya", "messages": [said("b"), said("c" * 10), *[said("d" * 500)]]}

    items = read(json.dumps([said("a"), long, said("e")]))

    assert contents(items) == [["a"], ["b", "c" * 10]]
    reason = "element 2: is longer than 400 characters; JSON Lines can be of any length"
    assert bad(items) == [BadLine(1, reason)]


def test_an_element_may_be_as_long_as_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    chat = json.dumps(said("a" * 100))
    monkeypatch.setattr(json_window, "CHARACTERS_AT_ONCE", 10)

    for limit, texts in [(len(chat), [["a" * 100]]), (len(chat) - 1, [])]:
        monkeypatch.setattr(json_window, "MAX_ELEMENT_CHARACTERS", limit)
        monkeypatch.setattr(json_text, "MAX_ELEMENT_CHARACTERS", limit)

        assert contents(read(chat)) == texts
        assert contents(read(f"[{chat}]")) == texts


@pytest.mark.usefixtures("_windows")
def test_a_damaged_part_of_an_owned_object_is_not_made_up() -> None:
    data = b'[{"user_id": "maya", "messages": [{"role": "user", "content": "\xff"}, {"role": "us'

    items = read(data)

    assert contents(items) == []
    assert len(bad(items)) == 1


def test_a_list_in_one_line_that_is_too_long_to_look_at_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(line_reading, "MAX_LINE_CHARACTERS", 50)

    assert contents(read(json.dumps([said("a")] * 5), "chat")) == [["a"] * 5]


def test_the_second_line_is_looked_for_behind_one_that_is_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(line_reading, "MAX_LINE_CHARACTERS", 50)

    assert contents(read(" " * 200 + "\n" + lines(said("a"), said("b")), "chat")) == [["a", "b"]]


def test_a_conversation_has_only_so_much_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversations, "MAX_CHARACTERS", 10)

    items = read(lines(said("aaaa"), said("bbbbbb"), said("c"), said("d" * 20), said("e")))

    assert contents(items) == [["aaaa", "bbbbbb"], ["c"], ["d" * 20], ["e"]]


def test_the_same_sample_read_again_is_the_same_user() -> None:
    sample = {"sample_id": "x", "conversation": {"session_1": [{"speaker": "A", "text": "b"}]}}

    items = read(json.dumps([sample, sample]))

    assert [item.ids for item in items if isinstance(item, Conversation)] == [{"user_id": "x"}] * 2


def test_a_heading_of_markdown_belongs_to_the_paragraph_behind_it() -> None:
    text = (
        "# Maya\n\n## Food\n\n- tea\n    - green\n## Work\nShe paints.\n\n"
        "Alone.\n\n# Talk\nTheo: Hi\n\n# End\n"
    )

    assert contents(read(text, "notes.md")) == [
        [
            "# Maya\n## Food\n- tea\n    - green",
            "## Work\nShe paints.",
            "Alone.",
            "# Talk",
            "Hi",
            "# End",
        ]
    ]


def test_metadata_of_any_shape_is_kept_as_far_as_messages_share_it() -> None:
    tags = {"tags": {"a": [1, {"b": None}]}}
    messages = [said("a", metadata={**tags, "n": 1}), said("b", metadata={**tags, "n": 2})]

    [piece] = read(json.dumps({"messages": messages, "metadata": {"source": "chat"}}))

    assert isinstance(piece, Conversation)
    assert piece.messages[0].metadata == {**tags, "n": 1}
    assert shared_metadata(piece) == {**tags, "source": "chat"}


def test_a_heading_is_nothing_in_other_text() -> None:
    assert contents(read("# Food\n\n  - tea\n", "notes.txt")) == [["# Food", "- tea"]]


def test_lines_are_told_apart_as_on_any_system() -> None:
    items = read("Maya: a\r\nTheo: b\rMaya: c\n\n\nTheo: d", "chat.txt")

    assert contents(items) == [["a", "b", "c", "d"]]
    assert keys(items) == ["lines 1-6"]
    assert items[0].behind == Place(offset=34, line=6)


def test_a_window_that_ends_inside_a_character_ends_there() -> None:
    encoding = Encoding.of("a".encode("utf-16"))
    window = Window(io.BytesIO("[1] ".encode("utf-16-le") + b"x"), encoding, START)

    characters = []
    while character := window.next_character():
        characters.append(character)
        window.pass_to(window.at + 1)

    assert characters == ["[", "1", "]", "\udfff"]


def test_a_file_says_how_far_it_was_read(tmp_path: Path) -> None:
    path = tmp_path / "chat.jsonl"
    path.write_text(lines(*(said("a" * 1000, timestamp=n * 10_000) for n in range(100))))
    transcript = Transcript(path)

    assert transcript.bytes_read == 0
    read_so_far = [transcript.bytes_read for _ in transcript]

    assert read_so_far == sorted(read_so_far)
    assert 0 < read_so_far[0] < transcript.size / 2
    assert read_so_far[-1] == transcript.size == path.stat().st_size


class Repeated(io.RawIOBase):
    """A part so often, never held as a whole."""

    def __init__(self, part: bytes, count: int) -> None:
        super().__init__()
        self._parts = iter([part] * count)
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        self._left = self._left or next(self._parts, b"")
        part, self._left = self._left[: len(buffer)], self._left[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


def test_what_was_read_is_let_go() -> None:
    element = json.dumps(said("a" * 20_000)).encode()

    def open_at(_: int) -> BinaryIO:
        return io.BufferedReader(Repeated(element + b",\n", 5_000))

    tracemalloc.start()
    with closing(read_content(Content("chat.json", open_at))) as items:
        count = sum(len(piece) for item in items for piece in contents([item]))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == 5_000
    assert peak < 10_000_000
