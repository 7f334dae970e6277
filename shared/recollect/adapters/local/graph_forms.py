"""How plain sentences say what people are to one another, and to places and things.

Every pattern backtracks over few characters: its repetitions are bounded, and it is matched with
whole clauses of sentences that are not long.
"""

import re
from collections.abc import Mapping
from datetime import datetime

from recollect.adapters.local.graph_words import (
    KIN,
    MONTHS,
    NO_ALLERGENS,
    NO_EMPLOYERS,
    NO_JOBS,
    NO_NAMES,
    NO_NAMES_OF_KIN,
    NO_PART_OF_A_JOB,
    NO_PLACE_ENDS,
    NOBODY,
    NOWHERE,
    NUMBERS,
    PAIRS,
    PETS,
    PLACES_WITH_THE,
    PROFESSIONS,
    SEVERAL,
    SOFTWARE,
)
from recollect.domain.graph import UNKNOWN_TYPE
from recollect.domain.times import period

_CAPITAL = r"[A-Z\u00c0-\u00de\u0100-\u017f\u0391-\u03a9\u0410-\u042f]"
_NAME = rf"(?-i:(?!I\b){_CAPITAL}[\w-]{{0,25}}(?:['&][A-Z]\w{{0,15}})?)"
_PROPER = rf"{_NAME}(?: (?:(?:de|da|do|del|di|la|of|am|von|van) )?{_NAME}){{0,3}}"
"""At most four of those names, so that it fits `MAX_NAME_LENGTH` of the graph."""
_PERSON = rf"(?=(?-i:{_CAPITAL}))(?!(?:{NOBODY}|{NO_NAMES}|{SOFTWARE})\b){_PROPER}"
_THE = rf"(?:the (?=(?-i:[A-Z]{{2,5}}\b)|(?:{PLACES_WITH_THE})\b|(?-i:[A-Z])[\w-]+ (?-i:[A-Z])))?"
_PLACE = (
    rf"{_THE}(?P<what>(?!(?:{NOWHERE})\b|(?:[\w-]+ ){{1,3}}(?:{NO_PLACE_ENDS})\b)"
    rf"(?:St\. )?{_PROPER})(?:, {_PROPER})?"
)
"""A place, and perhaps the larger one that it is in; nobody lives in May, or in Linux."""
_ORG = rf"(?:the )?(?P<what>(?!(?:{NO_EMPLOYERS})\b){_PROPER}(?:'s)?)"
_SOMEBODY = rf"(?P<what>{_PERSON})"
_WORD = r"[\w'-]{1,30}"
_PLAIN = rf"{_WORD}(?: {_WORD}){{0,2}}"
_FEW = rf"{_WORD}(?: {_WORD}){{0,2}}?"
_THINGS = rf"(?P<what>{_FEW}(?:(?:, {_WORD}){{0,4}},? (?:and|or) {_WORD})?)"
_JOB = (
    rf"(?P<job>(?!(?:{_WORD} ){{0,3}}(?:{NO_PART_OF_A_JOB}) )(?:{_WORD} ){{0,3}}(?:{PROFESSIONS}))"
)

_OTHER = rf"(?P<third>(?:the )?user|{_PERSON})"
_WHO = rf"(?P<who>I|we|{_OTHER})"
_S = "(?(third)s)"
_NO_MORE = r"(?P<over>no longer)"
_NOT = r"(?P<over>do(?(third)es)(?:n't| not))"
_ANYMORE = r" any ?(?:more|longer)"
_HAS = "ha(?(third)s|ve)"
_IS = r"(?:'m|'s|'re| am| is| are)"
_NOW = r"(?: (?:now|currently|still|also|both))?"
_LOVE = r"(?: (?:really|absolutely|also|still|just|now))?"
_ADVERB = r"(?: (?:a lot|so much|very much|too|as well|most of all))?"
_DATE = rf"(?=\d|{'|'.join(MONTHS)})(?P<month>{'|'.join(MONTHS)})? ?(?P<year>(?:19|20)\d\d)?"
_SINCE = rf"(?: since {_DATE})?"
_WHEN = rf"(?: (?:since|in) {_DATE})?"
_TAIL = (
    r"(?:,? (?:with|near|close to|because|for|together|now|currently|these days|at the moment"
    r"|right now|today)\b.{0,200})?"
)
_AT = r"(?:at|(?P<for>for))"
_IN = rf"(?: in {_PROPER})?"
_AS = rf"(?: as an? (?P<job>{_FEW}))?"
_HAVE = r"(?:'ve| have| has)?(?: just| recently)?"
_LATELY = r"(?:,? (?:yesterday|recently|last (?:week|month|year|summer|winter)))?"
_ADJECTIVE = (
    r"(?:(?:older|younger|elder|big|little|twin|best|close|good|dear|new|eldest|youngest|only) )?"
)
_OF_SOMEBODY = "|".join([*KIN, *PETS])
_SOME_THING = rf"an? (?!(?:{_OF_SOMEBODY})\b){_PLAIN}"
_CALLED = "(?:named|called)"
_WHOSE = rf"(?P<whose>my|our|(?:the )?user's|{_PERSON}'s)"

