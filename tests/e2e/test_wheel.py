"""The wheel, in an environment that holds nothing but what it asks for."""

import os
import re
import signal
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
PATIENCE_SECONDS = 120
pytestmark = pytest.mark.slow

ADD_AND_SEARCH = """
import sys
from pathlib import Path
from recollect import bootstrap
from recollect.domain.filters import parse_filter
from recollect.domain.requests import AddRequest
from recollect.domain.memory import Message
from recollect.domain.subjects import Scope, SubjectKind

with bootstrap.local_edition(Path(sys.argv[1])):
    _, key = bootstrap.create_key()("default", "first key")
    scope = Scope.of("default", {SubjectKind.USER: "ada"})
    messages = (Message("user", "Ada lives in Lisbon."),)
    bootstrap.add_memories()(AddRequest(scope=scope, messages=messages, infer=False))
    matching = parse_filter({"user_id": "ada"})
    result = bootstrap.search_memories()("default", "Where does Ada live?", matching)
    print(result.found[0].memory.text)
"""
"""The use cases, without the handlers."""

BUILD_MODELS = """
from recollect.bootstrap import models

extractor = models.minds().extractor
print(type(models.embedder()).__name__, type(extractor.ask.model).__name__)
"""
BLOCK_OF_A_FILE = re.compile(r'^```python\n("""(\w+\.py).*?)^```$', re.DOTALL | re.MULTILINE)
SETTING = re.compile(r"(RECOLLECT_\w+)=(\w+:\w+)")

AWS = {
    "RECOLLECT_EDITION": "aws",
    "RECOLLECT_RECORD_TABLE": "record",
    "RECOLLECT_CONTROL_TABLE": "control",
    "RECOLLECT_BUCKET": "bucket",
}


@dataclass(frozen=True)
class Installed:
    """A virtual environment with the wheel, and an empty folder to use it in."""

    programs: Path
    folder: Path

    def command(self, program: str, *words: str, **settings: str) -> "subprocess.Popen[str]":
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        return subprocess.Popen(  # noqa: S603 - a program of ours
            [self.programs / program, *words],
            cwd=self.folder,
            env={**kept, **settings, "HOME": str(self.folder), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def printed(self, program: str, *words: str, status: int = 0, **settings: str) -> str:
        """Return what a program prints until it ends with this status."""
        with self.command(program, *words, **settings) as process:
            printed, _ = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == status, printed
        return printed


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    uv("build", "--wheel", "--offline", "--quiet", "--out-dir", str(folder), str(ROOT))
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """What `pip install` makes, except that nothing is downloaded: the packages are borrowed."""
    home = tmp_path_factory.mktemp("installed")
    venv.create(home / "venv", symlinks=True)
    programs = home / "venv/bin"
    uv("pip", "install", "--offline", "--no-deps", "--python", str(programs / "python"), str(wheel))
    [packages] = home.glob("venv/lib/python3.*/site-packages")
    for name in needed("recollect", set()):
        lend(distribution(name), packages)
    (home / "empty").mkdir()
    return Installed(programs, home / "empty")


def uv(*words: str) -> None:
    done = subprocess.run(  # noqa: S603 - our own tool
        [UV, *words], capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr


def needed(name: str, known: set[str], extras: tuple[str, ...] = ("",)) -> Iterator[str]:
    """Yield the packages that one asks for on this machine, and what these ask for."""
    for text in distribution(name).requires or ():
        asked = Requirement(text)
        is_asked = not asked.marker or any(asked.marker.evaluate({"extra": e}) for e in extras)
        if is_asked and asked.name not in known:
            known.add(asked.name)
            yield asked.name
            yield from needed(asked.name, known, ("", *asked.extras))


def lend(package: Distribution, packages: Path) -> None:
    for top in {file.parts[0] for file in package.files or ()} - {"..", "__pycache__"}:
        link = packages / top
        if not link.exists():
            link.symlink_to(Path(str(package.locate_file(top))))


def test_everything_of_the_package_is_in_it_and_nothing_else(wheel: Path) -> None:
    sources = {
        str(path.relative_to(ROOT / "shared"))
        for path in (ROOT / "shared/recollect").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
        kept = {name for name in names if ".dist-info/" not in name}
        template = archive.read("recollect/deployed/template.yaml")

    assert kept == sources
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"recollect"}
    assert template == (ROOT / "template.yaml").read_bytes()


def test_every_function_is_in_it() -> None:
    folders = {path.parent.name for path in ROOT.glob("functions/*/handler.py")}
    links = {path.parent.name: path for path in ROOT.glob("shared/recollect/deployed/*/*/*")}

    assert set(links) == folders
    for name, link in links.items():
        assert link.samefile(ROOT / "functions" / name / "handler.py")


def test_it_can_be_asked_for_help(installed: Installed) -> None:
    assert "Long-term memory for AI agents" in installed.printed("recollect", "--help")


def test_the_use_cases_work_on_a_file(installed: Installed) -> None:
    printed = installed.printed("python", "-c", ADD_AND_SEARCH, "memories.db")

    assert printed.splitlines()[-1] == "Ada lives in Lisbon."


def test_every_command_path_works_on_a_file(installed: Installed) -> None:
    printed = installed.printed("recollect", "smoke", "--data", "smoke.db")

    assert printed.splitlines()[-1].endswith("smoke.db works.")


def test_the_service_starts(installed: Installed) -> None:
    with installed.command("recollect", "start", "--port", "0", "--data", "start.db") as process:
        assert process.stdout
        printed = ""
        for line in process.stdout:
            printed += line
            if line.startswith("Ctrl-C stops it."):
                process.send_signal(signal.SIGINT)
        process.wait(PATIENCE_SECONDS)

    assert process.returncode == 0, printed
    assert "Key        m0-" in printed


def test_the_adapters_of_the_page_can_be_chosen_and_proved(
    installed: Installed, tmp_path: Path
) -> None:
    page = (ROOT / "docs/adapters.md").read_text()
    for block, name in BLOCK_OF_A_FILE.findall(page):
        (tmp_path / name).write_text(block)
    for name in ("pytest", "hypothesis"):
        for package in (name, *needed(name, set())):
            lend(distribution(package), tmp_path)
    settings = {**dict(SETTING.findall(page)), "PYTHONPATH": str(tmp_path)}
    local = {
        **settings,
        "RECOLLECT_EDITION": "local",
        "RECOLLECT_DATA": str(tmp_path / "unused.db"),
    }

    built = installed.printed("python", "-c", BUILD_MODELS, **local)
    smoke = installed.printed("recollect", "smoke", "--data", "page.db", **settings)
    proved = installed.printed("python", "-m", "pytest", str(tmp_path), **settings)

    assert built.split() == ["LetterEmbedder", "ServedModel"]
    assert smoke.splitlines()[-1].endswith("page.db works.")
    assert " passed" in proved.splitlines()[-1]


def test_a_missing_part_is_named_with_the_command_that_brings_it(installed: Installed) -> None:
    use = "from recollect import bootstrap; bootstrap.check_key()"

    printed = installed.printed("python", "-c", use, status=1, **AWS)

    assert printed.splitlines()[-1].endswith("is not installed: pip install 'recollect[aws]'")
