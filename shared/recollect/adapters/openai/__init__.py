"""Adapters for any server that speaks the OpenAI protocol, such as Ollama, vLLM or LM Studio."""
