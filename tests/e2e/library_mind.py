"""The model of the library's tests: it fills in our forms as the scenes tell."""

import json
from collections.abc import Sequence
from typing import Any

from recollect.ports.models import Form, PromptTurn, Reply, Usage
from tests.e2e.library_play import scene_of_facts, scene_of_words


class Mind:
    """A `LanguageModel` for `language_model="tests.e2e.library_mind:Mind"`."""

    model = "scenes"

    def ask(self, system: str, turns: Sequence[PromptTurn], form: Form) -> Reply:  # noqa: ARG002
        text = turns[-1].text
        filled = _facts(text) if form.name == "remember_facts" else _decisions(text)
        return Reply(json.dumps(filled), Usage(1, 10, 1))


def _facts(text: str) -> dict[str, Any]:
    scene = scene_of_words(text)
    found = {"text": scene.fact, "message": 0, "kind": "semantic"}
    return {
        "facts": [found] if scene.fact and not scene.quote else [],
        "forget": [{**found, "quote": scene.quote}] if scene.quote else [],
    }


def _decisions(text: str) -> dict[str, Any]:
    scene = scene_of_facts(text)
    decision = {"fact": 0, "event": scene.event, "memories": [0], "text": scene.text}
    return {"decisions": [decision]}
