# What is imported is only in the peer's environment, so it has no types here.
# mypy: disable-error-code="import-not-found"
"""LanceDB as a peer: one table for all users, filtered before it is searched.

Ways: `vector`, `words` (its full-text index) and `hybrid` (both, reciprocal ranks fused). Vectors
are compared exactly, without an index of them, which its guide advises for larger tables only.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lancedb
import pyarrow as pa
from lancedb.rerankers import RRFReranker

from benchmarks.peers_task import Store, Task, serve


class LanceStore:
    """A table of keys, users, texts and vectors."""

    def __init__(self, task: Task, folder: Path, way: str) -> None:
        self._task, self._way = task, way
        self._reranker = RRFReranker()
        columns = [(name, pa.string()) for name in ("key", "user", "text")]
        vector = ("vector", pa.list_(pa.float32(), task.dimensions))
        self._table = lancedb.connect(folder).create_table(
            "memories", schema=pa.schema([*columns, vector])
        )

    def add(self, user: str, texts: Sequence[str]) -> list[str]:
        """Add the texts at once."""
        rows = [
            {
                "key": f"{user}/{place}",
                "user": user,
                "text": text,
                "vector": self._task.documents[text],
            }
            for place, text in enumerate(texts)
        ]
        self._table.add(rows)
        return [str(row["key"]) for row in rows]

    def settle(self) -> None:
        """Index users and words, and bring the parts of the table together."""
        self._table.optimize()
        self._table.create_scalar_index("user", index_type="BITMAP")
        if self._way != "vector":
            self._table.create_fts_index("text")

    def search(self, user: str, question: str, limit: int) -> list[str]:
        """Search in the way that was chosen."""
        query = self._query(question).where(f"user = '{user}'", prefilter=True)
        return [row["key"] for row in query.select(["key"]).limit(limit).to_list()]

    def _query(self, question: str) -> Any:  # noqa: ANN401 - builders of several classes
        vector = self._task.queries[question]
        if self._way == "vector":
            return self._table.search(vector).distance_type("cosine")
        if self._way == "words":
            return self._table.search(question, query_type="fts")
        both = self._table.search(query_type="hybrid").vector(vector).text(question)
        return both.distance_type("cosine").rerank(self._reranker)


def _open(task: Task, folder: Path, way: str) -> Store:
    return LanceStore(task, folder, way)


if __name__ == "__main__":
    serve(_open)
