"""How a stand-in's model answers our prompts without a script: by a few rules, honestly simple."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from recollect.adapters.local.graph_rules import RuleBasedGraphReader
from recollect.adapters.local.restatements import restates
from recollect.adapters.local.sentences import sentences
from recollect.adapters.local.statements import statements
from recollect.domain.graph import USER_TYPE
from recollect.ports.graph import NamedEntity
from recollect.ports.models import Form, PromptTurn, Reply, Usage
from recollect.testing.builders import a_memory, a_scope

Filled = dict[str, Any]
WORDS_OF_A_MATTER = 3
"""Statements that begin with as many equal words are about the same: "I live in ..."."""
MAX_CHARACTERS = 1_000
"""What goes on for longer is no statement."""
_FORGET = re.compile(r"(?:please )?forget that (?P<matter>.+)", re.IGNORECASE)

_SHOWN = re.compile(r"(\d+) pictures")


class SimpleMind:
    """The same as a language model without a server; a token is four characters."""

    model = "simple"

    def ask(self, system: str, turns: Sequence[PromptTurn], form: Form) -> Reply:
        told = "\n".join(turn.text for turn in turns if turn.role == "user")
        written = json.dumps(fill_in(form.name, told))
        return Reply(written, Usage(1, (len(system) + len(told)) // 4, len(written) // 4))


def fill_in(form: str, text: str) -> Filled:
    """Return the form of this name filled in by what the prompt's data says."""
    data = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    said = [line for line in data if "message" in line]
    if form == "remember_facts":
        return {"facts": _facts(said), "forget": list(_requests(said))}
    if form == "decide_facts":
        memories = {line["memory"]: line["text"] for line in data if "memory" in line}
        return {"decisions": [_decision(line, memories) for line in data if "fact" in line]}
    if form == "describe_pictures":
        shown = _SHOWN.search(text)
        return {"descriptions": ["a picture"] * int(shown[1] if shown else 1)}
    if form in {"keep_summary", "sum_up_memories"}:
        told = [line["text"] for line in data if "text" in line]
        return {"summary": "\n".join(told)[:MAX_CHARACTERS]}
    return _about_graphs(form, data)


def _about_graphs(form: str, data: Sequence[Filled]) -> Filled:
    if form == "draw_graph":
        return {"memories": [_graph(line) for line in data]}
    if form == "end_relations":
        return {"decisions": [{"relation": line["relation"], "is_end": False} for line in data]}
    return {}


def _facts(said: Sequence[Filled]) -> list[Filled]:
    return [
        {
            "text": statement if line["speaker"] == "user" else f"{line['speaker']}: {statement}",
            "message": line["message"],
            "kind": "semantic",
            "categories": [],
            "valid_from": "",
            "valid_to": "",
            "salience": 0.5,
        }
        for line in said
        for statement in dict.fromkeys(statements(line["text"]))
        if len(statement) <= MAX_CHARACTERS
    ]


def _graph(line: Filled) -> Filled:
    [found], _ = RuleBasedGraphReader().read([a_memory(a_scope(user=line["user"]), line["text"])])
    return {
        "memory": line["memory"],
        "entities": [{"name": _name(each), "type": each.type} for each in found.entities],
        "relations": [
            {
                "source": _name(each.source),
                "predicate": each.predicate,
                "target": _name(each.target),
            }
            for each in found.statements
        ],
    }


def _name(entity: NamedEntity) -> str:
    return "USER" if entity.type == USER_TYPE else entity.name


def _requests(said: Sequence[Filled]) -> Iterator[Filled]:
    for line in said:
        for sentence in sentences(line["text"][:MAX_CHARACTERS]):
            if request := _FORGET.fullmatch(sentence.strip()):
                matter = request["matter"]
                text = matter[:1].upper() + matter[1:]
                yield {"text": text, "message": line["message"], "quote": request[0]}


def _decision(fact: Filled, memories: dict[int, str]) -> Filled:
    near = {number: memories[number] for number in fact["near"]}
    event, number = _wish(fact["text"], near) if "asks_to_forget" in fact else _meaning(fact, near)
    return {
        "fact": fact["fact"],
        "event": event,
        "memories": [] if number is None else [number],
        "text": fact["text"] if event == "UPDATE" else "",
        "reason": "by a simple rule",
    }


def _wish(text: str, near: dict[int, str]) -> tuple[str, int | None]:
    meant = [number for number, memory in near.items() if restates(text, memory)]
    return ("DELETE", meant[0]) if meant else ("NONE", None)


def _meaning(fact: Filled, near: dict[int, str]) -> tuple[str, int | None]:
    text = fact["text"]
    for number, memory in near.items():
        if restates(text, memory):
            return "NONE", number
        if "no longer " in text and restates(text.replace("no longer ", ""), memory):
            return "DELETE", number
        if text.split()[:WORDS_OF_A_MATTER] == memory.split()[:WORDS_OF_A_MATTER]:
            return "UPDATE", number
    return "ADD", None
