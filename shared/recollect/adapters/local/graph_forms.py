"""How plain sentences say what people are to one another, and to places and things.

Every pattern backtracks over few characters: its repetitions are bounded, and it is matched with
whole clauses of sentences that are not long.
"""

import re

from recollect.domain.graph import UNKNOWN_TYPE

_CAPITAL = r"[A-Z\u00c0-\u00de\u0100-\u017f\u0391-\u03a9\u0410-\u042f]"
_NAME = rf"(?-i:{_CAPITAL}[\w-]{{0,25}}(?:'[A-Z]\w{{1,15}})?)"
_PROPER = rf"{_NAME}(?: (?:(?:de|da|do|del|di|la|of|am|von|van) )?{_NAME}){{0,3}}"
"""At most four of those names, so that it fits `MAX_NAME_LENGTH` of the graph."""
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_NOBODY = (
    r"(?!(?:The|This|That|These|Those|There|Here|It|He|She|They|We|You|I|My|Our|Your|His|Her|Their"
    r"|Its|What|Who|Which|Some\w*|Any\w*|Every\w*|Each|Both|All|Most|Many|Few|No|None|Nobody|One"
    r"|Nothing|People|If|When|While|Where|Why|How|And|But|Or|So|Not|Then|Now|Today|Tomorrow"
    r"|Yesterday|Maybe|\w{3,6}day|Christmas|Easter"
    rf"|{'|'.join(MONTHS)})\b)"
)
"""What begins with a capital and is no name of anybody."""
_PERSON = rf"{_NOBODY}{_PROPER}"
_PLACE = (
    rf"(?P<what>(?!(?:{'|'.join(MONTHS)}|\w{3, 6}day|Linux|Ubuntu|Debian|Fedora|Arch|Windows|Mac"
    rf"|macOS|Android|Python|Rust|Java|Go|Slack|Notion|Gmail|Teams|Unter|Miete)\b){_PROPER})"
    rf"(?:, {_PROPER})?"
)
"""A place, and perhaps the larger one that it is in; nobody lives in May, or in Linux."""
_ORG = rf"(?P<what>(?!(?:Night|Home|Nacht|Tag|{'|'.join(MONTHS)}|\w{3, 6}day)\b){_PROPER})"
_SOMEBODY = rf"(?P<what>{_PERSON})"
_WORD = r"[\w'-]{1,30}"
_PLAIN = rf"{_WORD}(?: {_WORD}){{0,2}}"
_FEW = rf"{_WORD}(?: {_WORD}){{0,2}}?"
_THINGS = rf"(?P<what>{_FEW}(?:, {_WORD}){{0,4}}(?:,? and {_WORD})?)"

_WHO = rf"(?P<who>I|we|the user|{_PERSON})"
_IS = r"(?:'m|'s|'re| am| is| are)"
_NOW = r"(?: (?:now|currently|still|also|both))?"
_LOVE = r"(?: (?:really|absolutely|also|still|just))?"
_ADVERB = r"(?: (?:a lot|so much|very much|too|as well|most of all))?"
_DATE = rf"(?P<month>{'|'.join(MONTHS)})? ?(?P<year>(?:19|20)\d\d)"
_SINCE = rf"(?: (?:since|in) {_DATE})?"
_TAIL = (
    r"(?:,? (?:with|near|close to|because|for|together|now|currently|these days|at the moment"
    r"|right now|today)\b.{0,200})?"
)
_AT = r"(?:at|(?P<for>for))"
_IN = rf"(?: in {_PROPER})?"
_AS = rf"(?: as an? (?P<job>{_FEW}))?"
_OWNS = r"(?:owns?|ha(?:ve|s))"
_HAVE = r"(?:'ve| have| has)?(?: just| recently)?"
_LATELY = r"(?: (?:yesterday|recently|last (?:week|month|year|summer|winter)))?"
_ADJECTIVE = (
    r"(?:(?:older|younger|elder|big|little|twin|best|close|good|dear|new|eldest|youngest|only) )?"
)
_RELATIVES = (
    *("sister", "brother", "mother", "father", "son", "daughter", "child", "aunt", "uncle"),
    *("cousin", "niece", "nephew", "grandmother", "grandfather", "boss", "doctor", "dentist"),
    *("teacher", "therapist", "girlfriend", "boyfriend", "partner"),
)
KIN = {
    **{each: f"has_{each}" for each in _RELATIVES},
    **dict.fromkeys(("mom", "mum"), "has_mother"),
    "dad": "has_father",
    **dict.fromkeys(("wife", "husband", "spouse"), "married_to"),
    **dict.fromkeys(("fianc\u00e9", "fianc\u00e9e", "fiance", "fiancee"), "engaged_to"),
    "friend": "friend_of",
    **dict.fromkeys(("colleague", "coworker", "co-worker"), "works_with"),
    **dict.fromkeys(("neighbour", "neighbor"), "neighbour_of"),
    **dict.fromkeys(("roommate", "flatmate", "housemate"), "lives_with"),
}
"""Predicates from somebody to whoever is their sister, their boss, and so on."""
PETS = {each: f"has_{each}" for each in ("dog", "cat", "horse", "rabbit", "parrot", "hamster")}
_OF_SOMEBODY = "|".join([*KIN, *PETS])
_WHOSE = rf"(?P<whose>my|our|the user's|{_PERSON}'s)"
PAIRS = {
    **dict.fromkeys(("friends", "best friends", "good friends"), "friend_of"),
    **dict.fromkeys(("siblings", "twins", "brothers", "sisters"), "sibling_of"),
    "married": "married_to",
    "engaged": "engaged_to",
    **dict.fromkeys(("colleagues", "coworkers"), "works_with"),
    **dict.fromkeys(("neighbours", "neighbors"), "neighbour_of"),
    **dict.fromkeys(("roommates", "flatmates"), "lives_with"),
    "cousins": "has_cousin",
}