_FORMS = (
    ("lives_in", "place", rf"{_WHO}{_NOW} live{_S} in {_PLACE}{_SINCE}{_TAIL}"),
    ("lives_in", "place", rf"{_WHO}{_HAVE} (?:lived|been living) in {_PLACE} since {_DATE}"),
    (
        "lives_in",
        "place",
        rf"{_WHO}{_HAVE} moved(?: back)?(?: from {_PROPER})? to {_PLACE}{_LATELY}{_WHEN}{_TAIL}",
    ),
    ("lives_in", "place", rf"{_WHO} {_NO_MORE} live{_S} in {_PLACE}"),
    ("lives_in", "place", rf"{_WHO} {_NOT} live in {_PLACE}{_ANYMORE}"),
    ("lives_in", "place", rf"(?P<who>ich) (?:wohne|lebe)(?: jetzt)? in {_PLACE}"),
    ("lives_in", "place", rf"(?P<who>j')habite (?:\u00e0|en|au) {_PLACE}"),
    ("lives_in", "place", rf"(?P<who>je) vis (?:\u00e0|en|au) {_PLACE}"),
    ("lives_in", "place", rf"(?P<who>yo )?(?:ahora )?vivo en {_PLACE}"),
    (
        "works_at",
        "organization",
        rf"{_WHO}{_NOW} work{_S} {_AT} {_ORG}{_IN}{_AS}{_SINCE}{_TAIL}",
    ),
    ("works_at", "organization", rf"{_WHO} {_NO_MORE} work{_S} {_AT} {_ORG}"),
    ("works_at", "organization", rf"{_WHO} {_NOT} work {_AT} {_ORG}{_ANYMORE}"),
    (
        "works_at",
        "organization",
        rf"{_WHO}{_HAVE} (?P<over>quit|left) (?:my job at )?(?!(?:{NOWHERE})\b){_ORG}{_LATELY}",
    ),
    ("works_at", "organization", rf"(?P<who>ich) arbeite(?: jetzt)? bei {_ORG}"),
    ("works_at", "organization", rf"(?P<who>je) travaille (?:chez|pour) {_ORG}"),
    ("works_at", "organization", rf"(?P<who>yo )?(?:ahora )?trabajo para {_ORG}"),
    (
        "works_as",
        "profession",
        rf"{_WHO}{_NOW} work{_S} as an? (?P<job>{_FEW})(?: {_AT} {_ORG})?{_SINCE}{_TAIL}",
    ),
    ("works_as", "profession", rf"{_WHO}{_IS}{_NOW} an? {_JOB}(?: {_AT} {_ORG})?{_SINCE}"),
    ("married_to", "person", rf"{_WHO}{_IS}{_NOW} married to {_SOMEBODY}{_SINCE}"),
    ("engaged_to", "person", rf"{_WHO}{_IS}{_NOW} engaged to {_SOMEBODY}{_SINCE}"),
    ("friend_of", "person", rf"{_WHO}{_IS} (?:good |best |close )?friends with {_SOMEBODY}"),
    ("born_in", "place", rf"{_WHO} was born in {_PLACE}(?: in {_DATE})?"),
    (
        "studied_at",
        "organization",
        rf"{_WHO} (?:studied|graduated)(?: (?!at)[\w ]{{1,30}})? (?:at|from) {_ORG}",
    ),
    ("member_of", "organization", rf"{_WHO}{_IS}{_NOW} a member of {_ORG}{_SINCE}"),
    # A company, a club or a band: who joins it is one of them.
    (
        "member_of",
        UNKNOWN_TYPE,
        rf"{_WHO}{_HAVE} joined (?!(?:{SOFTWARE})\b){_ORG}{_AS}{_LATELY}{_WHEN}",
    ),
    (
        "allergic_to",
        "thing",
        rf"{_WHO}{_IS}{_NOW} allergic to (?!(?:{_WORD} ){{0,2}}(?:{NO_ALLERGENS})\b){_THINGS}",
    ),
    ("likes", "thing", rf"{_WHO}{_LOVE} (?:like|love){_S} {_THINGS}{_ADVERB}"),
    ("dislikes", "thing", rf"{_WHO}{_LOVE} hate{_S} {_THINGS}{_ADVERB}"),
    ("prefers", "thing", rf"{_WHO}{_LOVE} prefer{_S} {_THINGS}(?: (?:over|to) {_PLAIN})?"),
    (
        "speaks",
        "language",
        rf"{_WHO}{_NOW} speak{_S} (?P<what>{_NAME}(?:(?:, {_NAME}){{0,4}},? and {_NAME})?)",
    ),
    ("owns", "thing", rf"{_WHO}{_NOW} own{_S} an? (?P<what>{_NAME}(?: {_NAME})?)"),
    (
        "owns",
        "thing",
        rf"{_WHO}{_NOW} (?:own{_S}|(?P<has>{_HAS})) {_SOME_THING} {_CALLED} {_SOMEBODY}",
    ),
    ("name", "name", rf"(?P<who>my|(?:the )?user's) name is (?P<what>{_PERSON})"),
    ("based_in", "place", rf"{_WHO}{_IS} (?:based|headquartered) in {_PLACE}{_SINCE}"),
)
PATTERNS = [(predicate, kind, re.compile(form, re.IGNORECASE)) for predicate, kind, form in _FORMS]
LISTED = frozenset({"allergic_to", "likes", "dislikes", "prefers", "speaks"})
"""Predicates of several things in one sentence."""
ANYTHING = frozenset({"based_in", "owns"})
"""Predicates of sources that need be no persons."""
_NAMED = rf"(?!(?:{NO_NAMES_OF_KIN})\b)(?=(?-i:{_CAPITAL})[\w'-]*(?-i:[a-z])){_SOMEBODY}"
KIN_FORMS = [
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"{_WHOSE} {_ADJECTIVE}(?P<kin>{_OF_SOMEBODY}) is {_CALLED} {_SOMEBODY}",
        rf"{_WHOSE} {_ADJECTIVE}(?P<kin>{'|'.join(KIN)}) is {_NAMED}",
        rf"{_WHOSE} {_ADJECTIVE}(?P<kin>{_OF_SOMEBODY})'s name is {_SOMEBODY}",
        rf"{_WHO}{_NOW} {_HAS} an? {_ADJECTIVE}(?P<kin>{_OF_SOMEBODY}) {_CALLED} {_SOMEBODY}",
        rf"{_SOMEBODY} is {_WHOSE} {_ADJECTIVE}(?P<kin>{_OF_SOMEBODY})",
    )
]
KIN_LIST = re.compile(
    rf"{_WHO}{_NOW} {_HAS} (?P<number>{'|'.join(NUMBERS)}) {_ADJECTIVE}(?P<kin>{'|'.join(SEVERAL)})"
    rf"(?:,|:|,? named|,? called) (?P<names>{_PERSON}(?:, {_PERSON}){{0,3}},? and {_PERSON})",
    re.IGNORECASE,
)
"""Several of them by their names: "I have two cats, Milo and Otis"."""
KIN_OPENING = re.compile(
    rf"{_WHOSE} {_ADJECTIVE}(?P<kin>{_OF_SOMEBODY}) {_SOMEBODY}(?P<rest>(?!\w).*)",
    re.IGNORECASE,
)
APPOSITION = re.compile(
    rf"\b(?P<before>{_WHOSE} {_ADJECTIVE}(?:{_OF_SOMEBODY})), {_SOMEBODY},", re.IGNORECASE
)
"""A name between commas: "my sister, Mia, ..."."""
UNNAMED = re.compile(rf"(?:my|our) (?P<kin>{_OF_SOMEBODY})(?= |'s an? )", re.IGNORECASE)
"""A relative without a name, at the beginning of a clause."""
PAIR = re.compile(
    rf"(?P<who>I|{_PERSON}) and (?P<what>I|{_PERSON}) are (?P<pair>{'|'.join(PAIRS)})",
    re.IGNORECASE,
)
_VERB = (
    r"(?:(?:(?:now|currently|also|still|just|recently) )?(?:lives?|works?|loves?|likes?|hates?"
    r"|prefers?|speaks?|owns?|moved|joined|quit|left|studied|is|am|was|has|have)"
    r"|no longer|do(?:es)?(?:n't| not))"
)
BETWEEN = re.compile(
    rf"(?:;|,? (?:and|but)|,) (?=(?:I(?! are)|we|my|our|the user)\b|(?P<same>{_VERB} )"
    rf"|(?:he|she|they|it|you|this|that|there)(?: \w|')|{_PERSON} {_VERB}\b)",
    re.IGNORECASE,
)
PRONOUN = re.compile(r"(?:he|she)(?= |')", re.IGNORECASE)
SOMEBODY = re.compile(rf"\b{_PERSON}")
OPENING = re.compile(
    rf"(?:I|we|my|our|(?:the )?user|ich|je|j'|yo|ahora|vivo|trabajo|{_PERSON})(?:\b|(?<='))",
    re.IGNORECASE,
)
"""What all the forms above begin with."""
SUBJECT = re.compile(rf"(?:I|we|(?:the )?user|{_PERSON})(?= |')", re.IGNORECASE)
FRAMED = re.compile(
    r"(?:in|on|at|as|inside|within|during|under|according to)\b(?! (?:fact|general|addition|short"
    rf"|total|\d|(?:the )?(?:last|past|summer|winter|spring|fall|autumn)|{'|'.join(MONTHS)})\b)",
    re.IGNORECASE,
)
"""The beginning of a sentence about a game or a story, or about who knows where."""
SUPPOSED = re.compile(
    r"[\"\u00ab\u00bb\u201c\u201d\u201e]|\b(?:if|unless|whether|when|until|before|suppos\w*|imagine"
    r"|pretend\w*|wish\w*|would|could|might|may be|maybe|perhaps|hopefully|jok\w+|kidding|dream\w*"
    r"|doubts?|hop(?:es?|ing)|fears?|guess\w*|assum\w+|expect\w*|plan\w*|want\w*|sure|den(?:y|ies)"
    r"|died|dead|passed away|late|divorced|separated|broke up|former|ex"
    r"|said|says?|told|tells|claim\w*|thinks?|thought|believe\w*|heard|wonder\w*|song|film|movie"
    r"|game|story|role-?play\w*|minecraft|fiction\w*|for example|e\.g|not true|lie[sd]?|lying|fake"
    r"|book|novel|character|wenn|falls|si|cuando)\b",
    re.IGNORECASE,
)
"""What makes a sentence a supposition, a story, or the words of others."""
VAGUE = re.compile(
    r"\b(?:it|its|that|this|these|those|them|him|her|his|he|she|they|you|your|their|me|my|our|us|the"
    r"|an?|to|how|what|when|where|who|which|if|and|or|but|not?|nor|never|more|less|better|best"
    r"|again|anymore|so|as|at|in|on|of|for|from|with|by|than|over|because|since|only|all|any|some"
    r"|every\w*|some\w+|any\w+|nothing|being|both|too|much|is|are|was|now|one|ones|there|here"
    r"|sometimes|always|often|already|tonight|later|yesterday|tomorrow|today)\b|\w \w+ly$|\w's\b"
    r"|[\w,] (?-i:black|white|red|green|blue|hot|cold|warm|raw|fresh|spicy|sweet|medium|rare|plain"
    r"|neat|strong|weak|dry|long|short|loud|quiet|iced|alone|together|\w{4,}ed)$",
    re.IGNORECASE,
)
"""What makes a thing no thing, or more than one."""
NO_JOB = re.compile(rf"(?:.* )?(?:{NO_JOBS})", re.IGNORECASE)
PREFIX = re.compile(rf"(?P<name>{_PROPER}): (?=(?:I|My|We|Our)\b)")
"""The name of a speaker, before what is said."""
BETWEEN_THINGS = re.compile(r",? (?:and|or) |, ")


def several(things: str) -> list[str]:
    """Return each of the things that are listed; none if one of them is hardly a thing."""
    listed = BETWEEN_THINGS.split(things)
    return [] if any(VAGUE.search(each) for each in listed) else listed


def since(said: Mapping[str, str | None], said_at: datetime) -> datetime | None:
    """Return the start of the year or the month; a month alone is the last that had begun."""
    year, month = said.get("year"), said.get("month")
    if month is None:
        return period(year, "")[0] if year else None
    number = MONTHS.index(month.capitalize()) + 1
    begun = said_at.year - (number > said_at.month)
    return period(f"{year or begun}-{number:02}", "")[0]
