"""Finding out whether the configured models can do what the service asks of them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final, Literal, TypeVar

import numpy as np

from recollect.domain.errors import InvalidRequestError, ModelAnswerError, RecollectError
from recollect.domain.guidance import Guidance
from recollect.domain.jobs import Decision, Fact
from recollect.domain.memory import Message
from recollect.ports.models import (
    Conversation,
    Embedder,
    Form,
    Known,
    LanguageModel,
    PromptTurn,
    Reply,
    Usage,
)
from recollect.usecases.asking import AskModel
from recollect.usecases.deciding import ModelDecider
from recollect.usecases.extraction import ModelExtractor

CheckName = Literal["embedding", "extraction", "decision"]

TEXTS: Final = ("The user lives in Lisbon.", "The user plays the cello.")
UNIT_TOLERANCE: Final = 0.01
"""How far from 1 a vector's length may be: what float16 and rounding vendors leave."""

CONVERSATION: Final = Conversation(
    said_at=datetime(2026, 3, 5, 18, tzinfo=UTC),  # a Thursday
    messages=(
        Message("user", "Hi! I'm a vegetarian, so no recipes with meat or fish for me, please."),
        Message("assistant", "Noted. How was your week?"),
        Message("user", "Busy. Yesterday I flew to Lisbon for my sister's wedding."),
        Message("assistant", "How lovely! And who looks after your dog meanwhile?"),
        Message("user", "Max stays with a neighbour. Sorry, I meant Rex: my dog is called Rex."),
    ),
)
"""A preference, an event whose date must be worked out, and a correction."""
EVENT_DAY: Final = date(2026, 3, 4)

_SAID_BY: Final = "user"
_Model = TypeVar("_Model", Embedder, LanguageModel)
KNOWN: Final = tuple(
    Known(text, CONVERSATION.said_at, _SAID_BY)
    for text in (
        "The user lives in Lisbon.",
        "The user is allergic to peanuts.",
        "The user's sister Ana lives in Lisbon.",
    )
)
FACTS: Final = tuple(
    Fact(text=text, role=_SAID_BY, attributed_to=_SAID_BY)
    for text in (
        "The user has moved from Lisbon to Porto and lives there now.",
        "The user has a peanut allergy.",
        "The user plays the cello.",
    )
)
ACCEPTABLE: Final[Sequence[frozenset[tuple[Decision, tuple[int, ...]]]]] = (
    frozenset({(Decision.UPDATE, (0,)), (Decision.DELETE, (0,))}),
    frozenset({(Decision.NONE, (1,)), (Decision.UPDATE, (1,))}),
    frozenset({(Decision.ADD, ())}),
)
"""Of each fact, what can be defended; another person's home is among what must not change."""

WHAT_TO_DO_UNREACHED: Final = (
    "Check the model's name, address, key and rights; docs/providers.md has those of every"
    " provider."
)
WHAT_TO_DO_REFUSED: Final = "Set what is missing, or choose another model: docs/providers.md."
WHAT_TO_DO_NO_FORM: Final = (
    "The model does not fill in forms: choose one that can use tools (RECOLLECT_CHAT_MODEL), and"
    " give a local one a context of at least 16,384 tokens."
)
WHAT_TO_DO_WRONG: Final = (
    "The model can be asked but does not follow: try again once, then choose a larger one"
    " (RECOLLECT_CHAT_MODEL), or give a local one a longer context."
)
WHAT_TO_DO_VECTORS: Final = (
    "Compare RECOLLECT_EMBEDDING_MODEL and RECOLLECT_EMBEDDING_DIMENSIONS with the model's"
    " documentation."
)


@dataclass(frozen=True, kw_only=True)
class Check:
    """One step: how long it took, what it cost, and, unless all is well, what is wrong.

    `usage` counts answers, also those that were invalid; an embedding has none. `what_to_do` is
    empty exactly if there are no `problems`. `model` is empty if none could be built.
    """

    name: CheckName
    model: str
    seconds: float
    usage: Usage
    problems: tuple[str, ...] = ()
    what_to_do: str = ""

    @property
    def repairs(self) -> int:
        """How often the model was asked again."""
        return max(self.usage.calls - 1, 0)


@dataclass(frozen=True)
class Diagnosis:
    """What was checked, in this order; without a language model only the embedder."""

    checks: tuple[Check, ...]

    @property
    def is_healthy(self) -> bool:
        """Tell whether nothing is wrong."""
        return not any(check.problems for check in self.checks)

    @property
    def usage(self) -> Usage:
        """What the language model has cost."""
        return sum((check.usage for check in self.checks), Usage())


