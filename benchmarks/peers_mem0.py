"""mem0 2.2.1 as a peer: its default local store, Qdrant on disk; messages are added verbatim.

Ways: `installed` is what the package alone does, a search by meaning. `bm25` has the extra that
its search by words needs, fastembed, whose stop words are NLTK's and usually come from a model hub;
here they come from the package llama-index-core, which carries the same list.
"""

import shutil
from collections.abc import Sequence
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import mem0

from benchmarks.peers_task import Store, Task, Vector, serve

STOP_WORDS = "llama_index/core/_static/nltk_cache/corpora/stopwords/english"


class Mem0Store:
    """mem0's `Memory` with vectors that are looked up."""

    def __init__(self, task: Task, folder: Path, way: str) -> None:
        store: dict[str, Any] = {
            "path": str(folder / "qdrant"),
            "on_disk": True,
            "embedding_model_dims": task.dimensions,
        }
        self._memory = mem0.Memory.from_config(
            {
                "vector_store": {"provider": "qdrant", "config": store},
                "history_db_path": str(folder / "history.db"),
            }
        )
        self._memory.embedding_model = _LookedUp(task)
        # Its encoder of words; False is what it notes when fastembed is not installed.
        self._memory.vector_store._bm25_encoder = way != "installed" and _encoder(folder)  # noqa: SLF001 - no other way to name the files

    def add(self, user: str, texts: Sequence[str]) -> list[str]:
        """Add message by message, as there is no other way."""
        added = [self._memory.add(text, user_id=user, infer=False) for text in texts]
        return [each["results"][0]["id"] for each in added]

    def settle(self) -> None:
        """Do nothing: everything is there at once."""

    def search(self, user: str, question: str, limit: int) -> list[str]:
        """Search without a threshold."""
        found = self._memory.search(question, filters={"user_id": user}, top_k=limit, threshold=0.0)
        return [each["id"] for each in found["results"]]


class _LookedUp:
    """Has mem0's interface of embedders."""

    def __init__(self, task: Task) -> None:
        self._task = task
        # mem0 embeds a question without the blanks around it.
        self._queries = {text.strip(): vector for text, vector in task.queries.items()}

    def embed(self, text: str, action: str | None = None) -> Vector:
        return (self._queries if action == "search" else self._task.documents)[text]

    def embed_batch(self, texts: Sequence[str], _: str | None = None) -> list[Vector]:
        # Entities of a question: what is added verbatim has none that they could be near.
        return [[0.0] * self._task.dimensions for _ in texts]


def _encoder(folder: Path) -> Any:  # noqa: ANN401 - fastembed is not in every environment
    from fastembed import SparseTextEmbedding  # type: ignore[import-not-found] # noqa: PLC0415 - only in one way

    words = folder / "bm25"
    words.mkdir()
    package = distribution("llama-index-core")
    shutil.copy(Path(str(package.locate_file(STOP_WORDS))), words / "english.txt")
    return SparseTextEmbedding(model_name="Qdrant/bm25", specific_model_path=str(words))


def _open(task: Task, folder: Path, way: str) -> Store:
    return Mem0Store(task, folder, way)


if __name__ == "__main__":
    serve(_open)
