"""`recollect backup` and `recollect restore`, on a data file that is in use and one that is not."""

import re
import shlex
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from recollect import bootstrap
from recollect.domain.subjects import Subject, SubjectKind
from tests.handlers.commands import Run, invoke, on_file, printed

DOG, CAT = "My dog is called Biscuit.", "My cat is called Cleo."
PROJECT = "default"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data" / "memories.db"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return tmp_path / "copy.db"


@pytest.fixture
def run(data: Path) -> Run:
    return on_file(data)


@pytest.fixture
def backup(run: Run, copy: Path) -> Path:
    """A backup from before the second of two memories."""
    assert run("add", DOG, "--user", "maya").exit_code == 0
    assert run("backup", str(copy)).exit_code == 0
    assert run("add", CAT, "--user", "maya").exit_code == 0
    return copy


def texts(run: Run) -> list[str]:
    listed = run("list", "--user", "maya", "--json")
    assert listed.exit_code == 0, listed.stderr
    return sorted(memory["memory"] for memory in printed(listed))


@contextmanager
def kept_beside(data: Path) -> Iterator[list[Path]]:
    """Yield what is kept of the file that is replaced in the block, once it is over."""
    kept: list[Path] = []
    yield kept
    kept += data.parent.glob(f"{data.name}.before-restore-*")


def test_a_backup_is_told_in_numbers(run: Run, copy: Path, tmp_path: Path) -> None:
    run("add", DOG, "--user", "maya")
    run("add", CAT, "--user", "noah")

    told, as_json = run("backup", str(copy)), run("backup", str(tmp_path / "2.db"), "--json")

    assert (told.exit_code, told.stderr) == (0, "")
    assert told.stdout.startswith("2 memories and 2 episodes of 1 projects, 0.")
    assert told.stdout.endswith(f" MB, in {copy}.\n")
    size = (tmp_path / "2.db").stat().st_size
    assert printed(as_json) == {"size": size, "projects": 1, "memories": 2, "episodes": 2}
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_a_file_is_copied_while_it_is_in_use_and_has_not_drifted(
    run: Run, copy: Path, data: Path
) -> None:
    run("add", DOG, "--user", "maya")

    with bootstrap.local_edition(data):
        assert run("backup", str(copy)).exit_code == 0

    verified = invoke("verify", "--data", str(copy), "--json")
    assert verified.exit_code == 0
    [project] = printed(verified)["projects"]
    assert (project["memories"], project["indexed"], project["drift"]) == (1, 1, 0)


def test_what_is_there_already_is_not_overwritten(run: Run, backup: Path) -> None:
    again = run("backup", str(backup))

    assert (again.exit_code, again.stdout) == (1, "")
    assert again.stderr == f"Error: There is a file {backup} already: choose another name\n"


def test_without_a_data_file_there_is_nothing_to_copy(run: Run, copy: Path, data: Path) -> None:
    told = run("backup", str(copy))

    assert (told.exit_code, told.stderr) == (1, f"Error: There is no data file {data}\n")
    assert not copy.exists()
    assert not data.exists()


def test_a_backup_takes_the_place_of_the_data_which_is_kept(
    run: Run, backup: Path, data: Path
) -> None:
    key = data.with_name(f"{data.name}.key").read_text()
    assert texts(run) == [CAT, DOG]

    with kept_beside(data) as kept:
        told = run("restore", str(backup))

    assert told.exit_code == 0
    assert told.stdout.startswith("1 memories and 1 episodes of 1 projects, ")
    assert told.stdout.endswith(f" in {data}.\n")
    assert told.stderr == f"What was there before is in {kept[0]}.\n"
    assert texts(run) == [DOG]
    assert data.with_name(f"{data.name}.key").read_text() == key
    # The old file goes back in the same way, and the backup is as it was.
    assert run("restore", str(kept[0])).exit_code == 0
    assert texts(run) == [CAT, DOG]


def test_a_restore_is_told_as_json(run: Run, backup: Path, data: Path) -> None:
    with kept_beside(data) as kept:
        told = run("restore", str(backup), "--json")

    size = backup.stat().st_size
    numbers = {"size": size, "projects": 1, "memories": 1, "episodes": 1}
    assert printed(told) == {**numbers, "kept": str(kept[0]), "erased": 0}


