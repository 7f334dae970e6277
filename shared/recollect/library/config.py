"""Configurations of mem0's `Memory.from_config`, in our settings."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

from recollect.bootstrap import variable
from recollect.domain.errors import InvalidRequestError

Settings: TypeAlias = dict[str, Any]

FILE_NAME: Final = "recollect"
MEMORY_ONLY: Final = ":memory:"
PROMPTS: Final = ("custom_fact_extraction_prompt", "custom_update_memory_prompt")
WITHOUT_MEANING: Final = frozenset(
    {
        *("temperature", "top_p", "top_k", "max_tokens", "enable_vision", "vision_details"),
        *("memory_add_embedding_type", "memory_update_embedding_type"),
        *("memory_search_embedding_type", "on_disk"),
    }
)
"""Options of mem0 that tune what is chosen here by the prompts or the adapters."""
LOCAL_STORES: Final = frozenset({"qdrant", "chroma", "faiss"})
"""mem0's vector stores that can live in a folder, as our file does."""
KNOWN_DIMENSIONS: Final = {
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "text-embedding-ada-002": 1536,
}
"""https://platform.openai.com/docs/guides/embeddings"""


@dataclass(frozen=True)
class _Server:
    """A provider that is a server with OpenAI's protocol."""

    url: str
    url_option: str
    suffix: str = ""
    key_variable: str = ""

    def place(self, options: Mapping[str, Any]) -> tuple[str, str]:
        """Return the server's address and key."""
        url = options.get(self.url_option) or self.url
        key = options.get("api_key") or (variable(self.key_variable) if self.key_variable else "")
        return url.rstrip("/") + self.suffix, key


SERVERS: Final[Mapping[str, _Server]] = {
    "openai": _Server(
        "https://api.openai.com/v1", "openai_base_url", key_variable="OPENAI_API_KEY"
    ),
    "ollama": _Server("http://localhost:11434", "ollama_base_url", suffix="/v1"),
    "lmstudio": _Server("http://localhost:1234/v1", "lmstudio_base_url"),
    "vllm": _Server("http://localhost:8000/v1", "vllm_base_url"),
}
BEDROCK: Final = "aws_bedrock"


def data_file(data: str | Path | None) -> Path | None:
    """Return the data file; raise `InvalidRequestError` for what would not be one."""
    if str(data) == MEMORY_ONLY:
        message = f"Memories are kept in a file, {MEMORY_ONLY} is none: give a path"
        raise InvalidRequestError(message)
    return None if data is None else Path(data).expanduser()


def options_from(config: Mapping[str, Any]) -> Settings:
    """Return the arguments of our `Memory` that a configuration of mem0 stands for.

    Raises `InvalidRequestError` for providers and options that have no counterpart here: what is
    configured but does not happen would be noticed late.
    """
    readers: Mapping[str, Callable[[Any], Settings]] = {
        # Before the folder of the vector store, which holds the history as well and wins.
        "history_db_path": lambda path: {"data": path} if path else {},
        "llm": _language_model,
        "embedder": lambda part: _embedder(part, config.get("vector_store")),
        "vector_store": _place,
        "graph_store": _no_graph,
        "reranker": _no_reranker,
        "version": lambda _: {},
        **{name: partial(_prompt, name) for name in PROMPTS},
    }
    _refuse_others("config", config, readers)
    found: Settings = {}
    for name, read in readers.items():
        if name in config:
            found |= read(config[name])
    return found


def _language_model(part: Mapping[str, Any]) -> Settings:
    provider, options = _provider("llm", part)
    if provider == BEDROCK:
        _refuse_others("llm.config", options, {"model"} | WITHOUT_MEANING)
        return {"language_model": "bedrock", "chat_model": _model("llm", options)}
    server = _server("llm", provider, options)
    url, key = server.place(options)
    return {
        "language_model": "openai",
        "chat_model": _model("llm", options),
        "openai_url": url,
        "openai_api_key": key,
    }


def _embedder(part: Mapping[str, Any], store: Mapping[str, Any] | None) -> Settings:
    provider, options = _provider("embedder", part)
    found = {
        "embedding_model": _model("embedder", options),
        "embedding_dimensions": _dimensions(options, store),
    }
    if provider == BEDROCK:
        known = {"model", "embedding_dims"} | WITHOUT_MEANING
        _refuse_others("embedder.config", options, known)
        return {**found, "embedder": "bedrock"}
    url, key = _server("embedder", provider, options).place(options)
    return {**found, "embedder": "openai", "embedding_url": url, "embedding_api_key": key}


def _place(part: Mapping[str, Any]) -> Settings:
    provider = part.get("provider", "qdrant")
    options = part.get("config") or {}
    if provider not in LOCAL_STORES:
        message = f"vector_store.provider {provider} is not used: memories are kept in a file"
        raise InvalidRequestError(message)
    known = {"path", "collection_name", "embedding_model_dims"} | WITHOUT_MEANING
    _refuse_others("vector_store.config", options, known)
    folder, name = options.get("path"), options.get("collection_name")
    if folder is None and name is None:
        return {}
    name = name or FILE_NAME
    if Path(name).name != name:
        message = "vector_store.config.collection_name must be the name of a file"
        raise InvalidRequestError(message)
    return {"data": Path(folder or ".") / f"{name}.db"}


def _prompt(name: str, prompt: str | None) -> Settings:
    return {name: prompt}


def _no_graph(part: Mapping[str, Any] | None) -> Settings:
    if part and part.get("config"):
        message = "graphs are in the data file: leave graph_store out, and add with enable_graph"
        raise InvalidRequestError(message)
    return {}


def _no_reranker(part: Mapping[str, Any] | None) -> Settings:
    if part:
        message = "reranker is not supported: leave it out"
        raise InvalidRequestError(message)
    return {}


def _provider(name: str, part: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    _refuse_others(name, part, {"provider", "config"})
    return part.get("provider", "openai"), part.get("config") or {}


def _server(name: str, provider: str, options: Mapping[str, Any]) -> _Server:
    server = SERVERS.get(provider)
    if server is None:
        known = ", ".join([*SERVERS, BEDROCK])
        message = f"{name}.provider {provider} is not supported; there are {known}"
        raise InvalidRequestError(message)
    known_options = {"model", "api_key", "embedding_dims", server.url_option} | WITHOUT_MEANING
    _refuse_others(f"{name}.config", options, known_options)
    return server


def _model(name: str, options: Mapping[str, Any]) -> str:
    model = options.get("model")
    if not model:
        message = f"{name}.config.model must name a model"
        raise InvalidRequestError(message)
    return str(model)


def _dimensions(options: Mapping[str, Any], store: Mapping[str, Any] | None) -> int:
    of_store = ((store or {}).get("config") or {}).get("embedding_model_dims")
    known = KNOWN_DIMENSIONS.get(str(options.get("model")))
    dimensions = options.get("embedding_dims") or of_store or known
    if not dimensions:
        message = "embedder.config.embedding_dims must tell how many numbers a vector has"
        raise InvalidRequestError(message)
    return int(dimensions)


def _refuse_others(where: str, given: Mapping[str, Any], known: Iterable[str]) -> None:
    if unknown := sorted(given.keys() - set(known)):
        message = f"{where} has no counterpart here for {', '.join(unknown)}: leave it out"
        raise InvalidRequestError(message)
