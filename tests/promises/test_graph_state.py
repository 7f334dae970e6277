"""Promises 3 and 12 for the graph: whatever happens, it is what the living memories say."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from datetime import timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, TypeAlias

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
    run_state_machine_as_test,
)

from recollect.domain.changes import MemoryChanges
from recollect.domain.errors import ConflictError, NotFoundError, UnavailableError
from recollect.domain.graph import Owner
from recollect.domain.jobs import Decision
from recollect.domain.requests import DeleteAllRequest
from recollect.domain.subjects import Scope
from recollect.testing.builders import a_scope
from tests.promises.graph_copies import CopiedStore
from tests.promises.graph_worlds import (
    CrashError,
    Fate,
    GraphWorld,
    Servers,
    assert_right,
    local,
    local_alone,
    servers,
)
from tests.service import UseCases

MOST_CALLS = 14
"""Of ports before something happens to a process: few pieces of work make more."""
PROJECTS = ("acme", "other")
SCOPES = (
    ("acme", {"user": "ada"}),
    ("acme", {"user": "ada", "agent": "scout"}),
    ("acme", {"user": "bob"}),
    ("other", {"user": "ada"}),
)
SUBJECTS = (
    ("acme", "user_id", "ada"),
    ("acme", "user_id", "bob"),
    ("acme", "agent_id", "scout"),
    ("other", "user_id", "ada"),
)
PEOPLE = ("Mia:person", "Tom:person")
ELSEWHERE = ("Lisbon:place", "Porto:place", "Acme:organization")
PREDICATES = ("lives_in", "likes", "drives_past")
"""One ends others, one does not, and of one the reader is asked."""
TIMES = ("", " from 2026-01-01", " from 2026-02-01 to 2026-04-01")

statements = st.builds(
    "{} {} {}{}".format,
    st.sampled_from(PEOPLE),
    st.sampled_from(PREDICATES),
    st.sampled_from(ELSEWHERE),
    st.sampled_from(TIMES),
)
texts = st.lists(st.one_of(statements, st.sampled_from(PEOPLE)), min_size=1, max_size=3).map(
    "; ".join
)
scopes = st.integers(0, len(SCOPES) - 1)
picks = st.integers(0, 100)
workers = st.sampled_from(["write", "project", "delete all"])


def crash() -> None:
    raise CrashError


class Graphs(RuleBasedStateMachine):
    """Two owners of one project and one of another, who tell of the same people."""

    build: ClassVar["Build"]

    def __init__(self) -> None:
        super().__init__()
        self.opened = ExitStack()
        self.world = self.opened.enter_context(type(self).build())
        use_cases = self.world.use_cases
        names = {project: use_cases.open_project(project) for project in PROJECTS}
        self.scopes = [a_scope(names[project], **who) for project, who in SCOPES]
        self.subjects = [(names[project], field, name) for project, field, name in SUBJECTS]
        self.owners = sorted({Owner.of(scope) for scope in self.scopes})
        self.world.owners.update(self.owners)
        self.told: list[tuple[str, str]] = []

    @rule(at=scopes, text=texts)
    def add(self, at: int, text: str) -> None:
        self._tell(self.scopes[at], text)

    @rule(at=scopes, text=texts)
    def add_beside_the_graph(self, at: int, text: str) -> None:
        self._tell(self.scopes[at], text, is_graphed=False)

    @rule(at=scopes, some=st.lists(texts, min_size=2, max_size=5, unique=True))
    def add_many(self, at: int, some: list[str]) -> None:
        self._tell(self.scopes[at], *some)

    @precondition(lambda self: self.told)
    @rule(pick=picks, text=texts)
    def correct(self, pick: int, text: str) -> None:
        self._change(pick, MemoryChanges(text=text))

    @precondition(lambda self: self.told)
    @rule(pick=picks, mood=st.integers(0, 3))
    def change_metadata(self, pick: int, mood: int) -> None:
        self._change(pick, MemoryChanges(metadata={"mood": mood}))

    @precondition(lambda self: self.told)
    @rule(pick=picks)
    def delete(self, pick: int) -> None:
        self._delete(self.world.use_cases, pick)

    @rule(pick=picks)
    def delete_all(self, pick: int) -> None:
        self._delete_all(self.world.use_cases, pick)

    @rule(minutes=st.integers(1, 200))
    def let_time_pass(self, minutes: int) -> None:
        self.world.use_cases.clock.forward(timedelta(minutes=minutes))

    @rule(at=scopes)
    def write(self, at: int) -> None:
        self.world.use_cases.write_graph(Owner.of(self.scopes[at]))

    @rule(at=scopes)
    def project(self, at: int) -> None:
        self.world.use_cases.project_graph(Owner.of(self.scopes[at]))

    @rule(at=scopes)
    def build_projections_anew(self, at: int) -> None:
        ports = self.world.use_cases.ports
        ports.graph_outbox.project_again(Owner.of(self.scopes[at]), at=ports.now())

    @rule(work=workers, pick=picks, calls=st.integers(0, MOST_CALLS))
    def die(self, work: str, pick: int, calls: int) -> None:
        """Let a process break off between any two of its calls."""
        with suppress(CrashError):
            self._work(work, self.world.fated(Fate(calls, crash)), pick)

    @rule(
        work=workers,
        pick=picks,
        calls=st.integers(0, MOST_CALLS),
        meanwhile=st.lists(st.tuples(workers, st.booleans()), min_size=1, max_size=4),
        text=texts,
    )
    def stall(
        self, work: str, pick: int, calls: int, meanwhile: list[tuple[str, bool]], text: str
    ) -> None:
        """Let others do more of the same owner's work between any two calls of a process."""

        def go_on() -> None:
            for other, is_told in meanwhile:
                if is_told:
                    self._tell(self.scopes[pick % len(SCOPES)], text)
                self._work(other, self.world.use_cases, pick)

        self._work(work, self.world.fated(Fate(calls, go_on)), pick)

    @rule()
    def settle(self) -> None:
        """See that it is all right once everybody has done what was left to do."""
        self.world.drive_on()
        ids: list[str] = []
        for owner in self.owners:
            assert_right(self.world, owner)
            ids += self.world.state(owner).versions
        assert len(ids) == len(set(ids))

    def teardown(self) -> None:
        with self.opened:
            self.settle()

    def _tell(self, scope: Scope, *said: str, is_graphed: bool = True) -> None:
        job = self.world.use_cases.say(scope, *said, is_graphed=is_graphed)
        self.told += [
            (scope.project, each.memory_id)
            for each in job.outcomes
            if each.decision is Decision.ADD
        ]

    def _change(self, pick: int, changes: MemoryChanges) -> None:
        project, memory_id = self.told[pick % len(self.told)]
        # It may be deleted, or its scope may have the text.
        with suppress(NotFoundError, ConflictError):
            self.world.use_cases.update(project, memory_id, changes)

    def _delete(self, use_cases: UseCases, pick: int) -> None:
        project, memory_id = self.told[pick % len(self.told)]
        with suppress(NotFoundError):
            use_cases.delete(project, memory_id)

    def _delete_all(self, use_cases: UseCases, pick: int) -> None:
        project, field, name = self.subjects[pick % len(SUBJECTS)]
        use_cases.delete_all(DeleteAllRequest(project=project, filters={field: name}))

    def _work(self, work: str, use_cases: UseCases, pick: int) -> None:
        owner = Owner.of(self.scopes[pick % len(SCOPES)])
        if work == "write":
            use_cases.write_graph(owner)
        elif work == "project":
            use_cases.project_graph(owner)
        else:
            self._delete_all(use_cases, pick)


