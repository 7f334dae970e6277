"""Words for times in English, German, French, Spanish, Portuguese and Italian.

They are written as `plain` leaves them: in small letters, without most accents.
"""

import re
from collections.abc import Iterable, Mapping
from string import ascii_lowercase, ascii_uppercase
from typing import Final

from recollect.domain.dates.periods import Recurring

_ACCENTS: Final = str.maketrans(
    "àáâãäåèéêëìíîïñòóôõöùúûüýÀÁÂÃÄÅÈÉÊËÌÍÎÏÑÒÓÔÕÖÙÚÛÜÝº’‘´`–—",  # noqa: RUF001 - as written
    "aaaaaaeeeeiiiinooooouuuuyAAAAAAEEEEIIIINOOOOOUUUUYo''''--",
    "\u0300\u0301\u0302\u0303\u0308",
)
"""Not that of \u00e7, which tells the Portuguese month `mar\u00e7o` from the name Marco."""

_SMALL: Final = str.maketrans(ascii_uppercase + "\u00c7", ascii_lowercase + "\u00e7")
"""`str.lower` makes some letters two."""


def plain(text: str) -> str:
    """Return a text without accents, with single spaces and one kind of apostrophe and dash."""
    return " ".join(text.translate(_ACCENTS).split())


def small(text: str) -> str:
    """Return a plain text in small letters, every one in its place."""
    return text.translate(_SMALL)


def any_of(words: Iterable[str]) -> str:
    """Return a regular expression that takes the longest of the words."""
    return "(?:" + "|".join(map(re.escape, sorted(words, key=len, reverse=True))) + ")"


def _rows(table: str, start: int = 0) -> Mapping[str, int]:
    """Return each word (one with spaces is written with underscores) with the row it is in."""
    return {
        word.replace("_", " "): number
        for number, row in enumerate(table.strip().splitlines(), start)
        for word in row.split()
    }


