"""Periods as models write them."""

from datetime import UTC, datetime

import pytest

from recollect.domain.times import period


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("", "", (None, None)),
        ("2026", "", (utc(2026, 1, 1), None)),
        ("", "2026", (None, utc(2027, 1, 1))),
        ("2026-12", "2026-12", (utc(2026, 12, 1), utc(2027, 1, 1))),
        ("2026-01", "2026-02", (utc(2026, 1, 1), utc(2026, 3, 1))),
        (" 2024-02-29 ", "2024-02-29", (utc(2024, 2, 29), utc(2024, 3, 1))),
        ("2026-03-01T10:00+02:00", "", (utc(2026, 3, 1, 8), None)),
        ("2026-03-01 10:00", "", (utc(2026, 3, 1, 10), None)),
        (
            "2026-03-01T10:00Z",
            "2026-03-01T10:00Z",
            (utc(2026, 3, 1, 10), utc(2026, 3, 1, 10, 0, 0, 1)),
        ),
        ("2026-05", "2025", (utc(2026, 5, 1), None)),
        ("0000", "9999", (None, None)),
        ("2026-03-01T25:00", "2026-3", (None, None)),
        ("since May", "-2026", (None, None)),
    ],
)
def test_a_period_is_read(
    start: str, end: str, expected: tuple[datetime | None, datetime | None]
) -> None:
    assert period(start, end) == expected
