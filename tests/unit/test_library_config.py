"""Configurations of mem0, read as ours."""

from pathlib import Path
from typing import Any

import pytest

from recollect import Memory
from recollect.domain.filters import parse
from recollect.entrypoints.open_source_filters import FIELDS
from recollect.library import ArgumentError


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, {}),
        ({"version": "v1.1", "graph_store": {}, "reranker": None}, {}),
        (
            {"llm": {"provider": "openai", "config": {"model": "gpt-5-mini", "api_key": "sk"}}},
            {
                "language_model": "openai",
                "chat_model": "gpt-5-mini",
                "openai_url": "https://api.openai.com/v1",
                "openai_api_key": "sk",
            },
        ),
        (
            {
                "llm": {
                    "provider": "ollama",
                    "config": {
                        "model": "qwen3",
                        "temperature": 0,
                        "max_tokens": 2000,
                        "ollama_base_url": "http://gpu:11434/",
                    },
                }
            },
            {
                "language_model": "openai",
                "chat_model": "qwen3",
                "openai_url": "http://gpu:11434/v1",
                "openai_api_key": "",
            },
        ),
        (
            {"llm": {"provider": "aws_bedrock", "config": {"model": "amazon.nova-lite-v1:0"}}},
            {"language_model": "bedrock", "chat_model": "amazon.nova-lite-v1:0"},
        ),
        (
            {"embedder": {"config": {"model": "text-embedding-3-small", "api_key": "sk"}}},
            {
                "embedder": "openai",
                "embedding_model": "text-embedding-3-small",
                "embedding_dimensions": 1536,
                "embedding_url": "https://api.openai.com/v1",
                "embedding_api_key": "sk",
            },
        ),
        (
            {
                "embedder": {"provider": "lmstudio", "config": {"model": "nomic"}},
                "vector_store": {"provider": "qdrant", "config": {"embedding_model_dims": 768}},
            },
            {
                "embedder": "openai",
                "embedding_model": "nomic",
                "embedding_dimensions": 768,
                "embedding_url": "http://localhost:1234/v1",
                "embedding_api_key": "",
            },
        ),
        (
            {
                "embedder": {
                    "provider": "aws_bedrock",
                    "config": {"model": "amazon.titan-embed-text-v2:0", "embedding_dims": 512},
                }
            },
            {
                "embedder": "bedrock",
                "embedding_model": "amazon.titan-embed-text-v2:0",
                "embedding_dimensions": 512,
            },
        ),
        ({"history_db_path": "here.db"}, {"data": "here.db"}),
        (
            {
                "history_db_path": "history.db",
                "vector_store": {"config": {"path": "folder", "collection_name": "app"}},
            },
            {"data": Path("folder/app.db")},
        ),
        ({"vector_store": {"config": {"path": "folder"}}}, {"data": Path("folder/recollect.db")}),
        (
            {"custom_fact_extraction_prompt": "Birds.", "custom_update_memory_prompt": None},
            {"custom_fact_extraction_prompt": "Birds.", "custom_update_memory_prompt": None},
        ),
    ],
)
def test_it_is_read_as_our_settings(config: dict[str, Any], expected: dict[str, Any]) -> None:
    assert Memory.options(config) == expected


def test_the_key_of_openai_comes_from_where_its_clients_take_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-environment")

    openai = Memory.options({"llm": {"config": {"model": "gpt-5-mini"}}})
    vllm = Memory.options({"llm": {"provider": "vllm", "config": {"model": "qwen3"}}})

    assert openai["openai_api_key"] == "sk-environment"
    assert vllm["openai_api_key"] == ""


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"llm": {"provider": "anthropic"}}, "llm.provider anthropic is not supported"),
        ({"embedder": {"provider": "huggingface", "config": {"model": "x"}}}, "embedder"),
        ({"llm": {"provider": "openai"}}, "llm.config.model"),
        ({"llm": {"provider": "openai", "config": {"model": "x", "store": True}}}, "store"),
        ({"llm": {"provider": "ollama", "config": {"model": "x", "vllm_base_url": "y"}}}, "vllm"),
        ({"llm": {"provider": "aws_bedrock", "config": {"model": "x", "aws_region": "y"}}}, "aws"),
        ({"embedder": {"provider": "ollama", "config": {"model": "x"}}}, "embedding_dims"),
        ({"vector_store": {"provider": "pgvector"}}, "pgvector"),
        ({"vector_store": {"config": {"host": "h", "port": 1}}}, "host, port"),
        ({"vector_store": {"config": {"collection_name": "../x"}}}, "collection_name"),
        ({"graph_store": {"provider": "neo4j", "config": {"url": "x"}}}, "graph_store"),
        ({"reranker": {"provider": "cohere"}}, "reranker"),
        ({"vectorstore": {}}, "vectorstore"),
    ],
)
def test_what_has_no_counterpart_is_refused(config: dict[str, Any], reason: str) -> None:
    with pytest.raises(ArgumentError, match=reason):
        Memory.from_config(config)


def test_a_memory_is_made_of_it(tmp_path: Path) -> None:
    config = {"vector_store": {"config": {"path": str(tmp_path), "collection_name": "app"}}}

    with Memory.from_config(config) as memory:
        memory.add("I like tea.", user_id="ada", infer=False)

    assert (tmp_path / "app.db").exists()


def test_filters_know_every_field_of_the_filter_language() -> None:
    assert {*parse._FIELDS, *parse._ALIASES} <= FIELDS  # noqa: SLF001 - nobody else needs them
