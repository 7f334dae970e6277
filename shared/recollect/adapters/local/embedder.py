"""The embedder that comes with the product: static word vectors, no network, no model server."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from recollect.adapters.local.packages import folder_of
from recollect.domain.memory import Vector
from recollect.ports.models import EmbeddingTask

MODEL = "wordllama-l2-supercat-256"
DIMENSIONS = 256
PACKAGE = "wordllama"
WEIGHTS = Path("weights", "l2_supercat_256.safetensors")
WEIGHTS_NAME = "embedding.weight"
TOKENIZER = Path("tokenizers", "l2_supercat_tokenizer_config.json")

CHARACTERS_AT_ONCE = 64 * 1024
"""How much text is cut into tokens at once; a token's description takes some 100 bytes."""
TOKENS_AT_ONCE = 4096
"""How many token vectors are summed at once: 2 MiB; larger steps are not faster."""

MISSING = (
    "The bundled embedder needs the package wordllama 0.4.0.post1, which exists for Linux x86-64, "
    "Windows and Apple silicon with Python 3.11 to 3.13; elsewhere choose an OpenAI-compatible "
    "embedder with RECOLLECT_EMBEDDER=openai, RECOLLECT_OPENAI_URL, RECOLLECT_EMBEDDING_MODEL "
    "and RECOLLECT_EMBEDDING_DIMENSIONS"
)


@dataclass(frozen=True)
class _Model:
    """A tokenizer and its vectors, one row a token, left at the float16 they are published in."""

    tokenizer: Tokenizer
    vectors: NDArray[np.float16]


class BundledEmbedder:
    """Embeds a text as the mean of its tokens' vectors, which `package` carries as two files.

    The package itself is never imported: that takes a second and changes the program's logging.
    Threads can share one object; the files (18 MB) are read when the first text comes.
    """

    def __init__(self, package: str = PACKAGE) -> None:
        """Raise `UnavailableError` if the package is not installed, or is another version."""
        self._folder = folder_of(package, WEIGHTS, TOKENIZER, missing=MISSING)
        self._loading = threading.Lock()
        self._model: _Model | None = None

    @property
    def model(self) -> str:
        """Name and dimension of the vectors."""
        return MODEL

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""
        return DIMENSIONS

    def embed(
        self,
        texts: Sequence[str],
        task: EmbeddingTask,  # noqa: ARG002 - these vectors are the same for both tasks
    ) -> list[Vector]:
        """Return one unit vector a text, in order; a blank text gives zeros."""
        model = self._loaded()
        return [vector for group in _groups(texts) for vector in _embed(model, group)]

    def _loaded(self) -> _Model:
        with self._loading:
            if self._model is None:
                self._model = _load(self._folder)
            return self._model


def _load(folder: Path) -> _Model:
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return _Model(tokenizer, load_file(folder / WEIGHTS)[WEIGHTS_NAME])


def _groups(texts: Sequence[str]) -> Iterator[list[str]]:
    """Yield the texts in order, together no longer than what is cut into tokens at once."""
    group: list[str] = []
    characters = 0
    for text in texts:
        if group and characters + len(text) > CHARACTERS_AT_ONCE:
            yield group
            group, characters = [], 0
        group.append(text)
        characters += len(text)
    if group:
        yield group


def _embed(model: _Model, texts: Sequence[str]) -> Iterator[Vector]:
    words = ["" if text.isspace() else text for text in texts]
    for encoding in model.tokenizer.encode_batch_fast(words, add_special_tokens=False):
        yield _direction(_sum(model.vectors, encoding.ids))


def _sum(vectors: NDArray[np.float16], tokens: Sequence[int]) -> Vector:
    """Return the sum of the tokens' vectors; a token beyond the vocabulary counts as its last."""
    rows = np.minimum(np.asarray(tokens, dtype=np.intp), len(vectors) - 1)
    total = np.zeros(DIMENSIONS, dtype=np.float32)
    for start in range(0, len(rows), TOKENS_AT_ONCE):
        total += vectors[rows[start : start + TOKENS_AT_ONCE]].sum(axis=0, dtype=np.float32)
    return total


def _direction(total: Vector) -> Vector:
    """Return the vector at unit length, zeros as they are; the mean points where the sum does."""
    length = np.linalg.norm(total)
    return total / length if length else total
