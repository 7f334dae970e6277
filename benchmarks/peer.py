"""mem0's open-source engine on the same machine, sentences and vectors: what ratios are made of."""

import contextlib
import io
import itertools
import logging
import os
import tempfile
import uuid
from pathlib import Path
from typing import Any

from benchmarks.corpus import questions, sentences
from benchmarks.measuring import milliseconds, rate

SIZES = (1_000, 10_000)
SEARCHES = 30
ADDED = 200


def measure() -> dict[str, Any]:
    """Return adds a second and search times of mem0 2.2.1 on its default local store."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"MEM0_TELEMETRY": "False", "MEM0_DIR": folder, "OPENAI_API_KEY": "unused"}
        logging.disable(logging.WARNING)
        with contextlib.redirect_stderr(io.StringIO()):
            return {str(size): _at(Path(folder) / str(size), size) for size in SIZES}


def _at(folder: Path, size: int) -> dict[str, Any]:
    from mem0 import Memory

    config = {
        "vector_store": {
            "provider": "qdrant",
            "config": {
                "path": str(folder / "qdrant"),
                "on_disk": True,
                "embedding_model_dims": 256,
                "collection_name": "bench",
            },
        },
        "history_db_path": str(folder / "history.db"),
    }
    folder.mkdir(parents=True, exist_ok=True)
    memory = Memory.from_config(config)
    memory.embedding_model = _Bundled()
    texts = list(itertools.islice(sentences(size), size + ADDED))
    _fill(memory, texts[:size])
    adds = rate(
        ADDED, lambda: [memory.add(text, user_id="u", infer=False) for text in texts[size:]]
    )
    asked = questions(7, SEARCHES)
    search = milliseconds(
        (lambda question=question: memory.search(question, filters={"user_id": "u"}, top_k=10))  # type: ignore[misc]
        for question in asked
    )
    return {"adds_per_second_one_by_one": adds, "search": search}


def _fill(memory: Any, texts: list[str]) -> None:  # noqa: ANN401 - mem0 has no types
    vectors = memory.embedding_model.embed_batch(texts)
    for start in range(0, len(texts), 500):
        part = slice(start, start + 500)
        memory.vector_store.insert(
            vectors=vectors[part],
            ids=[str(uuid.uuid4()) for _ in texts[part]],
            payloads=[{"data": text, "user_id": "u"} for text in texts[part]],
        )


class _Bundled:
    """Our bundled embedder in the shape of mem0's, so that both search the same vectors."""

    def __init__(self) -> None:
        from recollect.adapters.local.embedder import BundledEmbedder

        self._embedder = BundledEmbedder()

    def embed(self, text: str, _action: str | None = None) -> list[float]:
        return [float(number) for number in self._embedder.embed([text], "query")[0]]

    def embed_batch(self, texts: list[str], _action: str | None = None) -> list[list[float]]:
        return [vector.tolist() for vector in self._embedder.embed(texts, "document")]
