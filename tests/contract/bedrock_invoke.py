"""The embedding models behind InvokeModel: their request and answer shapes, strictly kept."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic import Field as Of

from recollect.adapters.local.embedder import BundledEmbedder
from tests.contract.bedrock_errors import UNKNOWN_MODEL, BedrockError
from tests.contract.stand_in import Body

TITAN_TOKENS = 8_192


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


def _few_tokens(text: str) -> str:
    # The worst that a tokenizer can do is a token a byte.
    if len(text.encode()) > TITAN_TOKENS:
        message = f"Too many input tokens. Max input tokens: {TITAN_TOKENS}"
        raise ValueError(message)
    return text


class _Titan(_Request):
    inputText: Annotated[  # noqa: N815
        str, StringConstraints(min_length=1, max_length=50_000), AfterValidator(_few_tokens)
    ]
    dimensions: Literal[1024, 512, 256] = 1024
    normalize: bool = True
    embeddingTypes: list[Literal["float", "binary"]] = ["float"]  # noqa: N815


class _Cohere(_Request):
    input_type: Literal["search_document", "search_query", "classification", "clustering"]
    embedding_types: list[Literal["float", "int8", "uint8", "binary", "ubinary"]] | None = None


class _Cohere3(_Cohere):
    texts: Annotated[
        list[Annotated[str, StringConstraints(min_length=1, max_length=2048)]],
        Of(min_length=1, max_length=96),
    ]
    truncate: Literal["NONE", "START", "END"] = "NONE"


class _Cohere4(_Cohere):
    texts: Annotated[
        list[Annotated[str, StringConstraints(min_length=1)]], Of(min_length=1, max_length=96)
    ]
    truncate: Literal["NONE", "LEFT", "RIGHT"] = "NONE"
    output_dimension: Literal[1536, 1024, 512, 256] = 1536
    max_tokens: int = 128_000


class _NovaText(_Request):
    truncationMode: Literal["START", "END", "NONE"]  # noqa: N815
    value: Annotated[str, StringConstraints(min_length=1, max_length=8192)]


class _NovaParameters(_Request):
    embeddingPurpose: Literal["GENERIC_INDEX", "GENERIC_RETRIEVAL", "TEXT_RETRIEVAL"]  # noqa: N815
    embeddingDimension: Literal[3072, 1024, 384, 256] = 3072  # noqa: N815
    text: _NovaText


class _Nova(_Request):
    schemaVersion: Literal["nova-multimodal-embed-v1"] = "nova-multimodal-embed-v1"  # noqa: N815
    taskType: Literal["SINGLE_EMBEDDING"]  # noqa: N815
    singleEmbeddingParams: _NovaParameters  # noqa: N815


def check(model: str, body: Body) -> None:
    """Raise `BedrockError` for what the service would refuse."""
    _request(model, body)


def embed(model: str, body: Body) -> Body:
    """Return what the model answers."""
    request = _request(model, body)
    if isinstance(request, _Titan):
        return _titan(request)
    if isinstance(request, _Nova):
        return _nova(request.singleEmbeddingParams)
    dimensions = request.output_dimension if isinstance(request, _Cohere4) else 1024
    return _cohere(request, dimensions)


def vectors(texts: Sequence[str], dimensions: int, *, length: float = 1.0) -> list[list[float]]:
    """Return vectors of meaning: the bundled embedder's, with zeros up to the dimension."""
    found = np.array(_bundled().embed(texts, "document"), dtype=np.float64) * length
    return np.pad(found, ((0, 0), (0, dimensions - found.shape[1]))).tolist()  # type: ignore[no-any-return]


@cache
def _bundled() -> BundledEmbedder:
    return BundledEmbedder()


def _request(model: str, body: Body) -> _Titan | _Cohere3 | _Cohere4 | _Nova:
    for pattern, shape in _MODELS.items():
        if re.search(rf"(?:^|[./]){pattern}(?::\d+)?$", model):
            try:
                return shape.model_validate(body)
            except ValidationError as error:
                raise BedrockError(_malformed(error)) from error
    raise BedrockError(UNKNOWN_MODEL)


def _titan(request: _Titan) -> Body:
    [vector] = vectors([request.inputText], request.dimensions, length=2 - request.normalize)
    return {
        "embedding": vector,
        "inputTextTokenCount": len(request.inputText.encode()),
        "embeddingsByType": {"float": vector},
    }


def _cohere(request: _Cohere3 | _Cohere4, dimensions: int) -> Body:
    found: Any = vectors(request.texts, dimensions, length=2)
    kind = "embeddings_floats"
    if request.embedding_types:
        found, kind = {"float": found}, "embeddings_by_type"
    return {"id": "made-up", "embeddings": found, "response_type": kind, "texts": request.texts}


def _nova(asked: _NovaParameters) -> Body:
    [vector] = vectors([asked.text.value], asked.embeddingDimension, length=2)
    return {"embeddings": [{"embeddingType": "TEXT", "embedding": vector}]}


def _malformed(error: ValidationError) -> str:
    problem = error.errors()[0]
    place = "/".join(map(str, problem["loc"]))
    said = {
        "extra_forbidden": f"#: extraneous key [{place}] is not permitted",
        "missing": f"#: required key [{place}] not found",
    }.get(problem["type"], f"#/{place}: {problem['msg']}")
    return f"Malformed input request: {said}, please reformat your input and try again."


_MODELS: dict[str, type[_Titan | _Cohere3 | _Cohere4 | _Nova]] = {
    r"amazon\.titan-embed-text-v2": _Titan,
    r"cohere\.embed-(?:english|multilingual)-v3": _Cohere3,
    r"cohere\.embed-v4": _Cohere4,
    r"amazon\.nova-2-multimodal-embeddings-v1": _Nova,
}
