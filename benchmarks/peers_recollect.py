"""Recollect as a peer: the local edition, with vectors looked up or with its own embedder.

Ways: `looked-up`, as every other peer, and `embedding`, which embeds in each search.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks import service
from benchmarks.peers_task import Store, Task, read, serve
from recollect.bootstrap import models
from recollect.bootstrap.configuration import choosing
from recollect.domain.memory import Vector
from recollect.ports.models import Embedder, EmbeddingTask

BATCH = 100
OWN = "PEERS_OWN_EMBEDDER"
"""Environment variable for the embedder that is configured."""


class RecollectStore:
    """A data file with all users."""

    def __init__(self, folder: Path, way: str) -> None:
        if way == "looked-up":
            os.environ[OWN] = os.environ.get("RECOLLECT_EMBEDDER", "bundled")
            os.environ["RECOLLECT_EMBEDDER"] = "benchmarks.peers_recollect:looked_up"
        service.configure(folder)

    def add(self, user: str, texts: Sequence[str]) -> list[str]:
        """Add batches, and index them."""
        parts = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
        keys = [key for part in parts for key in service.add_verbatim(user, part)]
        service.index_all(user)
        return keys

    def settle(self) -> None:
        """Do nothing: everything is indexed."""

    def search(self, user: str, question: str, limit: int) -> list[str]:
        """Search without a threshold."""
        return service.search(user, question, limit=limit)


class LookedUp:
    """Knows the vectors of the task; what else a search may embed, the configured one does."""

    def __init__(self, task: Task, own: Embedder) -> None:
        self._own = own
        self._vectors: dict[str, dict[str, Vector]] = {
            name: {text: np.asarray(vector, dtype=np.float32) for text, vector in known.items()}
            for name, known in (("document", task.documents), ("query", task.queries))
        }

    @property
    def model(self) -> str:
        """Name of the configured one's model."""
        return self._own.model

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""
        return self._own.dimensions

    def embed(self, texts: Sequence[str], task: EmbeddingTask) -> list[Vector]:
        """Return one vector a text, in order."""
        known = self._vectors[task]
        return [
            known[text] if text in known else self._own.embed([text], task)[0] for text in texts
        ]


def looked_up() -> Embedder:
    """Return the embedder of the task that this process was started for."""
    with choosing(embedder=os.environ[OWN]):
        own = models.embedder()
    return LookedUp(read(Path(sys.argv[1])), own)


def _open(_task: Task, folder: Path, way: str) -> Store:
    return RecollectStore(folder, way)


if __name__ == "__main__":
    serve(_open)
