"""`make bench`: measure, write `results/*.json`, and print and keep one Markdown table.

Every measurement runs in a process of its own, so that none warms up or burdens the next.
"""

import argparse
import importlib
import json
import multiprocessing
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import artefacts, costs, growth_report, model_calls, peers_report
from benchmarks.measuring import RESULTS, table, write

MEASUREMENTS = ("speed", "peer", "first_search", "accept", "model_calls", "costs", "artefacts")
ON_ENGINES = ("tenant_recall", "locomo_opensearch", "graph", "ingest")
"""Only when they are asked for: `make engines` starts what they measure."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the measurements that were asked for, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="conversations in the LoCoMo layout")
    parser.add_argument("--only", nargs="+", choices=(*MEASUREMENTS, *ON_ENGINES, "locomo"))
    asked = parser.parse_args(arguments)
    names = asked.only or [*MEASUREMENTS, *(["locomo"] if asked.data else [])]
    for name in names:
        print(f"measuring {name} ...", flush=True)
        write(name, _apart(name, [asked.data] if name.startswith("locomo") else []))
    print(keep_report())


def keep_report() -> str:
    """Write all that is kept in `results` into its README, and return that."""
    report = _report()
    (RESULTS / "README.md").write_text(report)
    return report


def _accepting(result: dict[str, Any]) -> str:
    return (
        f"An add of {result['messages']} messages is accepted with `async_mode` in"
        f" {result['p50_ms']} ms (p95 {result['p95_ms']} ms) of the function's own time.\n"
    )


def _ingesting(result: dict[str, Any]) -> str:
    rows = [
        [way, at["messages_per_second"], *_times(at["found_after"])]
        for way, at in result["ways"].items()
    ]
    header = ["messages of a queue, kept in", "messages/s", "found after p50 ms", "p95 ms"]
    return f"## Messages and asynchronous adds\n\n{table(header, rows)}\n"


def _apart(name: str, arguments: Sequence[object]) -> dict[str, Any]:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (name, *arguments))


def _measure(name: str, *arguments: object) -> dict[str, Any]:
    result: dict[str, Any] = importlib.import_module(f"benchmarks.{name}").measure(*arguments)
    return result


def _report() -> str:
    kept = {path.stem: json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))}
    parts = ["# Measured by `make bench`\n"]
    if "speed" in kept:
        parts += [_speed_table(kept["speed"], kept.get("peer", {})), ""]
        parts.append(f"Peak memory of the whole run: {kept['speed']['peak_mb']} MB.\n")
    if "locomo" in kept:
        parts += [_recall_table(kept["locomo"]), ""]
    parts += [_accepting(found) for name, found in kept.items() if name == "accept"]
    parts += [f"{peers_report.report(found)}\n" for name, found in kept.items() if name == "peers"]
    parts += [
        f"{growth_report.report(found)}\n" for name, found in kept.items() if name == "growth"
    ]
    if "first_search" in kept:
        first = kept["first_search"]
        parts.append(
            f"Fresh clone with empty caches to the first answer:"
            f" {first['seconds_to_first_answer']} s,"
            f" {first['downloaded_and_installed_mb']} MB installed ({first['what']}).\n"
        )
    if "tenant_recall" in kept:
        parts += ["## On OpenSearch\n", _tenant_table(kept["tenant_recall"]), ""]
    if "locomo_opensearch" in kept:
        parts += [_recall_table(kept["locomo_opensearch"]), ""]
    if "graph" in kept:
        parts += ["## Graphs\n", _graph_tables(kept["graph"]), ""]
    parts += [_ingesting(found) for name, found in kept.items() if name == "ingest"]
    if "model_calls" in kept:
        parts += ["## Calls of an inferred add\n", model_calls.report(kept["model_calls"]), ""]
    if "costs" in kept:
        parts += ["## Costs on AWS\n", costs.report(kept["costs"]), ""]
    if "artefacts" in kept:
        parts += ["## Built functions\n", artefacts.report(kept["artefacts"]), ""]
    return "\n".join(parts)


def _speed_table(speed: dict[str, Any], peer: dict[str, Any]) -> str:
    rows: list[list[object]] = []
    for way in ("in_process", "http"):
        rows += [
            [f"{way.replace('_', ' ')}, {size}", *_cells(at, peer.get(size))]
            for size, at in speed[way].items()
        ]
    rows += [
        [f"mem0 2.2.1, {size}", "", at["adds_per_second_one_by_one"], *_times(at["search"]), "1"]
        for size, at in peer.items()
        if size.isdigit()
    ]
    header = [
        "memories",
        "adds/s, batches",
        "adds/s, single",
        "search p50 ms",
        "p95 ms",
        "times faster than mem0",
    ]
    return table(header, rows)


def _cells(at: dict[str, Any], peer: dict[str, Any] | None) -> list[object]:
    faster = round(peer["search"]["p50_ms"] / at["search"]["p50_ms"], 1) if peer else ""
    batches = next(value for key, value in at.items() if key.startswith("adds_per_second_in"))
    return [batches, at["adds_per_second_one_by_one"], *_times(at["search"]), faster]


def _times(search: dict[str, float]) -> list[object]:
    return [search["p50_ms"], search["p95_ms"]]


def _recall_table(locomo: dict[str, Any]) -> str:
    cuts = list(locomo["recall"])
    rows = [
        [f"category {category}", *recall.values()]
        for category, recall in locomo["recall_by_category"].items()
    ]
    rows.append([f"all {locomo['questions']} questions", *locomo["recall"].values()])
    return table(["LoCoMo recall", *cuts], rows)


def _tenant_table(tenant: dict[str, Any]) -> str:
    title = f"{tenant['own']} memories among {tenant['others']:,} of others"
    recall = table(
        [title, "recall of their own 10 nearest"], tenant["recall_of_own_top_10"].items()
    )
    rows = [[where, *_times(search)] for where, search in tenant["search"].items()]
    return f"{recall}\n\n{table(['proposals for', 'p50 ms', 'p95 ms'], rows)}"


def _graph_tables(graph: dict[str, Any]) -> str:
    times = [
        [
            f"{way}, {at['search']['relations_in_project']:,} relations",
            *_times(at["behind_an_add"]),
            *_times(at["search"]["graph"]),
            *_times(at["search"]["whole"]),
            at["search"]["times_longer_with_graph"],
            *at["rebuilt_relations_per_second"].values(),
        ]
        for way, at in graph["ways"].items()
    ]
    header = [
        "graph kept in",
        *("behind an add p50 ms", "p95 ms", "graph search p50 ms", "p95 ms"),
        *("whole search p50 ms", "p95 ms", "times one without the graph"),
        *("rebuilt relations/s, one owner of 1,000", "many owners of 100"),
    ]
    calls = [
        [way, each["changed"], *(_listed(each[name]) for name in ("write_graph", "project_graph"))]
        for way, at in graph["ways"].items()
        for each in at["calls"]
        if each["has_rivals"]
    ]
    asked = [
        [way, _listed(at["search"]["requests_per_search"])] for way, at in graph["ways"].items()
    ]
    return "\n\n".join(
        [
            table(header, times),
            table(["where", "changed memories, with rivals", "the writer", "the projector"], calls),
            table(["where", "a search with the graph"], asked),
            f"Not measured: {'; '.join(graph['not_measured'])}.",
        ]
    )


def _listed(counts: dict[str, float]) -> str:
    return ", ".join(f"{name} {count:g}" for name, count in counts.items())


if __name__ == "__main__":
    main()
