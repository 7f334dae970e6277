"""`make bench-peers`: the same texts, vectors and questions through Recollect and other stores.

Vectors are made once, by the configured embedder, and handed to all, so that what differs is
retrieval alone. Each peer runs in a process of its own. Searches are timed inside it, in rounds in
which each peer answers the same questions in its turn, so that all meet the same machine.
"""

import argparse
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks import peers_report, peers_task
from benchmarks.measuring import RESULTS, write
from benchmarks.peers_process import Peer, PeerError, Worker, python_of
from benchmarks.peers_questions import Corpus, locomo, recalls, synthetic
from recollect.bootstrap import models
from recollect.domain.memory import Vector
from recollect.ports.models import EmbeddingTask
from recollect.usecases.evaluation.report import CUTS

PEERS = (
    Peer(peers_report.OURS, "benchmarks.peers_recollect", "looked-up"),
    Peer("Recollect, with embedding", "benchmarks.peers_recollect", "embedding"),
    Peer("mem0 2.2.1", "benchmarks.peers_mem0", "installed", "mem0"),
    Peer("mem0 2.2.1 and words", "benchmarks.peers_mem0", "bm25", "mem0"),
    Peer("LangGraph SqliteStore", "benchmarks.peers_langgraph", environment="langgraph"),
    Peer("LanceDB, vectors", "benchmarks.peers_lancedb", "vector", "lancedb"),
    Peer("LanceDB, words", "benchmarks.peers_lancedb", "words", "lancedb"),
    Peer("LanceDB, hybrid", "benchmarks.peers_lancedb", "hybrid", "lancedb"),
)
TIMED = 100
"""Questions whose searches are timed, spread over all users."""
ROUND = 10
TOP = 10
AT_ONCE = 50
"""Questions of one command when recall is measured."""
EMBEDDED_AT_ONCE = 500
SIZES = (1_000, 10_000)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, keep `results/peers.json` and its part of the README, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="conversations in the LoCoMo layout")
    parser.add_argument("--sizes", type=_size, nargs="*", default=SIZES, help="made-up memories")
    asked = parser.parse_args(arguments)
    try:
        spoken = [locomo(asked.data)] if asked.data else []
    except (OSError, ValueError) as error:
        parser.error(str(error))
    corpora = [*spoken, *map(synthetic, asked.sizes)]
    if not corpora:
        parser.error("nothing to measure: name conversations with --data, or --sizes")
    result = measure(corpora)
    write("peers", result)
    report = peers_report.report(result)
    readme = RESULTS / "README.md"
    readme.write_text(peers_report.with_section(readme.read_text(), report))
    print(report)


def measure(corpora: Iterable[Corpus], peers: Sequence[Peer] = PEERS) -> dict[str, Any]:
    """Return for each corpus what each peer did, or why it did nothing."""
    os.environ.setdefault("RECOLLECT_EDITION", "local")
    pythons = {peer.name: _installed(peer) for peer in peers}
    with tempfile.TemporaryDirectory() as folder:
        measured = [
            _corpus(corpus, peers, pythons, Path(folder) / str(place))
            for place, corpus in enumerate(corpora)
        ]
    return {"embedder": models.embedder().model, "corpora": measured}


def _size(text: str) -> int:
    size = int(text)
    if size < TOP:
        message = f"{size} is less than the {TOP} that are searched for"
        raise argparse.ArgumentTypeError(message)
    return size


def _installed(peer: Peer) -> Path | PeerError:
    try:
        return python_of(peer.environment)
    except PeerError as error:
        return error


def _corpus(
    corpus: Corpus, peers: Sequence[Peer], pythons: Mapping[str, Path | PeerError], folder: Path
) -> dict[str, Any]:
    print(f"measuring {corpus.name} ...", flush=True)
    task = folder / "task"
    task.mkdir(parents=True)
    peers_task.write(task, corpus.scopes, _vectors(corpus), models.embedder().dimensions)
    stores: dict[str, dict[str, Any]] = {peer.name: {} for peer in peers}
    with ExitStack() as running:
        workers: dict[str, Worker] = {}
        for place, peer in enumerate(peers):
            with _reported(stores[peer.name]):
                worker = _started(peer, pythons[peer.name], task, folder / str(place))
                running.callback(worker.stop)
                stores[peer.name] |= _filled(worker, corpus)
                workers[peer.name] = worker
        _time(workers, stores, corpus)
    users = len(corpus.scopes)
    return {"corpus": corpus.name, "memories": corpus.memories, "users": users, "stores": stores}


def _started(peer: Peer, python: Path | PeerError, task: Path, folder: Path) -> Worker:
    if isinstance(python, PeerError):
        raise python
    return Worker(python, peer, task, folder)


@contextmanager
def _reported(store: dict[str, Any]) -> Iterator[None]:
    """Let a peer's failure be its result."""
    try:
        yield
    except PeerError as error:
        store["failed"] = str(error)


def _filled(worker: Worker, corpus: Corpus) -> dict[str, Any]:
    """Have everything stored and, where there is gold, everything found again."""
    keys = worker.ask({"add": True})["keys"]
    if not corpus.gold:
        return {}
    found: list[list[str]] = []
    for start in range(0, len(corpus.gold), AT_ONCE):
        part = corpus.gold[start : start + AT_ONCE]
        asked = [(question.user, question.number) for question in part]
        found += worker.ask({"search": asked, "limit": max(CUTS)})["found"]
    return recalls(corpus.gold, keys, found)


def _time(
    workers: Mapping[str, Worker], stores: Mapping[str, dict[str, Any]], corpus: Corpus
) -> None:
    places = corpus.places[:: max(1, len(corpus.places) // TIMED)][:TIMED]
    took: dict[str, list[float]] = {name: [] for name in workers}
    for start in range(-ROUND, len(places), ROUND):
        # The first round warms up.
        asked = places[max(start, 0) :][:ROUND]
        for name, worker in workers.items():
            if "failed" not in stores[name]:
                with _reported(stores[name]):
                    times = worker.ask({"search": asked, "limit": TOP})["ms"]
                    took[name] += times if start >= 0 else []
    for name, times in took.items():
        if "failed" not in stores[name]:
            stores[name]["search"] = peers_report.times(times)


def _vectors(corpus: Corpus) -> Iterator[Vector]:
    for scope in corpus.scopes:
        yield from _embedded(scope.texts, "document")
        yield from _embedded(scope.questions, "query")


def _embedded(texts: Sequence[str], task: EmbeddingTask) -> Iterator[Vector]:
    for start in range(0, len(texts), EMBEDDED_AT_ONCE):
        yield from models.embedder().embed(texts[start : start + EMBEDDED_AT_ONCE], task)


if __name__ == "__main__":
    main()
