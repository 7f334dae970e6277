"""Which cases there are, and which answers to them are right."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from tests.faults.cases import Answer, Case, Outcome, Reference, reference, run
from tests.faults.operations import OPERATIONS, Operation
from tests.faults.refusals import Fault
from tests.faults.world import World

ENGINES = ("dynamodb", "s3", "sqs", "opensearch", "bedrock")
FAULTS = tuple(Fault)
MANY = 8
SHORTEST = {
    "dynamodb": "get",
    "s3": "job status",
    "sqs": "update",
    "opensearch": "search",
    "bedrock": "search",
}
NOT_REPEATED: Mapping[str, frozenset[Fault]] = {
    # An answer that is no answer is not asked for again by every client for every operation.
    "dynamodb": frozenset({Fault.GARBLED, Fault.CUT}),
    "s3": frozenset({Fault.GARBLED, Fault.CUT}),
    "sqs": frozenset(),
    "opensearch": frozenset({Fault.GARBLED, Fault.BROKEN}),
    "bedrock": frozenset({Fault.GARBLED, Fault.CUT}),
}
"""Faults of which a single one may be enough for what one that lasts does."""


def needing(engine: str) -> list[Operation]:
    """Return the operations that ask this engine for something."""
    return [operation for operation in OPERATIONS if engine in operation.engines]


def check(world: World, operation: Operation, engine: str) -> None:
    """Let every different request of an operation go wrong in some way; fail if it does harm."""
    expected = reference(world, operation, engine)
    for case in some_cases(operation, engine, expected):
        answer = run(world, case, expected).answer
        assert answer in right_answers(case), (str(case), answer)


def some_cases(operation: Operation, engine: str, expected: Reference) -> Iterator[Case]:
    """Yield an engine that is down, and one fault for some of the requests, by turns.

    All of them for the operation that shows each engine's faults in the shortest time.
    """
    if operation.name == SHORTEST[engine]:
        yield from every_case(operation, engine, expected)
        return
    yield Case(operation, engine, Fault.RESET, 1, lasts=True)
    first = 3 * OPERATIONS.index(operation) + ENGINES.index(engine)
    for turn, at in enumerate(_some(expected.requests), first):
        lasts = turn % 3 == 0 or at == len(expected.requests)
        yield Case(operation, engine, FAULTS[turn % len(FAULTS)], at, lasts=lasts)


def _some(requests: Sequence[str]) -> list[int]:
    """Return the places of requests unlike the one before, of every other one if there are many."""
    unlike = [at for at, name in enumerate(requests, 1) if at == 1 or requests[at - 2] != name]
    return sorted({*unlike[:: 1 + (len(unlike) > MANY)], len(requests)})


def every_case(operation: Operation, engine: str, expected: Reference) -> Iterator[Case]:
    """Yield every fault at every request, once and from then on."""
    places = range(1, len(expected.requests) + 1)
    for fault, lasts, at in product(FAULTS, (False, True), places):
        yield Case(operation, engine, fault, at, lasts=lasts)


def outcomes(world: World, operation: Operation, engine: str) -> list[tuple[Case, Outcome]]:
    """Return what becomes of every case; fail if one does harm."""
    expected = reference(world, operation, engine)
    found = [(case, run(world, case, expected)) for case in every_case(operation, engine, expected)]
    for case, outcome in found:
        assert outcome.answer in right_answers(case), (str(case), outcome.answer)
    return found


def right_answers(case: Case) -> frozenset[Answer]:
    """Return the documented answers to a case.

    `done` is right for an engine that is down where the request that failed was not needed any
    more: whether all is there then is checked wherever it is answered. `pending` is right for an
    add of which a part is stored, and of one that a worker carries on: the rest follows.
    """
    if case.engine == "sqs":
        return frozenset({Answer.DONE})
    if not case.lasts and case.fault not in NOT_REPEATED[case.engine]:
        return frozenset({Answer.DONE})
    if case.engine == "opensearch" and case.operation.name == "search":
        return frozenset({Answer.DEGRADED})
    if case.engine == "opensearch" and case.operation.name == "add inferred":
        return frozenset({Answer.DONE})
    if case.operation.name in {"add in parts", "maintenance"}:
        return frozenset({Answer.UNAVAILABLE, Answer.PENDING, Answer.DONE})
    return frozenset({Answer.UNAVAILABLE, Answer.DONE})
