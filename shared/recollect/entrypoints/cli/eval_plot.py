"""Recall of an evaluation as a picture in SVG."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from recollect.entrypoints.cli.output import one_line
from recollect.usecases.evaluation.report import CUTS, Group, Report

WIDTH: Final = 760
HEIGHT: Final = 440
LEFT: Final = 60
RIGHT: Final = 540
TOP: Final = 60
BOTTOM: Final = 380
MARGIN: Final = 20
"""Between the axis and the first number of results."""
LABEL_HEIGHT: Final = 16
TICKS: Final = 5
MOST_CATEGORIES: Final = 7
LONGEST_NAME: Final = 22
INK: Final = "#222222"
COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999999")
"""Told apart by those who do not see all colours: Okabe and Ito, https://jfly.uni-koeln.de/color/"""


@dataclass(frozen=True)
class _Line:
    name: str
    colour: str
    width: int
    means: Sequence[float]


def recall_plot(report: Report) -> str:
    """Return recall against the number of results, of all and of the first categories.

    Bars show the 95 % intervals of all.
    """
    groups = [report.overall, *report.categories[:MOST_CATEGORIES]]
    colours = (INK, *COLOURS)
    found = [_line(each, colour) for each, colour in zip(groups, colours, strict=False)]
    frame = f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {frame}>',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
            _text(LEFT, TOP - 30, f"Recall on {report.setup.file}", size=16),
            *_axes(),
            *(_polyline(each) for each in reversed(found)),
            *_bars(report.overall),
            *_labels(found),
            "</svg>\n",
        ]
    )


def _line(group: Group, colour: str) -> _Line:
    is_all = colour == INK
    name = f"{one_line(group.name)[:LONGEST_NAME]} ({group.questions})"
    means = [group.recall[cut].mean for cut in CUTS]
    return _Line(name, colour, 3 if is_all else 2, means)


def _x(cut: int) -> float:
    return LEFT + MARGIN + (RIGHT - LEFT - 2 * MARGIN) * (cut - CUTS[0]) / (CUTS[-1] - CUTS[0])


def _y(share: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * share


def _axes() -> Iterator[str]:
    for tick in range(TICKS + 1):
        share = tick / TICKS
        yield _stroke(LEFT, _y(share), RIGHT, _y(share), "#dddddd")
        yield _text(LEFT - 10, _y(share) + 4, f"{share:.1f}", anchor="end")
    for cut in CUTS:
        yield _text(_x(cut), BOTTOM + 20, str(cut), anchor="middle")
    yield _text((LEFT + RIGHT) / 2, BOTTOM + 45, "results looked at", anchor="middle")


def _polyline(line: _Line) -> str:
    pairs = zip(CUTS, line.means, strict=True)
    points = " ".join(f"{_x(cut):.1f},{_y(mean):.1f}" for cut, mean in pairs)
    return (
        f'<polyline points="{points}" fill="none" stroke="{line.colour}"'
        f' stroke-width="{line.width}"/>'
    )


def _bars(group: Group) -> Iterator[str]:
    for cut in CUTS:
        estimate = group.recall[cut]
        if estimate.low is not None and estimate.high is not None:
            yield _stroke(_x(cut), _y(estimate.low), _x(cut), _y(estimate.high), INK)


def _labels(lines: Sequence[_Line]) -> Iterator[str]:
    """Yield names beside the ends of lines, moved down as far as they would cover each other."""
    free = float(TOP)
    for line in sorted(lines, key=lambda each: -each.means[-1]):
        place = max(_y(line.means[-1]) + 4, free)
        free = place + LABEL_HEIGHT
        text = f"{line.name} {line.means[-1]:.3f}"
        yield _text(RIGHT + 4, place, text, colour=line.colour)


def _stroke(x: float, y: float, to_x: float, to_y: float, colour: str) -> str:
    return f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" stroke="{colour}"/>'


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", colour: str = INK, size: int = 13
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}"'
        f' font-size="{size}">{escape(one_line(text))}</text>'
    )
