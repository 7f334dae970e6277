# What is imported is only in the peer's environment, so it has no types here.
# mypy: disable-error-code="import-not-found"
"""LangGraph's SqliteStore as a peer: SQLite with sqlite-vec, a namespace a user."""

import sqlite3
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

if not hasattr(sqlite3.Connection, "enable_load_extension"):
    # Some Pythons are built without extensions; sqlite-vec is one.
    import pysqlite3

    sys.modules["sqlite3"] = pysqlite3

from langgraph.store.base import PutOp
from langgraph.store.sqlite import SqliteStore

from benchmarks.peers_task import Store, Task, serve

BATCH = 100


class LangGraphStore:
    """The store with vectors of the field `text`."""

    def __init__(self, task: Task, folder: Path) -> None:
        # The store embeds questions as it does documents.
        vectors = {**task.queries, **task.documents}
        self._kept_open = ExitStack()
        self._store = self._kept_open.enter_context(
            SqliteStore.from_conn_string(
                str(folder / "store.db"),
                index={
                    "dims": task.dimensions,
                    "embed": lambda texts: [vectors[text] for text in texts],
                },
            )
        )
        self._store.setup()

    def add(self, user: str, texts: Sequence[str]) -> list[str]:
        """Put the texts, a batch of them at once."""
        puts = [
            # The store's own setting `fields` is not heeded by this version.
            PutOp((user,), str(place), {"text": text}, index=["text"])
            for place, text in enumerate(texts)
        ]
        for start in range(0, len(puts), BATCH):
            self._store.batch(puts[start : start + BATCH])
        return [put.key for put in puts]

    def settle(self) -> None:
        """Do nothing: everything is there at once."""

    def search(self, user: str, question: str, limit: int) -> list[str]:
        """Search by meaning, which is all that the store has."""
        return [item.key for item in self._store.search((user,), query=question, limit=limit)]


def _open(task: Task, folder: Path, _way: str) -> Store:
    return LangGraphStore(task, folder)


if __name__ == "__main__":
    serve(_open)
