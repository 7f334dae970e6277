"""How often an inferred add asks models, index and record on both editions: exact numbers."""

from collections.abc import Mapping

import pytest

from benchmarks.model_calls import counted_add
from recollect.usecases.parts import MAX_TURNS
from tests.service import UseCases

FACTS = pytest.mark.parametrize("facts", [1, 3, 10, 25, MAX_TURNS])


def record_calls(
    counts: Mapping[str, int], *, parts: int, recent: int, is_known: bool = True
) -> int:
    """Return how often the record is asked, of which one is a commit for each batch of facts.

    Once for the job, once for the last adds and twice for what came of each (`recent`); for each
    part the clock, what the index may not show and, if anything `is_known`, what is near; for each
    commit which texts are known, and in the first part, where all updates are, the same for what
    they say.
    """
    # What was read is kept first if one commit cannot hold it.
    batches = counts["commits"] - (counts["commits"] > 1)
    # Every part but the first is one batch.
    updating = batches - (parts - 1) if counts["changed"] else 0
    return 2 + 2 * recent + (2 + is_known) * parts + batches + updating + counts["commits"]


@FACTS
def test_facts_of_one_part_are_two_model_calls_two_batches_and_one_search(
    edition: UseCases, facts: int
) -> None:
    changed = -(-facts // 3)

    counts = counted_add(edition, facts, changed)

    assert (counts["results"], counts["updates"]) == (facts, changed)
    assert counts["model_calls"] == 2
    assert counts["embedding_calls"] == 2
    assert counts["embedded_texts"] == facts + changed
    assert counts["index_requests"] == 1
    assert counts["record_calls"] == record_calls(counts, parts=1, recent=1)


@FACTS
def test_where_nothing_is_known_it_is_one_model_call_and_one_batch(
    edition: UseCases, facts: int
) -> None:
    counts = counted_add(edition, facts, 0)

    assert counts["results"] == facts
    assert counts["model_calls"] == counts["embedding_calls"] == counts["index_requests"] == 1
    assert counts["embedded_texts"] == facts
    assert counts["record_calls"] == record_calls(counts, parts=1, recent=0, is_known=False)


def test_every_part_costs_the_same_again(edition: UseCases) -> None:
    facts, changed = MAX_TURNS + 5, 20

    counts = counted_add(edition, facts, changed)

    assert (counts["results"], counts["updates"]) == (facts, changed)
    assert counts["model_calls"] == 2 * 2
    # All that changes is in the first part.
    assert counts["embedding_calls"] == 2 + 1
    assert counts["embedded_texts"] == facts + changed
    assert counts["index_requests"] == 2
    assert counts["record_calls"] == record_calls(counts, parts=2, recent=1)
