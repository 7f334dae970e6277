"""One fault at one request of one operation: what is answered, what is left, what a repeat does."""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TypeAlias

from recollect.domain.errors import UnavailableError
from recollect.domain.jobs import Job, JobStatus
from recollect.usecases.search_memories import SearchResult
from recollect.usecases.work_on_jobs import RESUMED_LEASE
from tests.faults.operations import TEXTS, Operation, Scene
from tests.faults.refusals import QUOTED, TAKES_EFFECT, Fault
from tests.faults.state import State, drift_of, state_of
from tests.faults.world import World
from tests.service import Clock, UseCases

Act: TypeAlias = Callable[[UseCases, Scene], object]

NEVER = 1_000_000
BOUND_SECONDS = 10.0
"""What an operation may take here, where clients give up after a fifth of a second."""
PARTS = {
    "dynamodb": ("The table ",),
    "s3": ("The bucket ",),
    "sqs": (),
    "opensearch": ("The search index ",),
    "bedrock": ("The embedding model ", "The language model "),
}
"""How a sentence about an engine that is down begins; nobody hears of a queue that is."""
NOT_TO_BE_SAID = (*QUOTED.split(), *TEXTS, "An error occurred", "http:", "botocore", "Traceback")


class Answer(StrEnum):
    """What the caller is told."""

    DONE = "done"
    DEGRADED = "done, degraded"
    PENDING = "pending"
    UNAVAILABLE = "503"


class Left(StrEnum):
    """What is there of what was asked for, before anybody repeats it."""

    NOTHING = "nothing"
    PART = "whole parts"
    ALL = "everything"


@dataclass(frozen=True)
class Case:
    """Something goes wrong with a request of an operation: once, or from then on."""

    operation: Operation
    engine: str
    fault: Fault
    at: int
    lasts: bool

    def __str__(self) -> str:
        """Return what a failing test is to say."""
        often = "from" if self.lasts else "at"
        return f"{self.operation.name}: {self.engine}, {self.fault} {often} request {self.at}"


@dataclass(frozen=True)
class Outcome:
    """What became of a case."""

    request: str
    """The operation of the engine that went wrong first."""
    answer: Answer
    left: Left
    rounds: int
    """How many requests went wrong one after the other."""
    seconds_paused: float
    """What the pauses between them would have taken."""

    @property
    def is_all_well(self) -> bool:
        """Whether everything was done, and the caller knows."""
        return self.left is Left.ALL and self.answer in {Answer.DONE, Answer.DEGRADED}


@dataclass(frozen=True)
class Reference:
    """What an operation finds, leaves and asks an engine for when nothing goes wrong."""

    before: State
    after: State
    requests: tuple[str, ...]


@dataclass(frozen=True)
class _Stage:
    """A scene of its own, and who looks at it without any faults."""

    world: World
    operation: Operation
    engine: str
    healthy: UseCases
    scene: Scene

    def started(self) -> UseCases:
        """Return the service as a process has it that has just been started."""
        return self.world.service(
            self.healthy.clock, with_models=self.engine == "bedrock", through=[self.engine]
        )

    @property
    def state(self) -> State:
        return state_of(self.healthy, self.scene)


def reference(world: World, operation: Operation, engine: str) -> Reference:
    """Return what the operation does when nothing goes wrong."""
    with _staged(world, operation, engine) as stage:
        before = stage.state
        proxy = world.proxies[engine]
        with proxy.injecting(Fault.SILENT, at=NEVER, lasts=False) as injection:
            told = _told(operation.act, stage.started(), stage.scene)
        assert told.answer is Answer.DONE
        return Reference(before, stage.state, tuple(injection.asked))


def run(world: World, case: Case, expected: Reference) -> Outcome:
    """Return what becomes of a case.

    Fails if anything is half there, lost or there twice, if the caller is told too much, or if the
    operation makes no such request.
    """
    with _staged(world, case.operation, case.engine) as stage:
        caller, proxy = stage.started(), world.proxies[case.engine]
        start = time.perf_counter()
        with (
            world.at_work() as pauses,
            proxy.injecting(case.fault, at=case.at, lasts=case.lasts) as injection,
        ):
            told = _told(case.operation.act, caller, stage.scene)
        assert time.perf_counter() - start < BOUND_SECONDS
        assert injection.hit
        left = _left(stage.state, expected)
        _check(stage, told, left, is_lost=case.fault in TAKES_EFFECT)
        _repeat(stage, caller, expected)
        return Outcome(injection.hit, told.answer, left, injection.rounds, pauses.seconds)


