"""Embeddings from any server with an OpenAI-compatible `/embeddings` endpoint."""

from collections.abc import Sequence

import httpx
import numpy as np
from pydantic import BaseModel, ConfigDict

from recollect.adapters.openai.errors import openai_errors
from recollect.domain.errors import UnavailableError
from recollect.domain.memory import Vector
from recollect.ports.models import EmbeddingTask

BATCH_SIZE = 96
"""Texts a request; the protocol allows 2,048, but self-hosted servers often far fewer."""


class _Embedding(BaseModel):
    # Never quotes the input in an error: vectors do not belong in logs.
    model_config = ConfigDict(allow_inf_nan=False, hide_input_in_errors=True)

    index: int
    embedding: list[float]


class _Answer(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    data: list[_Embedding]


class OpenAIEmbedder:
    """Embeds texts with a model behind an OpenAI-compatible server.

    `client` brings the base URL (up to and including `/v1`), the key and the time limits, and is
    closed by whoever made it. `request_dimensions` asks the server for vectors of that many
    numbers; leave it off for models of one fixed dimension, whose servers refuse the question.
    Threads can share one object.
    """

    def __init__(
        self,
        client: httpx.Client,
        *,
        model: str,
        dimensions: int,
        batch_size: int = BATCH_SIZE,
        request_dimensions: bool = False,
    ) -> None:
        self._client = client
        self._name = model
        self._dimensions = dimensions
        self._batch_size = batch_size
        self._options = {"dimensions": dimensions} if request_dimensions else {}

    @property
    def model(self) -> str:
        """Name and dimension of the vectors."""
        return f"{self._name}-{self._dimensions}"

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""
        return self._dimensions

    def embed(
        self,
        texts: Sequence[str],
        task: EmbeddingTask,  # noqa: ARG002 - the protocol does not know of tasks
    ) -> list[Vector]:
        """Return one unit vector a text, in order; a blank text is not sent and gives zeros.

        Raises `UnavailableError` when the server cannot be reached in time, refuses, or answers
        anything but one vector of the expected dimension for every text.
        """
        vectors = [np.zeros(self._dimensions, dtype=np.float32) for _ in texts]
        places = [place for place, text in enumerate(texts) if text and not text.isspace()]
        for start in range(0, len(places), self._batch_size):
            batch = places[start : start + self._batch_size]
            answers = self._request([texts[place] for place in batch])
            for place, numbers in zip(batch, answers, strict=True):
                vectors[place] = _direction(numbers)
        return vectors

    def _request(self, texts: Sequence[str]) -> list[list[float]]:
        body = {"model": self._name, "input": texts, **self._options}
        with openai_errors(
            f"The embedding model {self._name}",
            setting="RECOLLECT_EMBEDDING_MODEL",
            expected="a list of embeddings",
        ):
            response = self._client.post("embeddings", json=body).raise_for_status()
            answer = _Answer.model_validate_json(response.content)
        return self._checked(answer, len(texts))

    def _checked(self, answer: _Answer, texts: int) -> list[list[float]]:
        """Return the embeddings in the order of the texts, whatever order they came in."""
        found = {item.index: item.embedding for item in answer.data}
        if len(answer.data) != texts or found.keys() != set(range(texts)):
            message = (
                f"The embedding model {self._name} did not answer one vector for each of "
                f"{texts} texts (it answered {len(answer.data)})"
            )
            raise UnavailableError(message)
        for numbers in found.values():
            if len(numbers) != self._dimensions:
                message = (
                    f"The embedding model {self._name} makes vectors of {len(numbers)} numbers, "
                    f"but {self._dimensions} are configured"
                )
                raise UnavailableError(message)
        return [found[index] for index in range(texts)]


def _direction(numbers: Sequence[float]) -> Vector:
    """Return the numbers as a vector of unit length; zeros as they are."""
    vector = np.array(numbers, dtype=np.float64)
    length = np.linalg.norm(vector)
    return (vector / length if length else vector).astype(np.float32)
