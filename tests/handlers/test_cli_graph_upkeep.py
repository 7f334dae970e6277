"""`recollect verify` and `rebuild graph` of graphs, and `recollect graph redrive`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import Result

from recollect import bootstrap
from recollect.adapters import record_graph
from recollect.adapters.aws.store import DynamoStore
from recollect.bootstrap import stores
from recollect.domain.errors import UnavailableError
from recollect.domain.graph import Entity, Owner, Relation
from recollect.domain.memory import Memory
from recollect.domain.subjects import Scope
from recollect.entrypoints.cli import maintenance
from recollect.testing.builders import (
    a_change,
    a_graph_change,
    a_memory,
    a_relation,
    a_scope,
    adding,
    an_entity,
)
from recollect.testing.store import Store, a_project
from tests.aws import dynamo_store
from tests.contract.indexes import a_client, drop, some_settings
from tests.engines import endpoint
from tests.handlers.commands import Run, invoke, on_file, printed
from tests.promises.graph_copies import CopiedStore

TEXT = "My sister Tess lives in Lisbon."
REASON = "the answer\x1b[2J\nhas no use"
SHOWN = "the answer [2J has no use"


def rows(result: Result) -> list[list[str]]:
    """Return the words of the table of graphs, which is the last one."""
    lines = result.stdout.splitlines()
    return [line.split() for line in lines[lines.index("") + 1 :]]


def write_a_graph(store: Store, owner: Owner) -> None:
    """Commit two entities and a relation that no projection has."""
    ada, bob = an_entity(owner, "Ada"), an_entity(owner, "Bob")
    change = a_graph_change(entities=(ada, bob), relations=(a_relation(ada, bob),))
    store.graph.commit(owner, change)


def set_aside(store: Store, scope: Scope, text: str = TEXT, reason: str = REASON) -> Memory:
    """Commit a memory that no model could read."""
    memory = a_memory(scope, text, is_graphed=True)
    store.record.commit(scope.project, a_change(adding(memory)))
    owner = Owner.of(scope)
    for unread in store.graph_outbox.unread(owner, limit=9):
        store.graph_outbox.set_aside(owner, unread, reason=reason)
    return memory


# On the data file.


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "memories.db"


@pytest.fixture
def run(data: Path) -> Run:
    """Return what runs a command on a data file; its first key makes the project `default`."""
    run = on_file(data)
    assert run("list", "--user", "maya").exit_code == 0
    return run


@pytest.fixture
def scope() -> Scope:
    return a_scope("default", user="maya")


@pytest.fixture
def graphed(run: Run, data: Path, scope: Scope) -> Run:
    """Return what runs a command where there is a graph, all of which is projected."""
    with bootstrap.local_edition(data) as store:
        write_a_graph(store, Owner.of(scope))
    assert run("list", "--user", "maya").exit_code == 0
    return run


class Projection(CopiedStore):
    """A graph store that can be read and, for a while, not be written to."""

    is_down = False

    def apply(
        self, owner: Owner, entities: Sequence[Entity], relations: Sequence[Relation]
    ) -> None:
        if type(self).is_down:
            message = "The graph store cannot be written to"
            raise UnavailableError(message)
        super().apply(owner, entities, relations)


@pytest.fixture
def projection(monkeypatch: pytest.MonkeyPatch) -> Projection:
    """Return the graph store that commands use, which has a copy of its own."""
    store = Projection()
    monkeypatch.setattr(record_graph, "RecordGraphStore", lambda _: store)
    return store


@pytest.fixture
def drifted(projection: Projection, graphed: Run, scope: Scope) -> Run:
    """Return what runs a command where the graph store has lost everything."""
    assert len(projection.held(Owner.of(scope))) == 3
    projection.erase(Owner.of(scope))
    return graphed


def test_graphs_are_compared_in_a_table_of_their_own(graphed: Run) -> None:
    told = graphed("verify")

    assert (told.exit_code, told.stderr) == (0, "")
    assert rows(told) == [[*maintenance.GRAPH_NUMBERS, "project"], [*"2100000", "default"]]


def test_what_is_about_to_be_projected_is_no_drift(
    projection: Projection, run: Run, data: Path, scope: Scope
) -> None:
    with bootstrap.local_edition(data) as store:
        write_a_graph(store, Owner.of(scope))

    told = run("verify")

    assert (told.exit_code, rows(told)[1]) == (0, [*"2130030", "default"])
    assert projection.held(Owner.of(scope)) == {}


def test_drift_of_a_graph_is_told_and_ends_with_status_1(drifted: Run) -> None:
    told, as_json = drifted("verify"), drifted("verify", "--json")

    assert (told.exit_code, as_json.exit_code) == (1, 1)
    assert rows(told)[1] == [*"2130003", "default"]
    assert told.stderr == "Graphs have drifted; --repair writes those again.\n"
    found = printed(as_json)
    assert (found["drift"], found["repaired"]) == (0, 0)
    assert found["graphs"] == [
        {
            "project": "default",
            "entities": 2,
            "relations": 1,
            "missing": 3,
            "outdated": 0,
            "ghosts": 0,
            "pending": 0,
            "repaired": 0,
            "left": 0,
            "drift": 3,
        }
    ]


@pytest.mark.parametrize("words", [("verify", "--repair"), ("rebuild", "graph")])
def test_drift_of_a_graph_is_set_right(drifted: Run, words: Sequence[str]) -> None:
    repaired = drifted(*words)

    assert repaired.exit_code == 0
    assert drifted("verify").exit_code == 0


def test_what_was_done_is_told(drifted: Run) -> None:
    repaired = drifted("verify", "--repair")
    again = printed(drifted("verify", "--repair", "--json"))

    assert repaired.stderr.splitlines()[1:] == ["1 graphs were written again."]
    assert [each["repaired"] for each in again["graphs"]] == [0]
    assert drifted("rebuild", "graph").stdout == "2 entities and 1 relations written.\n"
    rebuilt = printed(drifted("rebuild", "graph", "--json"))
    assert rebuilt == {"entities": 2, "relations": 1, "left": 0}


@pytest.mark.parametrize("words", [("verify", "--repair"), ("rebuild", "graph")])
def test_what_cannot_be_written_from_here_is_left_to_the_service(
    drifted: Run, words: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Projection, "is_down", True)

    told = drifted(*words)

    assert told.exit_code == 0
    left = "1 graphs cannot be written from here now: they are left to the service."
    assert told.stderr.splitlines()[-1] == left
    assert rows(drifted("verify"))[1] == [*"2130030", "default"]


def test_without_a_graph_nothing_is_said_of_graphs(graphed: Run) -> None:
    told = graphed("verify", "--repair", RECOLLECT_GRAPH="none")
    as_json = graphed("verify", "--json", RECOLLECT_GRAPH="none")

    assert len(told.stdout.splitlines()) == 2
    assert told.stderr == "0 memories were written to the index again.\n"
    assert printed(as_json).keys() == {"drift", "repaired", "projects"}


def test_one_project_can_be_compared(graphed: Run) -> None:
    graphed("keys", "create", "--project", "another")

    every = printed(graphed("verify", "--json"))["graphs"]
    one = printed(graphed("verify", "--json", "--project", "default"))["graphs"]

    assert [(each["project"], each["entities"]) for each in every] == [
        ("another", 0),
        ("default", 2),
    ]
    assert [each["project"] for each in one] == ["default"]


# What could not be read.


def test_what_was_set_aside_is_told_and_read_at_once(run: Run, data: Path, scope: Scope) -> None:
    with bootstrap.local_edition(data) as store:
        memory = set_aside(store, scope)
    before = run("graph", "show", "--user", "maya").stdout

    told = run("graph", "redrive")

    assert told.exit_code == 0
    header, row = told.stdout.splitlines()
    assert header.split() == ["project", "memory", "reason"]
    assert row.split(maxsplit=2) == ["default", memory.id, SHOWN]
    assert told.stderr == "1 memories are read again.\n"
    shown = run("graph", "show", "--user", "maya").stdout
    assert before == ""
    assert "Lisbon" in shown


def test_the_text_of_what_was_set_aside_is_not_told(run: Run, data: Path, scope: Scope) -> None:
    with bootstrap.local_edition(data) as store:
        memory = set_aside(store, scope)

    told = run("graph", "redrive", "--json")

    change = {"project": "default", "memory_id": memory.id, "version": 1, "reason": REASON}
    assert printed(told) == {"memories": 1, "changes": [change]}
    assert "Lisbon" not in told.output


def test_without_anything_set_aside_there_is_nothing_to_do(run: Run) -> None:
    told = run("graph", "redrive")

    assert (told.exit_code, told.stdout, told.stderr) == (0, "", "Nothing was set aside.\n")


# On AWS.


@dataclass(frozen=True)
class Deployed:
    """Tables and indexes on the engines, and the environment that names them."""

    store: DynamoStore
    scope: Scope
    prefix: str

    @property
    def owner(self) -> Owner:
        return Owner.of(self.scope)

    def run(self, *words: str, **environment: str | None) -> Result:
        ours = {
            "RECOLLECT_EDITION": "aws",
            "RECOLLECT_RECORD_TABLE": self.store.record_table,
            "RECOLLECT_CONTROL_TABLE": self.store.control_table,
            "RECOLLECT_BUCKET": self.store.bucket,
            "RECOLLECT_GRAPH": "record",
            "RECOLLECT_INDEX_QUEUE_URL": "http://127.0.0.1:9/nobody-is-woken",
            "RECOLLECT_WORKER_QUEUE_URL": "http://127.0.0.1:9/nobody-works",
            "RECOLLECT_OPENSEARCH_URL": endpoint("opensearch"),
            "RECOLLECT_OPENSEARCH_AUTH": "none",
            "RECOLLECT_OPENSEARCH_ENGINE": "lucene",
            "RECOLLECT_OPENSEARCH_INDEX": self.prefix,
            "AWS_ENDPOINT_URL_DYNAMODB": endpoint("dynamodb"),
        }
        return invoke(*words, **{**ours, **environment})

    def lose(self, term: str) -> None:
        """Lose the entities with this term in their names from the index, as no removal does."""
        with a_client(endpoint("opensearch")) as engine:
            engine.delete_by_query(
                index=f"{self.prefix}-entities",
                body={"query": {"term": {"terms": term}}},
                params={"refresh": "true"},
            )

    def refresh(self) -> None:
        """Have the index show what it has."""
        with a_client(endpoint("opensearch")) as engine:
            engine.indices.refresh(index=f"{self.prefix}-entities")


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    monkeypatch.setattr(stores, "LONGEST_REFRESH_SECONDS", 0)
    prefix = some_settings().prefix
    with dynamo_store() as store, a_client(endpoint("opensearch")) as engine:
        yield Deployed(store, a_scope(a_project(store), user="ada"), prefix)
        drop(engine, prefix)


@pytest.mark.engines
def test_on_aws_graphs_are_written_and_their_drift_is_told(deployed: Deployed) -> None:
    write_a_graph(deployed.store, deployed.owner)

    pending = deployed.run("verify", "--json")
    built = deployed.run("rebuild", "graph")
    deployed.refresh()
    right = deployed.run("verify", "--json")
    deployed.lose("bob")
    drifted = deployed.run("verify", "--json", "--project", deployed.scope.project)

    found = [printed(each)["graphs"][0] for each in (pending, right, drifted)]
    assert [(each["missing"], each["pending"], each["drift"]) for each in found] == [
        (2, 2, 0),
        (0, 0, 0),
        (1, 0, 1),
    ]
    assert (pending.exit_code, right.exit_code, drifted.exit_code) == (0, 0, 1)
    assert built.stdout == "2 entities and 1 relations written.\n"


@pytest.mark.engines
def test_on_aws_what_was_set_aside_awaits_the_service(deployed: Deployed) -> None:
    memory = set_aside(deployed.store, deployed.scope)

    told = deployed.run("graph", "redrive", "--json")

    assert [each["memory_id"] for each in printed(told)["changes"]] == [memory.id]
    [unread] = deployed.store.graph_outbox.unread(deployed.owner, limit=9)
    assert unread.memory_id == memory.id
    assert deployed.store.graph_outbox.aside(limit=9) == []
