"""What a diagnosis of the models says, whatever they answer."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from recollect.domain.errors import InvalidRequestError, UnavailableError
from recollect.domain.memory import Vector
from recollect.ports.models import Embedder, LanguageModel, Usage
from recollect.usecases import diagnose
from recollect.usecases.diagnose import Check, Diagnose, Diagnosis
from tests.service import embedder
from tests.unit.usecases.scripted_model import scripted

EAST, NORTH = (np.array(pair, dtype=np.float32) for pair in ((1, 0), (0, 1)))


class Fixed:
    """An embedder with these vectors, whatever the texts."""

    model = "fixed"
    dimensions = 2

    def __init__(self, *vectors: Vector) -> None:
        self._vectors = vectors

    def embed(self, texts: Sequence[str], task: str) -> list[Vector]:
        assert (len(texts), task) == (2, "document")
        return list(self._vectors)


class Away(Fixed):
    def embed(self, *_: object) -> Any:  # noqa: ANN401 - never returns
        message = "The embedder is away"
        raise UnavailableError(message)


class Busy:
    model = "busy"

    def ask(self, *_: object) -> Any:  # noqa: ANN401 - never returns
        message = "The language model busy is away"
        raise UnavailableError(message)


def ticking() -> Callable[[], float]:
    """Return a clock that goes on by a second with every look."""
    return iter(range(1000)).__next__


def refuse() -> Any:  # noqa: ANN401 - never returns
    message = "Recollect is not configured: RECOLLECT_CHAT_MODEL is not set"
    raise InvalidRequestError(message)


def diagnosed(
    *replies: object,
    vectors: Sequence[Vector] = (EAST, NORTH),
    model: LanguageModel | None = None,
) -> Diagnosis:
    asked = model or scripted(*replies)[1]
    return Diagnose(lambda: Fixed(*vectors), lambda: asked, ticking())()


def fact(text: str, message: int, valid_from: str = "") -> dict[str, Any]:
    return {"text": text, "message": message, "kind": "semantic", "valid_from": valid_from}


def decisions(*made: tuple[str, int | None]) -> dict[str, Any]:
    return {
        "decisions": [
            {
                "fact": place,
                "event": event,
                "memories": [] if memory is None else [memory],
                "text": "The user lives in Porto." if event == "UPDATE" else "",
            }
            for place, (event, memory) in enumerate(made)
        ]
    }


FOUND = [
    fact("The user is a vegetarian.", 0),
    fact("The user flew to Lisbon on 4 March 2026.", 2, "2026-03-04"),
    fact("The user's dog is called Rex.", 4),
]
RIGHT = decisions(("UPDATE", 0), ("NONE", 1), ("ADD", None))


def extracted(*facts: object) -> Check:
    return diagnosed({"facts": facts}, RIGHT).checks[1]


def decided(*made: tuple[str, int | None]) -> Check:
    return diagnosed({"facts": FOUND}, decisions(*made)).checks[2]


def test_models_that_answer_rightly_are_healthy() -> None:
    found = diagnosed({"facts": FOUND}, RIGHT)

    assert found.is_healthy
    assert [(check.name, check.model) for check in found.checks] == [
        ("embedding", "fixed"),
        ("extraction", "scripted"),
        ("decision", "scripted"),
    ]
    assert [check.seconds for check in found.checks] == [1, 1, 1]
    assert found.usage == Usage(2, 20, 2)
    assert not any(check.what_to_do or check.repairs for check in found.checks)


def test_the_bundled_embedder_is_healthy_and_needs_no_language_model() -> None:
    found = Diagnose(embedder, None, ticking())()

    assert found.is_healthy
    assert [check.name for check in found.checks] == ["embedding"]


@pytest.mark.parametrize(
    ("vectors", "problem"),
    [
        ([EAST], "2 texts gave 1 vectors"),
        ([EAST, np.ones(3, dtype=np.float32)], "a vector has 3 numbers instead of 2"),
        ([EAST, EAST * 2], "a vector has not the length 1"),
        ([EAST, EAST * np.nan], "a vector has not the length 1"),
        ([EAST, EAST], "two different texts gave the same vector"),
    ],
)
def test_vectors_that_cannot_be_compared_are_told(vectors: list[Vector], problem: str) -> None:
    check = diagnosed({"facts": FOUND}, RIGHT, vectors=vectors).checks[0]

    assert check.problems == (problem,)
    assert check.what_to_do == diagnose.WHAT_TO_DO_VECTORS


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        (FOUND[1:], "it did not find that the user is a vegetarian"),
        ([FOUND[0], FOUND[2]], "it did not find that the user flew to Lisbon"),
        (
            [FOUND[0], fact("The user flew to Lisbon yesterday.", 2), FOUND[2]],
            "it did not find that 'yesterday' was 2026-03-04",
        ),
        (
            [FOUND[0], fact("The user flew to Lisbon.", 2, "2026-03-05"), FOUND[2]],
            "it did not find that 'yesterday' was 2026-03-04",
        ),
        (FOUND[:2], "it did not find that the dog is called Rex"),
        (
            [*FOUND, fact("The user's dog is called Max.", 4)],
            "it took the dog for Max, though that was corrected",
        ),
    ],
)
def test_facts_that_are_missing_or_wrong_are_told(facts: list[object], problem: str) -> None:
    check = extracted(*facts)

    assert check.problems == (problem,)
    assert check.what_to_do == diagnose.WHAT_TO_DO_WRONG
    assert check.usage == Usage(1, 10, 1)


def test_nothing_found_is_every_problem_and_not_an_answer() -> None:
    assert len(extracted().problems) == 3


def test_a_correction_may_be_told_as_one() -> None:
    rex = fact("The user's dog is called Rex, not Max.", 4)

    assert not extracted(*FOUND[:2], rex).problems


@pytest.mark.parametrize(
    "made",
    [
        [("DELETE", 0), ("NONE", 1), ("ADD", None)],
        [("UPDATE", 0), ("UPDATE", 1), ("ADD", None)],
    ],
)
def test_a_decision_that_can_be_defended_is_right(made: list[tuple[str, int | None]]) -> None:
    assert not decided(*made).problems


def test_a_wrong_decision_is_told_with_the_right_ones() -> None:
    check = decided(("UPDATE", 2), ("NONE", 1), ("ADD", None))

    [problem] = check.problems
    assert problem == (
        "about 'The user has moved from Lisbon to Porto and lives there now.' it decided"
        " UPDATE 'The user's sister Ana lives in Lisbon.' instead of"
        " DELETE 'The user lives in Lisbon.' or UPDATE 'The user lives in Lisbon.'"
    )
    assert check.what_to_do == diagnose.WHAT_TO_DO_WRONG


def test_every_fact_can_be_decided_wrongly() -> None:
    assert len(decided(("ADD", None), ("ADD", None), ("UPDATE", 2)).problems) == 3


def test_an_answer_that_had_to_be_repaired_is_counted() -> None:
    found = diagnosed("no form", {"facts": FOUND}, RIGHT)

    assert found.is_healthy
    assert [check.repairs for check in found.checks] == [0, 1, 0]
    assert found.usage == Usage(3, 30, 3)


def test_a_model_that_fills_in_no_forms_costs_and_is_told() -> None:
    found = diagnosed("no form", "no form", RIGHT)

    assert not found.is_healthy
    check = found.checks[1]
    assert check.what_to_do == diagnose.WHAT_TO_DO_NO_FORM
    assert check.usage == Usage(2, 20, 2)
    assert not found.checks[2].problems


def test_a_model_that_is_away_is_told_in_each_step() -> None:
    found = diagnosed(model=Busy())

    assert [check.problems for check in found.checks[1:]] == [
        ("The language model busy is away",)
    ] * 2
    assert {check.what_to_do for check in found.checks[1:]} == {diagnose.WHAT_TO_DO_UNREACHED}
    assert [check.seconds for check in found.checks] == [1, 1, 1]
    assert found.usage == Usage()


def test_what_is_not_configured_is_told_without_a_model() -> None:
    def away() -> Embedder:
        return Away()

    found = Diagnose(away, refuse, ticking())()

    assert [check.model for check in found.checks] == ["fixed", "", ""]
    assert [check.what_to_do for check in found.checks] == [
        diagnose.WHAT_TO_DO_UNREACHED,
        diagnose.WHAT_TO_DO_REFUSED,
        diagnose.WHAT_TO_DO_REFUSED,
    ]
    assert [check.seconds for check in found.checks] == [1, 0, 0]
