"""Reranking by any server with an endpoint like Cohere's, Jina's or Voyage's `/rerank`."""

from collections.abc import Sequence
from http import HTTPStatus

import httpx
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, TypeAdapter

from recollect.adapters.model_servers import server_errors
from recollect.adapters.reranked import in_order

DOCUMENTS = "documents"
TEXTS = "texts"
"""What Text Embeddings Inference calls the documents, and what its refusal names."""


class _Result(BaseModel):
    # Never quotes the input in an error: some servers repeat the texts.
    model_config = ConfigDict(allow_inf_nan=False, hide_input_in_errors=True)

    index: int
    score: float = Field(validation_alias=AliasChoices("relevance_score", "score"))


class _Results(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    results: list[_Result] = Field(validation_alias=AliasChoices("results", "data"))


_ANSWER: TypeAdapter[list[_Result] | _Results] = TypeAdapter(list[_Result] | _Results)
"""A list (Text Embeddings Inference), in `data` (Voyage), or in `results` (all others)."""


class HttpReranker:
    """Asks a reranker behind an HTTP API.

    `client` brings the key and the time limits, and is closed by whoever made it; `url` is the
    endpoint's whole address, such as `https://api.jina.ai/v1/rerank`. The number of results is not
    asked for, since its name differs: all servers give all then. Threads can share one object.
    """

    def __init__(self, client: httpx.Client, *, url: str, model: str) -> None:
        self._client = client
        self._url = url
        self._name = model
        self._texts = DOCUMENTS

    @property
    def model(self) -> str:
        """Name of the model, as it is configured."""
        return self._name

    def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        """Return one score of 0..1 a text, in order; no texts are not sent.

        Raises `UnavailableError` when the server cannot be reached in time, refuses, or answers
        anything but one score a text.
        """
        if not texts:
            return []
        named = f"The reranker {self._name}"
        with server_errors(
            named,
            expected="a list of scores",
            setting="RECOLLECT_RERANK_MODEL",
            url="RECOLLECT_RERANK_URL",
            key="RECOLLECT_RERANK_KEY",
        ):
            response = self._response(query, texts).raise_for_status()
            answer = _ANSWER.validate_json(response.content)
            results = answer if isinstance(answer, list) else answer.results
            return in_order(named, [(each.index, each.score) for each in results], len(texts))

    def _response(self, query: str, texts: Sequence[str]) -> httpx.Response:
        body = {"model": self._name, "query": query, self._texts: list(texts)}
        response = self._client.post(self._url, json=body)
        is_refused = response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        if is_refused and DOCUMENTS in body and f"`{TEXTS}`" in response.text:
            self._texts = TEXTS
            return self._response(query, texts)
        return response
