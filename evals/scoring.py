"""Running a decider over the cases, and counting what it got right."""

import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from evals.cases import Case, Wanted
from recollect.domain.errors import RecollectError, UnavailableError
from recollect.domain.guidance import Guidance
from recollect.domain.jobs import Decision
from recollect.ports.models import Decided, Decider, Usage

OTHER_MEMORY = "other memory"
NO_ANSWER = "no answer"
CHOSEN = (*Decision, OTHER_MEMORY, NO_ANSWER)
MAX_UNAVAILABLE = 5
"""Cases in a row without an answer after which the model is taken to be away for good."""


@dataclass(frozen=True)
class Answer:
    """What a decider said to one case, in how many seconds; `problem` is why it said nothing."""

    case: Case
    seconds: float
    decided: Decided | None = None
    problem: str = ""
    is_away: bool = False


@dataclass(frozen=True)
class Verdict:
    """One fact of a case and what was chosen; `problem` is why nothing was."""

    case: Case
    place: int
    chosen: Wanted | None
    problem: str = ""

    @property
    def is_right(self) -> bool:
        """Tell whether it is one of the answers that can be defended."""
        return self.chosen in self.case.expected[self.place]

    @property
    def cell(self) -> tuple[str, str]:
        """Row and column of the confusion table: what was expected, what was chosen."""
        best = self.case.expected[self.place][0].event
        if self.chosen is None:
            return best, NO_ANSWER
        if self.is_right:
            return self.chosen.event, self.chosen.event
        return best, OTHER_MEMORY if self.chosen.event == best else self.chosen.event


def run(
    decider: Decider, cases: Iterable[Case], clock: Callable[[], float] = time.perf_counter
) -> list[Answer]:
    """Have each case decided with a call of its own.

    A case that the decider refuses or answers with nonsense has no answer. Raises
    `UnavailableError` when it cannot be reached for `MAX_UNAVAILABLE` cases in a row.
    """
    answers: list[Answer] = []
    for case in cases:
        answers.append(_answer(decider, case, clock))
        last = answers[-MAX_UNAVAILABLE:]
        if len(last) == MAX_UNAVAILABLE and all(answer.is_away for answer in last):
            raise UnavailableError(last[-1].problem)
    return answers


def _answer(decider: Decider, case: Case, clock: Callable[[], float]) -> Answer:
    known = [memory.known() for memory in case.memories]
    facts = [fact.fact() for fact in case.facts]
    start = clock()
    try:
        decided = decider.decide(facts, [known for _ in facts], Guidance())
    except RecollectError as error:
        is_away = isinstance(error, UnavailableError)
        return Answer(case, clock() - start, problem=str(error), is_away=is_away)
    return Answer(case, clock() - start, decided)


def verdicts(answers: Iterable[Answer]) -> list[Verdict]:
    """Return one verdict a fact."""
    return [
        Verdict(answer.case, place, _chosen(answer.decided, place), answer.problem)
        for answer in answers
        for place in range(len(answer.case.facts))
    ]


def _chosen(decided: Decided | None, place: int) -> Wanted | None:
    if decided is None:
        return None
    choice = decided.choices[place]
    return Wanted(event=choice.decision, memories=frozenset(choice.candidates))


def summary(answers: Sequence[Answer]) -> dict[str, Any]:
    """Return the numbers of a run as they are kept."""
    made = verdicts(answers)
    decided = [answer.decided for answer in answers if answer.decided]
    usage = sum((each.usage for each in decided), Usage())
    return {
        "facts": len(made),
        "right": sum(verdict.is_right for verdict in made),
        "accuracy": _accuracy(made),
        "wrong_updates_and_deletes": sum(map(_loses, made)),
        "confusion": confusion(made),
        "by_category": _by(made, lambda case: case.category),
        "by_language": _by(made, lambda case: case.language),
        "model_calls": usage.calls,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "latency_ms": _latency([answer.seconds for answer in answers]),
        "prompts": sorted({each.prompt_version for each in decided if each.prompt_version}),
        "failed": [_failed(verdict) for verdict in made if not verdict.is_right],
    }


def confusion(verdicts: Sequence[Verdict]) -> dict[str, dict[str, int]]:
    """Return expected -> chosen -> how many facts."""
    counts = Counter(verdict.cell for verdict in verdicts)
    return {row: {column: counts[row, column] for column in CHOSEN} for row in Decision}


def _loses(verdict: Verdict) -> bool:
    chosen = verdict.chosen
    changes = {Decision.UPDATE, Decision.DELETE}
    return chosen is not None and chosen.event in changes and not verdict.is_right


def _accuracy(verdicts: Sequence[Verdict]) -> float:
    return round(statistics.mean(verdict.is_right for verdict in verdicts), 4)


def _by(verdicts: Sequence[Verdict], of: Callable[[Case], str]) -> dict[str, dict[str, float]]:
    groups: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        groups.setdefault(of(verdict.case), []).append(verdict)
    return {
        name: {"facts": len(groups[name]), "accuracy": _accuracy(groups[name])}
        for name in sorted(groups)
    }


def _latency(seconds: Sequence[float]) -> dict[str, float]:
    return {
        "p50": round(statistics.median(seconds) * 1000, 3),
        "p95": round(statistics.quantiles(seconds, n=20)[-1] * 1000, 3),
    }


def _failed(verdict: Verdict) -> dict[str, Any]:
    case = verdict.case
    return {
        "case": case.id,
        "fact": case.facts[verdict.place].text,
        "expected": [_told(wanted) for wanted in case.expected[verdict.place]],
        "chosen": _told(verdict.chosen) if verdict.chosen else verdict.problem,
    }


def _told(wanted: Wanted) -> str:
    return " ".join([wanted.event, *map(str, sorted(wanted.memories))])
