"""DynamoDB fails while the service needs it."""

import json

import pytest

from recollect.adapters.aws import dynamodb as adapter
from recollect.domain.errors import UnavailableError
from recollect.domain.subjects import Scope
from tests.faults.fault_proxy import Behaviour, FaultProxy
from tests.faults.operations import MANY, Operation
from tests.faults.refusals import Reply, checked, dynamodb
from tests.faults.sweep import check, needing
from tests.faults.world import World
from tests.service import Clock, UseCases

pytestmark = pytest.mark.engines

TRIES = 4


def contested(body: bytes) -> Reply:
    """Cancel a transaction because others are under way on its items."""
    steps = json.loads(body)["TransactItems"]
    reasons = [{"Code": "TransactionConflict"}, *({"Code": "None"} for _ in steps[1:])]
    return dynamodb(400, "TransactionCanceledException", CancellationReasons=reasons)


def overloaded(body: bytes) -> Reply:
    """Do nothing of what is asked for in bulk."""
    left = json.loads(body)["RequestItems"]
    return checked(200, {"Responses": {}, "UnprocessedKeys": left, "UnprocessedItems": left})


turned_away = pytest.mark.parametrize(
    ("behaviour", "operation"),
    [
        (contested, "TransactWriteItems"),
        (overloaded, "BatchGetItem"),
        (overloaded, "BatchWriteItem"),
    ],
)


@pytest.fixture
def proxy(world: World) -> FaultProxy:
    return world.proxies["dynamodb"]


@pytest.fixture
def service(world: World, monkeypatch: pytest.MonkeyPatch) -> UseCases:
    """Gives up earlier than it should, because these pauses are real."""
    monkeypatch.setattr(adapter, "MAX_TRIES", TRIES)
    return world.service(Clock(), with_models=False, through=["dynamodb"])


@pytest.fixture
def scope(service: UseCases) -> Scope:
    return service.new_scope(user="ada")


@pytest.mark.parametrize("operation", needing("dynamodb"), ids=lambda each: each.name)
def test_no_fault_does_any_harm(world: World, operation: Operation) -> None:
    check(world, operation, "dynamodb")


@turned_away
def test_what_was_turned_away_is_asked_for_again(
    service: UseCases, scope: Scope, proxy: FaultProxy, behaviour: Behaviour, operation: str
) -> None:
    with proxy.injecting(behaviour, lasts=False, of=operation) as injection:
        service.say(scope, *MANY)

    assert injection.hits == 1
    assert [memory.text for memory in service.listed(scope)] == list(MANY[::-1])


@turned_away
def test_what_is_turned_away_again_and_again_is_given_up(
    service: UseCases, scope: Scope, proxy: FaultProxy, behaviour: Behaviour, operation: str
) -> None:
    with (
        proxy.injecting(behaviour, lasts=True, of=operation) as injection,
        pytest.raises(UnavailableError, match=r"^The table \S+ is overloaded; try again$"),
    ):
        service.say(scope, *MANY)

    # A transaction may be tried once more, for the note in the job that it failed.
    assert injection.hits in {TRIES, 2 * TRIES}
    assert service.listed(scope) == ()
