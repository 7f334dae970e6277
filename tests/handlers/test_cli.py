"""Every command, on the local data file and against a service."""

import json
import re
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import click
import pytest
from click.testing import CliRunner, Result

from recollect.domain.errors import UnavailableError
from recollect.entrypoints.cli import imports
from recollect.entrypoints.cli.client import Api
from recollect.entrypoints.cli.main import COMMANDS, main
from recollect.entrypoints.cli.output import one_line
from tests.e2e.process import Running, running
from tests.handlers.commands import NOWHERE

Run = Callable[..., Result]

ADD = ("add", "My dog is called Biscuit.", "--user")


def recollect(*words: str, stdin: str | bytes | None = None) -> Result:
    result = CliRunner().invoke(main, words, input=stdin, env=NOWHERE)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Path]]:
    home = tmp_path_factory.mktemp("service")
    data = home / "memories.db"
    words = ("serve", "--port", "0", "--data", str(data))
    with running(*words, home=home, until="serves") as process:
        yield process, data
        assert process.stop() == 0


@pytest.fixture(params=["local", "service"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """Run a command in a place of its own kind: a data file, or a service."""
    if request.param == "local":
        place = ["--data", str(tmp_path / "memories.db")]
    else:
        process, data = request.getfixturevalue("service")
        key = data.with_name("memories.db.key").read_text().strip()
        place = ["--host", process.address, "--api-key", key]

    def with_place(*words: str, stdin: str | bytes | None = None) -> Result:
        return recollect(*words, *place, stdin=stdin)

    return with_place


@pytest.fixture
def data(tmp_path: Path) -> str:
    return str(tmp_path / "memories.db")


@pytest.fixture
def user() -> str:
    return f"user {uuid4().hex}"


def printed(result: Result) -> Any:  # noqa: ANN401 - whatever was printed
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def a_file(folder: Path, name: str, *lines: str | dict[str, Any]) -> str:
    path = folder / name
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts) + "\n")
    return str(path)


