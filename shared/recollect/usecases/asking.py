"""Asking a language model for an answer in a given shape, and insisting on it once."""

import json
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as OvertimeError
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ValidationError

from recollect.domain.errors import ModelAnswerError, UnavailableError
from recollect.ports.models import Form, LanguageModel, PromptTurn, Reply, Usage

MAX_PROBLEM_CHARACTERS = 500
"""What is told of an invalid answer; the first mistakes are the ones that matter."""
CUT_OFF = "it was cut off before its end, so answer more briefly"

Shape = TypeVar("Shape", bound=BaseModel)
Meaning = TypeVar("Meaning")

LEAST_SECONDS = 3.0
"""A call that is not given so long is not begun: hardly any model answers faster."""


_FENCED = re.compile(r"```(?:json)?\s*(.*?)```", re.DOTALL | re.IGNORECASE)


class CutOffError(ModelAnswerError):
    """An answer reached the most that the model may write: ask it for less at once.

    `usage` is what it cost.
    """

    def __init__(self, model: str, usage: Usage) -> None:
        super().__init__(f"The language model {model} was cut off before the end of its answer")
        self.usage = usage


class OutOfTimeError(UnavailableError):
    """There is no time left to wait for an answer."""


@dataclass(frozen=True)
class AskModel:
    """Have a language model fill in a form; an invalid answer is sent back once.

    `seconds_left` tells how long an answer may be waited for, None for as long as it takes. `spend`
    is told what every answer has cost, also those that are of no use.
    """

    model: LanguageModel
    seconds_left: Callable[[], float | None] = lambda: None
    spend: Callable[[Usage], None] = lambda _: None

    def __call__(
        self,
        system: str,
        turn: PromptTurn,
        shape: type[Shape],
        read: Callable[[Shape], Meaning],
        *,
        is_divisible: bool = False,
    ) -> tuple[Meaning, Usage]:
        """Return what `read` makes of the answer, and what it cost.

        The form's name and purpose are the shape's name and docstring. `read` raises `ValueError`
        with a sentence for the model when the answer has the shape but makes no sense; nothing
        of what was asked may be in it, for it is shown to callers. Raises `ModelAnswerError`
        when the second answer is invalid too, `CutOffError` instead of asking for a shorter answer
        if the question is divisible, `OutOfTimeError`, and what the model raises.
        """

        def read_shape(text: str) -> Meaning:
            return read(shape.model_validate_json(text))

        return self.fill(system, turn, _form(shape), read_shape, is_divisible=is_divisible)

    def fill(
        self,
        system: str,
        turn: PromptTurn,
        form: Form,
        read: Callable[[str], Meaning],
        *,
        is_divisible: bool = False,
    ) -> tuple[Meaning, Usage]:
        """Do the same for a form of the caller's own; `read` is given the answer's JSON as text.

        It raises `ValueError` also when that has not the form's shape.
        """
        first = self._answer(system, [turn], form)
        if first.is_cut_off and is_divisible:
            raise CutOffError(self.model.model, first.usage)
        try:
            return _read(first, read), first.usage
        except ValueError as error:
            problem = _explain(error)
        second = self._answer(system, _repair(turn, first, problem, form), form)
        try:
            return _read(second, read), first.usage + second.usage
        except ValueError as error:
            message = (
                f"The language model {self.model.model} gave two invalid answers; what is wrong"
                f" with the last: {_explain(error)}"
            )
            # Not its cause: a validation error quotes what the model wrote.
            raise ModelAnswerError(message) from None

    def _answer(self, system: str, turns: Sequence[PromptTurn], form: Form) -> Reply:
        reply = self._reply(system, turns, form)
        self.spend(reply.usage)
        return reply

    def _reply(self, system: str, turns: Sequence[PromptTurn], form: Form) -> Reply:
        seconds = self.seconds_left()
        if seconds is None:
            return self.model.ask(system, turns, form)
        if seconds < LEAST_SECONDS:
            raise _out_of_time(self.model)
        pool = ThreadPoolExecutor(max_workers=1)
        try:
            asked = pool.submit(copy_context().run, self.model.ask, system, turns, form)
            return asked.result(timeout=seconds)
        except OvertimeError as error:
            raise _out_of_time(self.model) from error
        finally:
            # Whoever is late is not waited for; its own time limit ends it.
            pool.shutdown(wait=False)


def or_nothing(empty: Callable[[], object]) -> BeforeValidator:
    """Take null for an empty value in a field: many models write it so."""
    return BeforeValidator(lambda value: empty() if value is None else value)


def bounded_text(named: str, most: int) -> AfterValidator:
    """Take a text without the blanks around it, and only with 1 to `most` characters.

    `named` is what the model is told that the text is, such as "a summary".
    """

    def bounded(text: str) -> str:
        trimmed = text.strip()
        if not 1 <= len(trimmed) <= most:
            message = f"{named} must have 1 to {most} characters"
            raise ValueError(message)
        return trimmed

    return AfterValidator(bounded)


def _out_of_time(model: LanguageModel) -> OutOfTimeError:
    return OutOfTimeError(f"The language model {model.model} takes longer than there is time")


def _read(reply: Reply, read: Callable[[str], Meaning]) -> Meaning:
    if reply.is_cut_off:
        # It may be whole as JSON and still lack the facts that came last.
        raise ValueError(CUT_OFF)
    return read(_json_in(reply.text))


def _json_in(text: str) -> str:
    """Return the JSON of an answer: some models think aloud first, or put it into fences."""
    if text.lstrip().startswith("{"):
        return text
    answer = text.rpartition("</think>")[2]
    fenced = _FENCED.search(answer)
    return fenced[1] if fenced else answer


def _explain(error: ValueError) -> str:
    """Return what is wrong with an answer, without quoting it."""
    if not isinstance(error, ValidationError):
        return str(error)[:MAX_PROBLEM_CHARACTERS]
    told = "; ".join(f"{_place(each['loc'])}: {each['msg']}" for each in error.errors())
    return told[:MAX_PROBLEM_CHARACTERS]


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location)) or "the answer"


def _repair(turn: PromptTurn, reply: Reply, problem: str, form: Form) -> Sequence[PromptTurn]:
    again = (
        f"That answer is invalid: {problem}. Answer the first message again, completely, with one"
        f" JSON object of this schema: {json.dumps(form.schema)}"
    )
    # No model takes an empty turn.
    answered = PromptTurn("assistant", reply.text.strip() or "(nothing)")
    return [turn, answered, PromptTurn("user", again)]


def _form(shape: type[BaseModel]) -> Form:
    """Return the shape as a form of the plainest kind.

    Some models take only `type`, `properties` and `required` at the top of a schema, and some
    servers know no references, so that these are written out.
    """
    schema = shape.model_json_schema()
    plain = _plain(schema, schema.get("$defs", {}))
    kept = {key: plain[key] for key in ("type", "properties", "required")}
    return Form(name=_snake(shape.__name__), purpose=schema["description"], schema=kept)


def _plain(schema: Any, definitions: dict[str, Any]) -> Any:  # noqa: ANN401 - any part of a schema
    if isinstance(schema, list):
        return [_plain(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _plain(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    return {
        key: _plain(value, definitions)
        for key, value in schema.items()
        if key != "$defs" and not (key == "title" and isinstance(value, str))
    }


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip("_")).lower()
