"""A rule-based stand-in for a language model: finds what plain sentences say of one another."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from recollect.adapters.local import graph_forms as forms
from recollect.adapters.local.graph_words import (
    CIRCLES,
    KIN,
    LABELS,
    NO_SPEAKERS,
    NUMBERS,
    PAIRS,
    PETS,
    SEVERAL,
)
from recollect.adapters.local.sentences import sentences
from recollect.adapters.local.statements import opened
from recollect.domain.graph import MAX_NAME_LENGTH, UNKNOWN_TYPE, USER_TYPE, normal_name
from recollect.domain.memory import Memory
from recollect.domain.roles import AGENT_ROLES, SYSTEM_ROLES, TOOL_ROLES
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

_FIRST_PERSON = frozenset({"i", "we", "my", "our", "ich", "je", "j'", "yo ", ""})
_NOBODYS = LABELS | _SILENT_ROLES
"""Words of names that nobody has who has a life."""
_RELATED = {**KIN, **PETS}


@dataclass(frozen=True)
class RuleBasedGraphReader:
    """Finds what plain sentences say of the user and of people with names, as they are written.

    Homes, work, families, friends, pets, likes and the like, in the present tense and in English;
    homes and employers in the first person in German, French and Spanish, too. Whatever is asked,
    denied, supposed or told in other words is left out; what is no longer so was over by the time
    it was said. A capital tells a name, so that a name in small letters is none. A relative without
    a name is the one whom the same memory names, and "she" whom the same sentence names, if that
    is only one. Where the rules cannot tell what a name is, it is a thing.
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
    for each in _alike(_all_said(text, speakers)):
        said.setdefault((each.source, each.predicate, each.target), each)
    ends = (end for each in said.values() for end in (each.source, each.target))
    return Mentioned(entities=tuple(dict.fromkeys(ends)), statements=tuple(said.values()))


def _all_said(text: str, speakers: "_Speakers") -> list[Statement]:
    """Return what a text says, read again if that makes known who a relative is."""
    found = list(islice(_statements(text, speakers), MAX_STATEMENTS))
    relatives = _relatives(found, speakers)
    if not (relatives and forms.UNNAMED.search(text)):
        return found
    knowing = replace(speakers, relatives=relatives)
    return list(islice(_statements(text, knowing), MAX_STATEMENTS))


def _relatives(statements: Iterable[Statement], speakers: "_Speakers") -> dict[str, str]:
    """Return the names of the speaker's relatives, by the predicate that holds for only one."""
    names: dict[str, set[str]] = {}
    for each in statements:
        if each.source == speakers.speaker and each.predicate not in CIRCLES:
            names.setdefault(each.predicate, set()).add(each.target.name)
    related = _RELATED.values()
    return {key: min(each) for key, each in names.items() if key in related and len(each) == 1}


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
    """Whom words mean: the user, and who says "I" (None for nobody who has a life), and when."""

    user: NamedEntity
    speaker: NamedEntity | None
    said_at: datetime
    relatives: Mapping[str, str] = field(default_factory=dict)
    """Names of the relatives of whom the speaker has one, by predicate."""

    def named(self, words: str | None, kind: str) -> NamedEntity | None:
        """Return whom or what the words mean, of this type if it is neither of them."""
        said = (words or "").casefold()
        if said in _FIRST_PERSON:
            return self.speaker
        if said in {"the user", "user"} or (kind == "person" and said == self.user.name.casefold()):
            return self.user
        return NamedEntity(words or "", kind)

    def with_names(self, clause: str) -> str:
        """Return the clause about "my sister" as one about Mia; "" if nobody says who she is."""
        kin = forms.UNNAMED.match(clause)
        name = self.relatives.get(_RELATED[kin["kin"].casefold()]) if kin else None
        return name + clause[kin.end() :] if kin and name else ""


def _heard(memory: Memory) -> tuple[str, _Speakers]:
    """Return what a memory says without the name of its speaker before it, and who speaks."""
    text = memory.text.replace("\u2019", "'").strip()
    user = NamedEntity(memory.scope.owner.name, USER_TYPE)
    name = (memory.actor or "").strip()
    if name:
        text = text.removeprefix(f"{name}: ")
    elif prefix := forms.PREFIX.match(text):
        text = text[prefix.end() :]
        name = prefix["name"]
    words = set(name.casefold().split())
    if (
        (memory.role or "").casefold() in _SILENT_ROLES
        or words & _NOBODYS
        or len(name) > MAX_NAME_LENGTH
    ):
        return text, _Speakers(user, None, memory.said_at)
    is_user = words <= NO_SPEAKERS or name.casefold() == user.name.casefold()
    return text, _Speakers(user, user if is_user else NamedEntity(name, "person"), memory.said_at)


def _statements(text: str, speakers: _Speakers) -> Iterator[Statement]:
    for sentence in sentences(text):
        if len(sentence) > MAX_CHARACTERS or sentence.isupper():
            continue
        said = opened(" ".join(sentence.split())).rstrip(" .!")
        if said and not (
            said.endswith("?") or forms.FRAMED.match(said) or forms.SUPPOSED.search(said)
        ):
            yield from _of_sentence(forms.APPOSITION.sub(r"\g<before> \g<what>", said), speakers)


