"""Lists of JSON that are read element by element, and which questions are chosen."""

import json
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import pytest

from recollect.domain.errors import InvalidRequestError
from recollect.usecases.evaluation.formats import elements
from recollect.usecases.evaluation.locomo import read_locomo
from recollect.usecases.evaluation.questions import Conversation, Question, chosen
from recollect.usecases.transcripts import Content, json_window
from tests.unit.usecases.evaluation.files import a_sample, as_file, content_of, refusal


def test_no_more_than_an_element_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_window, "CHARACTERS_AT_ONCE", 10)
    data = json.dumps([a_sample(sample_id=f"sample {number}") for number in range(4)]).encode()
    streams: list[BinaryIO] = []

    def open_at(offset: int) -> BinaryIO:
        streams.append(content_of(data).open_at(offset))
        return streams[-1]

    found = read_locomo(Content("x.json", open_at))

    assert next(found).id == "sample 0"
    assert streams[-1].tell() < len(data) / 2
    assert [each.id for each in found] == ["sample 1", "sample 2", "sample 3"]


def test_an_empty_list_has_no_conversations() -> None:
    assert list(read_locomo(content_of(b" [ ] "))) == []


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "The file must be a JSON list"),
        (b"{}", "The file must be a JSON list"),
        (b"[{} {}]", "element 1: neither a comma nor the end of the list stands behind it"),
        (b"[{}", "element 1: neither a comma nor the end of the list stands behind it"),
        (b"[{]", "element 1: not valid JSON"),
        (b'[{"a": 1', "element 1: not valid JSON"),
        (b'["\xff"]', "element 1: the file is not valid UTF-8 at byte 2"),
    ],
)
def test_what_is_no_list_is_refused(data: bytes, told: str) -> None:
    assert refusal(unchecked, content_of(data)).startswith(told)


def unchecked(content: Content) -> Iterator[Conversation]:
    """Read elements of any form."""
    for _, _ in elements(content):
        yield Conversation(id="any", turns=(), questions=())


def test_an_element_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_window, "MAX_ELEMENT_CHARACTERS", 100)
    monkeypatch.setattr(json_window, "CHARACTERS_AT_ONCE", 100)

    assert "element 1: longer than" in refusal(read_locomo, as_file([a_sample()]))


# What is chosen.


def conversations(*counts: int) -> list[Conversation]:
    return [
        Conversation(
            id=f"c{place}",
            turns=(),
            questions=tuple(
                Question(id=f"{place}/{at}", text="?", evidence=(), category=str(at % 2))
                for at in range(count)
            ),
        )
        for place, count in enumerate(counts)
    ]


def ids_of(found: Iterable[Conversation]) -> list[str]:
    return [question.id for conversation in found for question in conversation.questions]


def test_all_are_chosen_but_conversations_without_questions() -> None:
    found = list(chosen(conversations(2, 0, 1)))

    assert [each.id for each in found] == ["c0", "c2"]
    assert ids_of(found) == ["0/0", "0/1", "2/0"]


def test_a_limit_counts_the_questions_of_the_categories() -> None:
    rest = iter(conversations(3, 3, 1))

    assert ids_of(chosen(rest, limit=3, only=["0"])) == ["0/0", "0/2", "1/0"]
    assert next(rest).id == "c2"


def test_two_questions_of_one_id_are_refused() -> None:
    with pytest.raises(InvalidRequestError, match="Two questions have the id 0/0"):
        list(chosen([*conversations(1), *conversations(1)]))
