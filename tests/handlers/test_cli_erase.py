"""`recollect erase again`, on the data file and on AWS."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from recollect.adapters.aws.store import DynamoStore
from recollect.adapters.local.store import LocalStore
from recollect.bootstrap import stores
from recollect.domain.subjects import Subject, SubjectKind
from recollect.testing.builders import NOON, a_change, a_memory, a_scope, adding
from recollect.testing.store import Store, a_project
from tests.aws import dynamo_store
from tests.contract.stores import MEGABYTE
from tests.handlers.commands import invoke, printed
from tests.service import embedder

ADA = Subject(SubjectKind.USER, "ada")
MINUTE = timedelta(minutes=1)


def restored(store: Store) -> str:
    """Return a project that a restore has brought back something of ada's to."""
    project = a_project(store)
    for name in ("ada", "bob"):
        memory = a_memory(a_scope(project, user=name), f"{name} likes tea")
        store.record.commit(project, a_change(adding(memory)))
    store.erasures.mark(project, ADA, at=NOON + MINUTE)
    return project


def left(store: Store, project: str) -> set[str]:
    page = store.subjects.known(project, limit=9)
    return {subject.name for subject in page.values()}


def test_what_came_back_to_the_data_file_is_erased_again(tmp_path: Path) -> None:
    data = tmp_path / "memories.db"
    store = LocalStore(data, embedding_model=embedder().model, resident_bytes=MEGABYTE)
    store.open()
    project, other = restored(store), restored(store)
    store.database.close()

    one = invoke("erase", "again", "--project", other, "--data", str(data))
    all_ = invoke("erase", "again", "--json", "--data", str(data))

    assert (one.exit_code, all_.exit_code) == (0, 0)
    assert "1 users, agents, apps and runs were erased again." in one.stderr
    assert printed(all_) == {"erased": 1}
    assert (left(store, project), left(store, other)) == ({"bob"}, {"bob"})
    store.database.close()


def test_a_project_that_is_not_there_is_told(tmp_path: Path) -> None:
    result = invoke("erase", "again", "--project", "tea", "--data", str(tmp_path / "memories.db"))

    assert result.exit_code == 1
    assert "There is no such project" in result.stderr


@pytest.fixture
def store() -> Iterator[DynamoStore]:
    with dynamo_store() as store:
        yield store


@pytest.mark.engines
def test_what_came_back_to_aws_is_erased_again(
    store: DynamoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = restored(store)
    monkeypatch.setattr(stores, "dynamo_store", lambda: store)
    monkeypatch.setattr(stores, "wake_ups", stores.local_wake_ups)

    result = invoke("erase", "again", "--edition", "aws", AWS_DEFAULT_REGION="eu-central-1")

    assert result.exit_code == 0, result.output
    assert left(store, project) == {"bob"}
