"""How a stand-in's model answers our prompts without a script: by a few rules, honestly simple."""

import json
from collections.abc import Sequence
from typing import Any

from recollect.adapters.local.restatements import restates
from recollect.adapters.local.statements import statements

Filled = dict[str, Any]
WORDS_OF_A_MATTER = 3
"""Statements that begin with as many equal words are about the same: "I live in ..."."""


MAX_CHARACTERS = 1_000
"""What goes on for longer is no statement."""


def fill_in(form: str, text: str) -> Filled:
    """Return the form of this name filled in by what the prompt's data says."""
    data = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    if form == "remember_facts":
        return {"facts": _facts([line for line in data if "message" in line])}
    if form == "decide_facts":
        memories = {line["memory"]: line["text"] for line in data if "memory" in line}
        return {"decisions": [_decision(line, memories) for line in data if "fact" in line]}
    return {}


def _facts(said: Sequence[Filled]) -> list[Filled]:
    return [
        {
            "text": statement if line["speaker"] == "user" else f"{line['speaker']}: {statement}",
            "message": line["message"],
            "kind": "semantic",
            "categories": [],
        }
        for line in said
        for statement in dict.fromkeys(statements(line["text"]))
        if len(statement) <= MAX_CHARACTERS
    ]


def _decision(fact: Filled, memories: dict[int, str]) -> Filled:
    decision, memory = _meaning(fact["text"], {near: memories[near] for near in fact["near"]})
    reason = "by a simple rule"
    return {"fact": fact["fact"], "decision": decision, "memory": memory, "reason": reason}


def _meaning(text: str, near: dict[int, str]) -> tuple[str, int]:
    for number, memory in near.items():
        if restates(text, memory):
            return "NONE", number
        if "no longer " in text and restates(text.replace("no longer ", ""), memory):
            return "DELETE", number
        if text.split()[:WORDS_OF_A_MATTER] == memory.split()[:WORDS_OF_A_MATTER]:
            return "UPDATE", number
    return "ADD", -1
