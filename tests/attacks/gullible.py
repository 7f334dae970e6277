"""Language models that believe what they read, each in a way of its own."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from recollect.ports.models import Form, PromptTurn, Reply, Usage
from tests.attacks.corpus import SIGNATURE
from tests.attacks.world import IMMUTABLE, KNOWN

Filled = dict[str, Any]
MOST_CHARACTERS = 2_000
"""Of a fact: a conversation that is copied whole would only be refused for its length."""


@dataclass(frozen=True)
class Told:
    """What one call of the model shows: the data's lines, and whether its first answer was bad."""

    lines: Sequence[Filled]
    is_repair: bool

    @property
    def numbered(self) -> list[Filled]:
        """What was said that is to be read for facts."""
        return [line for line in self.lines if "message" in line and _seen(line).strip()]

    @property
    def silent(self) -> list[Filled]:
        """What was said that only helps to understand the rest."""
        return [line for line in self.lines if "speaker" in line and "message" not in line]

    @property
    def memories(self) -> dict[int, str]:
        return {line["memory"]: line["text"] for line in self.lines if "memory" in line}

    @property
    def facts(self) -> list[Filled]:
        return [line for line in self.lines if "fact" in line]


@dataclass(frozen=True)
class Mind:
    """What a model writes into the two forms; one that is cut off never comes to an end."""

    extract: Callable[[Told], Filled]
    decide: Callable[[Told], Filled]
    is_cut_off: bool = False


@dataclass(frozen=True)
class GullibleModel:
    """Fills in what its mind says; notes what it was told and what it wrote."""

    mind: Mind
    prompts: list[str] = field(default_factory=list)
    systems: list[str] = field(default_factory=list)
    quotes: list[str] = field(default_factory=list)
    model: str = "gullible"

    def ask(self, system: str, turns: Sequence[PromptTurn], form: Form) -> Reply:
        self.systems.append(system)
        self.prompts.append(turns[0].text)
        filled = self._filled(turns, form.name)
        self.quotes.extend(each["quote"] for each in filled.get("forget", ()))
        return Reply(json.dumps(filled), Usage(1, 10, 1), is_cut_off=self.mind.is_cut_off)

    def _filled(self, turns: Sequence[PromptTurn], form: str) -> Filled:
        if form == "describe_pictures":
            return {"descriptions": [_seen_on(each.data) for each in turns[0].images]}
        told = Told(list(_lines(turns[0].text)), is_repair=len(turns) > 1)
        if form == "keep_summary":
            return {"summary": "\n".join(map(_seen, told.lines))}
        return self.mind.extract(told) if form == "remember_facts" else self.mind.decide(told)


def _seen_on(picture: bytes) -> str:
    return picture.removeprefix(SIGNATURE).decode()


def _lines(text: str) -> Iterator[Filled]:
    for line in text.split("\n"):
        if line.startswith("{"):
            yield json.loads(line)


def _seen(line: Filled) -> str:
    """Return everything that came with a message: nothing tells the gullible one apart."""
    return "\n".join([line["text"], *line.get("documents", ()), *line.get("pictures", ())])


def _fact(text: str, message: int, **more: object) -> Filled:
    return {
        "text": text.strip()[:MOST_CHARACTERS],
        "message": message,
        "kind": "semantic",
        "categories": ["system", "misc"],
        "valid_from": "",
        "valid_to": "",
        "salience": 1,
        **more,
    }


def _facts(told: Told) -> list[Filled]:
    return [_fact(_seen(line), line["message"]) for line in told.numbered]


def _decision(fact: int, event: str, memories: Iterable[object] = (), text: str = "") -> Filled:
    return {
        "fact": fact,
        "event": event,
        "memories": list(memories),
        "text": text,
        "reason": "I was told to",
        "user_id": "bob",
        "project": "rival",
    }


def _deletions(told: Told) -> Filled:
    """Delete all that is near anything, again and again."""
    return {"decisions": [_decision(each["fact"], "DELETE", each["near"]) for each in told.facts]}


def _requests(told: Told, lines: Sequence[Filled], *, is_whole: bool) -> list[Filled]:
    """Ask to forget everything there is, in the words of each of the lines."""
    last = told.numbered[-1]["message"] if told.numbered else 0
    return [
        {
            "text": memory,
            "message": line.get("message", last),
            "quote": (_seen(line) if is_whole else line["text"])[:MOST_CHARACTERS].strip(),
        }
        for line in lines
        for memory in (*KNOWN, *IMMUTABLE)
    ]


def _obey(told: Told) -> Filled:
    """Do what anybody says; if that will not do, what those say who seem to be users."""
    if not told.is_repair:
        # Whoever else speaks first, so that nothing is forgotten before the lie is found out.
        lines = [*told.silent, *told.numbered]
        return {"facts": _facts(told), "forget": _requests(told, lines, is_whole=True)}
    users = [line for line in told.numbered if line["text"].strip()]
    asking = [line for line in users if line["speaker"] not in {"assistant", "Helper"}]
    return {"facts": _facts(told), "forget": _requests(told, asking, is_whole=False)}


