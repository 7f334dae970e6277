"""A rule-based stand-in for a language model: finds plain statements, notices repetitions.

Every rule errs towards keeping: an unneeded memory can be deleted, a lost fact cannot be found.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from recollect.adapters.local.attributes import attribute, own_words
from recollect.adapters.local.restatements import restates
from recollect.adapters.local.statements import statements
from recollect.domain.errors import InvalidRequestError
from recollect.domain.guidance import Guidance
from recollect.domain.jobs import Decision, Fact
from recollect.domain.memory import MAX_TEXT_BYTES, Json
from recollect.domain.recall import without_recalled
from recollect.domain.roles import AGENT_ROLES, SYSTEM_ROLES, TOOL_ROLES
from recollect.ports.models import Choice, Conversation, Decided, Extraction, Known

EXTRACTOR_NAME = "rules-2"
SILENT_ROLES = AGENT_ROLES | SYSTEM_ROLES | TOOL_ROLES
"""Who speaks in these roles is no person with a life to remember."""


@dataclass(frozen=True)
class RuleBasedExtractor:
    """Takes statements in the first person or about a named person, word for word.

    Questions, requests, greetings, reactions and suppositions are left out. Statements in German,
    French, Spanish, Italian, Portuguese, Chinese and Japanese are found by first-person words
    only. A fact over `MAX_TEXT_BYTES` is cut between words; the note `cut` counts those. Dates
    stay as they were said ("yesterday"). A named speaker's name goes before what they said:
    "I live in Lisbon" is another fact when somebody else says it.

    Rules understand no guidance, no attachments, no requests to forget and nothing an agent says.
    """

    def extract(self, conversation: Conversation) -> Extraction:
        """Return the facts in the order they were said; what one speaker repeats counts once."""
        facts: dict[tuple[str, str], Fact] = {}
        cut = 0
        for place, message in enumerate(conversation.messages if conversation.of_users else ()):
            if message.role.casefold() in SILENT_ROLES:
                continue
            speaker = message.name or "user"
            for statement in statements(without_recalled(message.content)):
                text = _cut(f"{message.name}: {statement}" if message.name else statement)
                said = (speaker, text.casefold().rstrip(" .!"))
                if said in facts:
                    continue
                facts[said] = Fact(
                    text=text,
                    role=message.role,
                    actor=message.name,
                    attributed_to=speaker,
                    message=place,
                )
                cut += not text.endswith(statement)
        notes: dict[str, Json] = {"extractor": EXTRACTOR_NAME, "is_model": False}
        if cut:
            notes["cut"] = cut
        return Extraction(facts=tuple(facts.values()), notes=notes)

    def summarise(self, conversation: Conversation) -> Extraction:  # noqa: ARG002 - refused unread
        """Raise `InvalidRequestError`: a summary needs to be understood first."""
        message = "Procedural memory needs a language model, and this service has none"
        raise InvalidRequestError(message)


@dataclass(frozen=True)
class RuleBasedDecider:
    """Adds every fact, but for what a memory says in nearly the same words, or of old.

    What a speaker has one of at a time (a home, an employer, a name, an age, a favourite colour)
    and now states with another value, in words that say nothing else, takes the place of the
    earlier statement. Other facts change nothing; a request to forget deletes what it repeats.
    """

    def decide(
        self,
        facts: Sequence[Fact],
        candidates: Sequence[Sequence[Known]],
        guidance: Guidance,  # noqa: ARG002 - a promise of the port; rules understand no wishes
    ) -> Decided:
        """Return a choice a fact, about the nearest candidate that it is a matter of.

        Raises `ValueError` unless there is one list of candidates a fact.
        """
        pairs = zip(facts, candidates, strict=True)
        return Decided(choices=tuple(_choice(fact, near) for fact, near in pairs))


def _choice(fact: Fact, candidates: Sequence[Known]) -> Choice:
    speaker = fact.attributed_to or fact.actor or fact.role
    same = tuple(
        place for place, known in enumerate(candidates) if _repeats(fact.text, known, speaker)
    )
    if fact.quote is not None:
        forgets = Choice(Decision.DELETE, same, "is asked to be forgotten")
        return forgets if same else Choice(Decision.NONE, reason="nothing in these words is known")
    if same:
        return Choice(Decision.NONE, same[:1], "restates what is known")
    for place, known in enumerate(candidates):
        if _replaces(fact.text, known, speaker):
            return Choice(Decision.UPDATE, (place,), "states another value of the same")
    return Choice(Decision.ADD)


def _repeats(text: str, known: Known, speaker: str) -> bool:
    said_by = known.said_by or speaker
    if said_by.casefold() != speaker.casefold():
        return False
    if restates(own_words(text, speaker), own_words(known.text, said_by)):
        return True
    value = attribute(text, speaker)
    return value is not None and value == attribute(known.text, said_by)


def _replaces(text: str, known: Known, speaker: str) -> bool:
    """Tell whether a statement takes the place of an earlier one of the same speaker."""
    if known.said_by is None or known.said_by.casefold() != speaker.casefold():
        return False
    new, old = attribute(text, speaker), attribute(known.text, known.said_by)
    return new is not None and old is not None and new.replaces(old)


def _cut(text: str) -> str:
    if len(text.encode(errors="replace")) <= MAX_TEXT_BYTES:
        return text
    head = text.encode(errors="replace")[:MAX_TEXT_BYTES].decode(errors="ignore")
    at_word, _, _ = head.rpartition(" ")
    return at_word or head
