"""A peer for the tests: exact search by meaning, or one of the ways to fail."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers_task import Store, Task, serve


class FakeStore:
    def __init__(self, task: Task, way: str) -> None:
        self._task, self._way = task, way
        self._texts: dict[str, list[str]] = {}
        self._searches = 0

    def add(self, user: str, texts: Sequence[str]) -> list[str]:
        sys.stdout.write("what a package prints is no answer\n")
        if self._way == "slow":
            time.sleep(60)
        if self._way == "broken":
            sys.exit("the disk is on fire")
        self._texts[user] = list(texts)
        return [f"{user}/{place}" for place in range(len(texts))]

    def settle(self) -> None:
        pass

    def search(self, user: str, question: str, limit: int) -> list[str]:
        self._searches += 1
        if self._way == "tired" and self._searches > 2:
            sys.exit("enough")
        asked = self._task.queries[question]

        def nearness(place: int) -> float:
            vector = self._task.documents[self._texts[user][place]]
            return sum(one * other for one, other in zip(asked, vector, strict=True))

        places = sorted(range(len(self._texts[user])), key=nearness, reverse=True)
        return [f"{user}/{place}" for place in places[:limit]]


def _open(task: Task, _folder: Path, way: str) -> Store:
    return FakeStore(task, way)


if __name__ == "__main__":
    serve(_open)
