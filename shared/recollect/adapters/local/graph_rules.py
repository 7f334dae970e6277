"""A rule-based stand-in for a language model: finds what plain sentences say of one another."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from recollect.adapters.local.graph_forms import (
    ANYTHING,
    APPOSITION,
    BETWEEN,
    KIN,
    KIN_FORMS,
    KIN_OPENING,
    LISTED,
    MONTHS,
    PAIR,
    PAIRS,
    PATTERNS,
    PETS,
    PREFIX,
    SUBJECT,
    SUPPOSED,
    VAGUE,
)
from recollect.adapters.local.sentences import sentences
from recollect.adapters.local.statements import opened
from recollect.domain.graph import MAX_NAME_LENGTH, UNKNOWN_TYPE, USER_TYPE, normal_name
from recollect.domain.memory import Memory
from recollect.domain.roles import AGENT_ROLES, SYSTEM_ROLES, TOOL_ROLES
from recollect.domain.times import period
from recollect.ports.graph import Mentioned, NamedEntity, Rival, Statement
from recollect.ports.models import Usage

MAX_STATEMENTS = 25
"""Of one memory; what says more is a document rather than a fact."""
MAX_CHARACTERS = 300
"""A longer sentence says too much for rules to understand it."""
MAX_CLAUSES = 8
"""Of one sentence."""
MAX_KIN = 3
"""How far "my sister Mia's husband Tom" is followed."""
_SILENT_ROLES = AGENT_ROLES | SYSTEM_ROLES | TOOL_ROLES

_NO_NAMES = frozenset({"note", "update", "edit", "reminder", "fact", "ps", "info", "user", "me"})
"""What stands before a colon and is no name of who speaks."""
_FIRST_PERSON = frozenset({"i", "we", "my", "our", "ich", "je", "j'", "yo ", ""})
_BETWEEN_THINGS = re.compile(r",? and |, ")


@dataclass(frozen=True)
class RuleBasedGraphReader:
    """Finds what plain sentences say of the user and of people with names, as they are written.

    Homes, work, families, friends, pets, likes and the like, in the present tense and in English;
    homes and employers in the first person in German, French and Spanish, too. Whatever is asked,
    denied, supposed or told in other words is left out. A capital tells a name, so that a name in
    small letters is none. Where the rules cannot tell what a name is, it is a thing.
    """

    def read(self, memories: Sequence[Memory]) -> tuple[list[Mentioned], Usage]:
        """Return what each memory speaks of, in order, for nothing."""
        return [_mentioned(memory) for memory in memories], Usage()

    def exclude(self, rivals: Sequence[Rival]) -> tuple[list[bool], Usage]:
        """Keep them all: only `domain.predicates` tells rules which predicates end others."""
        return [False for _ in rivals], Usage()


def _mentioned(memory: Memory) -> Mentioned:
    text, speakers = _heard(memory)
    said: dict[tuple[NamedEntity, str, NamedEntity], Statement] = {}
    for each in _alike(list(islice(_statements(text, speakers), MAX_STATEMENTS))):
        said.setdefault((each.source, each.predicate, each.target), each)
    ends = (end for each in said.values() for end in (each.source, each.target))
    return Mentioned(entities=tuple(dict.fromkeys(ends)), statements=tuple(said.values()))


def _alike(statements: Sequence[Statement]) -> list[Statement]:
    """Return them with the type that a name has elsewhere where its own was only a guess."""
    ends = [end for each in statements for end in (each.source, each.target)]
    told = {end.name: end for end in ends if end.type not in {UNKNOWN_TYPE, USER_TYPE}}
    animals = {end.name: end for end in ends if end.type == "animal"}
    better = {UNKNOWN_TYPE: told | animals, "person": animals}

    def known(end: NamedEntity) -> NamedEntity:
        return better.get(end.type, {}).get(end.name, end)

    return [
        replace(each, source=known(each.source), target=known(each.target)) for each in statements
    ]


@dataclass(frozen=True)
class _Speakers:
    """Whom words mean: the user, and who says "I" (None for nobody who has a life)."""

    user: NamedEntity
    speaker: NamedEntity | None

    def named(self, words: str | None, kind: str) -> NamedEntity | None:
        """Return whom or what the words mean, of this type if it is neither of them."""
        said = (words or "").casefold().removesuffix("'s")
        if said in _FIRST_PERSON:
            return self.speaker
        if said == "the user" or (kind == "person" and said == self.user.name.casefold()):
            return self.user
        return NamedEntity((words or "").removesuffix("'s"), kind)


def _heard(memory: Memory) -> tuple[str, _Speakers]:
    """Return what a memory says without the name of its speaker before it, and who speaks."""
    text = memory.text.replace("\u2019", "'").strip()
    user = NamedEntity(memory.scope.owner.name, USER_TYPE)
    name = (memory.actor or "").strip()
    if name:
        text = text.removeprefix(f"{name}: ")
    elif prefix := PREFIX.match(text):
        text = text[prefix.end() :]
        name = prefix["name"]
    if (memory.role or "").casefold() in _SILENT_ROLES or len(name) > MAX_NAME_LENGTH:
        return text, _Speakers(user, None)
    is_user = not name or name.casefold() in _NO_NAMES or name.casefold() == user.name.casefold()
    return text, _Speakers(user, user if is_user else NamedEntity(name, "person"))


def _statements(text: str, speakers: _Speakers) -> Iterator[Statement]:
    for sentence in sentences(text):
        if len(sentence) > MAX_CHARACTERS or sentence.isupper():
            continue
        said = opened(" ".join(sentence.split())).rstrip(" .!")
        if said and not said.endswith("?") and not SUPPOSED.search(said):
            yield from _of_sentence(APPOSITION.sub(r"\g<before> \g<what>", said), speakers)


def _of_sentence(said: str, speakers: _Speakers) -> Iterator[Statement]:
    """Yield what its clauses say; one without a subject goes on about that of the one before."""
    subject, start = "", 0
    for end in [*islice(BETWEEN.finditer(said), MAX_CLAUSES), None]:
        clause = said[start : end.start() if end else len(said)]
        clause, found = _of_clause(f"{subject} {clause}".lstrip(), speakers)
        yield from found
        opening = SUBJECT.match(clause) if end and end["same"] and found else None
        subject, start = opening[0] if opening else "", end.end() if end else 0


def _of_clause(clause: str, speakers: _Speakers) -> tuple[str, list[Statement]]:
    """Return the clause without the kinship that it begins with, and all that it says."""
    found: list[Statement] = []
    for _ in range(MAX_KIN):
        kin = KIN_OPENING.fullmatch(clause)
        if kin is None:
            break
        if speakers.named(kin["what"], "person") == speakers.user:
            # Somebody else of the same name, or the user: who knows.
            return clause, []
        found += [related] if (related := _kinship(kin, speakers)) else []
        clause = kin["what"] + kin["rest"]
    return clause, found + list(filter(None, _stated(clause, speakers)))


def _kinship(said: re.Match[str], speakers: _Speakers) -> Statement | None:
    parts = said.groupdict()
    kin = said["kin"].casefold()
    whose = speakers.named(parts.get("whose") or parts.get("who"), "person")
    target = speakers.named(said["what"], "animal" if kin in PETS else "person")
    return _statement(whose, {**KIN, **PETS}[kin], target)


def _stated(clause: str, speakers: _Speakers) -> Sequence[Statement | None]:
    if pair := PAIR.fullmatch(clause):
        ends = [speakers.named(pair[part], "person") for part in ("who", "what")]
        first, second = sorted(ends, key=lambda end: end != speakers.speaker)
        return [_statement(first, PAIRS[pair["pair"].casefold()], second)]
    for form in KIN_FORMS:
        if said := form.fullmatch(clause):
            return [_kinship(said, speakers)]
    for predicate, kind, pattern in PATTERNS:
        if said := pattern.fullmatch(clause):
            return _read(predicate, kind, said.groupdict(), speakers)
    return []


def _read(
    predicate: str, kind: str, said: Mapping[str, str | None], speakers: _Speakers
) -> list[Statement | None]:
    source = speakers.named(said.get("who"), UNKNOWN_TYPE if predicate in ANYTHING else "person")
    since = _since(said)
    job, what = said.get("job"), said.get("what")
    found = []
    if what:
        told = "works_at" if job else predicate
        # One works for people, too.
        target_type = UNKNOWN_TYPE if said.get("for") else "organization" if job else kind
        targets = _several(what) if predicate in LISTED else [what]
        found = [
            _statement(source, told, speakers.named(each, target_type), since) for each in targets
        ]
    if job and not VAGUE.search(job):
        found.append(_statement(source, "works_as", NamedEntity(job, "profession"), since))
    return found


def _several(things: str) -> list[str]:
    """Return each of the things that are listed; none if one of them is hardly a thing."""
    listed = _BETWEEN_THINGS.split(things)
    return [] if any(VAGUE.search(each) for each in listed) else listed


def _since(said: Mapping[str, str | None]) -> datetime | None:
    year, month = said.get("year"), said.get("month")
    if year is None:
        return None
    written = f"{year}-{MONTHS.index(month.capitalize()) + 1:02}" if month else year
    return period(written, "")[0]


def _statement(
    source: NamedEntity | None,
    predicate: str,
    target: NamedEntity | None,
    since: datetime | None = None,
) -> Statement | None:
    if source is None or target is None or _is_same(source, target):
        return None
    return Statement(source=source, predicate=predicate, target=target, valid_from=since)


def _is_same(one: NamedEntity, other: NamedEntity) -> bool:
    return one.type == other.type and normal_name(one.name) == normal_name(other.name)
