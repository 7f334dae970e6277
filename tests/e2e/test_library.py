"""One program on mem0 1.0.11's own `Memory` and on ours, and what the two answer."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from recollect import Memory
from tests.e2e.library_play import Answers, play

ROOT = Path(__file__).parents[2]
PEER = ROOT / ".venv-mem0/bin/python"
PATIENCE_SECONDS = 120
UNPREDICTABLE = {"id", "memory_id", "created_at", "updated_at", "score"}
"""Keys whose values are only compared by type."""
DIFFERENT = {
    "add none": "tells that nothing was changed, and which memory says it already",
    "get updated with metadata": "keeps the metadata that an update does not name",
}
"""Answers that differ on purpose; docs/library.md tells why."""
TOLD_BESIDES = {("history of a conversation", "role")}
"""Values that mem0 has not, and we have."""


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    folder = tmp_path_factory.mktemp("theirs")
    done = subprocess.run(  # noqa: S603 - our own script
        [PEER, "-m", "tests.e2e.library_peer", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers: Answers = json.loads(done.stdout)
    return answers


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    data = tmp_path_factory.mktemp("ours") / "recollect.db"
    with Memory(data, language_model="tests.e2e.library_mind:Mind") as memory:
        answers: Answers = json.loads(json.dumps(play(memory)))
    return answers


def test_every_answer_has_what_theirs_has(theirs: Answers, ours: Answers) -> None:
    same = [name for name in theirs if name not in DIFFERENT and not is_refusal(theirs[name])]

    found = [problem for name in same for problem in problems(name, theirs[name], ours[name])]

    assert list(ours) == list(theirs)
    assert len(same) > len(theirs) / 2
    assert found == []


def test_what_they_refuse_is_refused_with_an_error_that_python_knows(
    theirs: Answers, ours: Answers
) -> None:
    refused = [name for name in theirs if is_refusal(theirs[name])]

    assert len(refused) == 9
    for name in refused:
        expected = "NotImplementedError" if name == "chat" else "ValueError"
        assert expected in ours[name], name
        assert {"ValueError", "NotImplementedError", "ValidationError"} & set(theirs[name]), name


def test_a_repeated_fact_names_the_memory_that_says_it(theirs: Answers, ours: Answers) -> None:
    [kept] = ours["list after none"]["results"]

    assert theirs["add none"]["results"] == []
    [told] = ours["add none"]["results"]
    assert (told["event"], told["id"]) == ("NONE", kept["id"])


def test_an_update_keeps_the_metadata_that_it_does_not_name(theirs: Answers, ours: Answers) -> None:
    lost, merged = theirs["get updated with metadata"], ours["get updated with metadata"]

    assert lost.pop("metadata") == {"mood": "good"}
    assert merged.pop("metadata") == {"topic": "trip", "mood": "good"}
    assert not list(problems("", lost, merged))


def problems(name: str, theirs: Any, ours: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    """Tell where an answer lacks what theirs has, or says something else."""
    key = name.rpartition("/")[2]
    if isinstance(theirs, dict) and isinstance(ours, dict):
        yield from (f"{name}/{each} is missing" for each in theirs.keys() - ours.keys())
        for each in theirs.keys() & ours.keys():
            yield from problems(f"{name}/{each}", theirs[each], ours[each])
    elif isinstance(theirs, list) and isinstance(ours, list):
        if len(theirs) != len(ours):
            yield f"{name} has {len(ours)} instead of {len(theirs)}"
        for expected, found in zip(in_order(theirs), in_order(ours), strict=False):
            yield from problems(name, expected, found)
    elif (name.partition("/")[0], key) in TOLD_BESIDES:
        return
    elif type(theirs) is not type(ours) or (key not in UNPREDICTABLE and theirs != ours):
        yield f"{name} is {ours!r} instead of {theirs!r}"


def in_order(items: list[Any]) -> list[Any]:
    """Return memories by their text: lists of both libraries have an order of their own."""
    is_memories = all(isinstance(each, dict) and "hash" in each for each in items)
    return sorted(items, key=lambda each: each["memory"]) if is_memories else items


def is_refusal(answer: Any) -> bool:  # noqa: ANN401 - any JSON
    return isinstance(answer, list) and "BaseException" in answer
