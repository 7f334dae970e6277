"""What is sent in a soak: messages and objects, good and bad, and what must become of them.

Everything that is said has a word of its own, `zq17z`, by which it is found again.
"""

import gzip
import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from typing import Any
from uuid import UUID

PROJECT = "soak"
USERS = 40
BAD_SHARE = 0.05
INFERRED_SHARE = 0.1
OWN_ID_SHARE = 0.5
DISORDER = 300
"""Places by which a message may overtake another."""
TURNS_OF_AN_OBJECT = 12
WORD = re.compile(r"zq\d+z")


@dataclass(frozen=True)
class Sent:
    """A message on the queue; `reason` is in what its letter says if it is to be buried."""

    id: str
    body: str
    reason: str = ""


@dataclass(frozen=True)
class Stored:
    """An object; `bad` counts what its report has to say cannot be remembered.

    It is buried with this `reason` and not reported on if it has one.
    """

    key: str
    data: bytes
    bad: int = 0
    reason: str = ""
    is_there: bool = True


@dataclass
class Load:
    """What is sent, and the texts to be remembered by their words; None for what is inferred.

    Of each pair of `rivals`, two messages of one id, one is remembered and the other buried.
    """

    seed: int
    messages: list[Sent] = field(default_factory=list)
    objects: list[Stored] = field(default_factory=list)
    expected: dict[str, str | None] = field(default_factory=dict)
    rivals: list[tuple[Sent, Sent]] = field(default_factory=list)

    @classmethod
    def of(cls, seed: int, *, messages: int, objects: int) -> "Load":
        """Return so many of each; the same ones for the same seed."""
        load = cls(seed)
        for number in range(messages):
            is_bad = load.chance.random() < BAD_SHARE
            load.add_bad_message(number) if is_bad else load.add_message()
        for number in range(objects):
            # At least one of each kind.
            is_bad = number < len(BAD_OBJECTS) or load.chance.random() < BAD_SHARE
            load.add_bad_object(number) if is_bad else load.add_object(number)
        return load

    @cached_property
    def chance(self) -> random.Random:
        """Draws everything."""
        return random.Random(self.seed)

    @cached_property
    def _numbers(self) -> "count[int]":
        return count()

    def said(self, *, is_inferred: bool = False) -> str:
        """Return a new text that is to be remembered."""
        word = f"zq{next(self._numbers)}z"
        text = f"I like the poem {word}" if is_inferred else f"Ticket {word} was closed."
        self.expected[word] = None if is_inferred else text
        return text

    def someone(self) -> str:
        """Return the name of a user."""
        return f"user-{self.chance.randrange(USERS)}"

    def sent(self, body: str, reason: str = "") -> Sent:
        """Return a message of this body."""
        return Sent(str(UUID(int=self.chance.getrandbits(128), version=4)), body, reason)

    def add_message(self) -> None:
        """Have something remembered, inferred or as it is."""
        is_inferred = self.chance.random() < INFERRED_SHARE
        turns = 1 if is_inferred else self.chance.choice([1, 1, 2, 3])
        texts = [self.said(is_inferred=is_inferred) for _ in range(turns)]
        fields = {"infer": is_inferred, **self._id()}
        self.messages.append(self.sent(a_body(self.someone(), texts, **fields)))

    def add_bad_message(self, number: int) -> None:
        """Send what must be buried; now and then two of one id, of which one must."""
        kinds = list(BAD_BODIES.items())
        if number % (len(kinds) + 1) == len(kinds):
            self._add_rivals()
            return
        body, reason = kinds[number % len(kinds)][1], kinds[number % len(kinds)][0]
        self.messages.append(self.sent(body.replace("NUMBER", str(number)), reason))

    def _add_rivals(self) -> None:
        own = self._own_id()
        both = [
            self.sent(a_body("user-0", [self.said()], infer=False, id=own), CLASH) for _ in range(2)
        ]
        self.rivals.append((both[0], both[1]))

    def _id(self) -> Mapping[str, str]:
        return {"id": self._own_id()} if self.chance.random() < OWN_ID_SHARE else {}

    def _own_id(self) -> str:
        return f"ticket-{self.chance.getrandbits(64):x}"

    def add_object(self, number: int) -> None:
        """Store an object of the next format, every third one compressed."""
        extension, write = list(FORMATS.items())[number % len(FORMATS)]
        texts = [self.said() for _ in range(self.chance.randrange(1, TURNS_OF_AN_OBJECT))]
        data = write(texts).encode()
        key = f"projects/{PROJECT}/verbatim/users/{self.someone()}/log-{number}{extension}"
        if number % 3 == 0:
            key, data = f"{key}.gz", gzip.compress(data)
        self.objects.append(Stored(key, data))

    def add_bad_object(self, number: int) -> None:
        """Store an object of which something, or all, is bad."""
        self.objects.append(BAD_OBJECTS[number % len(BAD_OBJECTS)](self, number))

    @property
    def good_messages(self) -> int:
        """How many messages are to be remembered."""
        return sum(not message.reason for message in self.messages) + len(self.rivals)

    def deliveries(self) -> Sequence[Sent]:
        """Return the messages as they are delivered: some twice or thrice, and in disorder."""
        every = [*self.messages, *(each for pair in self.rivals for each in pair)]
        often = [
            each for each in every for _ in range(self.chance.choices([1, 2, 3], [80, 15, 5])[0])
        ]
        late = {place: place + self.chance.uniform(0, DISORDER) for place in range(len(often))}
        return [often[place] for place in sorted(late, key=lambda place: late[place])]


