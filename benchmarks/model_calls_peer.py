"""What is said in the count of calls, and mem0 1.0.11's own counts of it.

`python -m benchmarks.model_calls_peer` with the Python of `.venv-mem0` prints them as JSON. That
environment knows nothing of ours, so only the standard library is imported; nothing leaves this
machine.
"""

import json
import os
import re
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

NAME = "benchmarks.model_calls_peer"
THINGS = (  # noqa: SIM905 - a list would take a page
    "anchor bakery bicycle blanket boat bottle bridge bucket cabin camera candle canoe carpet "
    "castle cello chair clock coat compass cottage curtain desk drum engine fence flag flute "
    "garden guitar hammer harp hat helmet jacket kettle kite ladder lamp lantern locket lorry "
    "mirror orchard oven painting piano pillow radio rope saddle sail scarf shed sofa sweater "
    "telescope tent tractor trumpet umbrella violin"
).split()
CASES = tuple((facts, changed) for facts in (1, 3, 10, 25, 60) for changed in (0, -(-facts // 3)))
"""(facts that are found, facts among them that change something known; of 0, nothing is known)."""
DIMENSIONS = 512
USER = "ada"


def known(count: int) -> list[str]:
    """Return what is known before."""
    return [f"The user's {thing} is red." for thing in THINGS[:count]]


def said(count: int) -> list[str]:
    """Return what the user says, a message a fact."""
    return [f"My {thing} is blue now." for thing in THINGS[:count]]


def found(words: str) -> list[str]:
    """Return the facts in what the user says."""
    return [f"The user's {thing} is blue." for thing in re.findall(r"My (\w+) is blue", words)]


def meaning(fact: str, near: Iterable[str]) -> tuple[str, str, str]:
    """Return what a fact means for what is known: the event, the new text, the old one."""
    thing = fact.split()[2]
    old = next((text for text in near if f"'s {thing} is" in text), "")
    return (
        ("UPDATE", f"The user's {thing} is blue, and was red.", old) if old else ("ADD", fact, "")
    )


class Mind:
    """A language model with mem0's interface; it counts how often it is asked."""

    def __init__(self, config: object = None) -> None:
        self.config = config
        self.calls = 0

    def generate_response(self, messages: Sequence[dict[str, str]], **_: object) -> str:
        """Return facts if there are rules in a message of their own, else decisions."""
        self.calls += 1
        prompt = messages[-1]["content"]
        if len(messages) > 1:
            return json.dumps({"facts": found(prompt)})
        facts = re.findall(r"The user's \w+ is blue\.", prompt)
        numbers = {
            text: number for number, text in re.findall(r"'id': '(\d+)', 'text': \"(.*?)\"", prompt)
        }
        made = [(fact, *meaning(fact, numbers)) for fact in dict.fromkeys(facts)]
        return json.dumps(
            {
                "memory": [
                    {"id": numbers.get(old, str(place)), "text": text, "event": event}
                    for place, (_, event, text, old) in enumerate(made)
                ]
            }
        )


class Words:
    """An embedder with mem0's interface that hashes words; it counts how often it is asked."""

    def __init__(self, config: object = None) -> None:
        self.config = config
        self.calls = 0

    def embed(self, text: str, _: str | None = None) -> list[float]:
        """Return how often each word occurs."""
        self.calls += 1
        numbers = [0.01] * DIMENSIONS
        for word in re.findall(r"\w+", text.casefold()):
            numbers[zlib.crc32(word.encode()) % DIMENSIONS] += 1
        return numbers


class CountedStore:
    """Passes every call on to mem0's vector store and counts it."""

    def __init__(self, store: Any) -> None:  # noqa: ANN401 - mem0 has no types
        self.store = store
        self.calls = Counter[str]()

    def __getattr__(self, method: str) -> Any:  # noqa: ANN401 - whatever it has
        """Return what calls and counts."""
        passed_on = getattr(self.store, method)

        def call(*arguments: object, **options: object) -> object:
            self.calls[method] += 1
            return passed_on(*arguments, **options)

        return call


def main() -> None:
    """Print the counts of all cases."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(MEM0_TELEMETRY="False", MEM0_DIR=folder)
        json.dump([_counts(Path(folder) / str(case), *case) for case in CASES], sys.stdout)


def _counts(folder: Path, facts: int, changed: int) -> dict[str, int]:
    memory = _memory(folder)
    for text in known(changed):
        memory.add(text, user_id=USER, infer=False)
    store = memory.vector_store = CountedStore(memory.vector_store)
    memory.llm.calls = memory.embedding_model.calls = 0
    messages = [{"role": "user", "content": text} for text in said(facts)]
    results = memory.add(messages, user_id=USER)["results"]
    store.store.client.close()
    return {
        "results": len(results),
        "updates": sum(each["event"] == "UPDATE" for each in results),
        "model_calls": memory.llm.calls,
        "embedding_calls": memory.embedding_model.calls,
        "store_calls": store.calls.total(),
    }


def _memory(folder: Path) -> Any:  # noqa: ANN401 - mem0 has no types
    # Both are read when mem0 is imported.
    from mem0 import Memory  # noqa: PLC0415
    from mem0.utils.factory import EmbedderFactory, LlmFactory  # noqa: PLC0415

    _, config_class = LlmFactory.provider_to_class["openai"]
    LlmFactory.provider_to_class["openai"] = (f"{NAME}.Mind", config_class)
    EmbedderFactory.provider_to_class["openai"] = f"{NAME}.Words"
    folder.mkdir()
    store: dict[str, Any] = {"path": str(folder / "qdrant"), "embedding_model_dims": DIMENSIONS}
    return Memory.from_config(
        {
            "vector_store": {"provider": "qdrant", "config": store},
            "history_db_path": str(folder / "history.db"),
        }
    )


if __name__ == "__main__":
    main()
