"""The published clients, unmodified, make every call they have; the page says what came of it."""

import pytest

from recollect.entrypoints.functions import ROOT
from tests.conformance.clients import tried
from tests.conformance.page import page, results, results_on
from tests.conformance.run import EDITIONS, Edition, findings

PAGE = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("edition", ["local", pytest.param("aws", marks=pytest.mark.engines)])
def test_every_call_of_every_client_is_as_the_page_says(edition: Edition) -> None:
    found = findings(edition)

    labels = {client.label for client in tried()}
    written = results_on(PAGE, edition).items()
    assert found.problems == []
    assert results(found.outcomes) == {
        cell: result for cell, result in written if cell[0] in labels
    }


def test_the_page_says_the_same_of_both_editions() -> None:
    assert results_on(PAGE, "local") == results_on(PAGE, "aws") != {}


def test_what_the_page_says_of_reasons_and_refusals_is_current() -> None:
    without_results = page({edition: [] for edition in EDITIONS}).splitlines()

    said = [line for line in without_results if not line.startswith("| mem0")]

    assert set(said) <= set(PAGE.splitlines())
