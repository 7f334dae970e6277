"""Reports of evaluations as Markdown."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from recollect.entrypoints.cli.output import one_line
from recollect.usecases.evaluation.comparing import Comparison
from recollect.usecases.evaluation.report import (
    CUTS,
    Accuracy,
    Estimate,
    Group,
    Report,
    Scores,
    Setup,
    Threshold,
)
from recollect.usecases.evaluation.summing_up import PRECISION_CUT

MOST_CONVERSATIONS: Final = 30
"""Rows of a table; report.json has all of them."""
NOTHING: Final = "-"

Rows = Sequence[Sequence[str]]


def report_tables(report: Report) -> str:
    """Return all numbers of a report but those of single questions, as Markdown."""
    return "\n\n".join(_parts(report)) + "\n"


def comparison_tables(before: Report, after: Report, found: Comparison) -> str:
    """Return a comparison as Markdown."""
    rows = [
        ("", "before", "after", "difference", "95 %", "p"),
        *(
            (
                each.measure,
                _share(each.before),
                _share(each.after),
                f"{each.difference.mean:+.3f}",
                f"{each.difference.low:+.3f} to {each.difference.high:+.3f}",
                f"{each.difference.p:.4f}",
            )
            for each in found.compared
        ),
    ]
    alone = f"; {found.alone} that only one has are left out" if found.alone else ""
    return "\n\n".join(
        [
            "# Comparison",
            f"- before: {_made_with(before.setup)}\n- after: {_made_with(after.setup)}",
            f"{found.questions} questions of {_cell(before.setup.file)}{alone}.",
            _table(rows) + "\n",
        ]
    )


def _parts(report: Report) -> Iterator[str]:
    yield f"# Retrieval on {_cell(report.setup.file)}"
    yield _introduction(report)
    groups = [report.overall, *report.categories]
    yield _groups("Recall", "category", groups, lambda group: group.recall)
    yield _groups("All evidence found", "category", groups, lambda group: group.all_evidence)
    if len(report.conversations) <= MOST_CONVERSATIONS:
        yield _groups(
            "Recall by conversation",
            "conversation",
            report.conversations,
            lambda group: group.recall,
        )
    yield _scores(report.scores)
    yield _thresholds(report.thresholds)
    if answers := report.answers:
        yield (
            f"## Answers\n\nBy {_cell(answers.model)}, judged by the same model: {answers.calls}"
            f" calls, {answers.input_tokens} tokens read, {answers.output_tokens} written;"
            f" {answers.failed} questions have no answer."
        )
        yield _accuracies([*filter(None, [answers.overall]), *answers.categories])


def _introduction(report: Report) -> str:
    counts, latency = report.counts, report.latency
    left_out = [
        (counts.unanswerable, "that cannot be answered"),
        (counts.without_evidence, "without evidence"),
    ]
    told = ", ".join(f"{count} {what}" for count, what in left_out if count)
    lines = [
        f"- {_made_with(report.setup)}",
        f"- {counts.conversations} conversations, {counts.turns} turns",
        f"- {report.overall.questions} questions measured of {counts.questions}"
        + (f" (not {told})" if told else ""),
        f"- a search takes {latency.median:.1f} ms (median), {latency.p95:.1f} ms (p95)",
    ]
    if counts.cut:
        lines.append(f"- {counts.cut} turns were too long for a memory, and are cut")
    if counts.degraded:
        lines.append(f"- {counts.degraded} searches were degraded: the numbers are too low")
    return "\n".join(lines)


def _made_with(setup: Setup) -> str:
    return (
        f"Recollect {setup.version}, {setup.edition} edition, embedder {_cell(setup.embedder)},"
        f" speakers in {setup.speakers}, {setup.made_at:%Y-%m-%d %H:%M} UTC"
    )


def _groups(
    title: str,
    name: str,
    groups: Sequence[Group],
    numbers_of: Callable[[Group], Mapping[int, Estimate]],
) -> str:
    header = (name, "questions", *(f"@{cut}" for cut in CUTS))
    rows = [
        (_cell(group.name), str(group.questions), *map(_estimate, numbers_of(group).values()))
        for group in groups
    ]
    return f"## {title}\n\n{_table([header, *rows])}"


def _scores(scores: Scores) -> str:
    found = (("answerable", scores.answerable), ("unanswerable", scores.unanswerable))
    rows = [
        (
            name,
            str(spread.questions),
            *map(_share, (spread.first_quartile, spread.median, spread.third_quartile)),
        )
        for name, spread in found
        if spread
    ]
    table = _table([("questions", "how many", "first quartile", "median", "third quartile"), *rows])
    if scores.separation is None:
        return f"## Best scores\n\n{table}"
    return (
        f"## Best scores\n\n{table}\n\nAn answerable question scores above an unanswerable one with"
        f" a probability of {_share(scores.separation)}."
    )


def _thresholds(thresholds: Sequence[Threshold]) -> str:
    rows = [
        (
            f"{each.threshold:.1f}",
            *map(_share, (each.reached, each.reached_wrongly, each.precision)),
        )
        for each in thresholds
    ]
    header = ("threshold", "answerable", "unanswerable", f"evidence in first {PRECISION_CUT}")
    return (
        "## Questions whose best score reaches a threshold\n\n"
        "The share of the answerable and of the unanswerable questions that reach it, and the share"
        f" of all that reach it with evidence among the first {PRECISION_CUT} results.\n\n"
        + _table([header, *rows])
    )


def _accuracies(accuracies: Sequence[Accuracy]) -> str:
    rows = [
        (_cell(each.name), str(each.questions), _estimate(each.accuracy)) for each in accuracies
    ]
    return _table([("category", "questions", "right answers"), *rows])


def _estimate(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return _share(estimate.mean)
    return f"{_share(estimate.mean)} ({_share(estimate.low)}-{_share(estimate.high)})"


def _share(share: float | None) -> str:
    return NOTHING if share is None else f"{share:.3f}"


def _cell(text: str) -> str:
    return one_line(text).replace("|", "\\|")


def _table(rows: Rows) -> str:
    """Return a Markdown table; all columns but the first are numbers."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    header, *others = [_row(row, widths) for row in rows]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join([header, f"| {' | '.join(rule)} |", *others])


def _row(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *numbers = row
    padded = [cell.rjust(width) for cell, width in zip(numbers, widths[1:], strict=True)]
    return f"| {' | '.join([first.ljust(widths[0]), *padded])} |"
