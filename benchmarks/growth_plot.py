"""What searches take against the memories in their scope, as a picture in SVG."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from xml.sax.saxutils import escape

from benchmarks.growth_file import WHY_NOT

WIDTH: Final = 760
HEIGHT: Final = 440
LEFT: Final = 80
RIGHT: Final = 570
TOP: Final = 60
BOTTOM: Final = 380
MARGIN: Final = 20
"""Between the axis and the first size."""
LABEL_HEIGHT: Final = 16
DOT: Final = 4
WHOLE: Final = 100
"""From here on milliseconds are told without tenths."""
INK: Final = "#222222"
GRID: Final = "#dddddd"
READ: Final = (
    ("first of the scope", "#d55e00"),
    ("later, p95", "#56b4e9"),
    ("later, p50", "#0072b2"),
)
"""Told apart by those who do not see all colours: Okabe and Ito, https://jfly.uni-koeln.de/color/"""


@dataclass(frozen=True)
class _Axis:
    """Decades, from one power of ten to another, along a stretch of the picture."""

    low: int
    high: int
    start: float
    end: float

    @classmethod
    def over(cls, values: Sequence[float], start: float, end: float) -> "_Axis":
        low = math.floor(math.log10(min(values)))
        return cls(low, max(math.ceil(math.log10(max(values))), low + 1), start, end)

    def at(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.start + (self.end - self.start) * share

    @property
    def decades(self) -> list[int]:
        return [10**power for power in range(self.low, self.high + 1)]


@dataclass(frozen=True)
class _Spot:
    """A case: memories in its scope, whether these are part of more, and its milliseconds."""

    size: int
    is_part: bool
    took: tuple[float, float, float]


@dataclass(frozen=True)
class _Line:
    """Cases in the order of their sizes; a dot alone for one among the memories of others."""

    name: str
    colour: str
    points: Sequence[tuple[float, float]]
    others: Sequence[tuple[float, float]]


def plot(cases: Iterable[Mapping[str, Any]]) -> str:
    """Return milliseconds of a search against memories in its scope, both in powers of ten.

    Lines join the searches of whole projects, rings are those of one user among others. Where two
    settings were measured, the line is of the faster one. Raises `ValueError` if no case was
    measured.
    """
    lines = _lines([case for case in cases if WHY_NOT not in case])
    spots = [spot for line in lines for spot in (*line.points, *line.others)]
    if not spots:
        message = "nothing was measured that a picture could show"
        raise ValueError(message)
    across = _Axis.over([size for size, _ in spots], LEFT + MARGIN, RIGHT - MARGIN)
    up = _Axis.over([took for _, took in spots], BOTTOM, TOP)
    frame = f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {frame}>',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
            _text(LEFT, TOP - 30, "Milliseconds of a search, local edition", size=16),
            *_axes(across, up),
            *(mark for line in lines for mark in _marks(line, across, up)),
            *_labels(lines, up),
            "</svg>\n",
        ]
    )


def _lines(cases: Sequence[Mapping[str, Any]]) -> list[_Line]:
    """Return the three lines, in the order of `READ`."""
    spots = [
        _Spot(
            case["in_scope"],
            case["in_scope"] < case["memories"],
            (case["first_ms"], case["search"]["p95_ms"], case["search"]["p50_ms"]),
        )
        for case in cases
    ]
    return [
        _Line(
            name,
            colour,
            _fastest((spot.size, spot.took[place]) for spot in spots if not spot.is_part),
            [(spot.size, spot.took[place]) for spot in spots if spot.is_part],
        )
        for place, (name, colour) in enumerate(READ)
    ]


def _fastest(points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    best: dict[float, float] = {}
    for size, took in points:
        best[size] = min(took, best.get(size, took))
    return sorted(best.items())


def _axes(across: _Axis, up: _Axis) -> Iterator[str]:
    for value in up.decades:
        place = up.at(value)
        yield (
            f'<line x1="{LEFT}" y1="{place:.1f}" x2="{RIGHT}" y2="{place:.1f}" stroke="{GRID}"/>'
        )
        yield _text(LEFT - 10, place + 4, f"{value:,}", anchor="end")
    for value in across.decades:
        yield _text(across.at(value), BOTTOM + 20, f"{value:,}", anchor="middle")
    middle = (LEFT + RIGHT) / 2
    yield _text(
        middle, BOTTOM + 45, "memories in the scope (ring: of a larger project)", anchor="middle"
    )


def _marks(line: _Line, across: _Axis, up: _Axis) -> Iterator[str]:
    places = [(across.at(size), up.at(took)) for size, took in line.points]
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    yield f'<polyline points="{joined}" fill="none" stroke="{line.colour}" stroke-width="2"/>'
    for x, y in places:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{DOT}" fill="{line.colour}"/>'
    for size, took in line.others:
        place = f'cx="{across.at(size):.1f}" cy="{up.at(took):.1f}"'
        yield f'<circle {place} r="{DOT + 1}" fill="none" stroke="{line.colour}" stroke-width="2"/>'


def _labels(lines: Sequence[_Line], up: _Axis) -> Iterator[str]:
    """Yield names beside the ends of lines, moved down as far as they would cover each other."""
    ends = [(line, (line.points or line.others)[-1][1]) for line in lines]
    free = float(TOP)
    for line, took in sorted(ends, key=lambda each: -each[1]):
        place = max(up.at(took) + 4, free)
        free = place + LABEL_HEIGHT
        yield _text(
            RIGHT + 4,
            place,
            f"{line.name} {took:,.{0 if took >= WHOLE else 1}f}",
            colour=line.colour,
        )


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", colour: str = INK, size: int = 13
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}"'
        f' font-size="{size}">{escape(text)}</text>'
    )