Build: TypeAlias = Callable[[], AbstractContextManager[GraphWorld]]


def run(build: Build, *, examples: int, steps: int) -> None:
    """Play that many stories of at most so many steps, and something at least."""
    counted = count()

    @contextmanager
    def built() -> Iterator[GraphWorld]:
        with build() as world:
            yield world

    class Machine(Graphs):
        def check_invariants(self, *args: Any, **options: Any) -> None:  # noqa: ANN401
            next(counted)
            super().check_invariants(*args, **options)

    Machine.build = staticmethod(built)
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert next(counted) > examples * steps // 2


@contextmanager
def on_files(build: Callable[[Path], AbstractContextManager[GraphWorld]]) -> Iterator[GraphWorld]:
    """Yield a world in a new folder."""
    with TemporaryDirectory() as folder, build(Path(folder)) as world:
        yield world


@pytest.fixture(scope="module")
def deployed() -> Iterator[Servers]:
    with servers() as built:
        yield built


def test_promise_12_the_graph_is_what_the_memories_say() -> None:
    run(lambda: on_files(local), examples=14, steps=40)


def test_promise_12_the_graph_is_what_the_memories_say_where_the_record_answers() -> None:
    run(lambda: on_files(local_alone), examples=6, steps=40)


@pytest.mark.fuzz
def test_promise_12_the_graph_is_what_the_memories_say_in_long_stories() -> None:
    run(lambda: on_files(local), examples=600, steps=60)


