"""`recollect eval`: whole runs over small files, and the reports that they leave."""

import io
import json
import re
import signal
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, NoReturn

import pytest
from click.testing import Result

from recollect.entrypoints.cli.eval_files import PLOT, REPORT, TABLES, QuestionFile
from recollect.usecases.evaluation.own_questions import read_own_questions
from recollect.usecases.evaluation.questions import Conversation
from recollect.usecases.evaluation.retrieval import Evaluated, EvaluateRetrieval
from tests.contract.openai_server import CHAT_MODEL, KEY, OpenAIServer, running_server, used
from tests.handlers.commands import invoke
from tests.unit.usecases.evaluation.files import (
    a_question,
    a_sample,
    an_instance,
    lines_of,
    some_turns,
)

SVG: Final = "{http://www.w3.org/2000/svg}"
ORDERS: Final = "evil \x1b[31m|<b>"


DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "evaluation.md"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where evaluations keep what they remember."""
    kept = tmp_path / "temporary"
    kept.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(kept))
    return kept


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return written(
        tmp_path / "questions.jsonl",
        lines_of(
            some_turns(),
            a_question(answer="Biscuit", category="pets"),
            a_question(question="What is the boat called?", evidence=["3"], category="boats"),
            a_question(question="What is the cat called?", evidence=[]),
        ),
    )


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def report_in(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / REPORT).read_text())
    return found


# Whole runs.


def test_the_documented_format_is_read(tmp_path: Path) -> None:
    [shown] = re.findall(r"```json\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    file = written(tmp_path / "shown.jsonl", shown.encode())

    told = invoke("eval", "qa", str(file))

    assert told.exit_code == 0
    assert "- 1 questions measured of 2 (not 1 that cannot be answered)" in told.stdout


def test_own_questions_are_evaluated(own: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "report"

    told = invoke("eval", "qa", str(own), "--output", str(out))

    assert (told.exit_code, told.stderr) == (0, "")
    assert "# Retrieval on questions.jsonl" in told.stdout
    assert "- 2 questions measured of 3 (not 1 that cannot be answered)" in told.stdout
    assert re.search(r"\| all +\| +2 \| 1\.000 \(1\.000-1\.000\) \|", told.stdout)
    assert (out / TABLES).read_text() == told.stdout
    assert sorted(path.name for path in out.iterdir()) == sorted([REPORT, TABLES, PLOT])
    report = report_in(out)
    assert [each["id"] for each in report["questions"]] == ["c1/1", "c1/2", "c1/3"]
    assert "Biscuit" not in (out / REPORT).read_text()


def test_locomo_is_evaluated(tmp_path: Path) -> None:
    file = written(tmp_path / "locomo.json", json.dumps([a_sample()]).encode())

    told = invoke("eval", "locomo", str(file), "--output", str(tmp_path))

    assert told.exit_code == 0
    assert "1 that cannot be answered, 1 without evidence" in told.stdout
    assert [each["name"] for each in report_in(tmp_path)["categories"]] == ["1", "4"]


def test_longmemeval_is_evaluated(tmp_path: Path) -> None:
    instances = [an_instance(), an_instance(question_id="q2_abs")]
    file = written(tmp_path / "s.json", json.dumps(instances).encode())

    told = invoke("eval", "longmemeval", str(file), "--output", str(tmp_path))

    assert told.exit_code == 0
    report = report_in(tmp_path)
    assert (report["counts"]["conversations"], report["counts"]["unanswerable"]) == (2, 1)
    assert report["overall"]["recall"]["5"] == {"mean": 1.0, "low": None, "high": None}


def test_some_questions_are_chosen(own: Path, tmp_path: Path) -> None:
    words = ["eval", "qa", str(own), "--output", str(tmp_path)]

    first = invoke(*words, "--limit", "1")
    asked = [each["id"] for each in report_in(tmp_path)["questions"]]
    boats = invoke(*words, "--only", "boats", "--only", "pets", "--speakers", "name")
    report = report_in(tmp_path)

    assert (first.exit_code, boats.exit_code, asked) == (0, 0, ["c1/1"])
    assert [each["category"] for each in report["questions"]] == ["pets", "boats"]
    assert report["setup"]["speakers"] == "name"


def test_nothing_of_the_user_is_touched_and_nothing_is_left(
    own: Path, folder: Path, tmp_path: Path
) -> None:
    data = tmp_path / "memories.db"

    told = invoke("eval", "qa", str(own), RECOLLECT_DATA=str(data))

    assert told.exit_code == 0
    assert not data.exists()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_of_what_was_interrupted(
    own: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    seen: list[Path] = []

    def killed(
        _self: EvaluateRetrieval, _found: Iterable[Conversation], _tell: object
    ) -> Evaluated:
        seen.extend(folder.rglob("evaluation.db"))
        # To this thread, which then never gets further.
        signal.raise_signal(number)
        raise AssertionError

    monkeypatch.setattr(EvaluateRetrieval, "__call__", killed)
    before = signal.getsignal(signal.SIGTERM)

    told = invoke("eval", "qa", str(own))

    assert (told.exit_code, len(seen)) == (130, 1)
    assert "Interrupted" in told.stderr
    assert list(folder.iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) is before


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_whoever_watches_sees_how_far_it_is(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)

    with QuestionFile(own, read_own_questions).watched() as (conversations, tell):
        asked = sum(len(conversation.questions) for conversation in conversations)
        for _ in range(asked):
            tell()

    shown = terminal.getvalue().replace("\r", "\n").splitlines()
    assert "100%" in shown[-1]
    assert "3 questions" in shown[-1]


def test_a_region_is_needed_on_aws(own: Path) -> None:
    told = invoke("eval", "qa", str(own), "--edition", "aws", AWS_DEFAULT_REGION=None)

    assert (told.exit_code, told.stderr[:32]) == (1, "Error: No AWS region is configur")


# Answers.


def answering(server: OpenAIServer, *words: str) -> Result:
    return invoke(
        "eval",
        "qa",
        *words,
        "--answer",
        RECOLLECT_LANGUAGE_MODEL="openai",
        RECOLLECT_CHAT_MODEL=CHAT_MODEL,
        RECOLLECT_OPENAI_URL=server.url,
        RECOLLECT_OPENAI_API_KEY=KEY,
    )


def test_answers_are_judged_and_paid_for(own: Path, tmp_path: Path) -> None:
    answer, right, wrong = (
        used(json.dumps(told))
        for told in ({"answer": "Biscuit"}, {"is_right": True}, {"is_right": False})
    )
    with running_server(answer, right, answer, wrong) as server:
        told = answering(server, str(own), "--output", str(tmp_path))

    assert told.exit_code == 0
    assert f"By {CHAT_MODEL}, judged by the same model: 4 calls, 44 tokens read" in told.stdout
    judged = [each["is_right"] for each in report_in(tmp_path)["questions"]]
    assert judged == [True, None, False]


def test_answers_need_a_model(own: Path, folder: Path) -> None:
    told = invoke("eval", "qa", str(own), "--answer")

    assert (told.exit_code, told.stdout) == (1, "")
    assert "none is configured: set RECOLLECT_LANGUAGE_MODEL" in told.stderr
    assert list(folder.iterdir()) == []


# What is refused.


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "None of the questions has evidence"),
        (lines_of(some_turns(), a_question(evidence=["x"])), "line 2: 'c1' has no turn 'x'"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(tmp_path: Path, data: bytes, told: str) -> None:
    found = invoke("eval", "qa", str(written(tmp_path / "x.jsonl", data)))

    assert (found.exit_code, found.stdout, found.stderr.count("\n")) == (1, "", 1)
    assert told in found.stderr


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    found = invoke("eval", "qa", str(tmp_path / "none.jsonl"))

    assert found.exit_code == 1
    assert found.stderr.endswith("none.jsonl cannot be read: No such file or directory\n")


def test_a_disk_that_fails_later_is_told(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_self: QuestionFile, _offset: int) -> NoReturn:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(QuestionFile, "_open_at", fail)

    assert "cannot be read: Input/output error" in invoke("eval", "qa", str(own)).stderr


def test_a_folder_that_cannot_be_is_told_before_anything_is_done(own: Path) -> None:
    found = invoke("eval", "qa", str(own), "--output", str(own / "report"))

    assert found.exit_code == 1
    assert "cannot be made" in found.stderr
