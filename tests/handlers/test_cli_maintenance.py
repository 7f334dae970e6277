"""`recollect verify`, `rebuild index` and `reembed`, on the data file and on AWS.

What `verify` and `rebuild` say of graphs is in `test_cli_graph_upkeep.py`.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result

from recollect.adapters.aws.store import DynamoStore
from recollect.adapters.local.database import Database
from recollect.adapters.local.index_builds import LocalIndexBuilds
from recollect.bootstrap import stores
from recollect.domain.memory import Memory, Vector
from recollect.domain.subjects import Scope
from recollect.entrypoints.cli import maintenance
from recollect.testing.builders import a_change, a_memory, a_scope, adding
from recollect.testing.store import a_project
from tests.aws import dynamo_store
from tests.contract.indexes import a_client, drop, refresh, some_settings
from tests.engines import endpoint
from tests.handlers.commands import Run, invoke, on_file, printed
from tests.service import embedder

OTHER_MODEL = {"RECOLLECT_EMBEDDER": "tests.handlers.test_cli_maintenance:Toy"}


class Toy:
    """Another model, with vectors that say nothing."""

    model = "toy-2"
    dimensions = 2

    def embed(self, texts: Sequence[str], task: str) -> list[Vector]:
        assert task in {"document", "query"}
        return [np.array([0.6, 0.8], dtype=np.float32) for _ in texts]


def rows(result: Result) -> list[list[str]]:
    return [line.split() for line in result.stdout.splitlines()]


# On the data file.


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "memories.db"


@pytest.fixture
def run(data: Path) -> Run:
    return on_file(data)


@pytest.fixture
def drifted(run: Run, data: Path) -> None:
    """Two memories, of which the index has lost one."""
    for text in ("My dog is called Biscuit.", "My cat is called Cleo."):
        assert run("add", text, "--user", "maya").exit_code == 0
    database = Database(data, ())
    with closing(database), database.writing() as file:
        file.execute("DELETE FROM index_documents WHERE body LIKE '%Cleo%'")


def test_an_index_without_drift_is_told_in_numbers(run: Run) -> None:
    run("add", "My dog is called Biscuit.", "--user", "maya")

    told = run("verify")

    assert told.exit_code == 0
    assert rows(told)[:2] == [[*maintenance.NUMBERS, "project"], [*"1100000", "default"]]


@pytest.mark.usefixtures("drifted")
def test_drift_is_told_and_ends_with_status_1(run: Run) -> None:
    told, as_json = run("verify"), run("verify", "--json")

    assert (told.exit_code, as_json.exit_code) == (1, 1)
    assert rows(told)[1] == [*"2110001", "default"]
    assert told.stderr == "The index has drifted; --repair writes what differs again.\n"
    index = {key: value for key, value in printed(as_json).items() if key != "graphs"}
    assert index == {
        "drift": 1,
        "repaired": 0,
        "projects": [
            {
                "project": "default",
                "memories": 2,
                "indexed": 1,
                "missing": 1,
                "outdated": 0,
                "ghosts": 0,
                "pending": 0,
                "repaired": 0,
                "drift": 1,
            }
        ],
    }


@pytest.mark.usefixtures("drifted")
@pytest.mark.parametrize("words", [("verify", "--repair"), ("rebuild", "index")])
def test_drift_is_set_right(run: Run, words: Sequence[str]) -> None:
    repaired = run(*words)

    assert repaired.exit_code == 0
    assert run("verify").exit_code == 0
    found = run("search", "Cleo", "--user", "maya").stdout
    assert "My cat is called Cleo." in found.splitlines()[0]


@pytest.mark.usefixtures("drifted")
def test_what_was_done_is_told(run: Run) -> None:
    [told, _] = run("verify", "--repair").stderr.splitlines()
    assert told == "1 memories were written to the index again."
    assert printed(run("verify", "--repair", "--json"))["repaired"] == 0
    assert run("rebuild", "index").stdout == "2 memories indexed.\n"
    assert printed(run("rebuild", "index", "--json")) == {"indexed": 2}
    assert run("reembed").stdout == "0 memories embedded, 2 indexed.\n"
    assert printed(run("reembed", "--json", **OTHER_MODEL)) == {
        "embedded": 2,
        "indexed": 2,
        "names": 0,
    }


def test_one_project_can_be_compared(run: Run) -> None:
    run("keys", "create", "--project", "re search")
    run("keys", "create", "--project", "another")

    every = printed(run("verify", "--json"))["projects"]
    one = printed(run("verify", "--project", "re search", "--json"))["projects"]
    unknown = run("verify", "--project", "unknown")

    assert [each["project"] for each in every] == ["another", "re search"]
    assert [each["project"] for each in one] == ["re search"]
    assert (unknown.exit_code, unknown.stderr) == (1, "Error: There is no such project\n")


def test_without_projects_there_is_nothing_to_compare(run: Run) -> None:
    told = run("verify")

    assert (told.exit_code, told.stdout, told.stderr) == (0, "", "There are no projects.\n")


def test_a_file_changes_its_model_and_refuses_the_old_one(run: Run) -> None:
    run("add", "My dog is called Biscuit.", "--user", "maya")
    refused = run("search", "dog", "--user", "maya", **OTHER_MODEL)

    done = run("reembed", **OTHER_MODEL)

    assert (refused.exit_code, done.exit_code) == (1, 0)
    assert "'recollect reembed'" in refused.stderr
    assert done.stdout == "1 memories embedded, 1 indexed.\n"
    assert "Biscuit" in run("search", "zzz", "--user", "maya", **OTHER_MODEL).stdout
    assert "holds vectors of toy-2" in run("search", "dog", "--user", "maya").stderr


def test_whoever_watches_sees_how_far_it_is(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("add", "My dog is called Biscuit.", "--user", "maya")
    monkeypatch.setattr(maintenance, "is_watched", lambda: True)

    done = run("reembed", **OTHER_MODEL)

    assert [step.strip() for step in done.stderr.split("\r")] == ["", "1 embedded", "1 indexed"]
    assert done.stderr.endswith("\n")


def test_a_region_is_needed_on_aws(run: Run) -> None:
    told = run("verify", "--edition", "aws", AWS_DEFAULT_REGION=None)

    assert (told.exit_code, told.stderr[:32]) == (1, "Error: No AWS region is configur")


def test_what_is_not_configured_is_named(run: Run) -> None:
    told = run("verify", RECOLLECT_EDITION="aws")

    assert (told.exit_code, told.stdout) == (1, "")
    assert told.stderr == "Error: Recollect is not configured: RECOLLECT_RECORD_TABLE is not set\n"


# On AWS.


@dataclass(frozen=True)
class Deployed:
    """Tables and an index on the engines, and the environment that names them."""

    store: DynamoStore
    scope: Scope
    prefix: str

    def run(self, *words: str, **environment: str | None) -> Result:
        ours = {
            "RECOLLECT_EDITION": "aws",
            "RECOLLECT_RECORD_TABLE": self.store.record_table,
            "RECOLLECT_CONTROL_TABLE": self.store.control_table,
            "RECOLLECT_BUCKET": self.store.bucket,
            "RECOLLECT_OPENSEARCH_URL": endpoint("opensearch"),
            "RECOLLECT_OPENSEARCH_AUTH": "none",
            "RECOLLECT_OPENSEARCH_ENGINE": "lucene",
            "RECOLLECT_OPENSEARCH_INDEX": self.prefix,
            "AWS_ENDPOINT_URL_DYNAMODB": endpoint("dynamodb"),
        }
        return invoke(*words, **{**ours, **environment})

    def remember(self, text: str) -> Memory:
        """Commit a memory that the index never hears of."""
        memory = a_memory(self.scope, text)
        self.store.record.commit(self.scope.project, a_change(adding(memory)))
        keys = [self.scope.owner.key]
        lost = self.store.outbox.pending(self.scope.project, keys, limit=9)
        self.store.outbox.confirm(self.scope.project, lost)
        return memory


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    monkeypatch.setattr(stores, "PROJECT_WIDE_SECONDS", 0.0)
    with dynamo_store() as store, a_client(endpoint("opensearch")) as engine:
        prefix = some_settings().prefix
        yield Deployed(store, a_scope(a_project(store), user="ada"), prefix)
        drop(engine, prefix)


@pytest.mark.engines
def test_on_aws_drift_is_told_and_set_right(deployed: Deployed) -> None:
    deployed.remember("likes tea")
    built = deployed.run("rebuild", "index")
    deployed.remember("likes cake")

    drifted = deployed.run("verify", "--json")
    repaired = deployed.run("verify", "--repair", "--json")
    with a_client(endpoint("opensearch")) as engine:
        refresh(engine, deployed.prefix)
    after = deployed.run("verify", "--project", deployed.scope.project)

    assert (built.exit_code, built.stdout) == (0, "1 memories indexed.\n")
    assert (drifted.exit_code, printed(drifted)["drift"]) == (1, 1)
    assert (repaired.exit_code, printed(repaired)["repaired"]) == (0, 1)
    assert (after.exit_code, rows(after)[1]) == (0, [*"2200000", deployed.scope.project])


@pytest.mark.engines
def test_on_aws_the_model_is_changed(deployed: Deployed) -> None:
    memories = [deployed.remember(f"likes tea {number}") for number in range(3)]

    first = deployed.run("reembed", "--json")
    second = deployed.run("reembed", "--json", **OTHER_MODEL)
    again = deployed.run("reembed", "--json", **OTHER_MODEL)

    done = [printed(each) for each in (first, second, again)]
    assert [each["embedded"] for each in done] == [3, 3, 0]
    assert {each["indexed"] for each in done} == {3}
    ids = [memory.id for memory in memories]
    stored = deployed.store.record.get(deployed.scope.project, ids).values()
    assert {memory.embedding.model for memory in stored if memory.embedding} == {Toy.model}
    with a_client(endpoint("opensearch")) as engine:
        [name] = engine.indices.get(index=f"{deployed.prefix}-*")
    assert f"{deployed.prefix}-toy-2-" in name
    assert embedder().model not in name


def test_texts_that_another_release_took_apart_are_told_of(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("add", "My dog is called Biscuit.", "--user", "maya")
    before = run("verify")
    monkeypatch.setattr(LocalIndexBuilds, "is_outdated", lambda _: True)

    told = run("verify")

    assert (before.exit_code, before.stderr) == (0, "")
    assert told.exit_code == 0
    assert "'recollect rebuild index'" in told.stderr
