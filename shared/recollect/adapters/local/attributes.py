"""What people have one of at a time: where they live, what they are called, their favourites."""

import re
from dataclasses import dataclass

from recollect.adapters.local.statements import opened

_NAME = r"(?-i:[A-Z\u00c0-\u00de][\w'\u2019-]*)"
_PROPER = rf"{_NAME}(?: (?:(?:de|da|do|del|di|la|of|am|sur|von|van) )?{_NAME}){{0,3}}"
_PLACE = rf"{_PROPER}(?:, {_PROPER})?"
_PLAIN = r"[\w'\u2019-]+(?: [\w'\u2019-]+){0,2}"
_NO_ARTICLE = r"(?!une?\b|un[oa']?\b|uma?\b)"
"""With an article it is a simile: "lavoro come un matto", "je travaille comme un fou"."""
_MEASURE = r"shoe size|height|weight|birthday|post ?code|zip code"
_DIGITS = r"[\w+/., ()-]*\d[\w+/., ()-]*"
_MAIL = r"[^\s,;]+@[^\s,;]+\w"

_NOW = r"(?:now|currently|nowadays|these days|actually)"
_I = rf"(?:I|the user)(?: {_NOW})?"
_I_HAVE = r"(?:I|I've|I have|the user|the user has)(?: just| recently)?"
_LATELY = r"(?:yesterday|recently|last (?:week|month|year))"
_AM = rf"(?:I am|I'm|the user is)(?: {_NOW})?"
_MY = r"(?:my|the user's)(?: new)?"
_JETZT = r"(?: (?:jetzt|nun|inzwischen|mittlerweile))?"
_MAINTENANT = r"(?: (?:maintenant|d\u00e9sormais|actuellement))?"
_AHORA = r"(?: (?:ahora|actualmente))?"
_ADESSO = r"(?: (?:adesso|ora))?"
_AGORA = r"(?: (?:agora|atualmente))?"
_MEU = r"(?:o meu|a minha|meu|minha)"

