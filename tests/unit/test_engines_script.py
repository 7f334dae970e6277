"""The program that runs the engines, on a Java and a Maven that are small scripts."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.engines import installing, running, tools
from scripts.engines.__main__ import main
from scripts.engines.catalogue import ENGINES
from scripts.engines.errors import EngineError, MissingToolError
from scripts.engines.places import place_of

ENGINE = replace(next(engine for engine in ENGINES if engine.name == "dynamodb"), ready=200)
OPENSEARCH = next(engine for engine in ENGINES if engine.name == "opensearch")

JAVA = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

if sys.argv[1] == "-version":
    sys.exit(print('openjdk version "17.0.9" 2023-10-17', file=sys.stderr))

class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

print("listening")
HTTPServer(("127.0.0.1", int(sys.argv[-1])), Server).serve_forever()
"""
DYING_JAVA = "print('the heap does not fit'); raise SystemExit(1)"
JAVAC = "print('javac 17.0.9')"
MAVEN = """
import pathlib, sys
to = next(word for word in sys.argv if word.startswith("-Dto="))[5:]
for name in sys.argv[sys.argv.index("--projects") + 1].split(","):
    folder = pathlib.Path(to, name)
    folder.mkdir(parents=True)
    (folder / "home.zip").write_text("not what was published")
"""
BROKEN_MAVEN = "print('Could not transfer artifact'); raise SystemExit(1)"

Install = Callable[[str, str], None]

# The processes outlive the objects that started them, which is the purpose.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "engines"
    (folder / ENGINE.name).mkdir(parents=True)
    yield folder
    running.stop([ENGINE], folder)


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts a program on a PATH that holds nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("JAVA_HOME", raising=False)

    def install(name: str, program: str) -> None:
        (folder / name).write_text(f"#!{sys.executable}\n{program}")
        (folder / name).chmod(0o755)

    return install


def install_all(tool: Install) -> None:
    tool("java", JAVA)
    tool("javac", JAVAC)
    tool("mvn", MAVEN)


def test_a_started_engine_answers_until_it_is_stopped(home: Path, tool: Install) -> None:
    tool("java", JAVA)

    running.start(ENGINE, home)
    url = running.wait(ENGINE, home)
    process = running.running(ENGINE, home)
    stopped = running.stop([ENGINE], home)

    assert process
    assert url == f"http://127.0.0.1:{process.port}"
    assert stopped == [ENGINE]
    assert running.running(ENGINE, home) is None
    assert running.stop([ENGINE], home) == []


def test_an_engine_whose_port_is_taken_gets_another(home: Path, tool: Install) -> None:
    tool("java", JAVA)
    running.start(ENGINE, home)
    running.wait(ENGINE, home)
    taken = running.running(ENGINE, home)
    assert taken
    other = home / "other"
    (other / ENGINE.name).mkdir(parents=True)

    try:
        running.start(replace(ENGINE, port=taken.port), other)
        running.wait(ENGINE, other)
        process = running.running(ENGINE, other)
    finally:
        running.stop([ENGINE], other)

    assert process
    assert process.port != taken.port


def test_a_fresh_start_has_no_data(home: Path, tool: Install) -> None:
    tool("java", JAVA)
    data = place_of(ENGINE, home).run / "data"
    data.mkdir(parents=True)

    running.start(ENGINE, home)

    assert not data.exists()


