"""Taking card numbers, secrets and what a project names out of what is remembered.

Every rule takes time in proportion to the text, also for texts and patterns that are made to hurt.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from recollect.domain.card_numbers import card_numbers
from recollect.domain.errors import InvalidRequestError
from recollect.domain.memory import Attachment, Json, Message

CARD_NUMBER = "[card number]"
SECRET = "[secret]"  # noqa: S105 - stands for one
REDACTED = "[redacted]"

MAX_PATTERNS = 50
MAX_PATTERN_LENGTH = 500
MAX_PROGRAM_SIZE = 3_000
"""Instructions of all of a project's patterns together: the worst texts take some 7 ns of each for
every byte, usual ones less than 10 ns of all together."""
PATTERN_MEMORY_BYTES = 2 * 1024 * 1024
WINDOW_BYTES = 4 * 1024
"""Of a text that patterns are shown at once: they find one match in linear time, but all of them
only if there is a bound for how far each looks ahead. Matches of up to half of it are found."""
_PLACES = b"\n _0 \n"
"""Has every kind of place where a pattern could match without taking anything."""

_NAMES = (
    r"(?:pass ?(?:wor[dt]|phrase|code)|passwd|(?<![a-z])pwd"
    r"|(?:api|access|secret|private|client|auth|encryption|signing|account)"
    r"[_ -]?(?:key|secret|token)|(?:bearer|refresh|id|session)[_-]?token"
    r"|kennwort|wachtwoord|contrase\u00f1a|mot de passe|senha|has\u0142o|\u015fifre"
    r"|\u043f\u0430\u0440\u043e\u043b\u044c|\u5bc6\u7801|\u5bc6\u78bc"
    r"|\u30d1\u30b9\u30ef\u30fc\u30c9|\ube44\ubc00\ubc88\ud638)"
)
"""What secrets are called; the last ones in German, Dutch, Spanish, French, Portuguese, Polish,
Turkish, Russian, Chinese, Japanese and Korean."""
_SHORT = r"(?<![a-z])(?:secret|token|pass)"
"""What other things are called, too."""
_IS = r"[\"'`]?[ \t]*(?::=|=>|[:=\uff1a])[ \t]*"
_HAS_DIGIT = r"(?=[^\s\"'`,;&<>\d]{0,99}\d)"
_FRESH = r"(?!\[(?:card number|secret|redacted)\])"
_WORD = r"[^\s\"'`,;&<>]"
_SECRETS = (
    # Private keys; one without an end is one to the end.
    re.compile(
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:[^-]|-(?!----))*+(?:-----END [A-Z0-9 ]{0,60}-----)?"
    ),
    # Keys of services, AWS's access key ids, JSON Web Tokens.
    re.compile(
        r"(?<![A-Za-z0-9_-])(?:"
        r"(?:sk|m0|xox[a-z]|xapp|glpat)-(?=[A-Za-z_-]{0,99}\d)[A-Za-z0-9_-]{16,}"
        r"|(?:gh[a-z]|github_pat|hf|npm|[prs]k_live|[prs]k_test|whsec)_[A-Za-z0-9_]{16,}"
        r"|AIza[A-Za-z0-9_-]{35}"
        r"|(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])"
        r"|eyJ[A-Za-z0-9_-]{5,}\.eyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?)"
    ),
    # Credentials in headers and addresses.
    re.compile(r"(?i)\bbearer +(?=[A-Za-z._~+/-]{0,99}\d)([A-Za-z0-9._~+/-]{16,}=*)"),
    re.compile(rf"://[^\s/:@\"']{{0,100}}:{_FRESH}([^\s/@\"']{{1,200}})@"),
    # `password: x` in its spellings, and "my password is x1".
    re.compile(
        rf"""(?i){_NAMES}{_IS}(?:"{_FRESH}([^"\n]+)"|'{_FRESH}([^'\n]+)'|["'`]?{_FRESH}({_WORD}+))"""
    ),
    re.compile(rf"(?i){_SHORT}{_IS}[\"'`]?{_FRESH}{_HAS_DIGIT}({_WORD}{{6,}})"),
    re.compile(
        rf"(?i){_NAMES}[ \t]+(?:is|ist|es|est|\u00e9|\u00e8):?[ \t]+[\"'`]?{_FRESH}{_HAS_DIGIT}"
        rf"({_WORD}{{4,}})"
    ),
)
"""What is a secret as a whole, or in its group."""
_SECRET_NAME = re.compile(rf"(?i)(?:{_NAMES}|{_SHORT})$")