_FORMS = {
    "home": (
        rf"{_I} lives? in (?P<value>{_PLACE})",
        rf"ich wohne{_JETZT} in (?!Unter|Miete)(?P<value>{_PLACE})",
        rf"(?:j'habite|je vis){_MAINTENANT} \u00e0 (?P<value>{_PLACE})",
        rf"(?:yo )?(?:ahora )?vivo{_AHORA} en (?P<value>{_PLACE})",
        rf"(?:ora |adesso )?(?:vivo|abito){_ADESSO} a (?P<value>{_PLACE})",
        rf"(?:eu )?(?:agora )?(?:moro|vivo){_AGORA} em (?P<value>{_PLACE})",
        # "Moved to" alone says as often what software somebody uses now.
        rf"{_I_HAVE} moved from (?P<before>{_PLACE}) to (?P<value>{_PLACE})(?: {_LATELY})?",
        rf"ich bin{_JETZT} von (?P<before>{_PLACE}) nach (?P<value>{_PLACE}) (?:um)?gezogen",
        rf"j'ai d\u00e9m\u00e9nag\u00e9 de (?P<before>{_PLACE}) \u00e0 (?P<value>{_PLACE})",
        rf"me (?:he mudado|mud\u00e9) de (?P<before>{_PLACE}) a (?P<value>{_PLACE})",
        rf"mi sono trasferit[oa] da (?P<before>{_PLACE}) a (?P<value>{_PLACE})",
        rf"(?:eu )?me mudei de (?P<before>{_PLACE}) para (?P<value>{_PLACE})",
    ),
    "employer": (
        rf"{_I} works? (?P<what>at|for) (?P<value>{_PROPER})",
        rf"ich arbeite{_JETZT} bei (?!Nacht|Tag)(?P<value>{_PROPER})",
        rf"je travaille{_MAINTENANT} (?P<what>chez|pour) (?P<value>{_PROPER})",
        rf"(?:yo )?(?:ahora )?trabajo{_AHORA} para (?P<value>{_PROPER})",
        rf"(?:ora |adesso )?lavoro{_ADESSO} (?P<what>per|presso) (?P<value>{_PROPER})",
        rf"(?:eu )?(?:agora )?trabalho{_AGORA} para (?P<value>{_PROPER})",
    ),
    "occupation": (
        rf"{_I} works? as an? (?P<value>{_PLAIN})",
        rf"ich arbeite{_JETZT} als (?P<value>{_PLAIN})",
        rf"je travaille{_MAINTENANT} comme {_NO_ARTICLE}(?P<value>{_PLAIN})",
        rf"(?:yo )?(?:ahora )?trabajo{_AHORA} como {_NO_ARTICLE}(?P<value>{_PLAIN})",
        rf"(?:ora |adesso )?lavoro{_ADESSO} come {_NO_ARTICLE}(?P<value>{_PLAIN})",
        rf"(?:eu )?(?:agora )?trabalho{_AGORA} como {_NO_ARTICLE}(?P<value>{_PLAIN})",
    ),
    "name": (
        rf"{_MY} name is (?P<value>{_PROPER})",
        rf"(?:ich hei\u00dfe{_JETZT}|mein name ist) (?P<value>{_PROPER})",
        rf"je m'appelle{_MAINTENANT} (?P<value>{_PROPER})",
        rf"(?:me llamo|mi nombre es) (?P<value>{_PROPER})",
        rf"(?:mi chiamo|il mio nome \u00e8) (?P<value>{_PROPER})",
        rf"(?:(?:eu )?me chamo|chamo-me|(?:o )?meu nome \u00e9) (?P<value>{_PROPER})",
    ),
    "age": (
        rf"{_AM} (?P<value>\d{{1,3}})(?: years old)?",
        rf"ich bin{_JETZT} (?P<value>\d{{1,3}})(?: jahre alt)?",
        rf"j'ai{_MAINTENANT} (?P<value>\d{{1,3}}) ans",
        rf"(?:yo )?(?:ahora )?tengo{_AHORA} (?P<value>\d{{1,3}}) a\u00f1os",
        rf"(?:ora |adesso )?ho{_ADESSO} (?P<value>\d{{1,3}}) anni",
        rf"(?:eu )?(?:agora )?tenho{_AGORA} (?P<value>\d{{1,3}}) anos",
    ),
    "status": (
        rf"{_AM} (?P<value>single|divorced|widowed|(?:married|engaged)(?: to {_PROPER})?)",
        rf"ich bin{_JETZT} (?P<value>ledig|geschieden|verwitwet|verheiratet|verlobt)",
    ),
    "e-mail address": (
        rf"{_MY} e-?mail(?: address)? is (?P<value>{_MAIL})",
        rf"meine(?: neue)? e-?mail-?(?:adresse)? (?:ist|lautet) (?P<value>{_MAIL})",
    ),
    "phone number": (
        rf"{_MY} (?:phone|telephone|mobile|cell)(?: phone)?(?: number)? is (?P<value>{_DIGITS})",
        rf"meine(?: neue)? (?:telefon|handy)nummer (?:ist|lautet) (?P<value>{_DIGITS})",
    ),
    "number": (rf"{_MY} (?P<what>{_MEASURE}) is (?P<value>{_DIGITS})",),
    "favourite": (
        rf"{_MY} favou?rite (?P<what>\w+(?: \w+)?) is(?: now)? (?P<value>{_PLAIN})",
        rf"meine? lieblings(?P<what>\w+) ist{_JETZT} (?P<value>{_PLAIN})",
        rf"m(?:on|a) (?P<what>\w+) pr\u00e9f\u00e9r\u00e9e? est{_MAINTENANT} (?P<value>{_PLAIN})",
        rf"mi (?P<what>\w+) (?:favorit|preferid)[oa] es{_AHORA} (?P<value>{_PLAIN})",
        rf"(?:il mio|la mia) (?P<what>\w+) preferit[oa] \u00e8{_ADESSO} (?P<value>{_PLAIN})",
        rf"{_MEU} (?P<what>\w+) (?:favorit|preferid)[oa] \u00e9{_AGORA} (?P<value>{_PLAIN})",
    ),
}
_REGION = re.compile(
    r"Argentina|Argentinien|Australia|Australien|Austria|\u00d6sterreich|Bavaria|Bayern|Belgium"
    r"|Belgien|B\u00e9lgica|Brazil|Brasil|Brasilien|Bulgaria|California|Canada|Kanada"
    r"|Canad\u00e1|Catalonia|Catalu\u00f1a|Chile|China|Colombia|Croatia|Cuba|Czechia|Denmark"
    r"|D\u00e4nemark|Egypt|England|Europe|Europa|Finland|Florida|France|Frankreich|Francia"
    r"|Fran\u00e7a|Germany|Deutschland|Alemania|Alemanha|Greece|Hungary|Iceland|India|Indien"
    r"|Indonesia|Ireland|Irland|Irlanda|Israel|Italy|Italien|Italia|It\u00e1lia|Japan|Jap\u00f3n"
    r"|Jap\u00e3o|Kenya|Korea|Latvia|Lithuania|Malaysia|Morocco|Nigeria|Norway|Norwegen|Oregon"
    r"|Pakistan|Peru|Per\u00fa|Poland|Polen|Portugal|Romania|Russia|Scotland|Serbia|Slovakia"
    r"|Slovenia|Spain|Spanien|Espa\u00f1a|Espanha|Sweden|Schweden|Switzerland|Taiwan|Texas"
    r"|Thailand|Turkey|UK|US|USA|Ukraine|Uruguay|Vietnam|Wales|New Zealand|South Africa"
    r"|South Korea"
)
"""Who lives in Lisbon lives in Portugal, too: a region replaces no town, nor a town a region."""
_VAGUE = frozenset(
    {"part", "thing", "one", "bit", "scene", "moment", "kind", "way", "cosa", "coisa", "partie"}
)
"""Whose favourite depends on what is talked about."""
_WORDED = frozenset({"occupation", "favourite", "phone number", "number"})
"""Attributes whose values may have any words in them."""
_OPEN = re.compile(
    r"\b(?:and|or|but|nor|not?|never|still|also|with|at|on|in|for|by|to|when|if|while|that|how"
    r"|because|und|oder|aber|nicht|keine?|noch|auch|mit|bei|am|im|wenn|weil|et|ou|mais|pas|plus"
    r"|aussi|avec|dans|chez|y|o|pero|con|sin|cuando|ni|nunca|tambi\u00e9n|e|ma|non|anche|per|oppure"
    r"|mas|n\u00e3o|com|quando|tamb\u00e9m)\b"
)
"""What makes a value more, or less, than one thing."""
_CLOSING = rf"(?: {_NOW}| jetzt| maintenant| ahora| adesso| agora)?[.!]*"
_PATTERNS = [
    (name, re.compile(f"(?:{form}){_CLOSING}", re.IGNORECASE))
    for name, forms in _FORMS.items()
    for form in forms
]
MAX_CHARACTERS = 200
"""A longer statement says more than one thing."""