def test_a_process_that_has_the_number_by_now_is_left_alone(home: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        place_of(ENGINE, home).process.write_text(f'{{"pid": {stranger.pid}, "port": 1}}')

        stopped = running.stop([ENGINE], home)

        assert stopped == []
        assert stranger.poll() is None


def test_an_engine_that_ends_shows_its_last_words(home: Path, tool: Install) -> None:
    tool("java", DYING_JAVA)
    running.start(ENGINE, home)

    with pytest.raises(EngineError, match="the heap does not fit") as failure:
        running.wait(ENGINE, home)

    assert str(place_of(ENGINE, home).log) in str(failure.value)
    assert "make engines" in str(failure.value)


def test_an_engine_that_never_answers_is_given_up(
    home: Path, tool: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool("java", JAVA)
    monkeypatch.setattr(running, "SECONDS_TO_START", 0)
    silent = replace(ENGINE, ready=204)
    running.start(silent, home)

    with pytest.raises(EngineError, match="did not answer within"):
        running.wait(silent, home)


def test_what_is_installed_is_known_until_the_recipe_changes(home: Path, tool: Install) -> None:
    install_all(tool)

    installing.install([ENGINE], home)

    assert installing.is_installed(ENGINE, home)
    place_of(ENGINE, home).recipe.write_text("another")
    assert not installing.is_installed(ENGINE, home)


def test_a_download_with_another_content_is_not_installed(home: Path, tool: Install) -> None:
    install_all(tool)

    with pytest.raises(EngineError, match=r"home\.zip is not the file"):
        installing.install([OPENSEARCH], home)

    assert not installing.is_installed(OPENSEARCH, home)


def test_a_failed_download_shows_what_maven_said(
    home: Path, tool: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool("mvn", BROKEN_MAVEN)
    monkeypatch.setattr(installing, "PAUSES_SECONDS", (0, 0))

    with pytest.raises(EngineError, match="Could not transfer artifact"):
        installing.install([ENGINE], home)


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ({}, "found no JDK"),
        ({"java": JAVA}, "found no JDK"),
        ({"java": JAVA.replace("17.0.9", "11.0.2"), "javac": JAVAC}, "Java 11 does not"),
        ({"java": JAVA.replace("17.0.9", "24"), "javac": JAVAC}, "Java 24 does not"),
        ({"java": JAVA, "javac": JAVAC}, "found no Maven"),
    ],
)
def test_what_is_missing_is_said(there: dict[str, str], said: str, tool: Install) -> None:
    for name, program in there.items():
        tool(name, program)

    with pytest.raises(MissingToolError, match=said):
        tools.require()


def test_java_17_and_maven_are_enough(tool: Install) -> None:
    install_all(tool)

    tools.require()


@pytest.fixture
def command(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What stands for pytest: it prints its arguments and ends with status 5."""
    for name in ("CI", "RECOLLECT_TEST_ENDPOINTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ENGINES_HOME", str(home))
    program = tmp_path / "tests.py"
    program.write_text("import sys; print('ran with', sys.argv[1:]); sys.exit(5)")
    return ["test", sys.executable, str(program)]


@pytest.mark.usefixtures("tool")
def test_without_java_the_other_tests_run_and_one_line_says_so(
    command: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(command) == 5

    ran, *loud = capfd.readouterr().out.splitlines()
    assert ran == "ran with []"
    assert len(loud) == 1
    assert "NOT RUN: the tests on real engines: found no JDK" in loud[0]


@pytest.mark.usefixtures("tool")
def test_in_ci_nothing_runs_without_java(
    command: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CI", "true")

    assert main(command) == 3
    assert "ran with" not in capfd.readouterr().out


@pytest.mark.usefixtures("tool")
def test_engines_that_somebody_else_runs_are_tested_on(
    command: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("RECOLLECT_TEST_ENDPOINTS", "{}")

    assert main(command) == 5
    assert capfd.readouterr().out == "ran with ['-m', 'not fuzz and not soak']\n"


def test_a_failed_start_fails_the_tests(
    command: list[str], tool: Install, capfd: pytest.CaptureFixture[str]
) -> None:
    install_all(tool)

    assert main(command) == 1
    out = capfd.readouterr().out
    assert "home.zip is not the file" in out
    assert "ran with" not in out


@pytest.mark.usefixtures("command")
def test_status_names_what_does_not_run(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["status"]) == 1
    assert ", ".join(engine.product for engine in ENGINES) in capfd.readouterr().out
