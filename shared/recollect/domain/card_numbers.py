"""Payment card numbers in texts, as far as they can be told from other numbers."""

import re
from collections.abc import Iterator

_GAP = r"[ \u00a0\u202f\u2010-\u2013-]"
"""What stands between the digits of a card number."""
_FOURS = rf"\d{{4}}(?:{_GAP}\d{{4}}){{3}}"
_END = r"(?![A-Za-z\d])"
_PLACE = re.compile(
    r"(?<![A-Za-z\d+])(?<!\d[.,])(?=[2-9])"
    rf"(?=((?<!\d{_GAP})\d(?:{_GAP}?\d){{12,18}})(?!{_GAP}?[A-Za-z\d])|)"
    rf"(?=(\d{{13,19}}){_END}|)"
    rf"(?=({_FOURS}{_GAP}\d{{3}}){_END}|)"
    rf"(?=({_FOURS}){_END}|)"
    rf"(?=(\d{{4}}{_GAP}\d{{6}}{_GAP}\d{{4,5}}){_END}|)"
)
"""A place where a card number may begin, and what it would be there: 13 to 19 digits that stand
alone, in whatever groups; or, also beside other numbers, in one group or in those of a card."""
_NETWORK = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|(?:5[1-5]|2[2-7])\d{14}"  # Mastercard, Mir
    r"|3[47]\d{13}"  # American Express
    r"|3[0689]\d{12}|35\d{14,17}"  # Diners Club, JCB
    r"|(?:5[0678]|6\d)\d{11,17}"  # Maestro, Discover, UnionPay, RuPay
    r"|8[12]\d{14}|9792\d{12}"  # RuPay, Troy
)
"""First digits and lengths: https://en.wikipedia.org/wiki/Payment_card_number"""
_DOUBLED = str.maketrans("0123456789", "0246813579")

_IBAN = re.compile(r"(?<![A-Za-z\d])[A-Z]{2}\d{2}(?: ?[A-Z\d]{4}){2,7}(?: ?[A-Z\d]{1,3})?")
_IBAN_LENGTH = 42
"""Characters of the longest one in groups of four."""


def card_numbers(text: str) -> Iterator[tuple[int, int]]:
    """Yield where card numbers begin and end, in order and without overlaps.

    They have the first digits, the length and the check digit of a network's, and are no part of
    a longer group of digits or of a valid IBAN.
    """
    at = 0
    for place in _PLACE.finditer(text):
        start = place.start()
        number = next((each for each in place.groups() if each and _is_card(each)), None)
        if number and start >= at and not _is_in_iban(text, start):
            at = start + len(number)
            yield start, at


def _is_card(number: str) -> bool:
    digits = re.sub(r"\D", "", number)
    if not digits.isascii():
        digits = "".join(str(int(each)) for each in digits)
    if not _NETWORK.fullmatch(digits):
        return False
    # The Luhn algorithm of ISO/IEC 7812-1, annex B.
    total = sum(map(int, digits[-1::-2])) + sum(map(int, digits[-2::-2].translate(_DOUBLED)))
    return total % 10 == 0


def _is_in_iban(text: str, at: int) -> bool:
    near = _IBAN.finditer(text, max(0, at - _IBAN_LENGTH), at + _IBAN_LENGTH)
    return any(iban.start() < at < iban.end() and _is_iban(iban[0]) for iban in near)


def _is_iban(text: str) -> bool:
    # The check digits of ISO 13616, as ISO 7064 computes them.
    account = text.replace(" ", "")
    return int("".join(str(int(each, 36)) for each in account[4:] + account[:4])) % 97 == 1
