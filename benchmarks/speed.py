"""Adds and searches a second, in process and through HTTP, at 1,000 and 10,000 memories."""

import itertools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

from benchmarks import service
from benchmarks.corpus import questions, sentences
from benchmarks.measuring import milliseconds, peak_megabytes, rate

SIZES = (1_000, 10_000)
BATCH = 100
SEARCHES = 200
SINGLES = 300


def measure() -> dict[str, Any]:
    """Return every number about speed; the process is used up afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        service.configure(Path(folder))
        result: dict[str, Any] = {"in_process": {}, "http": {}}
        for size in SIZES:
            result["in_process"][f"{size}"] = _in_process(f"user-{size}", size)
        result["peak_mb"] = peak_megabytes()
        data = Path(folder) / "http.db"
        with service.http_service(data) as client:
            for size in SIZES:
                result["http"][f"{size}"] = _http(client, data, f"http-{size}", size)
        return result


def _in_process(user: str, size: int) -> dict[str, Any]:
    texts = list(itertools.islice(sentences(size), size))
    parts = [texts[start : start + BATCH] for start in range(0, size, BATCH)]
    adds = rate(size, lambda: [service.add_verbatim(user, part) for part in parts])
    indexing = rate(size, lambda: service.index_all(user))
    singles = list(itertools.islice(sentences(size + 1), SINGLES))
    one_by_one = rate(SINGLES, lambda: [service.add_verbatim(user, [text]) for text in singles])
    service.index_all(user)
    service.search(user, "warm")
    return {
        f"adds_per_second_in_batches_of_{BATCH}": adds,
        "adds_per_second_one_by_one": one_by_one,
        "indexed_per_second": indexing,
        "search": milliseconds(_searches(lambda question: service.search(user, question))),
    }


def _http(client: httpx.Client, data: Path, user: str, size: int) -> dict[str, Any]:
    def add(texts: list[str]) -> httpx.Response:
        messages = [{"role": "user", "content": text} for text in texts]
        body = {"messages": messages, "user_id": user, "infer": False}
        return client.post("/v3/memories/add/", json=body).raise_for_status()

    def search(question: str) -> httpx.Response:
        body = {"query": question, "filters": {"user_id": user}, "threshold": 0.0}
        return client.post("/v3/memories/search/", json=body).raise_for_status()

    texts = list(itertools.islice(sentences(size), size))
    parts = [texts[start : start + BATCH] for start in range(0, size, BATCH)]
    adds = rate(size, lambda: [add(part) for part in parts])
    singles = list(itertools.islice(sentences(size + 1), SINGLES))
    one_by_one = rate(SINGLES, lambda: [add([text]) for text in singles])
    service.wait_until_indexed(data)
    search("warm")
    return {
        f"adds_per_second_in_batches_of_{BATCH}": adds,
        "adds_per_second_one_by_one": one_by_one,
        "search": milliseconds(_searches(search)),
    }


def _searches(search: Callable[[str], object]) -> Iterator[Callable[[], object]]:
    for question in questions(7, SEARCHES):
        yield lambda question=question: search(question)  # type: ignore[misc]
