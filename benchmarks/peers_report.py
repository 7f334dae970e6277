"""What peers did, as one table."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.measuring import table

OURS = "Recollect"
TITLE = "## Beside other stores"
ABOUT = (
    "`make bench-peers` (`peers.json`): the same texts, stored verbatim, the same precomputed"
    " vectors and the same questions, one user a conversation; milliseconds of a search for ten."
)
NOT_RUN = (
    "Not run: the lemmas that mem0's extra `nlp` puts in place of words; the English model of spaCy"
    " that it loads (`en_core_web_sm`) is not published in a package index. Its search by words"
    " stems them all the same."
)


def times(took: Sequence[float]) -> dict[str, float]:
    """Return p50 and p95 of at least two times in milliseconds."""
    return {
        "p50_ms": round(statistics.median(took), 3),
        "p95_ms": round(statistics.quantiles(took, n=20)[-1], 3),
    }


def report(result: Mapping[str, Any]) -> str:
    """Return the section of the README: a row a store, its recall first, then its times."""
    corpora = result["corpora"]
    cuts = next((_cuts(corpus) for corpus in corpora if _cuts(corpus)), [])
    header = ["store", *(f"recall {cut}" for cut in cuts)]
    for corpus in corpora:
        header += [f"{corpus['corpus']}: p50 ms", "p95 ms", f"times {OURS}'s"]
    names = list(corpora[0]["stores"])
    rows = [[name, *_recall(corpora, name, cuts), *_times(corpora, name)] for name in names]
    sizes = "; ".join(
        f"{corpus['corpus']}: {corpus['memories']:,} memories, users: {corpus['users']}"
        for corpus in corpora
    )
    return "\n\n".join(
        [TITLE, ABOUT, f"{sizes}. Vectors: {result['embedder']}.", table(header, rows), NOT_RUN]
    )


def with_section(readme: str, section: str) -> str:
    """Return a README with this section in place of the one with the same title, or at its end."""
    before, _, rest = readme.partition(f"{TITLE}\n")
    _, is_followed, after = rest.partition("\n## ")
    followed = f"\n\n## {after}" if is_followed else "\n"
    return f"{before.rstrip()}\n\n{section}{followed}"


def _cuts(corpus: Mapping[str, Any]) -> list[str]:
    return next(
        (list(each["recall"]) for each in corpus["stores"].values() if "recall" in each), []
    )


def _recall(corpora: Sequence[Mapping[str, Any]], name: str, cuts: Sequence[str]) -> list[object]:
    for corpus in corpora:
        if "recall" in corpus["stores"][name]:
            return [corpus["stores"][name]["recall"][cut] for cut in cuts]
    return [""] * len(cuts)


def _times(corpora: Sequence[Mapping[str, Any]], name: str) -> list[object]:
    cells: list[object] = []
    for corpus in corpora:
        store, ours = corpus["stores"][name], corpus["stores"].get(OURS, {})
        if "failed" in store:
            cells += [f"not measured: {store['failed']}", "", ""]
            continue
        search = store["search"]
        own = ours.get("search")
        ratio = round(search["p50_ms"] / own["p50_ms"], 1) if own else ""
        cells += [search["p50_ms"], search["p95_ms"], ratio]
    return cells
