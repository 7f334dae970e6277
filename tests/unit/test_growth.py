"""The growth curve of searches, measured small."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks import growth, growth_plot, growth_report
from benchmarks.growth import Case
from benchmarks.growth_file import WHY_NOT, make

SVG = "{http://www.w3.org/2000/svg}"
SECONDS = 120.0


def a_case(memories: int, milliseconds: float, **changes: object) -> dict[str, object]:
    took = {
        "made_in_seconds": 1.0,
        "file_mb": 5.0,
        "start_ms": 300.0,
        "first_ms": 4 * milliseconds,
        "search": {"p50_ms": milliseconds, "p95_ms": 2 * milliseconds},
        "searches": 200,
        "memory_mb": {"before": 90.0, "after": 100.0, "peak": 110.0},
    }
    return Case(memories).told | took | changes


def centres(picture: str, *, fill: str) -> list[tuple[float, float]]:
    dots = ET.fromstring(picture).iter(f"{SVG}circle")  # noqa: S314 - our own picture
    return [
        (float(dot.attrib["cx"]), float(dot.attrib["cy"]))
        for dot in dots
        if fill in dot.get("fill", "")
    ]


def test_a_small_run_gives_numbers_a_table_and_a_picture(tmp_path: Path) -> None:
    cases = [Case(60, users=3, searched="each"), Case(60, users=3, searched="whole")]

    result = growth.measure(cases, tmp_path, seconds=SECONDS)

    assert [case["in_scope"] for case in result["cases"]] == [20, 60]
    assert len({case["made_in_seconds"] for case in result["cases"]}) == 1
    for case in result["cases"]:
        assert case["searches"] >= 5
        assert 0 < case["search"]["p50_ms"] <= case["search"]["p95_ms"]
        assert min(case["start_ms"], case["first_ms"], case["file_mb"]) > 0
        assert 0 < case["memory_mb"]["before"] <= case["memory_mb"]["peak"]
    table = growth_report.report(result)
    assert "\n| 20, each user in turn | 60 | 3 |" in table
    assert "\n| 60, the whole project | 60 | 3 |" in table
    assert len(centres(growth_plot.plot(result["cases"]), fill="#")) == 3
    assert len(centres(growth_plot.plot(result["cases"]), fill="none")) == 3


def test_a_file_that_takes_too_long_is_told_with_all_that_was_to_be_measured_in_it(
    tmp_path: Path,
) -> None:
    cases = [Case(400, users=2), Case(400, users=2, searched="whole")]

    result = growth.measure(cases, tmp_path, seconds=0.0)

    for case in result["cases"]:
        assert "400 memories cannot be made in 0 s: 200 were" in case[WHY_NOT]
    assert growth_report.report(result).count("not measured: 400 memories cannot be made") == 2
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="nothing was measured"):
        growth_plot.plot(result["cases"])


def test_a_file_that_was_not_made_to_its_end_is_not_measured(tmp_path: Path) -> None:
    (tmp_path / "20-1").mkdir()

    [case] = growth.measure([Case(20)], tmp_path, seconds=SECONDS)["cases"]

    assert "20-1 is a data file that was not made to its end" in case[WHY_NOT]


def test_searches_that_find_nothing_are_not_measured(tmp_path: Path) -> None:
    empty = tmp_path / "20-1"
    empty.mkdir()
    (empty / growth.MADE).write_text("{}")

    [case] = growth.measure([Case(20)], tmp_path, seconds=SECONDS)["cases"]

    assert case[WHY_NOT] == "growth_searches ended with status 1"


@pytest.mark.parametrize(("memories", "users"), [(10, 3), (2, 3), (0, 1), (10, 0)])
def test_memories_that_cannot_be_shared_out_evenly_are_refused(
    tmp_path: Path, memories: int, users: int
) -> None:
    with pytest.raises(ValueError, match="cannot be shared out evenly"):
        make(tmp_path, memories, users, SECONDS)


def test_tenfold_sizes_are_equally_far_apart() -> None:
    picture = growth_plot.plot([a_case(1_000, 4.0), a_case(10_000, 5.0), a_case(100_000, 9.0)])

    *_, first, second, third = (x for x, _ in centres(picture, fill="#"))
    assert second - first == pytest.approx(third - second, abs=0.2)


def test_the_line_is_of_the_faster_of_two_settings_and_part_of_a_project_beside_it() -> None:
    cases = [
        a_case(1_000, 4.0),
        a_case(10_000, 900.0),
        a_case(10_000, 6.0, resident_megabytes=4_096),
        a_case(10_000, 4.0, in_scope=1_000),
    ]

    picture = growth_plot.plot(cases)

    assert "later, p50 6.0" in picture
    assert len(centres(picture, fill="none")) == 3
    ring, dot = centres(picture, fill="none")[-1], centres(picture, fill="#")[-2]
    assert ring == dot
