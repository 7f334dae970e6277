"""Which parts the operations can do without."""

from pathlib import Path

import pytest

from tests.faults.cases import Answer, without
from tests.faults.operations import OPERATIONS, Operation
from tests.faults.sweep import ENGINES, needing
from tests.faults.table import NAMES
from tests.faults.world import World

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"


@pytest.mark.engines
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_what_is_not_needed_may_be_down(world: World, operation: Operation) -> None:
    assert without(world, operation, set(ENGINES) - set(operation.engines)) is Answer.DONE


@pytest.mark.parametrize("engine", ENGINES)
def test_the_page_tells_of_every_operation(engine: str) -> None:
    _, _, rest = PAGE.read_text().partition(f"## {NAMES[engine]}\n")
    table, _, _ = rest.partition("## ")

    told = dict.fromkeys(row.split(" | ")[0] for row in table.splitlines()[3:] if row)

    assert list(told) == [f"| {operation.name}" for operation in needing(engine)]
