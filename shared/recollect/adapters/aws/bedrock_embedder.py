"""Embeddings from the Titan, Cohere and Nova models on Bedrock."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from pydantic import ValidationError

from recollect.adapters.aws.bedrock import PARALLEL_CALLS, Named, bedrock_errors
from recollect.adapters.aws.bedrock_families import Numbers, family_of
from recollect.domain.errors import UnavailableError
from recollect.domain.memory import Vector
from recollect.ports.models import EmbeddingTask

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient


class BedrockEmbedder:
    """Embeds texts with a model on Bedrock.

    `model` is the id of a model or inference profile, or the ARN of one, as `family_of` knows
    them. Cohere's models take 96 texts a call; where a model takes one, `PARALLEL_CALLS` calls
    run at a time, for which `client` needs as many connections (see `client_config`). What is
    longer than a model takes is embedded by its beginning: the whole text can still be found by
    its words. Threads can share one object.
    """

    def __init__(self, client: "BedrockRuntimeClient", *, model: str, dimensions: int) -> None:
        """Raise `InvalidRequestError` for a model or dimension that is not known."""
        self._client = client
        self._id = model
        self._name, self._family = family_of(model, dimensions)
        self._dimensions = dimensions
        self._named = Named("embedding model", model, "RECOLLECT_EMBEDDING_MODEL")

    @property
    def model(self) -> str:
        """Name and dimension of the vectors, whatever profile they were made through."""
        return f"{self._name}-{self._dimensions}"

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""
        return self._dimensions

    def embed(self, texts: Sequence[str], task: EmbeddingTask) -> list[Vector]:
        """Return one unit vector a text, in order; a blank text is not sent and gives zeros.

        Raises `UnavailableError` when the model cannot be reached, is busy, may not be used, or
        answers anything but one vector of the expected dimension for every text.
        """
        vectors = [np.zeros(self._dimensions, dtype=np.float32) for _ in texts]
        places = [place for place, text in enumerate(texts) if text and not text.isspace()]
        size = self._family.texts_a_call
        batches = [places[start : start + size] for start in range(0, len(places), size)]
        asked = [[self._family.shortened(texts[place]) for place in batch] for batch in batches]
        for batch, answers in zip(batches, self._answers(asked, task), strict=True):
            for place, numbers in zip(batch, answers, strict=True):
                vectors[place] = _direction(numbers)
        return vectors

    def _answers(self, batches: Sequence[Sequence[str]], task: EmbeddingTask) -> list[Numbers]:
        call = partial(self._call, task=task)
        if len(batches) <= 1:
            return [call(batch) for batch in batches]
        with ThreadPoolExecutor(min(len(batches), PARALLEL_CALLS)) as pool:
            # The first failure ends the iteration, which cancels the calls not yet begun.
            return list(pool.map(call, batches))

    def _call(self, texts: Sequence[str], task: EmbeddingTask) -> Numbers:
        body = json.dumps(self._family.request(texts, task))
        with bedrock_errors(self._named):
            response = self._client.invoke_model(
                modelId=self._id, body=body, contentType="application/json"
            )
            content = response["body"].read()
        try:
            numbers = self._family.embeddings(content)
        except ValidationError as error:
            message = f"{self._named} did not answer with embeddings"
            raise UnavailableError(message) from error
        return self._checked(numbers, len(texts))

    def _checked(self, numbers: Numbers, texts: int) -> Numbers:
        if len(numbers) != texts:
            message = (
                f"{self._named} did not answer one vector for each of {texts} texts"
                f" (it answered {len(numbers)})"
            )
            raise UnavailableError(message)
        for vector in numbers:
            if len(vector) != self._dimensions:
                message = (
                    f"{self._named} makes vectors of {len(vector)} numbers, but"
                    f" {self._dimensions} are configured"
                )
                raise UnavailableError(message)
        return numbers


def _direction(numbers: Sequence[float]) -> Vector:
    """Return the numbers as a vector of unit length; zeros as they are."""
    vector = np.array(numbers, dtype=np.float64)
    length = np.linalg.norm(vector)
    return (vector / length if length else vector).astype(np.float32)
