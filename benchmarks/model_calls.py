"""How often an inferred add asks models, the index and the record, and how often mem0 does.

Counts depend on no machine. Models are scripted; a conversation has a message a fact, and a third
of the facts bring something known up to date. Commits hold ten writes, as DynamoDB's do.
"""

import json
import subprocess
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measuring import table
from benchmarks.model_calls_peer import CASES, found, known, meaning, said
from recollect.domain.jobs import Decision
from recollect.domain.memory import Vector
from recollect.ports.models import Embedder, EmbeddingTask, Form, PromptTurn, Reply, Usage
from recollect.usecases.asking import AskModel
from recollect.usecases.deciding import ModelDecider
from recollect.usecases.extraction import ModelExtractor
from tests.service import UseCases, a_service
from tests.unit.usecases.test_round_trips import CommitsOfTen, Counted

ROOT = Path(__file__).parents[1]
PEER = ROOT / ".venv-mem0" / "bin" / "python"
PATIENCE_SECONDS = 300
RECORD = ("record", "episodes", "scopes", "listing", "outbox", "jobs")
"""Ports that ask the record; the settings of a project are kept for a minute."""


class Mind:
    """A language model that fills in our forms for what is said here, and asks nobody."""

    model = "scripted"

    def ask(self, system: str, turns: Sequence[PromptTurn], form: Form) -> Reply:  # noqa: ARG002
        """Return facts or decisions."""
        lines = [json.loads(line) for line in turns[-1].text.splitlines() if line.startswith("{")]
        filled = _facts(lines) if form.name == "remember_facts" else _decisions(lines)
        return Reply(json.dumps(filled), Usage(1, 0, 0))


def _facts(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "facts": [
            {"text": fact, "message": line["message"], "kind": "semantic"}
            for line in lines
            if "message" in line
            for fact in found(line["text"])
        ]
    }


def _decisions(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    memories = {line["memory"]: line["text"] for line in lines if "memory" in line}
    decisions = []
    for line in lines:
        if "fact" in line:
            near = {memories[number]: number for number in line["near"]}
            event, text, old = meaning(line["text"], near)
            changes = {"memories": [near[old]], "text": text} if old else {}
            decisions.append({"fact": line["fact"], "event": event, **changes})
    return {"decisions": decisions}


class CountedEmbedder:
    """Counts calls and texts."""

    def __init__(self, inner: Embedder) -> None:
        self._inner = inner
        self.model, self.dimensions = inner.model, inner.dimensions
        self.texts: list[int] = []

    def embed(self, texts: Sequence[str], task: EmbeddingTask) -> list[Vector]:
        """Return the vectors."""
        self.texts.append(len(texts))
        return self._inner.embed(texts, task)


def measure() -> dict[str, Any]:
    """Return our counts, mem0's by its formulas, and its own if it is installed."""
    return {
        "ours": [_counted(facts, changed) for facts, changed in CASES],
        "mem0_by_formula": [formulas(facts, changed) for facts, changed in CASES],
        "mem0_measured": _measured(),
    }


def formulas(facts: int, changed: int) -> dict[str, Any]:
    """Return what mem0 1.0.11 does, counted in its source.

    A changed text is embedded once more, looked up and updated. With a graph, E entities and R new
    relations add three calls of the language model, E + 2R embeddings, and as many searches.
    """
    return {
        "model_calls": 2,
        "model_calls_with_graph": 5,
        "embedding_calls": facts + changed,
        "embedding_calls_with_graph": f"{facts + changed} + E + 2R",
        "store_calls": facts + (facts - changed) + 2 * changed,
    }


def _counted(facts: int, changed: int) -> dict[str, int]:
    with tempfile.TemporaryDirectory() as folder:
        service = a_service(Path(folder) / "bench.db")
        commits = CommitsOfTen(service.store.database)
        counts = counted_add(service.having(record=commits), facts, changed)
        service.store.database.close()
    return counts


def counted_add(service: UseCases, facts: int, changed: int) -> dict[str, int]:
    """Return what one add asks for, in a new scope where so many of the facts are out of date."""
    scope = service.new_scope(user="ada")
    if changed:
        service.say(scope, *known(changed))
        service.index_all(scope)
    calls: Counter[str] = Counter()
    embedder = CountedEmbedder(service.ports.embedder)
    watched = {
        name: Counted(name, getattr(service.ports, name), calls) for name in (*RECORD, "index")
    }
    ask = AskModel(Counted("model", Mind(), calls))
    job = service.having(
        **watched, embedder=embedder, extractor=ModelExtractor(ask), decider=ModelDecider(ask)
    ).say(scope, *said(facts), infer=True)
    return {
        "facts": facts,
        "changed": changed,
        "results": len(job.outcomes),
        "updates": sum(each.decision is Decision.UPDATE for each in job.outcomes),
        "model_calls": calls["model.ask"],
        "embedding_calls": len(embedder.texts),
        "embedded_texts": sum(embedder.texts),
        "index_requests": calls["index.propose"],
        "record_calls": sum(
            count for name, count in calls.items() if name.partition(".")[0] in RECORD
        ),
        "commits": calls["record.commit"],
    }


def _measured() -> list[dict[str, int]] | None:
    if not PEER.exists():
        return None
    done = subprocess.run(  # noqa: S603 - our own module
        [PEER, "-m", "benchmarks.model_calls_peer"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    )
    counts: list[dict[str, int]] = json.loads(done.stdout)
    return counts


def report(counts: Mapping[str, Any]) -> str:
    """Return the counts as Markdown."""
    header = [
        "facts (changing something known)",
        "model calls",
        "mem0",
        "mem0 with graph",
        "embedding calls (texts)",
        "mem0",
        "mem0 with graph",
        "index requests",
        "record calls",
        "mem0's store calls",
    ]
    measured = counts["mem0_measured"] or counts["mem0_by_formula"]
    rows = [
        [
            f"{ours['facts']} ({ours['changed']})",
            ours["model_calls"],
            theirs["model_calls"],
            formula["model_calls_with_graph"],
            f"{ours['embedding_calls']} ({ours['embedded_texts']})",
            theirs["embedding_calls"],
            formula["embedding_calls_with_graph"],
            ours["index_requests"],
            ours["record_calls"],
            theirs["store_calls"],
        ]
        for ours, theirs, formula in zip(
            counts["ours"], measured, counts["mem0_by_formula"], strict=True
        )
    ]
    how = "counted in the same run" if counts["mem0_measured"] else "by its source"
    return (
        f"An add with `infer=true` of a conversation with a message a fact; mem0 1.0.11 {how}, its"
        " graph (E entities, R new relations) by its source. Ours reads at most 50 messages at"
        f" once and commits ten facts at once.\n\n{table(header, rows)}"
    )