@dataclass(frozen=True)
class Redaction:
    """Takes card numbers, secrets, and what a project's own `patterns` match out of texts.

    Patterns are regular expressions of RE2, which has neither look-around nor references to
    groups; where several match, the first of them counts. Raises `InvalidRequestError` for those
    that cannot be used.
    """

    patterns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse patterns that cannot be used."""
        if len(self.patterns) > MAX_PATTERNS:
            message = f"There must be at most {MAX_PATTERNS} redaction patterns"
            raise InvalidRequestError(message)
        for number, pattern in enumerate(self.patterns, start=1):
            if problem := _problem(pattern):
                message = f"Redaction pattern {number} {problem}"
                raise InvalidRequestError(message)
        if self.patterns and _compiled(self.patterns).programsize > MAX_PROGRAM_SIZE:
            message = "The redaction patterns are too large: use fewer, or repeat less in them"
            raise InvalidRequestError(message)

    def redact(self, text: str) -> str:
        """Return the text with a mark in place of each thing that was taken out."""
        clean = _cut(text, card_numbers(text), CARD_NUMBER)
        for secret in _SECRETS:
            found = (match.span(match.lastindex or 0) for match in secret.finditer(clean))
            clean = _cut(clean, found, SECRET)
        return _without_matches(_compiled(self.patterns), clean) if self.patterns else clean

    def redact_members(self, members: Mapping[str, Json]) -> dict[str, Json]:
        """Return an object with everything in it redacted but the names of members.

        The whole text of a member whose name is that of a secret is taken out; and a whole number
        becomes a text if something is taken out of its digits.
        """
        return {
            name: SECRET if _is_named_secret(name, value) else self._redact_value(value)
            for name, value in members.items()
        }

    def _redact_value(self, value: Json) -> Json:
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, Mapping):
            return self.redact_members(value)
        if isinstance(value, Sequence):
            return [self._redact_value(each) for each in value]
        if isinstance(value, bool) or not isinstance(value, int):
            return value
        written = str(value)
        redacted = self.redact(written)
        return value if redacted == written else redacted


def redacted_messages(redaction: Redaction, messages: Sequence[Message]) -> tuple[Message, ...]:
    """Return the messages with what was said, and the text of what came with it, redacted."""
    return tuple(
        replace(
            message,
            content=redaction.redact(message.content),
            attachments=tuple(_redacted(redaction, each) for each in message.attachments),
        )
        for message in messages
    )


def _redacted(redaction: Redaction, attachment: Attachment) -> Attachment:
    # The address of a picture that nobody has looked at yet is still needed.
    url = redaction.redact(attachment.url) if attachment.text else attachment.url
    return replace(attachment, text=redaction.redact(attachment.text), url=url)


def _is_named_secret(name: str, value: Json) -> bool:
    return isinstance(value, str) and bool(value) and bool(_SECRET_NAME.search(name))


def _cut(text: str, places: Iterator[tuple[int, int]], mark: str) -> str:
    kept, at = [], 0
    for start, end in places:
        kept += [text[at:start], mark]
        at = end
    return "".join([*kept, text[at:]])


def _without_matches(pattern: Any, text: str) -> str:  # noqa: ANN401 - RE2 has no types
    written, mark = _encoded(text), REDACTED.encode()
    kept: list[bytes] = []
    at = 0
    for start, end in _matches(pattern, written):
        if start > at or not kept:
            kept += [written[at:start], mark]
        at = end
    return b"".join([*kept, written[at:]]).decode()


def _matches(pattern: Any, text: bytes) -> Iterator[tuple[int, int]]:  # noqa: ANN401 - as above
    """Yield where a pattern matches; adjacent matches follow each other."""
    at = 0
    while at < len(text):
        limit = min(at + WINDOW_BYTES, len(text))
        match = pattern.search(text, at, limit)
        if match is None:
            at = limit if limit == len(text) else at + WINDOW_BYTES // 2
        elif match.end() == limit < len(text) and match.start() > at:
            # It may go on behind the window: look again from where it begins.
            at = match.start()
        else:
            yield match.span()
            at = match.end()


def _problem(pattern: str) -> str | None:
    import re2  # noqa: PLC0415 - 15 ms that only projects with patterns need

    if not 1 <= len(pattern) <= MAX_PATTERN_LENGTH:
        return f"must have 1 to {MAX_PATTERN_LENGTH} characters"
    try:
        compiled = _compiled([pattern])
    except re2.error as error:
        return f"cannot be used: {error.args[0].decode(errors='replace')}"
    places = [compiled.match(_PLACES, at) for at in range(len(_PLACES) + 1)]
    if any(match and match.start() == match.end() for match in places):
        return "must not match an empty text"
    return None


def _compiled(patterns: Sequence[str]) -> Any:  # noqa: ANN401 - as above
    """Return the patterns as one; RE2 keeps those that it compiled last."""
    import re2  # noqa: PLC0415 - as above

    options = re2.Options()
    options.max_mem = PATTERN_MEMORY_BYTES
    options.never_capture = True
    options.log_errors = False
    one = "|".join(f"(?:{pattern})" for pattern in patterns)
    return re2.compile(_encoded(f"(?:{one})+"), options)


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        message = "Text must not contain half of a surrogate pair"
        raise InvalidRequestError(message) from error
