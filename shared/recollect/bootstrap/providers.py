"""What the configured edition is made of, by names alone."""

from recollect.bootstrap import graphs
from recollect.bootstrap.configuration import settings

CUSTOM = "custom"
"""Stands for a `package.module:factory`: what a place in code is called is nobody else's matter."""


def providers() -> dict[str, str]:
    """Return who does what, without settings: the parts that mem0's configurations have."""
    chosen = settings()
    is_local = chosen.edition == "local"
    names = {
        "vector_store": "sqlite" if is_local else "opensearch",
        "llm": chosen.language_model,
        "embedder": chosen.embedder,
    }
    if graphs.has_graph():
        names["graph_store"] = "neptune" if chosen.graph == "neptune" else "record"
    if chosen.rerank_model:
        names["reranker"] = "http" if chosen.rerank_url else "bedrock"
    return {part: CUSTOM if ":" in name else name for part, name in names.items()}