def a_body(user: str, texts: Sequence[str], **fields: object) -> str:
    """Return the message that says this of a user."""
    messages = [{"role": "user", "content": text} for text in texts]
    return json.dumps({"version": 1, "user_id": user, "messages": messages, **fields})


CLASH = "has the id of an earlier message, and another body"

BAD_BODIES: Mapping[str, str] = {
    "Invalid JSON": "{NUMBER",
    "version: Input should be 1": '{"version": 2, "user_id": "u", "messages": "NUMBER"}',
    "user: Extra inputs are not permitted": '{"version": 1, "user": "u", "messages": "NUMBER"}',
    "messages: Field required": '{"version": 1, "user_id": "user-NUMBER"}',
    "is refused: project_id": a_body("u", ["NUMBER"], project_id="another"),
    "is refused: ": '{"version": 1, "messages": "NUMBER"}',
    "version: Field required": '{"user_id": "u", "messages": "NUMBER"}',
    "Input should be an object": "[NUMBER]",
}
"""Bodies by what their letters have to say."""


def _lines(texts: Sequence[str]) -> str:
    return "".join(json.dumps({"role": "user", "content": text}) + "\n" for text in texts)


def _array(texts: Sequence[str]) -> str:
    return json.dumps([{"role": "user", "content": text} for text in texts])


def _object(texts: Sequence[str]) -> str:
    return json.dumps({"messages": [{"role": "user", "content": text} for text in texts]})


def _paragraphs(texts: Sequence[str]) -> str:
    return "\n\n".join(texts) + "\n"


FORMATS: Mapping[str, Any] = {
    ".jsonl": _lines,
    ".json": _array,
    ".object.json": _object,
    ".txt": _paragraphs,
    ".md": _paragraphs,
}


def _broken_lines(load: Load, number: int) -> Stored:
    good = _lines([load.said() for _ in range(5)])
    data = good + '{"role": "user"\n' + _lines([load.said()]) + "[1, 2]\n"
    return Stored(_verbatim(number, ".jsonl"), data.encode(), bad=3)


def _no_text(_: Load, number: int) -> Stored:
    return Stored(_verbatim(number, ".txt"), bytes(2_000), bad=1)


def _empty(_: Load, number: int) -> Stored:
    return Stored(_verbatim(number, ".jsonl"), b"", bad=1)


def _cut_off(load: Load, number: int) -> Stored:
    data = gzip.compress(_lines([load.said() for _ in range(3)]).encode())
    return Stored(_verbatim(number, ".jsonl.gz"), data[:-8], bad=1)


def _nobodys(_: Load, number: int) -> Stored:
    key = f"projects/{PROJECT}/verbatim/log-{number}.jsonl"
    return Stored(key, _lines(["Nobody said this."]).encode(), bad=1)


def _of_no_project(_: Load, number: int) -> Stored:
    key = f"projects/nobody/users/ada/log-{number}.jsonl"
    return Stored(key, _lines(["Nobody has a key."]).encode(), reason="names no project")


def _elsewhere(_: Load, number: int) -> Stored:
    return Stored(f"uploads/log-{number}.jsonl", b"x", reason="The key is not projects/")


def _gone(_: Load, number: int) -> Stored:
    reason = "failed: There is no such version"
    return Stored(_verbatim(number, ".gone.jsonl"), b"x", reason=reason, is_there=False)


BAD_OBJECTS = (
    *(_broken_lines, _no_text, _empty, _cut_off, _nobodys),
    *(_of_no_project, _elsewhere, _gone),
)


def _verbatim(number: int, extension: str) -> str:
    return f"projects/{PROJECT}/verbatim/users/ada/bad-{number}{extension}"


def in_batches(sent: Sequence[Sent], chance: random.Random) -> Iterator[Sequence[Sent]]:
    """Return the deliveries as a queue hands them over, up to ten at once."""
    place = 0
    while place < len(sent):
        size = chance.randrange(1, 11)
        yield sent[place : place + size]
        place += size
