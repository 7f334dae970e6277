"""What memories promise: whole last days, vectors that survive storing, sizes that fit."""

from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pytest

from recollect.domain.errors import InvalidRequestError
from recollect.domain.memory import (
    MAX_METADATA_BYTES,
    MAX_TEXT_BYTES,
    Embedding,
    HistoryEvent,
    Json,
    checked_metadata,
    checked_text,
)
from recollect.testing.builders import NOON, a_memory, a_scope, a_vector

LAST_DAY = date(2026, 3, 1)


@pytest.mark.parametrize(
    ("now", "is_expired"),
    [
        (datetime(2026, 3, 1, tzinfo=UTC), False),
        (datetime(2026, 3, 1, 23, 59, 59, 999_999, UTC), False),
        (datetime(2026, 3, 2, tzinfo=UTC), True),
        (datetime(2026, 3, 2, 1, tzinfo=timezone(timedelta(hours=2))), False),
        (datetime(2026, 3, 1, 23, tzinfo=timezone(timedelta(hours=-2))), True),
    ],
)
def test_the_last_day_is_over_at_its_end_in_utc(now: datetime, *, is_expired: bool) -> None:
    assert a_memory(a_scope(), expires_on=LAST_DAY).is_expired(now) is is_expired


def test_without_a_last_day_nothing_expires() -> None:
    assert not a_memory(a_scope()).is_expired(datetime.max.replace(tzinfo=UTC))


def test_a_stored_vector_keeps_its_direction() -> None:
    chance = np.random.default_rng(1)
    first, second = (a_vector(*chance.normal(size=256)) for _ in range(2))

    stored = [Embedding.of("test", vector).vector() for vector in (first, second)]

    assert stored[0].dtype == np.float32
    assert stored[0] @ stored[1] == pytest.approx(first @ second, abs=1e-3)
    assert len(Embedding.of("test", first).data) == 512


def test_a_text_is_trimmed() -> None:
    assert checked_text(" likes  tea \n") == "likes  tea"


@pytest.mark.parametrize("text", ["", " ", "\n\t\u3000"])
def test_a_text_must_say_something(text: str) -> None:
    with pytest.raises(InvalidRequestError, match="must not be empty"):
        checked_text(text)


@pytest.mark.parametrize("character", ["x", "\u00e9", "\u540d", "\U0001f98a"])
def test_a_text_is_measured_in_bytes(character: str) -> None:
    most = MAX_TEXT_BYTES // len(character.encode())

    assert checked_text(character * most)
    with pytest.raises(InvalidRequestError, match="at most 32768 bytes"):
        checked_text(character * (most + 1))


def test_metadata_is_measured_in_bytes_of_json() -> None:
    frame = len('{"a": ""}')
    fitting = {"a": "x" * (MAX_METADATA_BYTES - frame)}

    assert checked_metadata(fitting) is fitting
    with pytest.raises(InvalidRequestError, match="metadata must have at most"):
        checked_metadata({"a": "x" * (MAX_METADATA_BYTES - frame + 1)})


@pytest.mark.parametrize("metadata", [{"a": "\ud800"}, {"\udfff": 1}, {"a": {"b": ["\ud800"]}}])
def test_metadata_with_half_a_character_is_refused(metadata: dict[str, Json]) -> None:
    with pytest.raises(InvalidRequestError, match="surrogate"):
        checked_metadata(metadata)


def test_a_text_with_half_a_character_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="surrogate"):
        checked_text("half \ud800")


def test_an_event_is_of_a_memory() -> None:
    with pytest.raises(ValueError, match="before, after or both"):
        HistoryEvent.of(None, None, at=NOON, cause="a job")