MONTHS: Final = _rows(
    """
    january jan januar janner janvier enero janeiro gennaio
    february feb februar fevrier febrero fevereiro febbraio
    march mar marz mars marzo março
    april apr avril abril aprile
    may mai mayo maio maggio
    june jun juni juin junio junho giugno
    july jul juli juillet julio julho luglio
    august aug aout agosto
    september sep sept septembre septiembre setiembre setembro settembre
    october oct okt oktober octobre octubre outubro ottobre
    november nov novembre noviembre novembro
    december dec dezember dez decembre diciembre dezembro dicembre
    """,
    start=1,
)
WEAK_MONTHS: Final = frozenset(
    _rows("""
        jan feb mar march mars apr april avril may mai mayo jun june jul juli julio aug august sep
        sept oct okt nov dec dez
    """)
)
"""What is also a name or another word, and so a month only where the words around it say so."""
WEEKDAYS: Final = _rows("""
    monday montag lundi lunes segunda-feira lunedi
    tuesday dienstag mardi martes terça-feira martedi
    wednesday mittwoch mercredi miercoles quarta-feira mercoledi
    thursday donnerstag jeudi jueves quinta-feira giovedi
    friday freitag vendredi viernes sexta-feira venerdi
    saturday samstag sonnabend samedi sabado sabato
    sunday sonntag dimanche domingo domenica
""")
UNITS: Final = _rows("""
    day days tag tage tagen jour jours dia dias giorno giorni
    week weeks woche wochen semaine semaines semana semanas settimana settimane
    weekend weekends week-end wochenende wochenenden fin_de_semana fim_de_semana fine_settimana
    month months monat monate monaten mois mes meses mese mesi
    quarter quarters quartal quartale quartalen trimestre trimestres
    year years jahr jahre jahren an ans annee annees ano anos anno anni
    decade decades jahrzehnt jahrzehnten decennie decennies decada decadas decennio decenni
""")
"""The rows are those of `periods.Unit`."""
NUMBERS: Final = _rows(
    """
    a an one ein eine einem einer un une uno una um uma
    two couple_of a_couple_of a_couple zwei deux dos dois duas due
    three few a_few drei trois tres tre
    four several vier quatre cuatro quatro quattro
    five funf cinq cinco cinque
    six sechs seis sei
    seven sieben sept siete sete sette
    eight acht huit ocho oito otto
    nine neun neuf nueve nove
    ten zehn dix diez dez dieci
    eleven elf onze once undici
    twelve zwolf douze doce doze dodici
    """,
    start=1,
)
DAY_WORDS: Final = _rows(
    """
    day_before_yesterday vorgestern avant-hier anteayer antier anteontem altro_ieri altroieri
    yesterday last_night gestern hier ayer anoche ontem ieri
    today tonight this_morning this_afternoon this_evening heute aujourd'hui hoy hoje oggi
    tomorrow demain manana amanha domani
    day_after_tomorrow ubermorgen apres-demain pasado_manana depois_de_amanha dopodomani
    """,
    start=-2,
)
"""By how many days they are from today."""
SHIFTS: Final = _rows(
    """
    last previous letzte letzten letzter letztem letztes vorige vorigen vorigem voriges \
    vergangene vergangenen vergangenem vergangenes dernier derniere scorso scorsa pasado pasada \
    passado passada
    this current diese diesen dieser diesem dieses ce cet cette este esta neste nesta deste desta \
    esse essa nesse nessa questo questa
    next coming upcoming nachste nachsten nachster nachstem nachstes kommende kommenden kommendem \
    kommendes prochain prochaine proximo proxima prossimo prossima
    """,
    start=-1,
)
"""Before what they shift."""
SHIFTS_BEHIND: Final = _rows(
    """
    dernier derniere passe passee pasado pasada passado passada scorso scorsa

    prochain prochaine proximo proxima prossimo prossima que_viene que_vem
    """,
    start=-1,
)
"""Behind what they shift, in the Romance languages."""
SEASONS: Final = {
    word: (
        Recurring((3, 1), (5, 31)),
        Recurring((6, 1), (8, 31)),
        Recurring((9, 1), (11, 30)),
        Recurring((12, 1), (2, 29)),
    )[row]
    for word, row in _rows("""
        spring fruhling fruhjahr printemps primavera
        summer sommer ete verano verao estate
        autumn fall herbst automne otono outono autunno
        winter hiver invierno inverno
    """).items()
}
"""The meteorological seasons of the northern half of the world, in whole months."""
FEASTS: Final = {
    word: (
        Recurring((12, 24), (12, 26)),
        Recurring((12, 24), (12, 24)),
        Recurring((12, 25), (12, 25)),
        Recurring((12, 31), (12, 31)),
        Recurring((1, 1), (1, 1)),
        Recurring((2, 14), (2, 14)),
        Recurring((10, 31), (10, 31)),
        Recurring((11, 22), (11, 28)),
        Recurring((7, 4), (7, 4)),
    )[row]
    for word, row in _rows("""
        christmas xmas weihnachten a_noel de_noel navidad no_natal de_natal natale
        christmas_eve heiligabend nochebuena
        christmas_day boxing_day
        new_year's_eve new_years_eve silvester nochevieja
        new_year's_day new_years_day neujahr capodanno
        valentine's_day valentines_day valentinstag
        halloween
        thanksgiving
        independence_day
    """).items()
}
"""Thanksgiving is the week that its Thursday is in; feasts of the moon are left out."""
PARTS: Final = _rows("""
    early beginning start anfang debut principios comienzos inicio inizio
    mid middle mitte mi mediados meados meta
    late end ende fin finales final fine
""")
"""Thirds of what they are said of."""
ORDINALS: Final = _rows("""
    first 1st erste ersten
    second 2nd zweite zweiten
    third 3rd dritte dritten
    fourth 4th vierte vierten
    last final letzte letzten
""")
_PIECE: Final = re.compile(r"[a-z\u00e7]{3,}")
_COMMON: Final = frozenset(
    _rows("after altro apres avant before couple depois fin fine last new this")
)
TIME_WORDS: Final = (
    frozenset(
        piece
        for table in (MONTHS, WEEKDAYS, UNITS, DAY_WORDS, SEASONS, FEASTS)
        for word in table
        for piece in _PIECE.findall(word)
    )
    - _COMMON
)
"""One of these, or a digit, is in every text that tells a time; letters only."""