def without(world: World, operation: Operation, engines: Collection[str]) -> Answer:
    """Return what is answered while engines are down; fail if any of them is asked for anything."""
    with _staged(world, operation, "bedrock") as stage, ExitStack() as stack:
        caller = stage.world.service(stage.healthy.clock, with_models=True, through=engines)
        asked = [
            stack.enter_context(world.proxies[engine].injecting(Fault.RESET, lasts=True)).asked
            for engine in engines
        ]
        answer = _told(operation.act, caller, stage.scene).answer
        assert not any(asked)
        return answer


@dataclass(frozen=True)
class _Told:
    """What the caller learns: an answer with its content, or a sentence about what is down."""

    answer: Answer
    content: object = None
    sentence: str = ""


def _told(act: Act, service: UseCases, scene: Scene) -> _Told:
    try:
        content = act(service, scene)
    except UnavailableError as error:
        return _Told(Answer.UNAVAILABLE, sentence=str(error))
    except ExceptionGroup as group:
        # The schedule is told of every job that could not be seen to.
        unavailable, others = group.split(UnavailableError)
        assert unavailable
        assert others is None
        return _Told(Answer.UNAVAILABLE, sentence=str(unavailable.exceptions[0]))
    if isinstance(content, Job) and content.status is not JobStatus.SUCCEEDED:
        return _Told(Answer.PENDING)
    if isinstance(content, SearchResult):
        found = [(each.memory.id, round(each.score.score, 6)) for each in content.found]
        return _Told(Answer.DEGRADED if content.degraded else Answer.DONE, found)
    return _Told(Answer.DONE, content)


def _check(stage: _Stage, told: _Told, left: Left, *, is_lost: bool) -> None:
    operation = stage.operation
    assert left is not Left.PART or operation.has_parts
    if told.answer in {Answer.DONE, Answer.DEGRADED}:
        assert left is Left.ALL or operation.is_sweep
        if operation.is_read:
            assert told.content == _told(operation.act, stage.healthy, stage.scene).content
    elif told.answer is Answer.UNAVAILABLE:
        # What is done may only be refused if nobody could know.
        assert left is not Left.ALL or is_lost or operation.is_read or operation.has_parts
        said = told.sentence
        assert said.startswith(PARTS[stage.engine]), said
        assert not [word for word in (*NOT_TO_BE_SAID, stage.scene.project) if word in said], said


def _left(found: State, expected: Reference) -> Left:
    if found == expected.after:
        return Left.ALL
    return Left.NOTHING if found == expected.before else Left.PART


def _repeat(stage: _Stage, caller: UseCases, expected: Reference) -> None:
    """Ask for the same again, at once and when nobody is taken to be at work on it any more.

    First of the process that has met the fault, then of another one.
    """
    again = stage.operation.again or stage.operation.act
    _told(again, caller, stage.scene)
    stage.healthy.clock.forward(RESUMED_LEASE + timedelta(seconds=1))
    # So much later the index shows what it knows.
    stage.world.refresh()
    assert _told(again, caller, stage.scene).answer is Answer.DONE
    assert _told(again, stage.healthy, stage.scene).answer is Answer.DONE
    if not stage.operation.is_read:
        found = stage.state
        assert found == expected.after, (found, expected.after)
    if stage.scene.is_indexed:
        stage.healthy.index_all(stage.scene.scope)
        stage.world.refresh()
        assert not drift_of(stage.healthy, stage.scene)


@contextmanager
def _staged(world: World, operation: Operation, engine: str) -> Iterator[_Stage]:
    with ExitStack() as stack:
        own = stack.enter_context(world.own_tables()) if operation.is_sweep else world
        healthy = own.service(Clock(), with_models=engine == "bedrock")
        scene = operation.arrange(healthy)
        if scene.is_indexed:
            # Or the index does so by itself between two answers that are compared.
            own.refresh()
        yield _Stage(own, operation, engine, healthy, scene)