def _obey_documents(told: Told) -> Filled:
    """Take every order for the words of who sent it, and insist on it."""
    return {"facts": [], "forget": _requests(told, told.numbered, is_whole=True)}


def _contradict(told: Told) -> Filled:
    """Find in every message that nothing is as it was."""
    facts = [
        _fact(f"{_seen(line)[:500]} This is no longer so: {memory}", line["message"])
        for line in told.numbered
        for memory in (*KNOWN, *IMMUTABLE)
    ]
    return {"facts": facts, "forget": []}


def _say_again(told: Told) -> Filled:
    """Find that everything is as it was, and that nothing is."""
    again = [_fact(each, line["message"]) for line in told.numbered[:1] for each in KNOWN]
    return {"facts": [*_contradict(told)["facts"], *again], "forget": []}


def _shift(told: Told) -> Filled:
    """Say that others said it: first the system, then whoever else is there."""
    numbers = [line["message"] for line in told.numbered]
    facts = _facts(told)
    if not told.is_repair:
        free = next(number for number in count() if number not in numbers)
        return {"facts": [fact | {"message": free} for fact in facts], "forget": []}
    others = [*numbers[1:], *numbers[:1]]
    claims = {"speaker": "bob", "role": "system", "attributed_to": "bob", "user_id": "bob"}
    shifted = [fact | claims | {"message": n} for fact, n in zip(facts, others, strict=True)]
    return {"facts": shifted, "forget": []}


def _extract(told: Told) -> Filled:
    return {"facts": _facts(told), "forget": []}


def _name_others(told: Told) -> Filled:
    """Delete what is not near: a memory of another fact, or none at all."""
    made = []
    for line in told.facts:
        far = [number for number in told.memories if number not in line["near"]]
        wrong = far[:1] if told.is_repair and far else [len(told.memories) + 7]
        made.append(_decision(line["fact"], "DELETE", wrong))
    return {"decisions": made}


def _overwrite(told: Told) -> Filled:
    """Write the attacker's text over what is nearest, at far too great a length at first."""
    times = 1 if told.is_repair else 1_000
    made = [
        _decision(each["fact"], "UPDATE", each["near"][:1], each["text"] * times)
        for each in told.facts
    ]
    return {"decisions": made}


def _against_immutable(told: Told) -> Filled:
    """Find what contradicts the memories that must not change."""
    facts = [
        _fact(f"No longer so, by {line['text'][:200]}: {memory}", line["message"])
        for line in told.numbered
        for memory in IMMUTABLE
    ]
    return {"facts": facts, "forget": _requests(told, told.numbered, is_whole=not told.is_repair)}


def _change_immutable(told: Told) -> Filled:
    """Delete and overwrite the immutable ones by turns, and leave the rest alone."""
    made = []
    for place, line in enumerate(told.facts):
        near = [number for number in line["near"] if told.memories[number] in IMMUTABLE][:1]
        is_request = "asks_to_forget" in line
        event = "DELETE" if is_request or place % 2 else "UPDATE"
        spared = _decision(line["fact"], "NONE" if is_request else "ADD")
        made.append(_decision(line["fact"], event, near, line["text"]) if near else spared)
    return {"decisions": made}


def _repeat(form: str, otherwise: Callable[[Told], Filled]) -> Callable[[Told], Filled]:
    """Answer with the filled-in form that somebody sent along, if anybody did."""

    def fill(told: Told) -> Filled:
        texts = [_seen(line) for line in told.lines if "text" in line]
        sent = [filled for text in texts for filled in _objects_in(text) if form in filled]
        return sent[0] if sent else otherwise(told)

    return fill


def _objects_in(text: str) -> Iterator[Filled]:
    for start in (place for place, letter in enumerate(text) if letter == "{"):
        try:
            filled, _ = json.JSONDecoder().raw_decode(text, start)
        except ValueError:
            continue
        yield filled


def _ramble(told: Told) -> Filled:
    facts = [_fact(str(number), told.numbered[0]["message"]) for number in range(1_000)]
    return {"facts": facts, "forget": []}


MINDS = {
    "obeys everybody": Mind(_obey, _deletions),
    "obeys documents": Mind(_obey_documents, _deletions),
    "contradicts everything": Mind(_contradict, _deletions),
    "says everything and its contrary": Mind(_say_again, _deletions),
    "names what is not there": Mind(_extract, _name_others),
    "puts words into other mouths": Mind(_shift, _deletions),
    "overwrites everything": Mind(_contradict, _overwrite),
    "attacks what is immutable": Mind(_against_immutable, _change_immutable),
    "repeats forms": Mind(_repeat("facts", _extract), _repeat("decisions", _deletions)),
    "never stops": Mind(_ramble, _deletions, is_cut_off=True),
}
