"""`recollect start`, as somebody runs it on a new machine."""

import re
import shlex
import socket
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from recollect.entrypoints.cli.client import LOCAL_URL, Api, Place, httpx_client
from recollect.entrypoints.cli.imports import Importer
from recollect.entrypoints.cli.local import opened
from recollect.entrypoints.cli.samples import KEY_NAME, SOURCE, Sample
from recollect.sample import QUESTIONS, sample_sessions
from tests.e2e.process import environment, finished, running

READY = "Ctrl-C stops it."
TURNS = sum(len(session.messages) for session in sample_sessions())


def sample_key(home: Path) -> str:
    return (home / ".recollect/recollect.db.sample.key").read_text().strip()


def listed(address: str, key: str, **ids: str) -> list[str]:
    answer = httpx.post(
        f"{address}/v3/memories/?page_size=200",
        headers={"Authorization": f"Token {key}"},
        json={"filters": ids},
        trust_env=False,
    ).json()
    return [memory["memory"] for memory in answer["results"]]


def test_the_first_start_finds_what_it_was_told(tmp_path: Path) -> None:
    with running("start", "--port", "0", home=tmp_path, until=READY) as service:
        printed = service.printed

        for question in QUESTIONS:
            found = re.search(re.escape(question.text) + r"\n +(0\.\d\d)  (.+)\n", printed)
            assert found
            assert found[2] == question.answer
            assert float(found[1]) > 0.1
        assert "sample remove" in printed
        assert "not a language model" in printed
        assert len(listed(service.address, sample_key(tmp_path), user_id="maya")) == TURNS
        assert listed(service.address, service.key, user_id="maya") == []


def test_the_lines_to_try_work_as_they_are_printed(tmp_path: Path) -> None:
    with running("start", "--port", "0", home=tmp_path, until=READY) as service:
        lines = [line.strip() for line in service.printed.splitlines()]
        add, search = (line for line in lines if line.startswith("curl"))
        ours = next(line for line in lines if "search 'Where" in line)
        for curl in (add, search):
            words = shlex.split(curl)
            names = {words[i + 1].split(": ")[0]: words[i + 1].split(": ")[1] for i in (3, 5)}
            answer = httpx.post(words[2], headers=names, content=words[8], trust_env=False)
            assert answer.status_code == 200
        assert "Lisbon" in answer.text
        shown = subprocess.run(  # noqa: S603 - the line that was printed
            shlex.split(ours),
            env=environment(tmp_path),
            capture_output=True,
            text=True,
            check=True,
        )
        assert "Lisbon" in shown.stdout


def test_the_next_start_has_the_same_key_and_everything_else(tmp_path: Path) -> None:
    with running("start", "--port", "0", home=tmp_path, until=READY) as service:
        first = service.key
        httpx.post(
            f"{service.address}/v3/memories/add/",
            headers={"Authorization": f"Token {first}"},
            json={"messages": "I live in Porto.", "user_id": "ada", "infer": False},
            trust_env=False,
        ).raise_for_status()
        assert service.stop() == 0
    port = service.address.rpartition(":")[2]

    with running("start", "--port", port, home=tmp_path, until=READY) as again:
        assert again.key == first
        assert again.address == service.address
        assert QUESTIONS[0].text not in again.printed
        assert listed(again.address, first, user_id="ada") == ["I live in Porto."]
        assert again.stop() == 0

    kept = sorted((tmp_path / ".recollect").iterdir())
    assert [path.name for path in kept] == [
        "recollect.db",
        "recollect.db.key",
        "recollect.db.sample.key",
    ]
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}


def test_an_interrupted_first_import_is_completed_and_nothing_is_there_twice(
    tmp_path: Path,
) -> None:
    data = tmp_path / ".recollect/recollect.db"
    with opened(data) as edition:
        key = Sample.of(edition).keys.create({"name": KEY_NAME})["key"]
        with httpx_client(LOCAL_URL, key, edition.transport()) as client:
            importer = Importer(Api(client, Place(None, key, data)), SOURCE)
            for session in sample_sessions()[:3]:
                importer.take(session)

    with running("start", "--port", "0", home=tmp_path, until=READY) as service:
        assert QUESTIONS[0].answer in service.printed
        texts = listed(service.address, sample_key(tmp_path), user_id="maya")
        old = httpx.get(
            f"{service.address}/v1/ping/",
            headers={"Authorization": f"Token {key}"},
            trust_env=False,
        )

    said = [turn.content for session in sample_sessions() for turn in session.messages]
    assert sorted(texts) == sorted(said)
    assert old.status_code == 401


def test_one_command_removes_the_sample_for_good(tmp_path: Path) -> None:
    with running("start", "--port", "0", home=tmp_path, until=READY) as service:
        key = sample_key(tmp_path)

        removed = finished("sample", "remove", home=tmp_path)

        assert (removed.returncode, removed.stdout) == (0, "")
        assert f"{TURNS} memories" in removed.stderr
        answer = httpx.get(
            f"{service.address}/v1/ping/",
            headers={"Authorization": f"Token {key}"},
            trust_env=False,
        )
        assert answer.status_code == 401
    with running("start", "--port", "0", home=tmp_path, until=READY) as again:
        assert QUESTIONS[0].text not in again.printed
    assert "no sample" in finished("sample", "remove", home=tmp_path).stderr


def test_a_taken_port_is_one_line_and_nothing_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        ended = finished("start", "--port", str(port), home=tmp_path)

    assert ended.returncode == 1
    assert ended.stderr.startswith(f"Error: Port {port} is taken")
    assert ended.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_data_file_is_one_line(tmp_path: Path) -> None:
    data = tmp_path / "damaged.db"
    data.write_bytes(b"this was never a database" * 400)

    ended = finished("start", "--port", "0", "--data", str(data), home=tmp_path)

    assert ended.returncode == 1
    assert re.fullmatch(r"Error: The data file .*damaged.*\n", ended.stderr)


@pytest.mark.slow  # the service waits a while for the other program to let go
def test_a_locked_data_file_is_one_line(tmp_path: Path) -> None:
    data = tmp_path / "locked.db"
    holder = sqlite3.connect(data, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        ended = finished("start", "--port", "0", "--data", str(data), home=tmp_path)
    finally:
        holder.close()

    assert ended.returncode == 1
    assert re.fullmatch(r"Error: The data file .*lock.*\n", ended.stderr)


def test_serve_says_one_line_and_leaves_the_key_in_its_file(tmp_path: Path) -> None:
    data = tmp_path / "memories.db"

    with running(
        "serve", "--port", "0", "--data", str(data), home=tmp_path, until="serves"
    ) as service:
        key = (tmp_path / "memories.db.key").read_text().strip()
        assert service.printed.count("\n") == 1
        assert key not in service.printed
        assert listed(service.address, key, user_id="maya") == []
        assert service.stop() == 0


def test_help_comes_without_loading_the_service(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from recollect.entrypoints.cli.main import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "heavy = {'numpy', 'httpx', 'pydantic', 'uvicorn', 'aws_lambda_powertools'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)\n"
    )

    ended = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", program],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (0, "")
