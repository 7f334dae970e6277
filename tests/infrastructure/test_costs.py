"""The model of costs: its arithmetic, and that it counts what the code does."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from benchmarks import costs
from benchmarks.model_calls import Mind
from benchmarks.model_calls_peer import said
from benchmarks.prices import PRICES, STORES, dollars
from benchmarks.workload import Workload, read_units, write_units
from recollect.adapters.aws.store import DynamoStore
from recollect.adapters.aws.trusted import TrustedSettings
from recollect.domain.jobs import IdempotencyKey, JobStatus
from recollect.domain.memory import Message, Vector
from recollect.domain.ranking import TermStatistics
from recollect.domain.requests import AddRequest
from recollect.domain.subjects import Scope, SubjectKind
from recollect.ports.index import IndexQuery, Proposal
from recollect.ports.models import EmbeddingTask
from recollect.usecases.add_memories import AddMemories
from recollect.usecases.asking import AskModel
from recollect.usecases.candidates import FindCandidates
from recollect.usecases.carry_on import CarryOn
from recollect.usecases.context import RecentMessages
from recollect.usecases.deciding import ModelDecider
from recollect.usecases.decisions import DecideDrafts
from recollect.usecases.describing import NoDescriber
from recollect.usecases.extraction import ModelExtractor
from recollect.usecases.manage_keys import CreateKey
from recollect.usecases.reading import ReadMessages
from recollect.usecases.work_on_jobs import WorkOnJobs
from tests.aws import dynamo_store
from tests.infrastructure.templates import ROOT

WORK = Workload()
PROJECT = "costs"
NAMES = {SubjectKind.USER: "ada", SubjectKind.AGENT: "tutor", SubjectKind.RUN: "monday"}


def test_units_are_begun_and_then_paid() -> None:
    assert [read_units(size) for size in (1, 4096, 4097)] == [1, 1, 2]
    assert [write_units(size) for size in (1, 1024, 1025)] == [1, 1, 2]


def test_a_search_reads_every_candidate_and_neighbour_for_itself() -> None:
    lean = costs.search(WORK)["DynamoDB read unit"]
    rich = costs.search(replace(WORK, dimensions=3072))["DynamoDB read unit"]

    assert rich - lean == pytest.approx(WORK.candidates + WORK.neighbours)


def test_each_subject_of_an_add_is_written_twice_in_the_transaction() -> None:
    one = costs.add_verbatim(WORK)["DynamoDB write unit"]
    two = costs.add_verbatim(replace(WORK, subjects=2))["DynamoDB write unit"]

    # A membership and what is pending at twice the price; a row of the index, and its life after.
    assert two - one == pytest.approx(2 * 2 + 1 + 3)


def test_a_language_model_costs_more_than_all_the_rest() -> None:
    inferred = dollars(costs.add_inferred(WORK))

    assert inferred > 10 * dollars(costs.add_verbatim(WORK))


def test_who_does_not_wait_pays_for_a_worker_and_its_messages() -> None:
    waited, accepted = costs.add_verbatim(WORK), costs.accepted_verbatim(WORK)
    more = {name: accepted[name] - waited.get(name, 0.0) for name in accepted}

    assert {name: more[name] for name in more if more[name] > 1e-5} == {
        "SQS FIFO request": 3,
        "Lambda request": 1,
        "Lambda GB-second (arm64)": pytest.approx(WORK.accept_seconds * WORK.gigabytes),
        "DynamoDB read unit": pytest.approx(2 * read_units(WORK.job)),
        "DynamoDB write unit": pytest.approx(write_units(WORK.job) + 2),
    }


def test_a_message_is_no_request_and_its_job_is_put_with_its_key() -> None:
    for of_api, of_sqs in (
        (costs.accepted_verbatim(WORK), costs.message_verbatim(WORK)),
        (costs.accepted_inferred(WORK), costs.message_inferred(WORK)),
    ):
        assert "HTTP API request" in of_api
        assert "HTTP API request" not in of_sqs
        assert of_sqs["SQS request"] - of_api["SQS request"] == 3
        assert of_sqs["DynamoDB write unit"] > of_api["DynamoDB write unit"]


def test_context_costs_an_episode_a_job_and_what_came_of_it() -> None:
    facts = 4
    none, one = (
        costs.add_inferred(replace(WORK, facts=facts, recent=recent))["DynamoDB read unit"]
        for recent in (0, 1)
    )

    assert one - none == pytest.approx(2 + facts)


def test_every_fact_is_looked_up_and_compared_with_ten() -> None:
    one, two = (
        costs.add_inferred(replace(WORK, facts=facts, recent=0, updated=0))["DynamoDB read unit"]
        for facts in (1, 2)
    )

    # And read once more by the projector.
    assert two - one == pytest.approx(1 + 10 + 1)


def test_everything_used_has_a_price_with_its_source() -> None:
    result = costs.measure()

    assert all(price["source"] and price["dollars"] > 0 for price in result["prices"].values())
    assert set(result["dollars_a_million"]) == {"search", "add verbatim", "add inferred"}
    assert set(result["prices"]) == set(PRICES)
    for name in (*(store.name for store in STORES), *result["dollars_a_million_ingested"]):
        assert name in costs.report(result)


def test_the_guide_says_what_is_computed() -> None:
    guide = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    result = costs.measure()
    searches, verbatim, inferred = (
        round(cost, -1 if cost > 1000 else None) for cost in result["dollars_a_million"].values()
    )
    domains = list(result["dollars_a_month_of_the_index"].values())[:2]

    assert f"{searches:.0f} (searches), {verbatim:.0f} (verbatim adds)" in guide
    assert f"{inferred:,.0f} (inferred adds" in guide
    accepted, _, message, _ = map(round, result["dollars_a_million_ingested"].values())
    assert f"cost {accepted} (accepted by the API) or {message} (from SQS)" in guide
    assert all(f"| {cost:.0f}" in guide for cost in domains)


class OneVector:
    model = "one"
    dimensions = WORK.dimensions

    def embed(self, texts: Sequence[str], task: EmbeddingTask) -> list[Vector]:  # noqa: ARG002
        return [np.full(self.dimensions, self.dimensions**-0.5, dtype=np.float32) for _ in texts]


class NoIndex:
    def put(self, *_: object) -> None: ...

    def remove(self, *_: object) -> None: ...

    def propose(self, _: str, queries: Sequence[IndexQuery]) -> list[Proposal]:
        return [Proposal((), TermStatistics(0, 0.0, {}))] * len(queries)

    def held(self, *_: object, **__: object) -> list[tuple[str, int]]:
        return []


class NoWakeUps:
    def work(self, _: object) -> bool:
        return True

    def waiting(self) -> int:
        return 0

    def index(self, *_: object) -> None: ...

    def read_graph(self, _: object) -> None: ...

    def project_graph(self, _: object) -> None: ...

    def deliver(self, *_: object, **__: object) -> None: ...


def adding(store: DynamoStore) -> AddMemories:
    work = WorkOnJobs(store.jobs, store.record, NoWakeUps(), now, new_id)
    find = FindCandidates(NoIndex(), store.record, store.outbox, store.listing)
    ask = AskModel(Mind())
    decide = DecideDrafts(store.scopes, OneVector(), ModelDecider(ask), find, now, new_id)
    recent = RecentMessages(store.episodes, store.jobs, store.record, now)
    read = ReadMessages(store.scopes, ModelExtractor(ask), NoDescriber(), recent)
    projects = TrustedSettings(store.projects, now)
    return AddMemories(
        store.record, work, read, decide, projects, NoWakeUps(), now, has_graph=False
    )


def now() -> datetime:
    return datetime.now(UTC)


def new_id() -> str:
    return str(uuid4())


@pytest.fixture
def store() -> Iterator[DynamoStore]:
    with dynamo_store(settling=timedelta(seconds=60)) as opened:
        CreateKey(opened.keys, opened.projects, now, new_id, new_id)(PROJECT, "costs")
        yield opened


def size_of(value: dict[str, Any]) -> int:
    """Return the bytes that DynamoDB counts for a value; numbers are short here."""
    ((kind, content),) = value.items()
    if kind == "M":
        return 3 + sum(len(name) + size_of(part) + 1 for name, part in content.items())
    if kind == "L":
        return 3 + sum(size_of(part) + 1 for part in content)
    return len(content.encode() if kind == "S" else content)


@pytest.mark.engines
@pytest.mark.parametrize("subjects", [1, 2, 3])
def test_an_add_makes_the_calls_that_are_counted(store: DynamoStore, subjects: int) -> None:
    scope = Scope.of(PROJECT, dict(list(NAMES.items())[:subjects]))
    add, calls, written = adding(store), Counter[str](), Counter[str]()

    def count(params: dict[str, Any], model: Any, **_: object) -> None:  # noqa: ANN401 - botocore's
        calls[model.name] += 1
        for step in params.get("TransactItems", []):
            ((kind, request),) = step.items()
            written["items"] += 1
            if kind == "Put" and "vec" in request["Item"]:
                written["state"] = sum(len(k) + size_of(v) for k, v in request["Item"].items())

    def text() -> tuple[Message, ...]:
        return (Message("user", f"{uuid4()} ".ljust(WORK.text, "x")),)

    add(AddRequest(scope=scope, messages=text(), infer=False))  # the subjects are known from here
    store.dynamodb.meta.events.register("before-parameter-build.dynamodb", count)
    try:
        add(AddRequest(scope=scope, messages=text(), infer=False))
    finally:
        store.dynamodb.meta.events.unregister("before-parameter-build.dynamodb", count)

    assert calls == {"PutItem": 1, "UpdateItem": 1, "BatchGetItem": 1, "TransactWriteItems": 1}
    assert written["items"] == 2 * subjects + 7
    assert write_units(written["state"]) == write_units(WORK.state)
    assert written["state"] == pytest.approx(WORK.state, rel=0.1)


@contextmanager
def counting(store: DynamoStore, calls: Counter[str]) -> Iterator[None]:
    def count(model: Any, **_: object) -> None:  # noqa: ANN401 - botocore's
        calls[model.name] += 1

    store.dynamodb.meta.events.register("before-parameter-build.dynamodb", count)
    try:
        yield
    finally:
        store.dynamodb.meta.events.unregister("before-parameter-build.dynamodb", count)


@pytest.mark.engines
@pytest.mark.parametrize(
    ("key", "accepting"),
    [(None, {"PutItem": 1}), (IdempotencyKey("sqs:1", "hash"), {"TransactWriteItems": 1})],
)
def test_what_is_accepted_and_worked_on_later_makes_the_calls_that_are_counted(
    store: DynamoStore, key: IdempotencyKey | None, accepting: dict[str, int]
) -> None:
    scope = Scope.of(PROJECT, NAMES)
    add, accepted, worked = adding(store), Counter[str](), Counter[str]()
    carry_on = CarryOn(store.jobs, {AddRequest: add.resume})

    first, second = (
        AddRequest(scope=scope, messages=(Message("user", each),), infer=False) for each in said(2)
    )

    add(first)  # the subjects are known from here
    with counting(store, accepted):
        job = add.accept(second, key)
    with counting(store, worked):
        done = carry_on(PROJECT, job.id)

    assert done is not None
    assert done.status is JobStatus.SUCCEEDED
    assert accepted == accepting
    # Beside what an awaited add does after its job is put: twice read, and put as claimed.
    assert worked == {
        "GetItem": 2,
        "PutItem": 1,
        "UpdateItem": 1,
        "BatchGetItem": 1,
        "TransactWriteItems": 1,
    }


@pytest.mark.engines
def test_an_inferred_add_reads_what_is_counted(store: DynamoStore) -> None:
    scope = Scope.of(PROJECT, NAMES)
    add, read, facts = adding(store), Counter[str](), 3

    def count(params: dict[str, Any], model: Any, **_: object) -> None:  # noqa: ANN401 - botocore's
        if model.name == "BatchGetItem":
            read["keys"] += sum(len(each["Keys"]) for each in params["RequestItems"].values())
        elif model.name in {"GetItem", "Query"}:
            read[model.name] += 1

    def adding_facts(start: int) -> AddRequest:
        messages = tuple(Message("user", text) for text in said(start + facts)[start:])
        return AddRequest(scope=scope, messages=messages)

    add(adding_facts(0))
    store.dynamodb.meta.events.register("before-parameter-build.dynamodb", count)
    try:
        job = add(adding_facts(facts))
    finally:
        store.dynamodb.meta.events.unregister("before-parameter-build.dynamodb", count)

    assert len(job.outcomes) == facts
    assert read == {
        "Query": 2,  # the places of the last adds, and what is pending
        "GetItem": 2,  # the clock, and the job of the only add before
        # Its episode and its memories; for each fact its marker; and, in place of what an index
        # would propose, what is pending.
        "keys": 1 + facts + facts + facts,
    }
