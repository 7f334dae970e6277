"""Which sentences state something about a person: patterns that backtrack over few characters."""

import re
from collections.abc import Iterator

from recollect.adapters.local.sentences import sentences

MIN_WORDS = 3
"""Shorter sentences are reactions; a contraction counts as two words ("I'm vegan" has three)."""


def _pattern(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives).replace("'", "['\u2019]"), re.IGNORECASE)


_ME = r"(?=(?:i|my|we|our)\b)"
_FILLER = _pattern(
    r"(?:hi|hello|hey|hallo|hola|bonjour|salut|ciao|ol\u00e1|good (?:morning|afternoon|evening)"
    r"|thanks|thank you)(?: [^\W\d_]+){0,2}[,!.:\u2013\u2014-]+ ",
    r"(?:(?:oh )?well|actually|btw|by the way|oh|okay|ok|yes|yeah|yep|no|nope|haha|lol|wow|aww?"
    r"|anyways?|hmm+|honestly|to be honest|tbh|fyi|for the record|sure|right|great|cool|nice|sorry"
    r"|so|and|but|also|um+|uh|you know|i mean|as i said)"
    rf"(?: ?[,!.:;\u2026\u2013\u2014-]+ | {_ME})",
    rf"(?:(?:and|also|please) )*(?:remember|note|don't forget|keep in mind)(?: that|:)? {_ME}",
)
_PLEADING = (
    r"(?:can|could|would|will) you\b|please\b|pls\b|let me know\b|tell me\b|bitte\b|kannst du\b"
    r"|por favor\b|per favore\b|s'il (?:te|vous) pla\u00eet\b"
)
_ASKING = (
    r"(?:do|does|did|can|could|would|will|should|is|are|was|were|have|may|shall|am)(?:n't)?"
    r" (?:you|i|we|they|there|that|it|this|any(?:one|body)?)\b"
    r"|(?:what|where|when|why|how)(?:'?s|'re| is| are| do| does| did| can| could| should| would"
    r"| about| to| much| many| long| was| were)\b"
    r"|any (?:ideas?|tips?|suggestions?|recommendations?|advice|thoughts)\b"
)
_AND_SO = r"(?: ?[,;:\u2013\u2014] | - )(?:(?:and|but|so|then) )*"
_REQUEST_BEHIND = _pattern(rf"(?:{_AND_SO}| so )(?={_PLEADING})")
_QUESTION_BEHIND = _pattern(rf"{_AND_SO}(?={_ASKING})")
_QUESTION_MARK = re.compile(r"[?\uff1f][^\w\s]*$")
_NOT_A_FACT = _pattern(
    _PLEADING,
    _ASKING,
    r"(?:do|does|did|can|is|are|should|will|was) (?:my|our|the|your)\b|who(?:'s| is| are)\b",
    r"(?:add|ask|book|calculate|call|check|compare|convert|create|delete|describe|don't|draft"
    r"|explain|find|fix|forget|generate|give|help|keep|let|list|look|make|plan|play|read|recommend"
    r"|remember|remind|rewrite|schedule|search|send|set|show|stop|suggest|summari[sz]e|take|teach"
    r"|tell|translate|try|update|use|write)(?: out| up| down)?"
    r" (?:me|my|our|us|it|a|an|the|this|that|to|up|for|about)\b",
    r"let's\b|what if\b|suppose\b|imagine\b|assuming\b|i wish (?:i|we|you)\b|thanks\b|thank you\b",
    r"i(?:'d like|'d love| want| need| would like) (?:you to|to know|help|an answer)\b",
    r"i(?: have|'ve got) (?:a|an|another|one more) (?:\w+ )?question\b|i(?: was)? wonder(?:ing)?\b",
    r"that(?:'s| would| \w+(?:s|ed))\b|my (?:pleasure|bad|apologies|god)\b",
    r"i(?:'m| am) (?:\w+ ){0,2}(?:to hear|for you|proud of you)\b|i (?:hope|bet) (?:you|so|that)\b",
    r"i appreciate (?:it|that|you)|ich (?:danke|verstehe)\b|je (?:vous|te) remercie|wenn ich\b",
    r"si (?:j'|je|yo|fuera|tuviera)\b|se (?:io|eu|fossi|fosse)\b",
)
_SUPPOSING = _pattern(r"\bif (?:i|we|my \w+) (?:were|was|had|could|won|would|ever)\b")
_REACTION = _pattern(
    r"as i said\W*",
    r"i(?: (?:really|totally|just|do|completely))*"
    r"(?: (?:see|agree|understand|guess|know|get|hear|think|suppose|love|like|hate|feel|got"
    r"|don't (?:know|understand|think|get)|can(?:'t|not) (?:wait|believe|complain)|have to go"
    r"|got to go|should go)"
    r"|(?:'m| am)(?: so| very| really| all| just| not)? (?:fine|good|okay|ok|well|great|back|here"
    r"|sure|sorry|doing (?:well|good|great))"
    r"|(?:'ll| will) (?:be right back|let you know|think about|try|do))"
    r"(?:,? (?:it|that|this|you|so|too|right|what you mean|how you feel|the feeling|same|now|much"
    r"|about|with|thanks|your|idea|the|me|bye|exactly|well|a|lot|not))*\W*",
)
_FIRST_PERSON = _pattern(
    r"\b(?:i|my|myself|we|our|ours)\b(?![./-]\w)",
    r"\b[a-z]{2,}(?:[^s\W]s|ed) me\b|\b(?:told|gave|taught|made|got) me\b|\bof mine\b",
    r"\b(?:ich|wir|unser(?:e[mnrs]?)?|meine?[mnrs]?|je|j'|nous|notre|minhas?|mi (?:chiamo|piace)"
    r"|(?:il|la|i|le) mi(?:o|a|ei|e)|me (?:gustan?|encantan?|llamo))\b",
    r"^(?:no |non |n\u00e3o )?(?:mon|ma|mes|mis?|soy|vivo|tengo|trabajo|estoy|estudio|prefiero"
    r"|odio|nuestr[oa]s?|me (?:mud|cas|chamo|duele)\w*|yo (?:soy|voy|\w{4,}o|\w{3,}\u00e9)"
    r"|(?-i:[Ee]u)|meus?|sou|moro|tenho|trabalho|gosto|prefiro|estou|noss[oa]s?|sono|abito"
    r"|ho (?!ho)|lavoro|preferisco|mia (?:madre|moglie|sorella|figlia|nonna)|mio|io|noi)\b",
    r"^(?:\u6211|\u79c1|\u50d5|\u4ffa)",
)
_NAME = r"[A-Z\u00c0-\u00de][\w'\u2019-]+"
_NAMED_PERSON = re.compile(
    r"(?!(?:The|This|That|These|Those|There|It|He|She|They|You|Your|What|Who|Some\w*|Any\w*|Every\w*"
    r"|No|Nobody|All|Most|Many|People|If|When|While|Thanks|Maybe|\w+day|January|February|March"
    r"|April|May|June|July|August|September|October|November|December)\b)"
    rf"{_NAME}(?: (?:(?:and|de|van|von) )?{_NAME}){{0,3}}"
    r" (?:(?:also|still|now|really|never|always|just|recently) )*(?:do(?:es)?n['\u2019]t )?"
    r"(?:works?|lives?|loves?|likes?|hates?|prefers?|enjoys?|stud(?:y|ies|ied)|plays?|speaks?"
    r"|teach(?:es)?|taught|wants?|plans?|owns?|moved|married|adopted|graduated|started|quit|got"
    r"|bought|turn(?:s|ed)|worked|lived|met|was born|ha(?:s|d) (?:an?|two|three|\d+)|has been"
    r"|(?:is|was|are|were) (?:an?|the|allergic|from|vegan|vegetarian|married|engaged|pregnant|\d+"
    r"|\w+ing))\b"
)
CJK = r"\u3040-\u30ff\u3400-\u9fff"
_ENOUGH_WORDS = re.compile(rf"(?:\W*+(?:[{CJK}]|[^\W{CJK}]++)){{{MIN_WORDS}}}")


def statements(content: str) -> Iterator[str]:
    """Yield what a text says in the first person or about a named person, word for word."""
    for sentence in sentences(content):
        if len(sentence) < MIN_WORDS:
            continue
        statement = opened(" ".join(sentence.split()))
        statement = _REQUEST_BEHIND.split(statement, maxsplit=1)[0]
        if _QUESTION_MARK.search(statement[-16:]):
            statement, *question = _QUESTION_BEHIND.split(statement, maxsplit=1)
            if not question:
                continue
        if _is_fact(statement):
            yield statement


def opened(sentence: str) -> str:
    """Return the sentence without what only opens it ("Well,", "Remember that")."""
    start = 0
    while filler := _FILLER.match(sentence, start):
        start = filler.end()
    text = sentence[start:]
    return text[:1].upper() + text[1:] if start else sentence


def _is_fact(text: str) -> bool:
    return (
        (_FIRST_PERSON.search(text) or _NAMED_PERSON.match(text)) is not None
        and not _NOT_A_FACT.match(text)
        and not _SUPPOSING.search(text)
        and _ENOUGH_WORDS.match(text) is not None
        and not _REACTION.fullmatch(text)
    )
