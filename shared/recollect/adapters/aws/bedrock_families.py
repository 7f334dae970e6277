"""Requests and answers of the embedding models on Bedrock; each family writes its own."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from recollect.domain.errors import InvalidRequestError
from recollect.ports.models import EmbeddingTask

Body = Mapping[str, Any]
Numbers = list[list[float]]


class Family(Protocol):
    """How models of one kind are asked."""

    @property
    def texts_a_call(self) -> int:
        """How many texts one call takes."""
        ...

    def shortened(self, text: str) -> str:
        """Return as much of the text as the model surely takes; the beginning."""
        ...

    def request(self, texts: Sequence[str], task: EmbeddingTask) -> Body:
        """Return the body of a call."""
        ...

    def embeddings(self, answer: bytes) -> Numbers:
        """Return the embeddings of an answer; raise `ValueError` if it has another form."""
        ...


class _Strict(BaseModel):
    # Never quotes the input in an error: vectors do not belong in logs.
    model_config = ConfigDict(allow_inf_nan=False, hide_input_in_errors=True)


class _TitanAnswer(_Strict):
    embedding: list[float]


class _FloatEmbeddings(_Strict):
    float: Numbers


class _CohereAnswer(_Strict):
    embeddings: Numbers | _FloatEmbeddings
    """A list, or by type if the service has more than one to give."""


class _NovaEmbedding(_Strict):
    embedding: list[float]


class _NovaAnswer(_Strict):
    embeddings: list[_NovaEmbedding]


@dataclass(frozen=True)
class Titan:
    """Titan Text Embeddings 2, which takes 8,192 tokens and refuses more.

    A token is at least one byte, whatever the language.
    https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html
    """

    dimensions: int
    texts_a_call = 1
    max_bytes = 8_000

    def shortened(self, text: str) -> str:
        """Return the first 8,000 bytes: some 1,500 English words."""
        return text.encode()[: self.max_bytes].decode(errors="ignore")

    def request(self, texts: Sequence[str], task: EmbeddingTask) -> Body:  # noqa: ARG002 - knows none
        """Return the body for one text."""
        return {"inputText": texts[0], "dimensions": self.dimensions, "normalize": True}

    def embeddings(self, answer: bytes) -> Numbers:
        """Return the one embedding."""
        return [_TitanAnswer.model_validate_json(answer).embedding]


@dataclass(frozen=True)
class Cohere:
    """Cohere Embed: version 3 takes 2,048 characters a text, version 4 more than a memory has.

    https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html
    """

    options: Body
    max_characters: int
    texts_a_call = 96

    def shortened(self, text: str) -> str:
        """Return the first characters."""
        return text[: self.max_characters]

    def request(self, texts: Sequence[str], task: EmbeddingTask) -> Body:
        """Return the body for up to 96 texts."""
        return {"texts": list(texts), "input_type": f"search_{task}", **self.options}

    def embeddings(self, answer: bytes) -> Numbers:
        """Return the embeddings in the order of the texts."""
        found = _CohereAnswer.model_validate_json(answer).embeddings
        return found if isinstance(found, list) else found.float


@dataclass(frozen=True)
class Nova:
    """Nova Multimodal Embeddings, which takes 8,192 characters and drops tokens beyond its 8,000.

    https://docs.aws.amazon.com/nova/latest/userguide/embeddings-schema.html
    """

    dimensions: int
    texts_a_call = 1
    max_characters = 8_192

    def shortened(self, text: str) -> str:
        """Return the first characters."""
        return text[: self.max_characters]

    def request(self, texts: Sequence[str], task: EmbeddingTask) -> Body:
        """Return the body for one text."""
        return {
            "schemaVersion": "nova-multimodal-embed-v1",
            "taskType": "SINGLE_EMBEDDING",
            "singleEmbeddingParams": {
                "embeddingPurpose": "GENERIC_INDEX" if task == "document" else "TEXT_RETRIEVAL",
                "embeddingDimension": self.dimensions,
                "text": {"truncationMode": "END", "value": texts[0]},
            },
        }

    def embeddings(self, answer: bytes) -> Numbers:
        """Return the one embedding."""
        return [each.embedding for each in _NovaAnswer.model_validate_json(answer).embeddings]


_TITAN_2 = "amazon.titan-embed-text-v2"
_COHERE_3 = ("cohere.embed-english-v3", "cohere.embed-multilingual-v3")
_COHERE_4 = "cohere.embed-v4"
_NOVA_2 = "amazon.nova-2-multimodal-embeddings-v1"
DIMENSIONS: Mapping[str, tuple[int, ...]] = {
    _TITAN_2: (1024, 512, 256),
    _COHERE_3[0]: (1024,),
    _COHERE_3[1]: (1024,),
    _COHERE_4: (1536, 1024, 512, 256),
    _NOVA_2: (3072, 1024, 384, 256),
}
"""The models that are known here, and how many numbers their vectors can have."""

_MODEL = re.compile(rf"(?:^|[./])({'|'.join(map(re.escape, DIMENSIONS))})(:\d+)?$")


def family_of(model_id: str, dimensions: int) -> tuple[str, Family]:
    """Return the model's plain name and its family.

    `model_id` is the model's id, an inference profile's (`eu.cohere.embed-v4:0`), or the ARN of
    either: the same model behind another profile makes the same vectors, so its name is the same.
    Raises `InvalidRequestError`, naming the setting, for an unknown model or dimension.
    """
    found = _MODEL.search(model_id)
    if found is None:
        message = (
            f"RECOLLECT_EMBEDDING_MODEL={model_id} is none of the embedding models on Bedrock that"
            f" are known here: {', '.join(DIMENSIONS)}"
        )
        raise InvalidRequestError(message)
    model = found[1]
    if dimensions not in DIMENSIONS[model]:
        message = (
            f"RECOLLECT_EMBEDDING_DIMENSIONS={dimensions} is not possible with {model}, but"
            f" {', '.join(map(str, DIMENSIONS[model]))}"
        )
        raise InvalidRequestError(message)
    return f"{model}{found[2] or ''}", _family(model, dimensions)


def _family(model: str, dimensions: int) -> Family:
    if model == _TITAN_2:
        return Titan(dimensions)
    if model == _NOVA_2:
        return Nova(dimensions)
    if model == _COHERE_4:
        # What version 3 calls the END, version 4 calls the RIGHT.
        return Cohere({"output_dimension": dimensions, "truncate": "RIGHT"}, 128_000)
    return Cohere({"truncate": "END"}, 2_048)