_FORMS = (
    ("lives_in", "place", rf"{_WHO}{_NOW} lives? in {_PLACE}{_SINCE}{_TAIL}"),
    ("lives_in", "place", rf"{_WHO}{_HAVE} (?:lived|been living) in {_PLACE} since {_DATE}"),
    (
        "lives_in",
        "place",
        rf"{_WHO}{_HAVE} moved from {_PROPER} to {_PLACE}{_LATELY}{_SINCE}{_TAIL}",
    ),
    # Home, job or software: who knows.
    ("moved_to", UNKNOWN_TYPE, rf"{_WHO}{_HAVE} moved to {_PLACE}{_LATELY}{_SINCE}"),
    ("lives_in", "place", rf"(?P<who>ich) (?:wohne|lebe)(?: jetzt)? in {_PLACE}"),
    ("lives_in", "place", rf"(?P<who>j')habite (?:\u00e0|en|au) {_PLACE}"),
    ("lives_in", "place", rf"(?P<who>je) vis (?:\u00e0|en|au) {_PLACE}"),
    ("lives_in", "place", rf"(?P<who>yo )?(?:ahora )?vivo en {_PLACE}"),
    (
        "works_at",
        "organization",
        rf"{_WHO}{_NOW} works? {_AT} {_ORG}{_IN}{_AS}{_SINCE}{_TAIL}",
    ),
    ("works_at", "organization", rf"(?P<who>ich) arbeite(?: jetzt)? bei {_ORG}"),
    ("works_at", "organization", rf"(?P<who>je) travaille (?:chez|pour) {_ORG}"),
    ("works_at", "organization", rf"(?P<who>yo )?(?:ahora )?trabajo para {_ORG}"),
    (
        "works_as",
        "profession",
        rf"{_WHO}{_NOW} works? as an? (?P<job>{_FEW})(?: {_AT} {_ORG})?{_SINCE}{_TAIL}",
    ),
    ("married_to", "person", rf"{_WHO}{_IS} married to {_SOMEBODY}{_SINCE}"),
    ("engaged_to", "person", rf"{_WHO}{_IS} engaged to {_SOMEBODY}{_SINCE}"),
    ("friend_of", "person", rf"{_WHO}{_IS} (?:good |best |close )?friends with {_SOMEBODY}"),
    ("born_in", "place", rf"{_WHO} was born in {_PLACE}(?: in {_DATE})?"),
    (
        "studied_at",
        "organization",
        rf"{_WHO} (?:studied|graduated)(?: (?!at)[\w ]{{1,30}})? (?:at|from) (?:the )?{_ORG}",
    ),
    ("member_of", "organization", rf"{_WHO}{_IS} a member of (?:the )?{_ORG}{_SINCE}"),
    ("allergic_to", "thing", rf"{_WHO}{_IS} allergic to {_THINGS}"),
    ("likes", "thing", rf"{_WHO}{_LOVE} (?:likes?|loves?) {_THINGS}{_ADVERB}"),
    ("dislikes", "thing", rf"{_WHO}{_LOVE} hates? {_THINGS}{_ADVERB}"),
    ("prefers", "thing", rf"{_WHO}{_LOVE} prefers? {_THINGS}(?: (?:over|to) {_PLAIN})?"),
    (
        "speaks",
        "language",
        rf"{_WHO} speaks? (?P<what>{_NAME}(?:, {_NAME}){{0,4}}(?:,? and {_NAME})?)",
    ),
    ("owns", "thing", rf"{_WHO} owns? an? (?P<what>{_NAME}(?: {_NAME})?)"),
    (
        "owns",
        "thing",
        rf"{_WHO} {_OWNS} an? (?!(?:{_OF_SOMEBODY})\b){_PLAIN} (?:named|called) {_SOMEBODY}",
    ),
    ("name", "name", rf"(?P<who>my|the user's) name is (?P<what>{_PERSON})"),
    ("based_in", "place", rf"{_WHO}{_IS} (?:based|headquartered) in {_PLACE}{_SINCE}"),
)
PATTERNS = [(predicate, kind, re.compile(form, re.IGNORECASE)) for predicate, kind, form in _FORMS]
LISTED = frozenset({"allergic_to", "likes", "dislikes", "prefers", "speaks"})
"""Predicates of several things in one sentence."""
ANYTHING = frozenset({"based_in", "owns"})
"""Predicates of sources that need be no persons."""
KIN_FORMS = [
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"{_WHOSE} {_ADJECTIVE}(?P<kin>{_OF_SOMEBODY}) (?:is (?:named|called)) {_SOMEBODY}",
        rf"{_WHOSE} {_ADJECTIVE}(?P<kin>{_OF_SOMEBODY})'s name is {_SOMEBODY}",
        rf"{_WHO} ha(?:ve|s) an? {_ADJECTIVE}(?P<kin>{_OF_SOMEBODY}) (?:named|called) {_SOMEBODY}",
        rf"{_SOMEBODY} is {_WHOSE} {_ADJECTIVE}(?P<kin>{_OF_SOMEBODY})",
    )
]
KIN_OPENING = re.compile(
    rf"{_WHOSE} {_ADJECTIVE}(?P<kin>{_OF_SOMEBODY}) {_SOMEBODY}(?P<rest>(?!\w).*)",
    re.IGNORECASE,
)
APPOSITION = re.compile(
    rf"(?P<before>{_WHOSE} {_ADJECTIVE}(?:{_OF_SOMEBODY})), {_SOMEBODY},", re.IGNORECASE
)
"""A name between commas: "my sister, Mia, ..."."""
PAIR = re.compile(
    rf"(?P<who>I|{_PERSON}) and (?P<what>I|{_PERSON}) are (?P<pair>{'|'.join(PAIRS)})",
    re.IGNORECASE,
)
_VERB = r"(?:lives?|works?|loves?|likes?|hates?|prefers?|speaks?|owns?|moved|studied|is|am|was)"
BETWEEN = re.compile(
    rf"(?:;|,? (?:and|but)|,) (?=(?:I(?! are)|we|my|our|the user)\b|(?P<same>{_VERB} )"
    rf"|{_PERSON} {_VERB}\b)",
    re.IGNORECASE,
)
SUBJECT = re.compile(rf"(?:I|we|the user|{_PERSON})(?= |')", re.IGNORECASE)
SUPPOSED = re.compile(
    r"[\"\u00ab\u00bb\u201c\u201d\u201e]|\b(?:if|unless|whether|when|until|before|suppos\w*|imagine"
    r"|pretend\w*|wish\w*|would|could|might|may be|maybe|perhaps|hopefully|jok\w+|kidding|dream\w*"
    r"|doubts?|hop(?:es?|ing)|fears?|guess\w*|assum\w+|expect\w*|plan\w*|want\w*|sure|den(?:y|ies)"
    r"|died|dead|passed away|late|divorced|separated|broke up|former|ex"
    r"|said|says?|told|tells|claim\w*|thinks?|thought|believe\w*|heard|wonder\w*|song|film|movie"
    r"|book|novel|character|wenn|falls|si|cuando)\b",
    re.IGNORECASE,
)
"""What makes a sentence a supposition, a story, or the words of others."""
VAGUE = re.compile(
    r"\b(?:it|its|that|this|these|those|them|him|her|his|he|she|they|you|your|me|my|our|us|the"
    r"|an?|to|how|what|when|where|who|which|if|and|or|but|not?|nor|never|more|less|better|best"
    r"|again|anymore|so|as|at|in|on|of|for|from|with|by|than|over|because|since|only|all|any|some"
    r"|every\w*|some\w+|any\w+|nothing|being|both|too|much|is|are|was|now|one|ones|there|here"
    r"|sometimes|always|often|already|tonight|later|yesterday|tomorrow|today)\b|\w \w+ly$|\w's\b",
    re.IGNORECASE,
)
"""What makes a thing no thing, or more than one."""
PREFIX = re.compile(rf"(?P<name>{_PROPER}): (?=(?:I|My|We|Our)\b)")
"""The name of a speaker, before what is said."""
