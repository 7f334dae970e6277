"""The reports of `recollect eval`: tables, plots, and comparisons of two."""

import re
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from recollect.entrypoints.cli.eval_plot import recall_plot
from recollect.entrypoints.cli.eval_tables import report_tables
from recollect.ports.models import Usage
from recollect.usecases.evaluation.report import Judging
from tests.handlers.commands import invoke
from tests.unit.usecases.evaluation.reports import a_report, a_result

SVG: Final = "{http://www.w3.org/2000/svg}"
ORDERS: Final = "evil \x1b[31m|<b>"


def kept(path: Path, *ranks: tuple[int, ...], digest: str = "d1") -> str:
    results = [a_result(number, ranks=each) for number, each in enumerate(ranks)]
    path.write_text(a_report(results, digest=digest).model_dump_json())
    return str(path)


def test_two_reports_are_compared(tmp_path: Path) -> None:
    before = kept(tmp_path / "a.json", (6,), (6,), (6,))
    after = kept(tmp_path / "b.json", (1,), (1,), (1,), (1,))

    told = invoke("eval", "compare", before, after)

    assert told.exit_code == 0
    assert "3 questions of questions.jsonl; 1 that only one has are left out." in told.stdout
    assert re.search(
        r"\| recall@5 +\| +0\.000 \| +1\.000 \| +\+1\.000 \| \+1\.000 to \+1\.000 \| 0\.0010 \|",
        told.stdout,
    )


def test_what_cannot_be_compared_is_one_line(tmp_path: Path) -> None:
    first = kept(tmp_path / "a.json", (1,), (1,))
    other = kept(tmp_path / "b.json", (1,), (1,), digest="d2")
    no_report = tmp_path / "c.json"
    no_report.write_text('{"format": "x"}')

    data = invoke("eval", "compare", first, other)
    form = invoke("eval", "compare", first, str(no_report))
    missing = invoke("eval", "compare", first, str(tmp_path / "d.json"))

    assert {each.exit_code for each in (data, form, missing)} == {1}
    assert "different data" in data.stderr
    assert "c.json is no report of an evaluation: format: Input should be" in form.stderr
    assert "d.json cannot be read: No such file" in missing.stderr


def test_tables_tell_what_lowers_the_numbers() -> None:
    told = report_tables(a_report([a_result(1, is_degraded=True), a_result(2)]))

    assert "- 1 turns were too long for a memory, and are cut" in told
    assert "- 1 searches were degraded: the numbers are too low" in told
    assert "Recall by conversation" in told


def test_many_conversations_are_not_listed_and_names_give_no_orders() -> None:
    many = [a_result(at, conversation=f"c{at}", category=ORDERS) for at in range(31)]

    told = report_tables(a_report(many))

    assert "Recall by conversation" not in told
    assert "| evil [31m\\|<b> |" in told


def test_without_any_judgement_answers_are_only_counted() -> None:
    judging = Judging(model="toy", usage=Usage(2, 3, 4), failed=1)

    told = report_tables(a_report([a_result()], judging))

    assert "2 calls, 3 tokens read, 4 written; 1 questions have no answer." in told


def test_a_plot_is_well_formed_and_inside_its_frame() -> None:
    found = [a_result(at, category=f"{ORDERS}{at % 9}", ranks=(1 + at % 30,)) for at in range(90)]

    plot = ET.fromstring(recall_plot(a_report(found)))  # noqa: S314 - our own

    names = [each.text or "" for each in plot.iter(f"{SVG}text")]
    lines = list(plot.iter(f"{SVG}polyline"))
    places = [float(each.attrib["y"]) for each in plot.iter(f"{SVG}text")]
    assert len(lines) == 8
    assert any(name.startswith("evil [31m|<b>0 (10) 1.000") for name in names)
    assert all(0 < place < 440 for place in places)


def test_a_single_question_has_no_bars() -> None:
    one, two = (recall_plot(a_report(each)) for each in ([a_result()], [a_result(), a_result(2)]))

    assert two.count("<line") - one.count("<line") == 4
