"""`recollect search` and `list`."""

from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import click

from recollect.domain.recall import CLOSING, OPENING
from recollect.entrypoints.answers import (
    MemoryAnswer,
    MemoryPageAnswer,
    RelationAnswer,
    SearchAnswer,
)
from recollect.entrypoints.cli.client import Api
from recollect.entrypoints.cli.options import (
    JsonType,
    connected,
    graph_option,
    json_option,
    subjects_required,
)
from recollect.entrypoints.cli.output import (
    examples,
    moment,
    one_line,
    print_json,
    print_table,
    say,
)

LARGEST_PAGE: Final = 200
"""What the service returns at most in one page."""
NOTHING: Final = "Nothing found."

filter_option = click.option(
    "--filter",
    "condition",
    type=JsonType(),
    help='More conditions in the filter language, such as \'{"metadata": {"topic": "music"}}\'.',
)


@click.command(
    epilog=examples(
        'recollect search "What is the dog\'s name?" --user maya',
        "recollect search allergies --user maya --limit 3 --explain",
        'recollect search "Where did she go last summer?" --user maya --max-tokens 500',
    )
)
@click.argument("query")
@subjects_required
@filter_option
@click.option("--limit", type=int, default=10, show_default=True, help="At most so many (1-1000).")
@click.option("--threshold", type=float, help="The least score, 0 to 1.  [default: 0.1]")
@click.option("--explain", is_flag=True, help="Show what each score is made of.")
@graph_option
@click.option(
    "--at",
    "reference_date",
    metavar="DATE",
    help="When it is asked: what 'last summer' is, which relations held.  [default: now]",
)
@click.option("--context", is_flag=True, help="Print a text for a prompt instead.")
@click.option(
    "--max-tokens",
    type=int,
    metavar="N",
    help="Print, for a prompt, the most useful memories that N tokens have room for.",
)
@json_option
@connected
def search(
    api: Api,
    *,
    query: str,
    ids: dict[str, str],
    condition: dict[str, Any] | None,
    limit: int,
    threshold: float | None,
    explain: bool,
    with_graph: bool | None,
    reference_date: str | None,
    context: bool,
    max_tokens: int | None,
    is_json: bool,
) -> None:
    """Find the memories that answer a question.

    Prints score (0 to 1), id and text of each, the best first; then what the graph has to say.
    With --explain, under each, what its score is made of, the largest part first, and what it was
    multiplied by where memories fade.
    """
    body = {
        "query": query,
        "filters": _filters(ids, condition),
        "top_k": limit,
        "threshold": threshold,
        "explain": explain,
        "enable_graph": with_graph,
        "reference_date": reference_date,
        "include_context": context,
        "max_tokens": max_tokens,
    }
    answer = api.call(SearchAnswer, "POST", "/v3/memories/search/", body=body)
    if is_json:
        print_json(answer)
        return
    for part in answer["degraded"]:
        say(f"Note: the answer may lack something ({one_line(part)}).")
    if "context" in answer:
        _print_context(answer)
        return
    _print_or_say(
        [
            (f"{found['score']:.2f}", found["id"], one_line(found["memory"]) + _breakdown(found))
            for found in answer["results"]
        ],
        NOTHING,
    )
    print_table([(f"{each['score']:.2f}", _said(each)) for each in answer.get("relations", [])])


@click.command(
    "list",
    epilog=examples(
        "recollect list --user maya", "recollect list --user maya --all --json > maya.json"
    ),
)
@subjects_required
@filter_option
@click.option(
    "--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many."
)
@click.option("--all", "is_all", is_flag=True, help="All of them, however many.")
@click.option("--show-expired", is_flag=True, help="Also those whose last day is over.")
@json_option
@connected
def list_(
    api: Api,
    *,
    ids: dict[str, str],
    condition: dict[str, Any] | None,
    limit: int,
    is_all: bool,
    show_expired: bool,
    is_json: bool,
) -> None:
    """List memories, last created first.

    Prints id, time and text of each.
    """
    body = {"filters": _filters(ids, condition), "show_expired": show_expired}
    found: list[MemoryAnswer] = []
    total = 0
    for page in _pages(api, body, LARGEST_PAGE if is_all else min(limit, LARGEST_PAGE)):
        found += page["results"]
        total = max(page["count"], len(found))
        if not is_all and len(found) >= limit:
            break
    shown = found if is_all else found[:limit]
    if is_json:
        print_json(shown)
        return
    _print_or_say(
        [(item["id"], moment(item["created_at"]), one_line(item["memory"])) for item in shown],
        "There are no memories.",
    )
    if len(shown) < total:
        say(f"{len(shown)} of {total}; --all lists the rest.")


def _print_context(answer: SearchAnswer) -> None:
    lines = answer["context"].splitlines()
    for line in lines:
        click.echo(one_line(line))
    if {OPENING, CLOSING}.issuperset(lines):
        say("No memory fits into so few tokens." if answer["results"] else NOTHING)
    elif "all_tokens" in answer:
        used, whole = answer["context_tokens"], answer["all_tokens"]
        say(f"About {used} tokens; all memories together have about {whole}.")


def _filters(ids: dict[str, str], condition: dict[str, Any] | None) -> dict[str, Any]:
    return {"AND": [part for part in (ids, condition) if part]}


def _pages(api: Api, body: dict[str, Any], size: int) -> Iterator[MemoryPageAnswer]:
    query: dict[str, Any] = {"page_size": size}
    while True:
        page = api.call(MemoryPageAnswer, "POST", "/v3/memories/", body=body, query=query)
        yield page
        if not page["next"]:
            return
        query = parse_qs(urlsplit(page["next"]).query)


def _said(relation: RelationAnswer) -> str:
    predicate = relation["relationship"].replace("_", " ")
    source = _called(relation["source"], relation["source_type"])
    target = _called(relation["target"], relation["target_type"])
    return one_line(f"{source} {predicate} {target}")


def _called(name: str, kind: str) -> str:
    return "the user" if kind == "user" else name


def _breakdown(found: MemoryAnswer) -> str:
    """Return what a score is made of as a line of its own, empty if that was not asked for."""
    parts = found.get("score_breakdown", {})
    shown = {name: part for name, part in parts.items() if name != "decay" and round(part, 2)}
    best = sorted(shown, key=lambda name: -shown[name])
    told = ", ".join(f"{name} {shown[name]:.2f}" for name in best)
    if round(parts.get("decay", 1.0), 2) != 1:
        told += f"; times {parts['decay']:.2f} by decay"
    return f"\n      {told}" if told else ""


def _print_or_say(rows: Sequence[Sequence[str]], nothing: str) -> None:
    if rows:
        print_table(rows)
    else:
        say(nothing)
