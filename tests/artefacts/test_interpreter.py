"""The interpreter for builds: found where it really is, or told how to get it."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from scripts import build, invoke
from scripts.interpreter import RUNTIME, MissingPythonError, find_python


def interpreter(folder: Path, prints: str, status: int = 0) -> Path:
    """Make a file that answers as an interpreter does when it is asked where it is installed."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / RUNTIME
    path.write_text(f"#!/bin/sh\necho '{prints}'\nexit {status}\n")
    path.chmod(0o755)
    return path


def installed(prefix: Path) -> Path:
    return interpreter(prefix / "bin", str(prefix))


@pytest.fixture(autouse=True)
def nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide what this machine has."""
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "uv"))
    monkeypatch.setattr("sys.executable", str(tmp_path / "no-venv" / "python"))


def test_a_shim_on_the_path_is_passed_over(tmp_path: Path) -> None:
    interpreter(tmp_path / "path", "pyenv: python3.13: command not found", status=127)
    real = installed(tmp_path / "pyenv/versions/3.13.0")

    assert find_python() == real


def test_a_shim_or_an_environment_leads_to_the_installation(tmp_path: Path) -> None:
    real = installed(tmp_path / "opt/python")
    interpreter(tmp_path / "path", str(tmp_path / "opt/python"))
    installed(tmp_path / "pyenv/versions/3.13.0")

    assert find_python() == real


def test_the_newest_of_a_version_manager_is_taken(tmp_path: Path) -> None:
    installed(tmp_path / "pyenv/versions/3.12.9")
    installed(tmp_path / "pyenv/versions/3.13.0")
    newest = installed(tmp_path / "pyenv/versions/3.13.2")

    assert find_python() == newest


def test_another_version_and_one_without_pip_are_passed_over(tmp_path: Path) -> None:
    interpreter(tmp_path / "path", "")
    interpreter(tmp_path / "pyenv/versions/3.13.0/bin", "No module named pip", status=1)

    with pytest.raises(MissingPythonError):
        find_python()


@pytest.mark.usefixtures("nothing")
def test_without_one_it_is_said_how_to_get_it() -> None:
    with pytest.raises(MissingPythonError) as refusal:
        find_python()

    assert "found no python3.13" in refusal.value.message
    for way in ("uv python install 3.13", "pyenv install 3.13", "apt install python3.13"):
        assert way in refusal.value.message


@pytest.mark.parametrize(("ci", "status"), [("", 0), ("true", 1)])
def test_the_check_is_skipped_loudly_but_not_in_ci(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ci: str, status: int
) -> None:
    monkeypatch.setattr(build, "ROOT", tmp_path)

    result = CliRunner().invoke(build.main, ["--check"], env={"CI": ci})

    assert result.exit_code == status
    assert ("SKIPPED" in result.stdout) == (status == 0)
    assert "found no python3.13" in result.output


def test_an_event_that_is_no_json_is_refused(tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text("{")

    result = CliRunner().invoke(invoke.main, ["read", str(event)])

    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {event} is not JSON: ")
