"""How often each operation asks DynamoDB, SQS and OpenSearch: exact numbers."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import boto3
import pytest
from opensearchpy import Transport

from benchmarks.model_calls import Mind
from benchmarks.model_calls_peer import known as known_before
from benchmarks.model_calls_peer import said
from recollect.adapters.aws.items import WIDE_SHARDS
from recollect.adapters.aws.wake_ups import SqsWakeUps
from recollect.domain.changes import MemoryChanges
from recollect.domain.filters import EVERYTHING
from recollect.domain.jobs import Decision, IdempotencyKey, JobStatus
from recollect.domain.memory import Message
from recollect.domain.requests import AddRequest
from recollect.domain.subjects import Scope
from recollect.testing.builders import a_scope
from recollect.usecases.asking import AskModel
from recollect.usecases.deciding import ModelDecider
from recollect.usecases.extraction import ModelExtractor
from recollect.usecases.parts import MAX_TURNS
from recollect.usecases.work_on_jobs import UNHEARD
from tests.aws import Engines, make_queue
from tests.engines import REGION, endpoint
from tests.service import Clock, UseCases

FACTS_A_COMMIT = 10

pytestmark = pytest.mark.engines

WORDS = "likes tea with milk"


@pytest.fixture(scope="session")
def wake_ups() -> Iterator[SqsWakeUps]:
    client = boto3.client("sqs", region_name=REGION, endpoint_url=endpoint("sqs"))
    name = f"calls-{uuid4().hex}"
    index, worker = make_queue(client, name), make_queue(client, f"{name}.fifo")
    yield SqsWakeUps(
        client=client,
        index_queue_url=index,
        worker_queue_url=worker,
        new_token=lambda: uuid4().hex,
    )
    for url in (index, worker):
        client.delete_queue(QueueUrl=url)


@pytest.fixture
def service(deployed: Engines, wake_ups: SqsWakeUps) -> UseCases:
    return deployed.use_cases(Clock()).having(wake_ups=wake_ups)


@pytest.fixture
def known(service: UseCases) -> Scope:
    """A scope that this process has written to before."""
    scope = service.new_scope(user="ada", agent="guide")
    service.say(scope, "is called Ada")
    return scope


@contextmanager
def counted(service: UseCases, deployed: Engines) -> Iterator[Counter[str]]:
    """Count the calls that are made in the block, by operation."""
    calls: Counter[str] = Counter()

    def count(model: object, **_: object) -> None:
        calls[getattr(model, "name")] += 1  # noqa: B009 - botocore has no types

    wake_ups = service.ports.wake_ups
    assert isinstance(wake_ups, SqsWakeUps)
    clients = (deployed.store.dynamodb, deployed.store.s3, wake_ups.client)
    for client in clients:
        client.meta.events.register("before-call", count, unique_id="counting")
    try:
        yield calls
    finally:
        for client in clients:
            client.meta.events.unregister("before-call", unique_id="counting")


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the requests to OpenSearch, by what they are."""
    calls: Counter[str] = Counter()
    asked = Transport.perform_request

    def perform(transport: Transport, method: str, url: str, **more: Any) -> Any:  # noqa: ANN401
        calls[f"{method} {url.rpartition('/')[2]}"] += 1
        return asked(transport, method, url, **more)

    monkeypatch.setattr(Transport, "perform_request", perform)
    return calls


@pytest.mark.parametrize("messages", [1, 10])
def test_a_verbatim_add_is_one_transaction(
    service: UseCases, deployed: Engines, known: Scope, messages: int
) -> None:
    with counted(service, deployed) as calls:
        service.say(known, *(f"{WORDS} {number}" for number in range(messages)))

    assert calls == {
        "PutItem": 1,  # the job
        "UpdateItem": 1,  # the turns
        "BatchGetItem": 1,  # which texts are known
        "TransactWriteItems": 1,
        "SendMessage": 1,
    }


