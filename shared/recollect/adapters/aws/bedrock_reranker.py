"""Reranking by Amazon's and Cohere's models on Bedrock."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from recollect.adapters.aws.bedrock import Named, bedrock_errors
from recollect.adapters.reranked import in_order
from recollect.domain.errors import InvalidRequestError, UnavailableError

if TYPE_CHECKING:
    from mypy_boto3_bedrock_agent_runtime import AgentsforBedrockRuntimeClient

MAX_CHARACTERS = 32_000
"""Of a text or the query; the operation refuses more.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_RerankTextDocument.html
"""


class BedrockReranker:
    """Asks a reranker on Bedrock: `amazon.rerank-v1:0` or `cohere.rerank-v3-5:0`.

    `model` is its id, meant in the client's region, or its ARN. `client` is one for
    `bedrock-agent-runtime`, made with `client_config`. Threads can share one object.
    """

    def __init__(self, client: "AgentsforBedrockRuntimeClient", *, model: str) -> None:
        self._client = client
        self._id = model
        self._named = Named("reranker", model, "RECOLLECT_RERANK_MODEL")

    @property
    def model(self) -> str:
        """Name of the model, as it is configured."""
        return self._id

    def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        """Return one score of 0..1 a text, in order; no texts are not sent.

        Raises `UnavailableError` when the model cannot be reached, is busy, may not be used, or
        answers anything but one score a text.
        """
        if not texts:
            return []
        try:
            with bedrock_errors(self._named):
                response = self._client.rerank(**self._request(query, texts))
                scores = [(each["index"], each["relevanceScore"]) for each in response["results"]]
                return in_order(str(self._named), scores, len(texts))
        except InvalidRequestError as error:
            # The caller's request is right; only this model cannot read that much.
            raise UnavailableError(str(error)) from error
        except (KeyError, ValueError) as error:
            # ValueError: of botocore, for a score that is no number.
            message = f"{self._named} did not answer in Bedrock's format"
            raise UnavailableError(message) from error

    def _request(self, query: str, texts: Sequence[str]) -> Any:  # noqa: ANN401 - its parts' types are deeper than helpful
        return {
            "queries": [{"type": "TEXT", "textQuery": _text(query)}],
            "sources": [
                {
                    "type": "INLINE",
                    "inlineDocumentSource": {"type": "TEXT", "textDocument": _text(text)},
                }
                for text in texts
            ],
            "rerankingConfiguration": {
                "type": "BEDROCK_RERANKING_MODEL",
                "bedrockRerankingConfiguration": {
                    "modelConfiguration": {"modelArn": self._arn()},
                    "numberOfResults": len(texts),
                },
            },
        }

    def _arn(self) -> str:
        if self._id.startswith("arn:"):
            return self._id
        place = self._client.meta
        return f"arn:{place.partition}:bedrock:{place.region_name}::foundation-model/{self._id}"


def _text(text: str) -> dict[str, str]:
    return {"text": text[:MAX_CHARACTERS]}
