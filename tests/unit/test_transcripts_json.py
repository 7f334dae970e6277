"""What importing JSON promises, whatever its values are and wherever it is damaged."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from recollect.usecases.transcripts import Conversation, TranscriptMessage
from tests.unit.transcripts import Read, bad, contents, keys, lines, reader, said

DEEP = "[" * 40 + "]" * 40


@pytest.fixture
def read(tmp_path: Path) -> Read:
    return reader(tmp_path)


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