@pytest.mark.parametrize("infer", [True, False])
@pytest.mark.parametrize(
    ("key", "write"), [(None, "PutItem"), (IdempotencyKey("k", "hash"), "TransactWriteItems")]
)
def test_an_add_is_accepted_by_one_write_and_one_message(
    service: UseCases,
    deployed: Engines,
    searches: Counter[str],
    known: Scope,
    *,
    infer: bool,
    key: IdempotencyKey | None,
    write: str,
) -> None:
    messages = tuple(Message("user", f"{WORDS} {number}") for number in range(20))
    request = AddRequest(scope=known, messages=messages, infer=infer)

    with counted(service, deployed) as calls:
        job = service.add.accept(request, key)

    assert job.status is JobStatus.PENDING
    assert calls == {write: 1, "SendMessage": 1}
    assert searches == {}


def test_a_worker_adds_two_looks_at_the_job_and_takes_it(
    service: UseCases, deployed: Engines, known: Scope
) -> None:
    request = AddRequest(scope=known, messages=(Message("user", WORDS),), infer=False)
    job = service.add.accept(request)

    with counted(service, deployed) as calls:
        done = service.carry_on(known.project, job.id)

    assert done is not None
    assert done.status is JobStatus.SUCCEEDED
    assert calls == {
        "GetItem": 2,  # what it is to do, and who has it
        "PutItem": 1,  # the job is taken
        "UpdateItem": 1,  # the turns
        "BatchGetItem": 1,  # which texts are known
        "TransactWriteItems": 1,
        "SendMessage": 1,
    }


def test_an_abandoned_job_is_read_said_and_put_back(
    service: UseCases, deployed: Engines, known: Scope
) -> None:
    request = AddRequest(scope=known, messages=(Message("user", WORDS),))
    job = service.add.accept(request)
    service.clock.forward(UNHEARD)

    with counted(service, deployed) as calls:
        assert service.work.requeue(known.project, job.id)

    assert calls == {"GetItem": 1, "SendMessage": 1, "UpdateItem": 1}


def test_a_look_at_a_job_is_a_read(service: UseCases, deployed: Engines, known: Scope) -> None:
    job = service.add.accept(AddRequest(scope=known, messages=(Message("user", WORDS),)))

    with counted(service, deployed) as calls:
        service.read_job(known.project, job.id)

    assert calls == {"GetItem": 1}


def test_a_large_add_is_a_transaction_for_ten_messages(
    service: UseCases, deployed: Engines, known: Scope
) -> None:
    with counted(service, deployed) as calls:
        service.say(known, *(f"{WORDS} {number}" for number in range(50)))

    assert calls["TransactWriteItems"] == 1 + 5  # the plan is kept first
    assert calls["BatchGetItem"] == 5
    assert calls["PutItem"] == calls["UpdateItem"] == calls["SendMessage"] == 1