def test_a_backup_is_restored_on_a_machine_that_has_nothing(backup: Path, tmp_path: Path) -> None:
    data = tmp_path / "new" / "folder" / "memories.db"

    told = invoke("restore", str(backup), "--data", str(data), "--json")

    assert (told.exit_code, told.stderr) == (0, "")
    assert printed(told)["kept"] is None
    assert [each.name for each in data.parent.iterdir()] == [data.name]
    found = invoke("list", "--user", "maya", "--json", "--data", str(data))
    assert [each["memory"] for each in printed(found)] == [DOG]


def test_a_file_that_is_in_use_is_not_replaced(run: Run, backup: Path, data: Path) -> None:
    with bootstrap.local_edition(data):
        refused = run("restore", str(backup))

    assert (refused.exit_code, refused.stdout) == (1, "")
    assert f"The data file {data} is in use: stop the service" in refused.stderr
    assert texts(run) == [CAT, DOG]
    assert {each.name for each in data.parent.iterdir()} == {data.name, f"{data.name}.key"}


@pytest.mark.parametrize(
    ("content", "said"), [(b"dear diary\n" * 1_000, "is not a Recollect file"), (b"", "is empty")]
)
def test_what_is_no_backup_replaces_nothing(
    run: Run, backup: Path, data: Path, content: bytes, said: str
) -> None:
    backup.write_bytes(content)

    refused = run("restore", str(backup))

    assert refused.exit_code == 1
    assert said in refused.stderr
    assert texts(run) == [CAT, DOG]
    assert {each.name for each in data.parent.iterdir()} == {data.name, f"{data.name}.key"}


def test_a_damaged_file_is_replaced_and_what_that_means_is_told(
    run: Run, backup: Path, data: Path
) -> None:
    data.write_bytes(b"dear diary\n" * 1_000)

    with kept_beside(data) as kept:
        told = run("restore", str(backup))

    assert told.exit_code == 0
    assert "its keys and erasures cannot be read" in told.stderr
    assert kept[0].read_bytes() == b"dear diary\n" * 1_000
    assert texts(run) == [DOG]


def test_keys_are_as_they_were_before_the_restore(run: Run, backup: Path) -> None:
    made, revoked = (printed(run("keys", "create", name, "--json")) for name in ("a", "b"))
    run("keys", "revoke", revoked["id"])

    assert run("restore", str(backup)).exit_code == 0

    keys = {key["id"]: key["revoked_at"] for key in printed(run("keys", "list", "--json"))}
    assert len(keys) == 3
    assert keys[made["id"]] is None
    assert keys[revoked["id"]] is not None


def test_whoever_was_erased_since_is_erased_again(run: Run, backup: Path, data: Path) -> None:
    noah, maya = (Subject.of(SubjectKind.USER, name) for name in ("noah", "maya"))
    with bootstrap.local_edition(data) as store:
        for subject in (noah, maya):
            store.erasures.mark(PROJECT, subject, at=datetime.now(UTC))

    told = run("restore", str(backup), "--json")

    assert told.exit_code == 0
    assert (printed(told)["memories"], printed(told)["erased"]) == (1, 1)
    assert "what belongs to 1 subjects that were erased is erased again" in told.stderr
    assert texts(run) == []
    assert run("search", "dog", "--user", "maya").stdout == ""
    assert printed(run("verify", "--json"))["drift"] == 0
    run("add", CAT, "--user", "maya")
    assert texts(run) == [CAT]
    # Nor does it come back with a second restore.
    assert printed(run("restore", str(backup), "--json"))["erased"] == 1
    assert texts(run) == []


def test_the_page_shows_what_works(
    data: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("add", DOG, "--user", "maya")
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parents[2] / "docs" / "recovery.md").read_text(encoding="utf-8")
    [local] = re.findall(r"## The local file\n\n```bash\n(.*?)```", page, re.DOTALL)
    lines = local.replace("$(date +%F)", "2026-11-21").splitlines()

    for program, *words in (shlex.split(line, comments=True) for line in lines):
        assert program == "recollect"
        told = invoke(*words, RECOLLECT_DATA=str(data))
        assert told.exit_code == 0, told.stderr

    assert len(lines) == 3
    assert {"drill.db", "recollect-2026-11-21.db"} <= {each.name for each in tmp_path.iterdir()}