@dataclass(frozen=True)
class Attribute:
    """One value of somebody; `before` is the one that it came after, if that was said."""

    name: str
    value: str
    before: str | None = None

    def replaces(self, other: "Attribute") -> bool:
        """Tell whether it is the same attribute with a value that leaves nothing of the other's."""
        if other.before or self.value == other.value:
            return False
        if self.before:
            return self.before == other.value and other.name.startswith("home")
        says_less = set(self.value.split()) < set(other.value.split())
        return self.name == other.name and not says_less


def attribute(text: str, speaker: str) -> Attribute | None:
    """Return the only thing that a text says about its speaker; None if it may say another."""
    said = _in_first_person(text.replace("\u2019", "'"), speaker)
    # Names are told by their capitals.
    if len(said) > MAX_CHARACTERS or said.isupper():
        return None
    for name, pattern in _PATTERNS:
        if found := pattern.fullmatch(said):
            return _read(name, found.groupdict())
    return None


def own_words(text: str, speaker: str) -> str:
    """Return what was said, without the name of a speaker before it."""
    return text.removeprefix(f"{speaker}: ")


def _in_first_person(text: str, speaker: str) -> str:
    said = opened(own_words(text.strip(), speaker))
    for end in (" ", "'s "):
        if said.startswith(speaker + end):
            return "the user" + said.removeprefix(speaker)
    return said


def _read(name: str, said: dict[str, str | None]) -> Attribute | None:
    value, what, before = (_folded(said.get(part)) for part in ("value", "what", "before"))
    if what in _VAGUE or (name in _WORDED and _OPEN.search(value)):
        return None
    if name == "home" and _REGION.fullmatch(said["value"] or ""):
        name = "home region"
    return Attribute(f"{name} {what}".strip(), value, before or None)


def _folded(words: str | None) -> str:
    return (words or "").casefold().replace("colour", "color")
