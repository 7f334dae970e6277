"""What the README shows is run here, so that it stays true."""

import contextlib
import io
import json
import re
import shlex
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from click.testing import CliRunner

from recollect.entrypoints.cli.main import main
from tests.callers import LiveService, credentials
from tests.contract.openai_server import KEY, Reply, running_server, used
from tests.contract.stand_in import Body
from tests.e2e.process import COMMAND, PATIENCE_SECONDS, Running, environment
from tests.unit.usecases.test_diagnose import FOUND, RIGHT

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
MAX_LINES = 150
MODEL = "## With a language model"
READY = "Ctrl-C stops it."


def blocks(language: str, *, after: str = "") -> list[str]:
    """Return the blocks of code from a heading on."""
    text = README[README.index(after) :]
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


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
    shown = blocks("python")[0]
    code = shown.replace("http://127.0.0.1:8080", live_service.address)
    *_, search = code.replace("m0-...", live_service.new_key()).split("\nmemory.search")
    names: dict[str, Any] = {}

    exec(code.replace("m0-...", live_service.new_key()), names)  # noqa: S102 - our own README
    found = eval("memory.search" + search.partition("\n#")[0], names)  # noqa: S307 - as above

    names["memory"].client.close()
    [best] = found["results"]
    score = re.search(r"'score': (\d\.\d+)", shown)
    assert "allergic to peanuts" in best["memory"]
    # Processors differ in how they round what they add up.
    assert score
    assert best["score"] == pytest.approx(float(score[1]), abs=0.001)


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


# What a language model says in the conversation that the README shows.

LIVES = "The user lives in Lisbon with their dog Rex."
MOVED = "The user lives in Porto with their dog Rex."
FLIES = "The user flies to Oslo on {day:%A}, {day.day} {day:%B %Y}."


def mind(body: Body) -> Reply:
    """Answer as a good model would, by what it is told of the times and memories there are."""
    question = body["messages"][-1]["content"]
    lines = [json.loads(line) for line in question.splitlines() if line.startswith("{")]
    form = body["tools"][0]["function"]["name"]
    if "Rex: my dog is called Rex" in question:
        filled: dict[str, Any] = {"facts": FOUND}
    elif "plays the cello" in question:
        filled = RIGHT
    elif form == "remember_facts":
        [said] = [line["text"] for line in lines if "message" in line]
        filled = extracted(said, day_of(question))
    else:
        known = {line["text"]: line["memory"] for line in lines if "memory" in line}
        [fact] = [line for line in lines if "fact" in line]
        filled = {"decisions": [{"fact": fact["fact"], **decided(fact, known)}]}
    return used(json.dumps(filled))(body)


def day_of(question: str) -> date:
    said_at = re.search(r'<conversation said_at="\w+, ([^"]+)">', question)
    assert said_at
    return datetime.fromisoformat(said_at[1]).date()


def extracted(said: str, today: date) -> dict[str, Any]:
    tomorrow = today + timedelta(days=1)
    fact = {"message": 0, "kind": "semantic"}
    if "Lisbon" in said:
        flight = {"valid_from": str(tomorrow), "valid_to": str(tomorrow), "kind": "episodic"}
        flies = FLIES.format(day=tomorrow)
        return {"facts": [{**fact, "text": LIVES}, {**fact, "text": flies, **flight}]}
    if "Porto" in said:
        return {"facts": [{**fact, "text": "The user has moved to Porto."}]}
    assert "forget my trip" in said
    request = {"text": "The user's trip", "message": 0, "quote": "forget my trip"}
    return {"facts": [], "forget": [request]}


def decided(fact: dict[str, Any], known: dict[str, int]) -> dict[str, Any]:
    if "asks_to_forget" in fact:
        [trip] = [number for text, number in known.items() if "Oslo" in text]
        return {"event": "DELETE", "memories": [trip]}
    return {"event": "UPDATE", "memories": [known[LIVES]], "text": MOVED}


@contextmanager
def typed(lines: str, home: Path) -> Iterator[Running]:
    """Run lines in a shell until the service is ready; end it with the block."""
    process = subprocess.Popen(  # noqa: S603 - our own README
        ["/bin/sh", "-ec", lines],
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    watchdog = threading.Timer(PATIENCE_SECONDS, process.kill)
    watchdog.start()
    printed = ""
    try:
        assert process.stdout
        for line in process.stdout:
            printed += line
            if READY in line:
                break
        yield Running(process, printed)
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()


def test_a_conversation_with_a_language_model_is_as_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MEM0_TELEMETRY", "False")
    monkeypatch.setenv("MEM0_DIR", str(tmp_path))
    start, talk = blocks("bash", after=MODEL)[0], blocks("python", after=MODEL)[0]
    connect = "\n".join(blocks("python")[0].splitlines()[:3])
    recollect, printed = shlex.join(COMMAND), io.StringIO()
    with running_server(*[mind] * 7) as server:
        here = {
            "https://api.openai.com/v1": server.url,
            "sk-...": KEY,
            ".venv/bin/recollect": recollect,
            "make start": f"exec {recollect} start --port 0",
        }
        for shown, ours in here.items():
            assert shown in start
            start = start.replace(shown, ours)

        with typed(start, tmp_path) as service:
            names: dict[str, Any] = {}
            client = connect.replace("http://127.0.0.1:8080", service.address)
            exec(client.replace("m0-...", service.key), names)  # noqa: S102 - our own README
            with contextlib.redirect_stdout(printed):
                exec(talk, names)  # noqa: S102 - as above
            names["memory"].client.close()

        assert len(server.bodies) == 7
        assert {body["model"] for body in server.bodies} == {"gpt-5-mini"}
    told = [line.removeprefix("# ") for line in talk.splitlines() if line.startswith("# ")]
    assert printed.getvalue().splitlines() == told
    assert [line.split()[0] for line in told[:4]] == ["ADD", "ADD", "UPDATE", "DELETE"]
    assert re.search(r"^extraction +ok ", service.printed, re.MULTILINE)
