"""What an index tells of the terms that its documents have."""

from opensearchpy import OpenSearch
from opensearchpy.exceptions import NotFoundError
from pydantic import BaseModel, Field

from recollect.adapters.aws.opensearch import opensearch_errors
from recollect.domain.text import TERMS_VERSION


class _Meta(BaseModel):
    terms: int = 1
    """Releases that did not tell were the first."""


class _Mapping(BaseModel):
    meta: _Meta = Field(default=_Meta(), alias="_meta")


class _Mapped(BaseModel):
    mappings: _Mapping


def ours() -> dict[str, int]:
    """Return what an index that this release makes tells of itself."""
    return {"terms": TERMS_VERSION}


def has_our_terms(client: OpenSearch, name: str) -> bool:
    """Tell whether an index has the terms of this release; one that was dropped has none."""
    with opensearch_errors():
        try:
            answer = client.indices.get_mapping(index=name)
        except NotFoundError:
            return False
        return _Mapped.model_validate(answer[name]).mappings.meta.terms == TERMS_VERSION
