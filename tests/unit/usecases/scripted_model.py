"""A language model that says what it was told to, and notes what it was asked."""

import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from recollect.ports.models import Form, PromptTurn, Reply, Usage
from recollect.usecases.asking import AskModel


@dataclass(frozen=True)
class Asked:
    """One call."""

    system: str
    turns: Sequence[PromptTurn]
    form: Form


@dataclass(frozen=True)
class ScriptedModel:
    """Each call takes the next reply and costs 10 tokens in and 1 out; too many calls fail."""

    replies: deque[Reply]
    asked: list[Asked] = field(default_factory=list)
    model: str = "scripted"

    def ask(self, system: str, turns: Sequence[PromptTurn], form: Form) -> Reply:
        self.asked.append(Asked(system, turns, form))
        return self.replies.popleft()


def scripted(*replies: object) -> tuple[AskModel, ScriptedModel]:
    """Return a model that replies with these: a `Reply`, a text, or an object as JSON."""
    model = ScriptedModel(deque(map(_reply, replies)))
    return AskModel(model), model


def _reply(said: object) -> Reply:
    if isinstance(said, Reply):
        return said
    return Reply(said if isinstance(said, str) else json.dumps(said), Usage(1, 10, 1))
