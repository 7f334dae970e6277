"""Plays the program with mem0 1.x's own `Memory` and prints the answers as JSON.

`python -m tests.e2e.library_peer FOLDER` with the Python of `.venv-mem0`, which knows nothing of
ours; nothing leaves this machine.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any, Literal

from tests.e2e import library_play

NAME = "tests.e2e.library_peer"
DIMENSIONS = 64


class Mind:
    """A language model with mem0's interface that says what the scenes tell."""

    def __init__(self, config: object = None) -> None:
        self.config = config

    def generate_response(self, messages: list[dict[str, str]], **_: object) -> str:
        """Return facts if there are rules in a message of their own, else a decision."""
        prompt = messages[-1]["content"]
        if len(messages) > 1:
            scene = library_play.scene_of_words(prompt)
            return json.dumps({"facts": [scene.fact] if scene.fact else []})
        scene = library_play.scene_of_facts(prompt)
        decision = {"id": "0", "text": scene.text, "event": scene.event}
        if scene.event == "UPDATE":
            decision["old_memory"] = library_play.SCENES["add"].text
        return json.dumps({"memory": [decision]})


class Letters:
    """An embedder with mem0's interface that counts letters."""

    def __init__(self, config: object = None) -> None:
        self.config = config

    def embed(self, text: str, _: Literal["add", "search", "update"] | None = None) -> list[float]:
        """Return how often each letter occurs."""
        counts = [0.01] * DIMENSIONS
        for letter in text.casefold():
            counts[ord(letter) % DIMENSIONS] += 1
        return counts


def main(folder: Path) -> None:
    """Print what every call answered."""
    os.environ.update(MEM0_TELEMETRY="False", MEM0_DIR=str(folder / "mem0"))
    # Both are read when mem0 is imported.
    from mem0 import Memory  # noqa: PLC0415
    from mem0.utils.factory import EmbedderFactory, LlmFactory  # noqa: PLC0415

    _, config_class = LlmFactory.provider_to_class["openai"]
    LlmFactory.provider_to_class["openai"] = (f"{NAME}.Mind", config_class)
    EmbedderFactory.provider_to_class["openai"] = f"{NAME}.Letters"
    store: dict[str, Any] = {"path": str(folder / "qdrant"), "embedding_model_dims": DIMENSIONS}
    config = {
        "vector_store": {"provider": "qdrant", "config": store},
        "history_db_path": str(folder / "history.db"),
    }
    with Memory.from_config(config) as memory:
        json.dump(library_play.play(memory), sys.stdout)
        memory.vector_store.client.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
