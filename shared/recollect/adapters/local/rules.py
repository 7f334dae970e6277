"""A rule-based stand-in for a language model: finds plain statements, notices repetitions.

Every rule errs towards keeping: an unneeded memory can be deleted, a lost fact cannot be found.
The patterns backtrack over a few characters at most, so the time is linear in the text.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from recollect.domain.jobs import Decision, Fact
from recollect.domain.memory import MAX_TEXT_BYTES, Json, Message
from recollect.ports.models import Choice, Extraction

EXTRACTOR_NAME = "rules-1"
SILENT_ROLES = frozenset({"assistant", "system", "developer", "tool", "function"})
"""Who speaks in these roles is no person with a life to remember."""
MIN_WORDS = 3
"""Shorter sentences are reactions; a contraction counts as two words ("I'm vegan" has three)."""
MIN_WRAPPED_LENGTH = 50
"""Characters from which a line may be a wrapped one that goes on in the next line."""
RESTATEMENT_OVERLAP = 0.8
"""Jaccard similarity of the word sets from which one text may restate another."""


@dataclass(frozen=True)
class RuleBasedExtractor:
    """Takes statements in the first person or about a named person, word for word.

    Questions, requests, greetings, reactions and suppositions are left out. Statements in German,
    French, Spanish, Italian, Portuguese, Chinese and Japanese are found by first-person words
    only. A fact over `MAX_TEXT_BYTES` is cut between words; the note `cut` counts those. Dates
    stay as they were said ("yesterday").
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
            for statement in _statements(message.content):
                text = _cut(statement)
                said = (speaker, text.casefold().rstrip(" .!"))
                if said in facts:
                    continue
                facts[said] = Fact(
                    text=text, role=message.role, actor=message.name, attributed_to=speaker
                )
                cut += text != statement
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


_CODE = re.compile(r"```.*?```", re.DOTALL)
_LIST_MARK = re.compile(r"^(?:[-*+\u2022\u2013>#]+|\d{1,3}[.)])\s+(?:\[[ xX]\]\s+)?")
_EMOJI = "\u2600-\u27bf\U0001f1e6-\U0001faff"
_END = re.compile(
    rf"(?P<wide>[\u3002\uff01\uff1f\uff61]+[\u300d\u300f\u201d\uff09]*)"
    rf"|(?P<mark>[.!?\u2026]+)[\"'\u201d\u2019)\]*_]*|(?P<emoji>[{_EMOJI}\ufe0f\u200d]+)"
)
_OPENING = re.compile(
    r"\s+[\"'(\u201c]?(?:I|i|My|We|Our|It|He|She|They|You|The|This|That|But|And|So|Also|What|How"
    r"|Do|Can|Could|Please|Ich|Mein|Wir|Je|J['\u2019]|Yo|Mi|Io|Eu|Meu)\b"
)
_TITLE = re.compile(r"dr|mrs?|ms|prof|st|mt|vs|approx|bzw|ca|sra?|e\.g|i\.e|z\.b|d\.h")
"""What a name, number or example follows."""
_SHORT_FORM = re.compile(
    r"\w?|\w+\.\S*|etc|inc|ltd|co|corp|jr|dept|ave|mins?|hrs?"
    r"|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec"
)
"""What ends a sentence only where a new one visibly begins."""


def _sentences(content: str) -> Iterator[str]:
    for line in _lines(content):
        start = 0
        for end in _END.finditer(line):
            if _is_end(line, end):
                yield line[start : end.end()]
                start = end.end()
        yield line[start:]


def _lines(content: str) -> Iterator[str]:
    """Yield the lines of prose: without fenced code, list marks and wrapping."""
    wrapped: list[str] = []
    for raw in _CODE.sub("\n", content).splitlines():
        line = raw.strip()
        if not (wrapped and len(wrapped[-1]) >= MIN_WRAPPED_LENGTH and line[:1].islower()):
            yield " ".join(wrapped)
            wrapped = []
        wrapped.append(_LIST_MARK.sub("", line))
    yield " ".join(wrapped)


def _is_end(line: str, end: re.Match[str]) -> bool:
    if end["wide"]:
        return True
    if not line[end.end() : end.end() + 1].isspace():
        return False
    mark = end["mark"]
    if mark and ("!" in mark or "?" in mark):
        return True
    if mark == ".":
        before = line[max(0, end.start() - 12) : end.start()].rsplit(" ", 1)[-1]
        if _TITLE.fullmatch(before.casefold().lstrip("(")):
            return False
        if before in {"I", "i"} or not _SHORT_FORM.fullmatch(before.casefold()):
            return True
    return _OPENING.match(line, end.end()) is not None


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
_CJK = r"\u3040-\u30ff\u3400-\u9fff"
_ENOUGH_WORDS = re.compile(rf"(?:\W*+(?:[{_CJK}]|[^\W{_CJK}]++)){{{MIN_WORDS}}}")


