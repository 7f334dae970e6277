"""A rule-based stand-in for a language model: finds plain statements, notices repetitions.

Every rule errs towards keeping: an unneeded memory can be deleted, a lost fact cannot be found.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from recollect.adapters.local.restatements import restates
from recollect.adapters.local.statements import statements
from recollect.domain.jobs import Decision, Fact
from recollect.domain.memory import MAX_TEXT_BYTES, Json, Message
from recollect.ports.models import Choice, Extraction

EXTRACTOR_NAME = "rules-1"
SILENT_ROLES = frozenset({"assistant", "system", "developer", "tool", "function"})
"""Who speaks in these roles is no person with a life to remember."""


@dataclass(frozen=True)
class RuleBasedExtractor:
    """Takes statements in the first person or about a named person, word for word.

    Questions, requests, greetings, reactions and suppositions are left out. Statements in German,
    French, Spanish, Italian, Portuguese, Chinese and Japanese are found by first-person words
    only. A fact over `MAX_TEXT_BYTES` is cut between words; the note `cut` counts those. Dates
    stay as they were said ("yesterday"). A named speaker's name goes before what they said:
    "I live in Lisbon" is another fact when somebody else says it.
    """

    def extract(
        self,
        messages: Sequence[Message],
        *,
        said_at: datetime,  # noqa: ARG002 - a promise of the port; no date is resolved here
    ) -> Extraction:
        """Return the facts in the order they were said; what one speaker repeats counts once."""
        facts: dict[tuple[str, str], Fact] = {}
        cut = 0
        for message in messages:
            if message.role.casefold() in SILENT_ROLES:
                continue
            speaker = message.name or "user"
            for statement in statements(message.content):
                text = _cut(f"{message.name}: {statement}" if message.name else statement)
                said = (speaker, text.casefold().rstrip(" .!"))
                if said in facts:
                    continue
                facts[said] = Fact(
                    text=text, role=message.role, actor=message.name, attributed_to=speaker
                )
                cut += not text.endswith(statement)
        notes: dict[str, Json] = {"extractor": EXTRACTOR_NAME, "is_model": False}
        if cut:
            notes["cut"] = cut
        return Extraction(facts=tuple(facts.values()), notes=notes)


@dataclass(frozen=True)
class RuleBasedDecider:
    """Adds every fact, except what a candidate already says in nearly the same words."""

    def decide(self, facts: Sequence[Fact], candidates: Sequence[Sequence[str]]) -> list[Choice]:
        """Return NONE with the nearest candidate that a fact restates, else ADD.

        Raises `ValueError` unless there is one list of candidates a fact.
        """
        return [_choice(fact, near) for fact, near in zip(facts, candidates, strict=True)]


def _choice(fact: Fact, candidates: Sequence[str]) -> Choice:
    for place, candidate in enumerate(candidates):
        if restates(fact.text, candidate):
            return Choice(Decision.NONE, place, "restates what is known")
    return Choice(Decision.ADD)


def _cut(text: str) -> str:
    if len(text.encode(errors="replace")) <= MAX_TEXT_BYTES:
        return text
    head = text.encode(errors="replace")[:MAX_TEXT_BYTES].decode(errors="ignore")
    at_word, _, _ = head.rpartition(" ")
    return at_word or head