def _of_sentence(said: str, speakers: _Speakers) -> Iterator[Statement]:
    """Yield what its clauses say; one without a subject goes on about that of the one before."""
    subject, start, told = "", 0, _Told()
    for end in [*islice(forms.BETWEEN.finditer(said), MAX_CLAUSES), None]:
        clause = said[start : end.start() if end else len(said)]
        if pronoun := forms.PRONOUN.match(clause):
            name = told.only_person(said[:start])
            clause = name + clause[pronoun.end() :] if name else ""
        clause, found = _of_clause(f"{subject} {clause}".strip(), speakers, told)
        yield from found
        opening = forms.SUBJECT.match(clause) if end and end["same"] and found else None
        subject, start = opening[0] if opening else "", end.end() if end else 0


@dataclass
class _Told:
    """What the clauses of a sentence have told, and whether every one of them was understood."""

    ends: set[NamedEntity] = field(default_factory=set)
    is_understood: bool = True

    def add(self, statements: Sequence[Statement], *, is_understood: bool) -> None:
        self.ends |= {end for each in statements for end in (each.source, each.target)}
        self.is_understood = self.is_understood and is_understood

    def only_person(self, words: str) -> str | None:
        """Return the name of whom "he" or "she" must be; None if it may be somebody else."""
        people = {each.name for each in self.ends if each.type == "person"}
        others = {each.name for each in self.ends} - people
        named = set(forms.SOMEBODY.findall(words)) - others
        return min(people) if self.is_understood and len(people) == 1 and named == people else None


def _of_clause(clause: str, speakers: _Speakers, told: _Told) -> tuple[str, list[Statement]]:
    """Return the clause without the kinship that it begins with, and all that it says."""
    found: list[Statement] = []
    for _ in range(MAX_KIN):
        kin = forms.KIN_OPENING.fullmatch(clause)
        if kin is None:
            break
        if speakers.named(kin["what"], "person") == speakers.user:
            # Somebody else of the same name, or the user: who knows.
            return clause, []
        found += [related] if (related := _kinship(kin, speakers)) else []
        clause = kin["what"] + kin["rest"]
    stated = _stated(clause, speakers)
    if not stated and (named := speakers.with_names(clause)):
        clause, stated = named, _stated(named, speakers)
    found += filter(None, stated)
    told.add(found, is_understood=bool(stated))
    return clause, found


def _kinship(said: re.Match[str], speakers: _Speakers) -> Statement | None:
    parts = said.groupdict()
    whose = (parts.get("whose") or parts.get("who") or "").removesuffix("'s")
    return _related(whose, said["kin"].casefold(), said["what"], speakers)


def _related(whose: str, kin: str, name: str, speakers: _Speakers) -> Statement | None:
    target = speakers.named(name, "animal" if kin in PETS else "person")
    return _statement(speakers.named(whose, "person"), _RELATED[kin], target)


def _stated(clause: str, speakers: _Speakers) -> Sequence[Statement | None]:
    if not forms.OPENING.match(clause):
        return []
    if pair := forms.PAIR.fullmatch(clause):
        ends = [speakers.named(pair[part], "person") for part in ("who", "what")]
        first, second = sorted(ends, key=lambda end: end != speakers.speaker)
        return [_statement(first, PAIRS[pair["pair"].casefold()], second)]
    if several := forms.KIN_LIST.fullmatch(clause):
        return _each_related(several, speakers)
    for form in forms.KIN_FORMS:
        if said := form.fullmatch(clause):
            return [_kinship(said, speakers)]
    for predicate, kind, pattern in forms.PATTERNS:
        if said := pattern.fullmatch(clause):
            return _read(predicate, kind, said.groupdict(), speakers)
    return []


def _each_related(said: re.Match[str], speakers: _Speakers) -> list[Statement | None]:
    """Return one of each name; none if there are not as many as it says."""
    names = forms.BETWEEN_THINGS.split(said["names"])
    if len(names) != NUMBERS[said["number"].casefold()]:
        return []
    kin = SEVERAL[said["kin"].casefold()]
    return [_related(said["who"], kin, name, speakers) for name in names]


def _read(
    predicate: str, kind: str, said: Mapping[str, str | None], speakers: _Speakers
) -> list[Statement | None]:
    is_thing = predicate in forms.ANYTHING and not said.get("has")
    source = speakers.named(said.get("who"), UNKNOWN_TYPE if is_thing else "person")
    job, what = said.get("job"), said.get("what")
    if job and (forms.VAGUE.search(job) or forms.NO_JOB.fullmatch(job)):
        job = None
    found = []
    if what:
        told = "works_at" if said.get("job") else predicate
        targets = forms.several(what) if predicate in forms.LISTED else [what]
        types = _target_type(kind, said)
        found = [_statement(source, told, speakers.named(each, types)) for each in targets]
    if job:
        found.append(_statement(source, "works_as", NamedEntity(job, "profession")))
    return [_timed(each, said, speakers.said_at) for each in found if each]


def _target_type(kind: str, said: Mapping[str, str | None]) -> str:
    # One works for people, too.
    return UNKNOWN_TYPE if said.get("for") else "organization" if said.get("job") else kind


def _timed(statement: Statement, said: Mapping[str, str | None], said_at: datetime) -> Statement:
    """Return it with when it began, or was over at the latest."""
    if said.get("over"):
        return replace(statement, valid_to=said_at)
    return replace(statement, valid_from=forms.since(said, said_at))


def _statement(
    source: NamedEntity | None, predicate: str, target: NamedEntity | None
) -> Statement | None:
    if source is None or target is None or _is_same(source, target):
        return None
    return Statement(source=source, predicate=predicate, target=target)


def _is_same(one: NamedEntity, other: NamedEntity) -> bool:
    return one.type == other.type and normal_name(one.name) == normal_name(other.name)
