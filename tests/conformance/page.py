"""The page that says which client can do what, as the conformance run found it.

`python -m tests.conformance.page docs/compatibility.md` runs both editions; it needs the engines.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

import tests.conftest  # noqa: F401 - as in tests, no account can be reached
from tests.conformance.clients import CLIENTS, Client
from tests.conformance.deviations import DEVIATIONS
from tests.conformance.outcomes import Outcome
from tests.conformance.provoked import PROVOCATIONS, WITHOUT_EMBEDDER
from tests.conformance.refusals import KINDS, manner_of
from tests.conformance.run import EDITIONS, Edition, findings

NAMES: Final[Mapping[Edition, str]] = {"local": "local edition", "aws": "AWS edition"}
REASONS: Final = tuple(dict.fromkeys(each.reason for each in DEVIATIONS.values()))
"""The reasons are numbered on the page, from 1."""
HEAD: Final = """\
# Which mem0 clients work, and how far

Written by `make conformance`, which has the published clients, unmodified, make every call they
have: against the local edition, and against the AWS edition on engines. `make test` does the same
and compares the results with this page. Only the address and the key are other than they would be
with mem0's own platform.

*ok* is a method whose calls were all answered in the documented shape and did what they are for. A
number is the reason, listed below, for which no call of it can succeed. The methods are those that
the client itself says it has, so that one which nobody calls makes the run fail.
"""
OTHERWISE: Final = """\
## What is otherwise than on mem0's platform

- Profiles are not made: their status is always `not_enabled`, and enabling them is refused (400).
- An entity's id is its name; there are no numbers.
- An add is done when it is answered, in every version: `PENDING` means that it could not be, or
  that `async_mode` asked for the job alone (adds of the first version do, unless it is `false`).
- Every memory keeps all the ids of its add; `attributed_to` tells who said it.
- `threshold` cuts the `score`, which is of meaning, words and what was said around it, and is 0.1
  unless given, in every version; `score_breakdown.semantic` is the likeness alone.
- `rerank` needs a reranker of your own (`docs/providers.md`); without one it changes nothing.
- A memory is its latest text, and its history the earlier ones: `latest_only` and `include_merged`
  change nothing, and `delete_linked` answers with a `cascade_count` of 0.
- These are read and change nothing, either: `keyword_search`, `filter_memories`,
  `timezone`, `temporal_reasoning`, `prompt_profile_id`, `structured_data_schema`, and a project's
  `retrieval_criteria` and `version`.
- Pictures may be addresses. Documents are sent inline, as text: `pdf_url`, and any other document
  at an address, is refused (400).
- Exports are written by a language model, and refused (400) where there is none.
- Webhooks are told of memories: the events `ingest_job_*` are refused (400).
- Of mem0's open-source server: no settings, accounts or keys are changed over its routes
  (`POST /configure`, `/generate-instructions`, `/auth`, `/api-keys`, `/requests` are 404), and an
  id that is no UUID is refused (400).
- A request that API Gateway itself throttles is refused in the gateway's words: its body has a
  `message` only. All other refusals have the same text as `detail`, `error` and `message`.
"""
REFUSED: Final = """\
## Refusals

What a client raises when it is refused. All statuses come from a server that only refuses, and
{seen} from the service, too. The last row says what the message is.
"""

Cell = tuple[str, str]
"""A client and one of its methods."""


def page(found: Mapping[Edition, Sequence[Outcome]]) -> str:
    """Return the page about what was found of each edition."""
    lines = [HEAD, *_totals(found), ""]
    for client in CLIENTS:
        lines += [f"## {client.label}", "", *_methods(client, found), ""]
    lines += ["## Reasons", ""]
    lines += [f"{number}. {reason}." for number, reason in enumerate(REASONS, 1)]
    lines += ["", OTHERWISE, *_refusals()]
    return "\n".join(lines) + "\n"


def results(outcomes: Sequence[Outcome]) -> dict[Cell, str]:
    """Return what the page says about each method."""
    ordered = sorted(outcomes, key=_cell)
    return {cell: _result(list(each)) for cell, each in groupby(ordered, key=_cell)}


def results_on(text: str, edition: Edition) -> dict[Cell, str]:
    """Return what a page says about each method in an edition."""
    found: dict[Cell, str] = {}
    label, column = "", 2 + EDITIONS.index(edition)
    for line in text.splitlines():
        label = line.removeprefix("## ") if line.startswith("## ") else label
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and cells[0].startswith("`"):
            found[label, cells[0].strip("`")] = cells[column]
    return found


def _cell(outcome: Outcome) -> Cell:
    return outcome.client.label, outcome.method


def _result(outcomes: Sequence[Outcome]) -> str:
    if any(outcome.result == "failed" for outcome in outcomes):
        return "failed"
    reasons = dict.fromkeys(each.detail for each in outcomes if each.result == "client")
    return ", ".join(str(REASONS.index(reason) + 1) for reason in reasons) or "ok"


def _totals(found: Mapping[Edition, Sequence[Outcome]]) -> Iterator[str]:
    yield f"| client | methods | calls | {' | '.join(NAMES[each] for each in EDITIONS)} |"
    yield "|---|---|---|---|---|"
    for client in CLIENTS:
        made = [each for each in found[EDITIONS[0]] if each.client == client]
        methods = len({each.method for each in made})
        shares = " | ".join(_share(client, found[edition]) for edition in EDITIONS)
        yield f"| {client.label} | {methods} | {len(made)} | {shares} |"


def _share(client: Client, outcomes: Sequence[Outcome]) -> str:
    said = results([each for each in outcomes if each.client == client]).values()
    failed, fine = list(said).count("failed"), list(said).count("ok")
    known = len(said) - fine - failed
    parts = {"ok": fine, "not, for a reason": known, "failed": failed}
    return ", ".join(f"{count} {name}" for name, count in parts.items() if count)


def _methods(client: Client, found: Mapping[Edition, Sequence[Outcome]]) -> Iterator[str]:
    yield f"| method | calls | {' | '.join(NAMES[each] for each in EDITIONS)} |"
    yield "|---|---|---|---|"
    said = {edition: results(found[edition]) for edition in EDITIONS}
    made = [each.method for each in found[EDITIONS[0]] if each.client == client]
    for method in sorted(set(made)):
        cells = [said[edition].get((client.label, method), "failed") for edition in EDITIONS]
        yield f"| `{method}` | {made.count(method)} | {' | '.join(cells)} |"


def _refusals() -> Iterator[str]:
    seen = [each.status for each in (*PROVOCATIONS, WITHOUT_EMBEDDER)]
    yield REFUSED.format(seen=", ".join(map(str, seen)))
    yield f"| status | {' | '.join(client.label for client in CLIENTS)} |"
    yield "|---" * (len(CLIENTS) + 1) + "|"
    for status in KINDS:
        kinds = (manner_of(client).kind(status) for client in CLIENTS)
        yield f"| {status} | {' | '.join(kinds)} |"
    yield f"| message | {' | '.join(manner_of(client).words for client in CLIENTS)} |"


def main() -> None:
    """Write the page; fail after that if anything failed."""
    found = {edition: findings(edition) for edition in EDITIONS}
    text = page({edition: each.outcomes for edition, each in found.items()})
    Path(sys.argv[1]).write_text(text, encoding="utf-8")
    problems = [problem for each in found.values() for problem in each.problems]
    if problems:
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    main()