def _statements(content: str) -> Iterator[str]:
    for sentence in _sentences(content):
        if len(sentence) < MIN_WORDS:
            continue
        statement = _opened(" ".join(sentence.split()))
        statement = _REQUEST_BEHIND.split(statement, maxsplit=1)[0]
        if _QUESTION_MARK.search(statement[-16:]):
            statement, *question = _QUESTION_BEHIND.split(statement, maxsplit=1)
            if not question:
                continue
        if _is_fact(statement):
            yield statement


def _opened(sentence: str) -> str:
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


def _cut(text: str) -> str:
    if len(text.encode(errors="replace")) <= MAX_TEXT_BYTES:
        return text
    head = text.encode(errors="replace")[:MAX_TEXT_BYTES].decode(errors="ignore")
    at_word, _, _ = head.rpartition(" ")
    return at_word or head


_WORD = re.compile(
    rf"[{_CJK}]|(?:(?<!\w)-)?\d+(?:[.,:/]\d+)*|[^\W\d_]+[+#]*"
    r"|[^\w\s.,;:!?\u2026'\"()\[\]{}<>*~`\u2018-\u201d\u2013\u2014\u3000-\u303f\uff00-\uff1f-]"
)
_SYMBOL = re.compile(rf"[{_EMOJI}\ufe0f\u200d]")
_SHORTENED = re.compile(
    r"\b(?P<not>ca|wo|do|does|did|is|are|was|were|has|have|had|would|could|should)n'?t\b"
    r"|\b(?P<can>can)not\b|'(?P<verb>m|re|s|ve|ll|d)\b",
    re.IGNORECASE,
)
_LONG = {
    "ca": "can",
    "wo": "will",
    "m": "am",
    "re": "are",
    "s": "is",
    "ve": "have",
    "ll": "will",
    "d": "would",
}
_LIGHT = re.compile(
    r"an?|the|am|is|are|that|really|very|so|also|just|too|now|still|actually|quite|already"
)
"""What a restatement may add or drop; tenses, prepositions and pronouns are not among it."""
_WEIGHTY = re.compile(
    r"not?|never|none|n?either|nor|without|except|rarely|hardly|barely|almost|maybe|might|used"
    r"|stopped|quit|longer|anymore|nicht|nie|keine?|pas|jamais|nunca|non|n\u00e3o|mai|one|two|three"
    r"|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundred|thousand|half|both|was|were|had|will|would|could|should|may"
    r"|wants?|wish|hope|plan|going"
)
"""What negates, counts, doubts or dates: with it and without it are two statements."""


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", text).replace("\u2019", "'")
    return _WORD.findall(_SHORTENED.sub(_spelled_out, plain))


def _spelled_out(short: re.Match[str]) -> str:
    part = short["verb"] or short["not"] or short["can"]
    word = _LONG.get(part.lower(), part)
    return f" {word}" if short["verb"] else f"{word} not"


def _choice(fact: Fact, candidates: Sequence[str]) -> Choice:
    new = _weighed(fact.text)
    for place, candidate in enumerate(candidates):
        if fact.text.strip() == candidate.strip() or _restates(new, _weighed(candidate)):
            return Choice(Decision.NONE, place, "restates what is known")
    return Choice(Decision.ADD)


def _weighed(text: str) -> list[str]:
    """Return the words that carry the meaning, without closing symbols such as emoji."""
    words = _words(_opened(text.strip()))
    while words and _SYMBOL.fullmatch(words[-1]):
        words.pop()
    return [word for word in words if not _LIGHT.fullmatch(word.casefold())]


def _restates(new: Sequence[str], known: Sequence[str]) -> bool:
    """Tell whether `known` says all of `new`, in order, and little that matters besides.

    The similarity alone would take "my dog" for "my cat" in a long sentence.
    """
    said = [word.casefold() for word in new]
    left = iter(said)
    expected = next(left, None)
    omitted = []
    for word in known:
        if word.casefold() == expected:
            expected = next(left, None)
        else:
            omitted.append(word)
    is_contained = bool(said) and expected is None
    union = {word.casefold() for word in known}
    is_similar = len(set(said)) >= RESTATEMENT_OVERLAP * len(union)
    return is_contained and is_similar and not any(_matters(word) for word in omitted)


def _matters(word: str) -> bool:
    """Tell whether a statement with this word differs from the same one without it."""
    is_plain_word = word.isalpha() and word.islower()
    return not is_plain_word or _WEIGHTY.fullmatch(word) is not None