@pytest.mark.engines
def test_promise_12_the_graph_on_servers_is_what_the_memories_say(deployed: Servers) -> None:
    run(deployed.world, examples=4, steps=15)


@pytest.fixture
def world() -> Iterator[GraphWorld]:
    with on_files(local) as built:
        yield built


@pytest.fixture
def scope(world: GraphWorld) -> Scope:
    return a_scope(world.use_cases.open_project("acme"), user="ada")


def forget_all(world: GraphWorld, scope: Scope) -> None:
    request = DeleteAllRequest(project=scope.project, filters={"user_id": scope.owner.name})
    world.use_cases.delete_all(request)


def follow(world: GraphWorld, scope: Scope) -> None:
    world.use_cases.write_graph(Owner.of(scope))
    world.use_cases.project_graph(Owner.of(scope))


@pytest.mark.parametrize("calls", range(MOST_CALLS))
def test_two_writers_of_one_memory_count_it_once(
    world: GraphWorld, scope: Scope, calls: int
) -> None:
    told = world.use_cases.say(scope, "Mia:person likes Acme:organization", is_graphed=True)
    follow(world, scope)
    world.use_cases.say(scope, "Mia:person likes Porto:place", is_graphed=True)
    world.use_cases.delete(scope.project, told.outcomes[0].memory_id)

    slow = world.fated(Fate(calls, lambda: follow(world, scope)))
    slow.write_graph(Owner.of(scope))

    world.drive_on()
    assert_right(world, Owner.of(scope))


@pytest.mark.parametrize("calls", range(MOST_CALLS))
@pytest.mark.parametrize("is_whole", [False, True])
def test_a_slow_projector_brings_nothing_back(
    world: GraphWorld, scope: Scope, calls: int, *, is_whole: bool
) -> None:
    owner, ports = Owner.of(scope), world.use_cases.ports
    world.use_cases.say(scope, "Mia:person likes Acme:organization", is_graphed=True)
    world.use_cases.write_graph(owner)
    if is_whole:
        ports.graph_outbox.project_again(owner, at=ports.now())

    def erase() -> None:
        forget_all(world, scope)
        world.use_cases.project_graph(owner)

    world.fated(Fate(calls, erase)).project_graph(owner)

    world.drive_on()
    assert_right(world, owner)


@pytest.mark.parametrize("calls", range(MOST_CALLS))
def test_projections_are_whole_after_a_rebuild_that_broke_off(
    world: GraphWorld, scope: Scope, calls: int
) -> None:
    owner, ports = Owner.of(scope), world.use_cases.ports
    world.use_cases.say(scope, "Mia:person likes Acme:organization", is_graphed=True)
    follow(world, scope)
    ports.graph_outbox.project_again(owner, at=ports.now())

    with suppress(CrashError):
        world.fated(Fate(calls, crash)).project_graph(owner)

    world.drive_on()
    assert_right(world, owner)


def test_a_graph_that_is_erased_all_the_time_is_given_up(world: GraphWorld, scope: Scope) -> None:
    owner, numbers = Owner.of(scope), count()

    def replace_all() -> None:
        forget_all(world, scope)
        world.use_cases.say(scope, f"Note {next(numbers)}:thing", is_graphed=True)
        world.use_cases.write_graph(owner)

    class Restless(CopiedStore):
        def apply(self, *args: Any) -> None:  # noqa: ANN401 - as the port has them
            super().apply(*args)
            replace_all()

    replace_all()
    with pytest.raises(UnavailableError, match="all the time"):
        world.use_cases.having(graph_store=Restless()).project_graph(owner)

    world.drive_on()
    assert_right(world, owner)
