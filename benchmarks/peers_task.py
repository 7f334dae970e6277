"""What a peer is given and how it is spoken to; with nothing but Python, as peers have their own.

A task is a folder: `task.json` has the users with their texts and questions, `vectors.f32` a vector
for each of them in that order, as 32-bit numbers of this machine. A peer reads commands from its
standard input and writes answers to its standard output, a line of JSON each:

    {"add": true}                                    {"keys": {USER: [KEY, ...]}}
    {"search": [[USER, NUMBER], ...], "limit": 10}   {"found": [[KEY, ...], ...], "ms": [0.5, ...]}

A key is what the store calls a memory; a number, a question's place among those of its user.
"""

import json
import os
import sys
import time
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

Vector = list[float]
TASK = "task.json"
VECTORS = "vectors.f32"


@dataclass(frozen=True)
class Scope:
    """A user with the texts to store, oldest first, and the questions to ask."""

    user: str
    texts: Sequence[str]
    questions: Sequence[str]


@dataclass(frozen=True)
class Task:
    """Users with the vectors of their texts and of their questions, by text."""

    dimensions: int
    scopes: Sequence[Scope]
    documents: Mapping[str, Vector]
    queries: Mapping[str, Vector]


class Store(Protocol):
    """A peer's store, empty at first."""

    def add(self, user: str, texts: Sequence[str]) -> list[str]:
        """Store texts as they are; return the key of each."""
        ...

    def settle(self) -> None:
        """Do what is to be done once after all texts, such as building indexes."""
        ...

    def search(self, user: str, question: str, limit: int) -> list[str]:
        """Return the keys of at most `limit` memories of the user, best first."""
        ...


def write(
    folder: Path, scopes: Sequence[Scope], vectors: Iterable[Iterable[float]], dimensions: int
) -> None:
    """Write a task; `vectors` has those of the first user's texts, of its questions, and so on."""
    kept = array("f")
    for vector in vectors:
        kept.extend(vector)
    expected = dimensions * sum(len(scope.texts) + len(scope.questions) for scope in scopes)
    if len(kept) != expected:
        message = f"{len(kept)} numbers in vectors where {expected} belong"
        raise ValueError(message)
    users = [vars(scope) for scope in scopes]
    (folder / TASK).write_text(json.dumps({"dimensions": dimensions, "scopes": users}))
    (folder / VECTORS).write_bytes(kept.tobytes())


def read(folder: Path) -> Task:
    """Read a task."""
    told = json.loads((folder / TASK).read_text())
    dimensions, scopes = told["dimensions"], [Scope(**each) for each in told["scopes"]]
    numbers = array("f")
    numbers.frombytes((folder / VECTORS).read_bytes())
    starts = iter(range(0, len(numbers), dimensions))
    documents: dict[str, Vector] = {}
    queries: dict[str, Vector] = {}
    for scope in scopes:
        for texts, vectors in ((scope.texts, documents), (scope.questions, queries)):
            for text, start in zip(texts, starts, strict=False):
                vectors[text] = numbers[start : start + dimensions].tolist()
    return Task(dimensions, scopes, documents, queries)


def serve(open_store: Callable[[Task, Path, str], Store]) -> None:
    """Answer commands until the input ends; arguments: the task, a folder to use, and the way."""
    answers = _own_output()
    task = read(Path(sys.argv[1]))
    store = open_store(task, Path(sys.argv[2]), sys.argv[3])
    for line in sys.stdin:
        print(json.dumps(_answer(task, store, json.loads(line))), file=answers, flush=True)


def _own_output() -> IO[str]:
    """Return the standard output, and send what the peer's packages print to the error output."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers


def _answer(task: Task, store: Store, command: Mapping[str, Any]) -> dict[str, Any]:
    if "add" in command:
        keys = {scope.user: store.add(scope.user, scope.texts) for scope in task.scopes}
        store.settle()
        return {"keys": keys}
    questions = {scope.user: scope.questions for scope in task.scopes}
    found, took = [], []
    for user, number in command["search"]:
        start = time.perf_counter()
        found.append(store.search(user, questions[user][number], command["limit"]))
        took.append((time.perf_counter() - start) * 1000)
    return {"found": found, "ms": took}