def said(text: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - members of a message
    return {"role": "user", "content": text, **more}


# What every command does, here and there.


def test_what_was_added_is_found_with_its_score(run: Run, user: str) -> None:
    added = run(*ADD, user)
    found = run("search", "What is the dog's name?", "--user", user)

    event, memory_id, text = added.stdout.strip().split("  ")
    assert (event, text) == ("ADD", "My dog is called Biscuit.")
    score, found_id, found_text = found.stdout.strip().split("  ")
    assert 0 < float(score) <= 1
    assert (found_id, found_text) == (memory_id, text)


def test_adding_the_same_text_again_says_so(run: Run, user: str) -> None:
    first = printed(run(*ADD, user, "--json"))

    again = printed(run(*ADD, user, "--json"))

    assert again["results"][0]["event"] == "NONE"
    assert again["results"][0]["id"] == first["results"][0]["id"]


def test_a_search_can_print_a_text_for_a_prompt(run: Run, user: str) -> None:
    run(*ADD, user)

    found = run("search", "What is the dog's name?", "--user", user, "--context")
    nothing = run("search", "What is the dog's name?", "--user", f"{user}?", "--context")

    first, line, last = found.stdout.splitlines()
    assert (first, last) == ("<recalled_memories>", "</recalled_memories>")
    assert line.endswith(": My dog is called Biscuit.")
    assert nothing.stdout.splitlines() == [first, last]
    assert nothing.stderr == "Nothing found.\n"


def test_a_search_fills_the_room_that_a_prompt_has(run: Run, user: str) -> None:
    run(*ADD, user)

    found = run("search", "What is the dog's name?", "--user", user, "--max-tokens", "100")

    assert found.stdout.splitlines()[0] == "<recalled_memories>"
    assert "My dog is called Biscuit." in found.stdout
    assert re.fullmatch(
        r"About [1-9]\d* tokens; all memories together have about [1-9]\d*\.\n", found.stderr
    )


@pytest.mark.parametrize(
    ("whose", "tokens", "said"),
    [("", "10", "No memory fits into so few tokens.\n"), ("?", "100", "Nothing found.\n")],
)
def test_a_room_that_stays_empty_is_told_why(
    run: Run, user: str, whose: str, tokens: str, said: str
) -> None:
    run(*ADD, user)

    found = run("search", "What is the dog's name?", "--user", user + whose, "--max-tokens", tokens)

    assert found.stdout.splitlines() == ["<recalled_memories>", "</recalled_memories>"]
    assert found.stderr == said


def test_a_search_can_be_explained_and_narrowed(run: Run, user: str) -> None:
    run(*ADD, user, "--metadata", '{"topic": "pets"}')
    run("add", "My cat is called Cleo.", "--user", user)

    explained = run("search", "pets called", "--user", user, "--explain")
    condition = '{"metadata": {"topic": "pets"}}'
    narrow = printed(run("search", "called", "--user", user, "--filter", condition, "--json"))

    lines = explained.stdout.splitlines()
    assert len(lines) == 4
    assert [line.startswith("      ") for line in lines] == [False, True, False, True]
    assert all("semantic 0." in line and "bm25 0." in line for line in lines[1::2])
    assert "asked_time" not in explained.stdout
    assert "decay" not in explained.stdout
    assert [found["memory"] for found in narrow["results"]] == ["My dog is called Biscuit."]


def test_an_explanation_tells_last_what_has_faded(data: str, user: str) -> None:
    recollect("project", "set", "decay=true", "--data", data)
    recollect(*ADD, user, "--timestamp", "2020-01-01", "--data", data)
    asked = ("search", "the dog", "--user", user, "--threshold", "0", "--explain", "--data", data)

    faded = recollect(*asked).stdout.splitlines()
    [found] = printed(recollect(*asked, "--json"))["results"]

    assert faded[1].endswith("; times 0.30 by decay")
    # Shown a moment ago, it is strong again.
    assert found["score_breakdown"]["decay"] == pytest.approx(1.0, abs=0.01)
    assert found["score_breakdown"]["asked_time"] == 0.0


def test_a_list_says_what_it_left_out(run: Run, user: str) -> None:
    for number in range(3):
        run("add", f"fact number {number}", "--user", user)

    some = run("list", "--user", user, "--limit", "2")
    every = printed(run("list", "--user", user, "--all", "--json"))

    assert len(some.stdout.splitlines()) == 2
    assert "2 of 3" in some.stderr
    assert [memory["memory"] for memory in every] == [f"fact number {n}" for n in (2, 1, 0)]


def test_show_tells_history_and_episode(run: Run, user: str) -> None:
    chat = '[{"a": 1}]'
    memory_id = printed(run("add", f"I like {chat}", "--user", user, "--json"))["results"][0]["id"]
    run("update", memory_id, "I like nothing")

    shown = run("show", memory_id)
    data = printed(run("show", memory_id, "--json"))

    assert shown.stdout.startswith("I like nothing\n")
    assert f"I like {chat} -> I like nothing" in shown.stdout
    assert f"> user: I like {chat}" in shown.stdout
    assert f"user={user}" in shown.stdout
    assert [event["event"] for event in data["history"]] == ["ADD", "UPDATE"]
    assert data["memory"]["memory"] == "I like nothing"


def test_an_episode_is_shown_for_the_add_or_the_memory(run: Run, user: str) -> None:
    added = printed(run(*ADD, user, "--json"))
    event_id, memory_id = added["event_id"], added["results"][0]["id"]

    shown = run("episode", event_id)
    data = printed(run("episode", memory_id, "--json"))
    unknown = run("episode", str(uuid4()))

    assert shown.stdout.startswith("Episode of ")
    assert "  user: My dog is called Biscuit.\n" in shown.stdout
    assert run("episode", memory_id).stdout == shown.stdout
    assert data["event_id"] == event_id
    assert (unknown.exit_code, unknown.stdout) == (1, "")
    assert "not found" in unknown.stderr


def test_a_deleted_memory_still_shows_its_history(run: Run, user: str) -> None:
    memory_id = printed(run(*ADD, user, "--json"))["results"][0]["id"]

    deleted = run("delete", memory_id)
    shown = run("show", memory_id)

    assert deleted.stderr == "Deleted 1 memory.\n"
    assert shown.stdout.startswith("(deleted)\n")
    assert "DELETE" in shown.stdout
    assert run("list", "--user", user).stdout == ""


def test_an_update_can_set_and_remove_the_last_day(run: Run, user: str) -> None:
    memory_id = printed(run(*ADD, user, "--expires", "2999-01-01", "--json"))["results"][0]["id"]

    before = printed(run("show", memory_id, "--json"))["memory"]
    after = printed(run("update", memory_id, "--expires", "never", "--json"))

    assert before["expiration_date"] == "2999-01-01"
    assert after["expiration_date"] is None
    assert after["memory"] == "My dog is called Biscuit."


def test_everything_of_somebody_is_deleted_only_after_a_yes(run: Run, user: str) -> None:
    run(*ADD, user)

    refused = run("delete", "--user", user, stdin="n\n")
    deleted = run("delete", "--user", user, stdin="y\n")

    assert refused.exit_code == 1
    assert "Deleted 1 memory." in deleted.stderr
    assert printed(run("delete", "--user", user, "--yes", "--json")) == {"deleted": 0}


def test_a_text_from_standard_input_stays_as_it_is(run: Run, user: str) -> None:
    run("add", "-", "--user", user, stdin="  Grüße 🦊\nzweite Zeile  ")
    broken = run("add", "-", "--user", user, stdin=b"\xff\xfe\xfa")

    assert printed(run("list", "--user", user, "--json"))[0]["memory"] == "Grüße 🦊\nzweite Zeile"
    assert broken.exit_code == 1
    assert broken.stderr.startswith("Error: Standard input is not UTF-8")


def test_facts_are_extracted_only_when_asked_for(run: Run, user: str) -> None:
    facts = run("add", "Hello there! I live in Lisbon.", "--user", user, "--infer")
    nothing = run("add", "Hello!", "--user", user, "--infer")

    assert facts.stdout.strip().endswith("I live in Lisbon.")
    assert "Hello" not in facts.stdout
    assert (nothing.stdout, nothing.exit_code) == ("", 0)
    assert "Nothing worth remembering" in nothing.stderr


def test_a_key_is_shown_once_and_revoked_for_good(run: Run) -> None:
    key = printed(run("keys", "create", "laptop", "--json"))

    listed = run("keys", "list")
    run("keys", "revoke", key["id"])

    assert key["key"].startswith("m0-")
    assert "laptop" in listed.stdout
    assert key["key"] not in listed.stdout
    revoked = {item["id"]: item["revoked_at"] for item in printed(run("keys", "list", "--json"))}
    assert revoked[key["id"]]
    assert "not found" in run("keys", "revoke", "nothing").stderr


def test_an_unknown_memory_is_one_line(run: Run) -> None:
    malformed = run("show", "nonsense/../x")
    unknown = run("update", str(uuid4()), "text")

    for result in (malformed, unknown):
        assert result.exit_code == 1
        assert result.stderr.startswith("Error: ")
        assert result.stderr.count("\n") == 1


# Imports.


def test_an_import_can_be_repeated(run: Run, user: str, tmp_path: Path) -> None:
    lines = [said(f"line {n}", timestamp=1_700_000_000 + 7200 * n) for n in range(5)]
    file = a_file(tmp_path, "chat.jsonl", *lines)

    first = printed(run("import", file, "--user", user, "--json"))
    listed = printed(run("list", "--user", user, "--all", "--json"))

    assert first["imported"] == 5
    assert [memory["memory"] for memory in listed] == [f"line {n}" for n in (4, 3, 2, 1, 0)]
    assert listed[-1]["created_at"] == "2023-11-14T22:13:20.000000Z"
    run("import", file, "--user", user)
    assert len(printed(run("list", "--user", user, "--all", "--json"))) == 5


def test_a_repeated_import_says_what_was_known(data: str, tmp_path: Path) -> None:
    file = a_file(tmp_path, "ada.jsonl", said("one"), said("two"))
    recollect("import", file, "--data", data)
    grown = a_file(tmp_path, "ada.jsonl", said("one"), said("two"), said("three"))

    again = printed(recollect("import", grown, "--data", data, "--json"))
    third = recollect("import", grown, "--data", data)

    assert (again["imported"], again["known"]) == (1, 2)
    assert third.stdout == "0 imported, 3 already known, 0 failed.\n"
    assert len(printed(recollect("list", "--user", "ada", "--data", data, "--json"))) == 3


def test_another_file_or_another_way_is_another_import(data: str, tmp_path: Path) -> None:
    one = a_file(tmp_path, "one.jsonl", said("I live in Porto."))
    two = a_file(tmp_path, "two.jsonl", said("I live in Lisbon."))
    place = ("--user", "ada", "--data", data, "--json")

    reports = [
        printed(recollect("import", *words, *place))
        for words in ([one], [two], [one, "--infer"], [two, "--app", "a"])
    ]

    assert [report["imported"] for report in reports] == [1, 1, 0, 1]
    assert [report["failed"] for report in reports] == [0] * 4


def test_what_was_deleted_comes_back_only_when_asked_for(data: str, tmp_path: Path) -> None:
    file = a_file(tmp_path, "ada.txt", "Ada: I live in Porto.")
    recollect("import", file, "--data", data)
    recollect("delete", "--user", "ada", "--yes", "--data", data)

    same = printed(recollect("import", file, "--data", data, "--json"))
    again = printed(recollect("import", file, "--again", "--data", data, "--json"))

    assert (same["imported"], again["imported"]) == (0, 1)


def test_lines_that_fail_are_reported_and_the_rest_is_imported(data: str, tmp_path: Path) -> None:
    lines: list[str | dict[str, Any]] = [
        said("good"),
        '{"role": ',
        said("also good"),
        said("bad", name="x" * 300),
        said("end"),
    ]
    file = a_file(tmp_path, "mixed.jsonl", *lines)

    result = recollect("import", file, "--data", data)

    assert result.exit_code == 1
    assert result.stdout == "3 imported, 0 already known, 2 failed.\n"
    first, second = result.stderr.splitlines()
    assert first.startswith("line 2: not valid JSON")
    assert second.startswith("lines 3-5 message 2: messages")
    assert second.endswith("at most 256 characters")
    listed = printed(recollect("list", "--user", "mixed", "--data", data, "--json"))
    assert {memory["memory"] for memory in listed} == {"good", "also good", "end"}


def test_an_import_keeps_ids_and_what_metadata_all_messages_share(
    data: str, tmp_path: Path
) -> None:
    conversation = {
        "session_1_date_time": "1:56 pm on 8 May, 2023",
        "session_1": [
            {"speaker": "Maya", "dia_id": "D1:1", "text": "Hi!"},
            {"speaker": "Theo", "dia_id": "D1:2", "text": "Hello!"},
        ],
    }
    sample = [{"sample_id": "conv-1", "conversation": conversation}]
    file = a_file(tmp_path, "locomo.json", json.dumps(sample))

    recollect("import", file, "--app", "bench", "--data", data)

    memories = printed(recollect("list", "--user", "conv-1", "--data", data, "--json"))
    assert [memory["memory"] for memory in memories] == ["Theo: Hello!", "Maya: Hi!"]
    assert {memory["app_id"] for memory in memories} == {"bench"}
    assert [memory["metadata"] for memory in memories] == [{"session": 1}] * 2


def test_of_very_many_failures_the_first_are_told_and_all_are_counted(
    data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "MAX_TOLD", 2)
    file = a_file(tmp_path, "chat.jsonl", *["{"] * 3)

    result = recollect("import", file, "--data", data, "--json")

    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert report["failed"] == 3
    assert [failure["line"] for failure in report["failures"]] == [1, 2]


def test_system_messages_alone_are_no_failure(data: str, tmp_path: Path) -> None:
    file = a_file(tmp_path, "chat.jsonl", {"role": "system", "content": "Be kind."})

    report = printed(recollect("import", file, "--data", data, "--json"))

    assert (report["system"], report["failed"]) == (1, 0)


@pytest.mark.parametrize(
    ("interruption", "status", "reason"),
    [
        (KeyboardInterrupt(), 130, ""),
        (UnavailableError("The disk is full"), 1, "Error: The disk is full\n"),
    ],
)
def test_an_interrupted_import_goes_on_when_it_is_run_again(
    data: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    interruption: BaseException,
    status: int,
    reason: str,
) -> None:
    lines = [said(f"line {n}", timestamp=1_700_000_000 + 7200 * n) for n in range(5)]
    file = a_file(tmp_path, "ada.jsonl", *lines)
    answered = Api.call

    def interrupted(api: Api, *args: Any, **more: Any) -> Any:  # noqa: ANN401 - as it is called
        if "line 3" in json.dumps(more.get("body")):
            raise interruption
        return answered(api, *args, **more)

    with monkeypatch.context() as patched:
        patched.setattr(Api, "call", interrupted)
        first = recollect("import", file, "--data", data)
    second = printed(recollect("import", file, "--data", data, "--json"))

    assert first.exit_code == status
    assert first.stderr == (
        "Interrupted: 3 imported, 0 already known, 0 failed. Run it again to go on.\n" + reason
    )
    assert (second["imported"], second["known"]) == (2, 3)


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_a_file_that_cannot_be_read_is_one_line(data: str, tmp_path: Path, name: str) -> None:
    result = recollect("import", str(tmp_path / name), "--user", "ada", "--data", data)

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1


# The local data file and its first key.


def test_the_first_key_is_made_once_for_its_owner_alone(data: str) -> None:
    recollect(*ADD, "ada", "--data", data)
    file = Path(f"{data}.key")
    key = file.read_text()
    recollect(*ADD, "ada", "--data", data)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text() == key
    assert sorted(path.name for path in file.parent.iterdir()) == ["memories.db", "memories.db.key"]


def test_a_lost_first_key_is_made_again(data: str) -> None:
    recollect(*ADD, "ada", "--data", data)
    file = Path(f"{data}.key")
    lost = file.read_text()
    file.unlink()

    found = recollect("list", "--user", "ada", "--data", data)

    assert "Biscuit" in found.stdout
    assert file.read_text() != lost


def test_a_key_of_another_data_file_is_replaced(data: str, tmp_path: Path) -> None:
    Path(f"{data}.key").write_text("m0-" + "x" * 32 + "\n")

    assert recollect(*ADD, "ada", "--data", data).exit_code == 0

    assert "xxx" not in (tmp_path / "memories.db.key").read_text()


def test_a_revoked_first_key_is_explained(data: str) -> None:
    recollect(*ADD, "ada", "--data", data)
    first = printed(recollect("keys", "list", "--data", data, "--json"))[0]
    recollect("keys", "revoke", first["id"], "--data", data)

    refused = recollect("list", "--user", "ada", "--data", data)
    Path(f"{data}.key").unlink()
    mended = recollect("list", "--user", "ada", "--data", data)

    assert refused.exit_code == 1
    assert f"{data}.key was revoked: delete that file" in refused.stderr
    assert "Biscuit" in mended.stdout


def test_a_key_file_that_holds_something_else_is_left_alone(data: str) -> None:
    file = Path(f"{data}.key")
    file.write_text("my shopping list")

    result = recollect(*ADD, "ada", "--data", data)

    assert result.exit_code == 1
    assert "holds no key" in result.stderr
    assert file.read_text() == "my shopping list"


def test_a_project_has_keys_and_memories_of_its_own(data: str) -> None:
    recollect(*ADD, "ada", "--data", data)
    made = recollect("keys", "create", "--project", "other", "--data", data)
    key = made.stdout.strip()

    recollect("add", "A secret of the other.", "--user", "ada", "--data", data, "--api-key", key)

    theirs = recollect("list", "--user", "ada", "--data", data, "--api-key", key)
    ours = recollect("list", "--user", "ada", "--data", data)
    assert "secret" in theirs.stdout
    assert "Biscuit" not in theirs.stdout
    assert "secret" not in ours.stdout
    assert len(printed(recollect("keys", "list", "--project", "other", "--data", data, "--json")))


def test_nothing_stays_pending_when_a_command_ends(data: str) -> None:
    import sqlite3  # noqa: PLC0415 - this test alone looks into the file

    recollect(*ADD, "ada", "--data", data)

    connection = sqlite3.connect(data)
    pending = connection.execute("SELECT count(*) FROM pending").fetchone()
    connection.close()
    assert pending == (0,)


# Mistakes.


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("add", "text"), "--user"),
        (("add", "text", "--user", "*"), "user_id"),
        (("add", "text", "--user", "u", "--metadata", "{"), "not valid JSON"),
        (("add", "text", "--user", "u", "--metadata", "[]"), "JSON object"),
        (("list", "--user", "u", "--host", "example"), "--api-key"),
        (("list", "--user", "u", "--host", "example", "--api-key", "m0-x"), "URL"),
        (("list", "--user", "u", "--host", "http://x:99999", "--api-key", "m0-x"), "URL"),
        (("list", "--user", "u", "--api-key", "ключ"), "--api-key"),
        (("list", "--user", "u", "--host", "http://x", "--data", "y"), "either"),
        (("update", "id"), "TEXT"),
        (("delete",), "ids"),
        (("delete", "id", "--user", "u"), "ids"),
        (("keys", "list", "--project", "p", "--api-key", "m0-x"), "--project"),
        (("keys", "list", "--project", " "), "--project"),
        (("search", "question"), "--user"),
        (("nothing",), "No such command"),
    ],
)
def test_a_wrong_use_is_explained(
    words: tuple[str, ...], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    result = recollect(*words)

    assert result.exit_code == 2
    assert reason in result.stderr.splitlines()[-1]


def test_a_setting_gives_way_to_the_command_line(
    data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.handlers.test_cli.NOWHERE", {"RECOLLECT_HOST": "http://127.0.0.1:9"})

    assert recollect(*ADD, "ada", "--data", data).exit_code == 0


class Stranger(BaseHTTPRequestHandler):
    """Answers as no Recollect does."""

    answers = (
        (200, "text/html", b"<html>hello</html>"),
        (200, "application/json", b'["something", "else"]'),
        (502, "text/html", b"<html>bad gateway</html>"),
        (301, "text/plain", b"elsewhere"),
    )

    def do_POST(self) -> None:
        status, kind, body = self.answers[int(self.path[1])]
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@contextmanager
def stranger() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Stranger) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("number", range(len(Stranger.answers)))
def test_a_server_that_is_no_recollect_is_one_line(number: int) -> None:
    with stranger() as address:
        result = recollect(
            "list", "--user", "u", "--host", f"{address}/{number}", "--api-key", "m0-x"
        )

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1


def test_nobody_there_and_a_wrong_key_are_one_line(service: tuple[Running, Path]) -> None:
    nobody = recollect("list", "--user", "u", "--host", "http://127.0.0.1:9", "--api-key", "m0-x")
    stranger_key = recollect(
        "list", "--user", "u", "--host", service[0].address, "--api-key", "m0-x"
    )

    assert (nobody.exit_code, stranger_key.exit_code) == (1, 1)
    assert nobody.stderr.startswith("Error: Cannot reach http://127.0.0.1:9: ")
    assert "does not know this API key" in stranger_key.stderr


# Help and output.


def test_the_list_of_commands_is_true_and_each_has_help_with_an_example() -> None:
    context = click.Context(main)
    for name, listed in COMMANDS.items():
        command = main.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert command.get_short_help_str(100) == listed.summary
        commands = list(command.commands) if isinstance(command, click.Group) else []
        for words in [[name, inner] for inner in commands] or [[name]]:
            shown = recollect(*words, "--help")
            assert shown.exit_code == 0
            assert f"recollect {' '.join(words)}" in shown.stdout.split("Example")[1]


def test_a_memory_gives_no_orders_to_the_terminal(data: str) -> None:
    recollect("add", "evil \x1b[31mred\x07\u202e\nnext", "--user", "u\u2028v", "--data", data)

    shown = recollect("list", "--user", "u\u2028v", "--data", data).stdout

    assert shown.rstrip().endswith("evil [31mred next")
    assert one_line("👩\u200d🚀") == "👩\u200d🚀"