@pytest.mark.parametrize(
    ("facts", "changed"), [(1, 0), (1, 1), (10, 0), (10, 4), (11, 0), (25, 9), (60, 20)]
)
@pytest.mark.parametrize("names", [{"user": "ada"}, {"user": "ada", "agent": "guide"}], ids=len)
def test_an_inferred_add_reads_each_part_once_and_writes_ten_facts_at_once(
    service: UseCases,
    deployed: Engines,
    searches: Counter[str],
    *,
    names: dict[str, str],
    facts: int,
    changed: int,
) -> None:
    scope = service.new_scope(**names)
    service.say(scope, *(known_before(changed) or [WORDS]))
    ask = AskModel(Mind())
    thinking = service.having(extractor=ModelExtractor(ask), decider=ModelDecider(ask))

    with counted(service, deployed) as calls:
        job = thinking.say(scope, *said(facts), infer=True)

    parts = [min(MAX_TURNS, facts - start) for start in range(0, facts, MAX_TURNS)]
    commits = sum(-(-part // FACTS_A_COMMIT) for part in parts)
    updating = -(-parts[0] // FACTS_A_COMMIT) if changed else 0
    updates = sum(each.decision is Decision.UPDATE for each in job.outcomes)
    assert (len(job.outcomes), updates) == (facts, changed)
    assert searches == {"POST _msearch": len(parts)}
    assert calls == {
        "PutItem": 1,  # the job
        # The last adds of the session; then for each part what the index may not show.
        "Query": 1 + len(parts),
        # Of each of those adds (here one) what came of it; then for each part the scope's clock.
        "GetItem": 1 + len(parts),
        # What was said in those adds, and of each the memories; then for each part those near its
        # facts, for each commit which texts are known, and in the first part, where all updates
        # are, the same for what they say.
        "BatchGetItem": 2 + len(parts) + commits + updating,
        # What was read is kept first if one commit cannot hold it.
        "TransactWriteItems": commits + (commits > 1),
        "SendMessage": 1,
    }


def test_new_subjects_are_introduced_first(service: UseCases, deployed: Engines) -> None:
    scope = service.new_scope(user="ada", agent="guide", run="r1")
    service.say(a_scope(scope.project, user="bob"), WORDS)

    with counted(service, deployed) as calls:
        service.say(scope, WORDS)

    assert calls["PutItem"] == 1 + 3
    assert calls["BatchWriteItem"] == 1
    # The texts that are there already, and whether one of the subjects was erased.
    assert calls["BatchGetItem"] == 1 + 1


def test_a_search_naming_a_subject_is_a_query_and_two_rounds_of_reading(
    service: UseCases, deployed: Engines, known: Scope
) -> None:
    service.say(known, *(f"{WORDS} {number}" for number in range(30)))
    service.index_all(known)

    with counted(service, deployed) as calls:
        assert service.found(known, "milk", limit=9)

    # The candidates, and the turns around them.
    assert calls == {"Query": 1, "BatchGetItem": 1 + 1}


def test_changes_by_id_are_a_read_and_a_transaction(
    service: UseCases, deployed: Engines, known: Scope
) -> None:
    memory = service.remember(known, WORDS)

    with counted(service, deployed) as calls:
        service.update(known.project, memory.id, MemoryChanges(text="likes coffee"))
    assert calls == {"BatchGetItem": 1, "TransactWriteItems": 1, "SendMessage": 1}

    with counted(service, deployed) as calls:
        service.delete(known.project, memory.id)
    assert calls == {
        "BatchGetItem": 1,
        "BatchWriteItem": 1,  # what tells an erasure of the deleted memory
        "TransactWriteItems": 1,
        "SendMessage": 1,
    }


def test_reads_by_id_are_one_call(service: UseCases, deployed: Engines, known: Scope) -> None:
    memory = service.remember(known, WORDS)

    with counted(service, deployed) as calls:
        service.read(known.project, memory.id)
    assert calls == {"BatchGetItem": 1}


def test_a_page_of_a_user_is_a_query_and_a_read(
    service: UseCases, deployed: Engines, known: Scope
) -> None:
    with counted(service, deployed) as calls:
        service.listed(a_scope(known.project, user="ada"))

    assert calls == {"Query": 1, "BatchGetItem": 1}


def test_counting_a_project_reads_places_and_no_memories(
    service: UseCases, deployed: Engines, known: Scope
) -> None:
    service.say(known, *(f"{WORDS} {number}" for number in range(20)))
    with counted(service, deployed) as calls:
        page = service.ports.listing.memories(known.project, EVERYTHING, limit=1)

    assert page.count == 21
    assert calls == {"Query": WIDE_SHARDS, "BatchGetItem": 1}


def test_a_page_of_jobs_costs_the_same_however_many_there_are(
    service: UseCases, deployed: Engines, known: Scope
) -> None:
    for number in range(4):
        service.say(known, f"{WORDS} {number}")
    first = service.ports.jobs.recent(known.project, limit=2)

    with counted(service, deployed) as calls:
        second = service.ports.jobs.recent(known.project, limit=2, after=first[-1])

    assert len({job.id for job in (*first, *second)}) == 4
    assert calls == {"Query": 2 * WIDE_SHARDS, "BatchGetItem": 1}


def test_the_projector_reads_each_subject_once(
    service: UseCases, deployed: Engines, known: Scope
) -> None:
    service.index_all(known)
    service.say(known, WORDS)

    with counted(service, deployed) as calls:
        service.index_all(known)

    assert calls == {
        "Query": len(known.subjects),
        "BatchGetItem": 1,
        "BatchWriteItem": 2,  # confirmed, then no longer pending
    }
