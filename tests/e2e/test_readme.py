"""What the README shows is run here, so that it stays true."""

import json
import re
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from click.testing import CliRunner

from recollect.entrypoints.cli.main import main
from tests.callers import LiveService, credentials

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
MAX_LINES = 150


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands(program: str) -> list[list[str]]:
    joined = "".join(blocks("bash")).replace("\\\n", " ")
    lines = [shlex.split(line, comments=True) for line in joined.splitlines()]
    return [words[1:] for words in lines if words and words[0].endswith(program)]


def test_it_is_short() -> None:
    assert len(README.splitlines()) < MAX_LINES


def test_the_python_client_does_what_is_shown(
    live_service: LiveService, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MEM0_TELEMETRY", "False")
    monkeypatch.setenv("MEM0_DIR", str(tmp_path))
    [shown] = blocks("python")
    code = shown.replace("http://127.0.0.1:8080", live_service.address)
    *_, search = code.replace("m0-...", live_service.new_key()).split("\nmemory.search")
    names: dict[str, Any] = {}

    exec(code.replace("m0-...", live_service.new_key()), names)  # noqa: S102 - our own README
    found = eval("memory.search" + search.partition("\n#")[0], names)  # noqa: S307 - as above

    names["memory"].client.close()
    assert "allergic to peanuts" in found["results"][0]["memory"]


def test_the_requests_are_answered_as_shown(live_service: LiveService) -> None:
    shown = [json.loads(block.replace(", ...}", "}")) for block in blocks("json")]
    answers = []

    with httpx.Client(
        base_url=live_service.address, headers=credentials(live_service.new_key())
    ) as client:
        for words in commands("curl"):
            body = words[words.index("-d") + 1]
            url = next(word for word in words if word.startswith("http"))
            answers.append(client.post(urlsplit(url).path, content=body).json())

    added, found = answers
    assert set(shown[0]) <= set(added)
    assert set(shown[0]["results"][0]) <= set(added["results"][0])
    assert found["results"][0]["memory"] == added["results"][0]["memory"]


@pytest.mark.parametrize("words", commands("recollect"), ids=" ".join)
def test_every_command_exists_with_its_options(words: list[str]) -> None:
    result = CliRunner().invoke(main, [words[0], "--help"])

    assert result.exit_code == 0
    for option in words:
        if option.startswith("--"):
            assert option in result.output


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", README))
def test_every_link_leads_somewhere(link: str) -> None:
    assert (Path(__file__).parents[2] / link).exists()