@dataclass(frozen=True)
class Diagnose:
    """Ask each configured model something whose right answer is known; nothing is stored.

    Both factories may refuse what is configured. `language_model` is None if none is. `clock` is
    in seconds.
    """

    embedder: Callable[[], Embedder]
    language_model: Callable[[], LanguageModel] | None
    clock: Callable[[], float]

    def __call__(self) -> Diagnosis:
        """Return what was found; what a model or its configuration raises is in it."""
        checks = [self._check("embedding", self.embedder, _embedding, WHAT_TO_DO_VECTORS)]
        if self.language_model:
            asked = self.language_model
            checks.append(self._check("extraction", asked, _extraction, WHAT_TO_DO_WRONG))
            checks.append(self._check("decision", asked, _decision, WHAT_TO_DO_WRONG))
        return Diagnosis(tuple(checks))

    def _check(
        self,
        name: CheckName,
        build: Callable[[], _Model],
        use: Callable[[_Model, "_Meter"], Iterator[str]],
        what_to_do: str,
    ) -> Check:
        meter = _Meter(self.clock)
        try:
            model = build()
            meter.begin(model.model)
            problems = tuple(use(model, meter))
        except RecollectError as error:
            problems, what_to_do = (str(error),), _what_to_do(error)
        return Check(
            name=name,
            model=meter.model,
            seconds=meter.seconds(),
            usage=meter.usage,
            problems=problems,
            what_to_do=what_to_do if problems else "",
        )


@dataclass
class _Meter:
    """How long a model takes from `begin` on, and what it costs."""

    clock: Callable[[], float]
    model: str = ""
    usage: Usage = field(default_factory=Usage)
    _begun: float | None = None

    def begin(self, model: str) -> None:
        self.model = model
        self._begun = self.clock()

    def seconds(self) -> float:
        return 0.0 if self._begun is None else self.clock() - self._begun


@dataclass(frozen=True)
class _Metered:
    """Passes questions on to a language model and takes note of what each answer costs."""

    inner: LanguageModel
    meter: _Meter

    @property
    def model(self) -> str:
        return self.inner.model

    def ask(self, system: str, turns: Sequence[PromptTurn], form: Form) -> Reply:
        reply = self.inner.ask(system, turns, form)
        self.meter.usage += reply.usage
        return reply


def _embedding(embedder: Embedder, _: _Meter) -> Iterator[str]:
    vectors = embedder.embed(TEXTS, "document")
    if len(vectors) != len(TEXTS):
        yield f"{len(TEXTS)} texts gave {len(vectors)} vectors"
        return
    for vector in vectors:
        if vector.shape != (embedder.dimensions,):
            yield f"a vector has {vector.size} numbers instead of {embedder.dimensions}"
            return
        if not abs(np.linalg.norm(vector) - 1) < UNIT_TOLERANCE:
            yield "a vector has not the length 1"
            return
    if np.array_equal(vectors[0], vectors[1]):
        yield "two different texts gave the same vector"


def _extraction(model: LanguageModel, meter: _Meter) -> Iterator[str]:
    facts = ModelExtractor(AskModel(_Metered(model, meter))).extract(CONVERSATION).facts
    told = [fact.text.casefold() for fact in facts]
    if not any("vegetarian" in text for text in told):
        yield "it did not find that the user is a vegetarian"
    flights = [fact for fact in facts if "lisbon" in fact.text.casefold()]
    if not flights:
        yield "it did not find that the user flew to Lisbon"
    elif not any(fact.valid_from and fact.valid_from.date() == EVENT_DAY for fact in flights):
        yield f"it did not find that 'yesterday' was {EVENT_DAY}"
    if not any("rex" in text for text in told):
        yield "it did not find that the dog is called Rex"
    if any("max" in text and "rex" not in text for text in told):
        yield "it took the dog for Max, though that was corrected"


def _decision(model: LanguageModel, meter: _Meter) -> Iterator[str]:
    near = [KNOWN] * len(FACTS)
    choices = ModelDecider(AskModel(_Metered(model, meter))).decide(FACTS, near, Guidance()).choices
    for fact, choice, acceptable in zip(FACTS, choices, ACCEPTABLE, strict=True):
        made = (choice.decision, choice.candidates)
        if made not in acceptable:
            wanted = " or ".join(sorted(_told(*each) for each in acceptable))
            yield f"about '{fact.text}' it decided {_told(*made)} instead of {wanted}"


def _told(decision: Decision, places: Sequence[int]) -> str:
    return " ".join([decision, " and ".join(f"'{KNOWN[place].text}'" for place in places)]).strip()


def _what_to_do(error: RecollectError) -> str:
    if isinstance(error, ModelAnswerError):
        return WHAT_TO_DO_NO_FORM
    return WHAT_TO_DO_REFUSED if isinstance(error, InvalidRequestError) else WHAT_TO_DO_UNREACHED
