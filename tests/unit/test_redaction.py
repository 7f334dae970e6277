"""What is taken out of texts, what stays, and that no text or pattern takes long."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recollect.domain.errors import InvalidRequestError
from recollect.domain.memory import MAX_METADATA_BYTES, Attachment, Message
from recollect.domain.projects import ProjectSettings
from recollect.domain.redaction import (
    CARD_NUMBER,
    REDACTED,
    SECRET,
    WINDOW_BYTES,
    Redaction,
    redacted_messages,
)
from recollect.domain.requests import AddRequest
from recollect.testing.builders import a_scope

MEGABYTE = 1_000_000
PATIENCE_SECONDS = 25
"""Measured: 0.1 to 3 s. What is quadratic takes minutes at the very least."""
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0T"
PEM = "-----BEGIN {0}PRIVATE KEY{1}-----\nMIIE-vQ==\nab/+c=\n-----END {0}PRIVATE KEY{1}-----"
plain = Redaction()


def luhn_number(digits: str) -> str:
    """Return the digits with their check digit."""
    for last in "0123456789":
        number = digits + last
        doubled = [int(each) * 2 for each in number[-2::-2]]
        if (sum(map(int, number[-1::-2])) + sum(map(int, "".join(map(str, doubled))))) % 10 == 0:
            return number
    raise AssertionError


@pytest.mark.parametrize(
    "number",
    [
        "4111111111111111",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111\u00a01111\u00a01111\u00a01111",
        "4111\u20131111\u20131111\u20131111",
        "41111111 11111111",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "4222222222222",
        "4000 0000 0000 0000 006",
        "5555 5555 5555 4444",
        "2223003122003222",
        "2200000000000004",
        "3782 822463 10005",
        "371449635398431",
        "3056 930902 5904",
        "3566 0020 2036 0505",
        "6011 0009 9013 9424",
        "6200000000000005",
        "6759649826438453",
        "6304 0000 0000 0000 00",
        "4\uff11\uff11\uff11 1111 1111 1111",
    ],
)
@pytest.mark.parametrize("around", ["{}", "It is {}.", "卡号{}\uff0c", "({}), 12/27 123", "Nr:{};"])
def test_card_numbers_are_taken_out(number: str, around: str) -> None:
    assert plain.redact(around.format(number)) == around.format(CARD_NUMBER)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4111 1111 1111 1111 12/27 123", f"{CARD_NUMBER} 12/27 123"),
        ("4111 1111 1111 1111 2027", f"{CARD_NUMBER} 2027"),
        ("12 4111111111111111 34", f"12 {CARD_NUMBER} 34"),
        ("4111 1111 1111 1111 5555 5555 5555 4444", f"{CARD_NUMBER} {CARD_NUMBER}"),
        ("4111111111111111 5555555555554444", f"{CARD_NUMBER} {CARD_NUMBER}"),
        ("4111111111111111\n5555555555554444", f"{CARD_NUMBER}\n{CARD_NUMBER}"),
        ("password: 4111 1111 1111 1111", f"password: {CARD_NUMBER}"),
        ("NO12 4111 1111 1111 1111", f"NO12 {CARD_NUMBER}"),
    ],
)
def test_card_numbers_beside_other_numbers_are_taken_out(text: str, expected: str) -> None:
    assert plain.redact(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",  # a wrong check digit
        "41111111111111112222",  # part of a longer number
        "A4111111111111111",
        "4111111111111111B",
        "0.4111111111111111",
        "3.4111111111111111",
        "1111 1111 1111 1117",  # nobody's first digits
        "+49 170 1234 5678 901",
        "+4111111111111111",
        "0049 170 12345678",
        "(650) 253-0000",
        "call 1-800-555-0199 ext 12345",
        "order 302-1234567-1234564",
        "order no. 1029384756",
        "978-3-16-148410-0",
        "9783161484100",
        "ISBN 0-306-40615-2",
        "GB29 NWBK 6016 1331 9268 19",
        "GB29NWBK60161331926819",
        "DE89 3704 0044 0532 0130 00",
        "DE89370400440532013000",
        "FR14 2004 1010 0505 0001 3M02 606",
        "1700000000000",
        "1700000000000000000",
        "2026-11-21 09:37:23",
        "550e8400-e29b-41d4-a716-446655440000",
        "192.168.100.200",
    ],
)
def test_other_numbers_stay(text: str) -> None:
    assert plain.redact(text) == text


@pytest.mark.parametrize(
    "digits",
    ["978030640615", "979123456789", "302123456712345", "23456789012345"],
)
def test_a_right_check_digit_does_not_make_a_card_number(digits: str) -> None:
    assert plain.redact(luhn_number(digits)) == luhn_number(digits)


def test_of_two_numbers_in_each_other_the_first_is_taken_out() -> None:
    first = luhn_number("400040004000400")
    second = luhn_number(f"{first[4:]}400")
    digits = f"{first[:4]}{second}"
    text = " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))

    assert plain.redact(text) == f"{CARD_NUMBER} {second[-4:]}"


@pytest.mark.parametrize("bank", range(5001_0517, 5001_0567))
def test_an_iban_stays_whatever_is_in_its_middle(bank: int) -> None:
    account = f"{bank}{bank}{bank % 100:02}"
    check = 98 - int(f"{account}131400") % 97
    iban = f"DE{check:02}{account}"
    grouped = " ".join(iban[at : at + 4] for at in range(0, len(iban), 4))

    assert plain.redact(f"Pay to {grouped} please") == f"Pay to {grouped} please"
    assert plain.redact(iban) == iban


@given(st.from_regex(r"(?:4[0-9]{14}|5[1-5][0-9]{13}|3[47][0-9]{12})", fullmatch=True))
def test_any_card_number_is_taken_out_and_with_any_other_check_digit_it_stays(start: str) -> None:
    number = luhn_number(start)
    other = f"{start}{(int(number[-1]) + 1) % 10}"

    assert plain.redact(f"my card: {number}") == f"my card: {CARD_NUMBER}"
    assert plain.redact(f"my card: {other}") == f"my card: {other}"


@pytest.mark.parametrize(
    "secret",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "ASIAIOSFODNN7EXAMPLE",
        "sk-abcdefghijklmnopqrstuvwxyz012345",
        "sk-proj-Ab1_cdefghijklmnop-qrst",
        "sk-ant-api03-abcdefghijklmnop-qrst_uv",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz",
        "xoxb-123456789012-abcdefghijkl",
        "glpat-abc123def456ghi789jk",
        "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
        "hf_abcdefghijklmnopqrstuvwxyz",
        "AIzaSyA-1234567890abcdefghijklmnopqrstu",
        "m0-3q2xwJ8mHc5YfZ1b-7kLdTn_0aRvGeXs",
        JWT,
        PEM.format("", ""),
        PEM.format("RSA ", ""),
        PEM.format("OPENSSH ", ""),
        PEM.format("PGP ", " BLOCK"),
    ],
    ids=lambda secret: secret[:20],
)
@pytest.mark.parametrize(
    "around", ["{}", "Use {} for it.", "密钥是{}\uff0c", '{{"a": "{}"}}', "\n{}\n"]
)
def test_secrets_are_taken_out(secret: str, around: str) -> None:
    assert plain.redact(around.format(secret)) == around.format(SECRET)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("password: hunter2", f"password: {SECRET}"),
        ("Password = hunter2!", f"Password = {SECRET}"),
        ("PASSWORD:hunter2", f"PASSWORD:{SECRET}"),
        ("DB_PASSWORD=hunter2", f"DB_PASSWORD={SECRET}"),
        ("pass phrase: correct", f"pass phrase: {SECRET}"),
        ("passwd=x", f"passwd={SECRET}"),
        ("pwd: x, user: ada", f"pwd: {SECRET}, user: ada"),
        ('"password": "two words", "user": "ada"', f'"password": "{SECRET}", "user": "ada"'),
        ("{'password': 'two words'}", f"{{'password': '{SECRET}'}}"),
        ('password: "open', f'password: "{SECRET}'),
        ("`api_key` = `x`", f"`api_key` = `{SECRET}`"),
        ("apiKey => x", f"apiKey => {SECRET}"),
        ("API-Key: x", f"API-Key: {SECRET}"),
        ("https://a.example/?api_key=x&b=y", f"https://a.example/?api_key={SECRET}&b=y"),
        ("client secret := x", f"client secret := {SECRET}"),
        (
            "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            f"aws_secret_access_key = {SECRET}",
        ),
        ("access_token=x", f"access_token={SECRET}"),
        ("token: a1b2c3d4", f"token: {SECRET}"),
        ("Server=s;Password=x;Database=d", f"Server=s;Password={SECRET};Database=d"),
        ("Authorization: Bearer abcdef0123456789", f"Authorization: Bearer {SECRET}"),
        ("postgres://ada:hunter2@db/x", f"postgres://ada:{SECRET}@db/x"),
        ("redis://:hunter2@cache:6379", f"redis://:{SECRET}@cache:6379"),
        ("my password is hunter2, ok", f"my password is {SECRET}, ok"),
        ("Mein Passwort ist geheim1", f"Mein Passwort ist {SECRET}"),
        ("Passwort: geheim", f"Passwort: {SECRET}"),
        ("mot de passe : azerty", f"mot de passe : {SECRET}"),
        ("contraseña: secreta", f"contraseña: {SECRET}"),
        ("密码\uff1aabc", f"密码\uff1a{SECRET}"),
        ("пароль: abc", f"пароль: {SECRET}"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE", SECRET),
        (f"{PEM.format('', '')}\n{PEM.format('', '')}", f"{SECRET}\n{SECRET}"),
    ],
)
def test_of_an_assignment_the_secret_alone_is_taken_out(text: str, expected: str) -> None:
    assert plain.redact(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "The password is important to me",
        "I forgot my password again.",
        "A secret: never give up.",
        "The token: a sign of friendship",
        "password manager",
        "risk-management-strategy-2024-and-more",
        "sk-learn-contrib-lightning-bolt",
        "bearer responsibilities are many",
        "compass: north",
        "https://example.com/a:b@c",
        "ada@example.com",
        "https://example.com:8080/path",
        "The monkey: a1b2c3d4",
        "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",
        "AKIAS",
        "eyJ is how it begins",
        "",
    ],
)
def test_other_texts_stay(text: str) -> None:
    assert plain.redact(text) == text


PIECES = st.sampled_from(
    [
        *(
            "password",
            "api_key",
            "token",
            "secret",
            ":",
            "=",
            " ",
            '"',
            "'",
            "\n",
            " is ",
            "Bearer ",
        ),
        *(
            "4111 1111 1111 1111",
            "4111",
            "AKIAIOSFODNN7EXAMPLE",
            JWT,
            "sk-",
            "a1b2c3d4e5f6g7h8i9",
            "x",
        ),
        *(
            "-----BEGIN PRIVATE KEY-----",
            "-----",
            "://",
            "@",
            CARD_NUMBER,
            SECRET,
            REDACTED,
            "密码",
        ),
    ]
)


@given(st.lists(PIECES, max_size=12).map("".join))
def test_what_was_redacted_stays_as_it_is(text: str) -> None:
    redacted = plain.redact(text)

    assert plain.redact(redacted) == redacted


@pytest.mark.parametrize(
    ("patterns", "text", "expected"),
    [
        ((r"EMP-\d{6}",), "by EMP-123456.", f"by {REDACTED}."),
        (
            (r"EMP-\d{6}", r"(?i)project \w+"),
            "PROJECT Falcon, EMP-123456",
            f"{REDACTED}, {REDACTED}",
        ),
        (("é+",), "aéé愛é🙂", f"a{REDACTED}愛{REDACTED}🙂"),
        ((".",), "12345", REDACTED),
        ((r"\d",), "a12b3", f"a{REDACTED}b{REDACTED}"),
        (("(a)|(b)",), "xabx", f"x{REDACTED}x"),
        (("a", "b$"), "ab", REDACTED),
        ((r"(?s)<<.*?>>",), "x <<a\nb>> y >>", f"x {REDACTED} y >>"),
        (("nothing",), "something", "something"),
        (("x",), "", ""),
        ((r"\d{4}",), "4111 1111 1111 1111 and 1234", f"{CARD_NUMBER} and {REDACTED}"),
    ],
)
def test_what_a_project_names_is_taken_out(
    patterns: tuple[str, ...], text: str, expected: str
) -> None:
    assert Redaction(patterns).redact(text) == expected


@pytest.mark.parametrize("before", [0, 1, WINDOW_BYTES // 2 - 1, WINDOW_BYTES - 3, 10_000])
@pytest.mark.parametrize("length", [1, 100, WINDOW_BYTES // 2 - 2])
def test_a_match_is_found_wherever_it_is(before: int, length: int) -> None:
    redaction = Redaction(("<é*>",))
    text = "." * before + "<" + "é" * (length // 2) + ">" + "." * 10_000

    assert redaction.redact(text) == "." * before + REDACTED + "." * 10_000


def test_a_match_is_as_long_as_it_can_be_wherever_it_is() -> None:
    before = "." * (WINDOW_BYTES - 10)

    redacted = Redaction(("<[^>]*>?",)).redact(f"{before}<{'a' * 100}>.")

    assert redacted == f"{before}{REDACTED}."


def test_matches_beside_each_other_have_one_mark() -> None:
    assert Redaction((".",)).redact("x" * 3 * WINDOW_BYTES) == REDACTED


def test_an_end_is_no_end_in_the_middle_of_a_text() -> None:
    redaction = Redaction(("x$",))

    assert redaction.redact("x" * 10_000) == "x" * 9_999 + REDACTED


def test_half_of_a_surrogate_pair_is_refused_where_there_are_patterns() -> None:
    with pytest.raises(InvalidRequestError, match="surrogate"):
        Redaction(("x",)).redact("\ud800")


HOSTILE = {
    "digits": "4" * MEGABYTE,
    "spaced digits": "2 " * (MEGABYTE // 2),
    "groups": "4444 " * (MEGABYTE // 5),
    "cards": "4111111111111111 " * (MEGABYTE // 17),
    "ibans": "GB29 NWBK 6016 1331 9268 19 " * (MEGABYTE // 28),
    "capitals": "AB12" * (MEGABYTE // 4),
    "key heads": "-----BEGIN PRIVATE KEY-----" * (MEGABYTE // 27),
    "half heads": "-----BEGIN " * (MEGABYTE // 11),
    "dashes": "-" * MEGABYTE,
    "prefixes": "sk-" * (MEGABYTE // 3),
    "tokens": "eyJ" * (MEGABYTE // 3),
    "parts of tokens": "eyJaaaaa." * (MEGABYTE // 9),
    "names": "password" * (MEGABYTE // 8),
    "assignments": 'password="' * (MEGABYTE // 10),
    "spaces": "password" + " " * MEGABYTE,
    "an open quote": 'password:"' + "a" * MEGABYTE,
    "claims": "password is " * (MEGABYTE // 12),
    "bearers": "bearer " * (MEGABYTE // 7),
    "addresses": "://a:" * (MEGABYTE // 5),
    "letters": "a" * MEGABYTE,
}


@pytest.mark.slow
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_takes_long(text: str) -> None:
    start = time.process_time()

    plain.redact(text)

    assert time.process_time() - start < PATIENCE_SECONDS


HOSTILE_PATTERNS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "nested repeats": (("(a+)+x",), "a" * MEGABYTE),
    "alternatives": (("(a|aa)+x",), "a" * MEGABYTE),
    "optional ones": (("(a?){50}x",), "a" * MEGABYTE),
    "any character": ((".",), "ab" * (MEGABYTE // 2)),
    "everything or nothing": (("(?s)a(.*y)?",), "a " * (MEGABYTE // 5)),
    "many states": (tuple(f"a[ab]{{{90 + n}}}x" for n in range(20)), "ab" * (MEGABYTE // 2)),
    "fifty": (tuple(f"{n}[a-z]" for n in range(50)), "12a " * (MEGABYTE // 4)),
}


@pytest.mark.slow
@pytest.mark.parametrize(("patterns", "text"), HOSTILE_PATTERNS.values(), ids=HOSTILE_PATTERNS)
def test_no_pattern_takes_long(patterns: tuple[str, ...], text: str) -> None:
    redaction = Redaction(patterns)
    start = time.process_time()

    redaction.redact(text)

    assert time.process_time() - start < PATIENCE_SECONDS


def test_all_values_of_an_object_are_redacted_but_no_names() -> None:
    value: dict[str, Any] = {
        "sk-abcdefghijklmnopqrstuvwxyz012345": "x",
        "note": "password: hunter2",
        "password": "hunter2",
        "dbPassword": "hunter2",
        "api_key": {"note": "kept", "token": ""},
        "card": 4111111111111111,
        "list": ["4111 1111 1111 1111", ["EMP-123456", None, True, 1.5, 42]],
    }

    redacted = Redaction((r"EMP-\d+",)).redact_members(value)

    assert redacted == {
        "sk-abcdefghijklmnopqrstuvwxyz012345": "x",
        "note": f"password: {SECRET}",
        "password": SECRET,
        "dbPassword": SECRET,
        "api_key": {"note": "kept", "token": ""},
        "card": CARD_NUMBER,
        "list": [CARD_NUMBER, [REDACTED, None, True, 1.5, 42]],
    }


def test_of_messages_the_contents_and_what_came_with_them_are_redacted() -> None:
    message = Message(
        "user",
        "password: hunter2",
        name="AKIAIOSFODNN7EXAMPLE",
        attachments=(
            Attachment("document", "4111 1111 1111 1111"),
            Attachment("image", "", "https://a.example/?token=a1b2c3d4"),
        ),
    )

    [redacted] = redacted_messages(plain, [message])

    document, image = message.attachments
    assert redacted == replace(
        message,
        content=f"password: {SECRET}",
        attachments=(replace(document, text=CARD_NUMBER), image),
    )


def test_where_a_picture_was_is_redacted_once_it_is_described() -> None:
    picture = Attachment("image", "A cat.", "https://a.example/?token=a1b2c3d4")

    [redacted] = redacted_messages(plain, [Message("user", "", attachments=(picture,))])

    [kept] = redacted.attachments
    assert kept.text == "A cat."
    assert kept.url.startswith("https://a.example/?token=")
    assert "a1b2c3d4" not in kept.url


def test_a_request_is_redacted_if_its_project_wants_it() -> None:
    request = AddRequest(
        scope=a_scope("acme", user="ada"),
        messages=(Message("user", "password: hunter2"),),
        metadata={"note": "4111 1111 1111 1111"},
    )

    kept = request.redacted(ProjectSettings(redaction_patterns=("password",)).redaction)
    redacted = request.redacted(ProjectSettings(is_redacted=True).redaction)

    assert kept == request
    assert redacted == replace(
        request,
        messages=(Message("user", f"password: {SECRET}"),),
        metadata={"note": CARD_NUMBER},
    )


def test_metadata_that_grew_too_large_is_refused() -> None:
    request = AddRequest(
        scope=a_scope("acme", user="ada"),
        messages=(Message("user", "hello"),),
        metadata={"note": "ab" * (MAX_METADATA_BYTES // 3)},
    )
    settings = ProjectSettings(is_redacted=True, redaction_patterns=("a",))

    with pytest.raises(InvalidRequestError, match="metadata"):
        request.redacted(settings.redaction)
