"""What graphs cost: how far they are behind adds, what searches of them take, and a rebuild.

Three ways of keeping them: in the local edition's file; in DynamoDB with the entities in
OpenSearch; and the same with a Gremlin server as the store. The last two on engines on this
machine. Everything random is drawn from seeds.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import islice, product
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.corpus import PLACES, SUBJECTS, THINGS, questions
from benchmarks.graph_editions import Edition, over
from benchmarks.graph_filling import EVERYTHING, Filled, OwnersGraph, commit
from benchmarks.measuring import milliseconds, rate
from recollect.adapters.aws.gremlin import GremlinGraphStore
from recollect.domain.filters import subject_is
from recollect.domain.graph import Owner
from recollect.domain.questions import Question
from recollect.domain.subjects import Scope
from recollect.usecases.search_graph import SearchGraph
from recollect.usecases.search_memories import SearchResult
from recollect.usecases.walking import graph_pages
from tests.promises.graph_worlds import servers
from tests.service import UseCases, a_service
from tests.unit.usecases.graph_world import Notation

ADDS = 50
CHANGED = (1, 10, 20)
"""Memories that a writer finds unread; it reads twenty at once."""
QUESTIONS = 50
WHOLE_SEARCHES = 15
"""With the graph, and without."""
LIMIT = 10
LATER = timedelta(hours=1)
"""When no index is thought to be behind any more."""
KINDS = {
    "graph": "record calls",
    "graph_outbox": "record calls",
    "record": "record calls",
    "graph_reader": "questions to the reader",
    "embedder": "embedding batches",
    "entities": "entity index requests",
    "graph_store": "graph store calls",
    "dynamodb": "DynamoDB requests",
    "gremlin": "Gremlin traversals",
}
"""Whose calls count as what; an entity index and a store in the record make record calls, too."""
NOT_MEASURED = (
    "what a language model takes to read memories: rules read them here",
    "queues: the local worker waits 0.05 s for more news, SQS and Lambda take theirs",
    "the network between a function and DynamoDB, OpenSearch or Neptune; engines are local",
    "Neptune itself: Gremlin Server holds its graph in memory",
    "several writers or searches at once, and cold starts",
)


def measure() -> dict[str, Any]:
    """Return the numbers of each way; what was filled less is said with it."""
    os.environ.update(AWS_ACCESS_KEY_ID="local", AWS_SECRET_ACCESS_KEY="local")  # noqa: S106
    load = os.getloadavg()
    return {
        "load_average_before": load,
        "not_measured": NOT_MEASURED,
        "ways": {"local": _locally(), **_on_engines()},
        "load_average_after": os.getloadavg(),
    }


def _locally() -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        service = a_service(Path(folder) / "bench.db")
        with closing(service.store.database):
            edition = Edition(service, lambda: None)
            filled = Filled.by(service, partial(commit, service))
            return _measured(edition, filled)


def _on_engines() -> dict[str, Any]:
    with servers() as engines:
        alone = over(engines)
        filled = Filled.by(alone.use_cases, partial(commit, alone.use_cases))
        store = GremlinGraphStore(engines.gremlin.ask)
        both = replace(
            alone, use_cases=alone.use_cases.having(graph_store=store), gremlin=engines.gremlin
        )
        try:
            result = {"DynamoDB, OpenSearch": _measured(alone, filled)}
            result["DynamoDB, OpenSearch, Gremlin"] = _measured(
                both,
                filled.also_by(lambda each: store.apply(each.owner, each.entities, each.relations)),
            )
        finally:
            for each in (*filled.graphs, *filled.small):
                store.erase(each.owner)
        return result


def _measured(edition: Edition, filled: Filled) -> dict[str, Any]:
    """Return the numbers of one way, and print them: all take a quarter of an hour."""
    use_cases = edition.use_cases
    use_cases.index_all(filled.scope)
    use_cases.clock.forward(LATER)
    edition.show()
    result = {
        "behind_an_add": _behind(edition),
        "calls": [
            _calls(edition, changed, has_rivals=rivals)
            for changed in CHANGED
            for rivals in (False, True)
        ],
        "search": {**filled.told, **_searched(edition, filled.scope)},
        "rebuilt_relations_per_second": {
            "1 owner of 1,000": _rebuilt(edition, filled.graphs[:1]),
            f"{len(filled.small)} owners of 100": _rebuilt(edition, filled.small),
        },
    }
    print(json.dumps(result), flush=True)
    return result


def _behind(edition: Edition) -> dict[str, Any]:
    """Return how long after an add its relations are in the graph store and the entity index."""
    use_cases = edition.use_cases
    scope = use_cases.new_scope("behind", user="ada")
    wake_ups = use_cases.ports.wake_ups

    def follow() -> None:
        for owner in wake_ups.unread.take(limit=EVERYTHING):
            use_cases.write_graph(owner)
        for owner in wake_ups.unprojected.take(limit=EVERYTHING):
            use_cases.project_graph(owner)

    def after_adds() -> Iterator[Callable[[], object]]:
        for who, where in islice(product(SUBJECTS, PLACES[:9]), ADDS):
            use_cases.say(scope, f"My friend {who} {where}son lives in {where}.", is_graphed=True)
            yield follow

    took = milliseconds(after_adds())
    pages = graph_pages(use_cases.ports.graph, Owner.of(scope))
    return {"adds": ADDS, "relations": sum(len(found) for _, found in pages), **took}


def _calls(edition: Edition, changed: int, *, has_rivals: bool) -> dict[str, Any]:
    """Return what is asked when so many memories are read, each naming somebody new."""
    use_cases = edition.use_cases.having(graph_reader=Notation())
    scope = use_cases.new_scope(f"calls-{changed}-{has_rivals}", user="ada")
    owner = Owner.of(scope)
    predicate = "drives" if has_rivals else "likes"
    say = partial(use_cases.say, scope, is_graphed=True)
    say(f"ada:user {predicate} Volvo:thing")
    use_cases.write_graph(owner)
    use_cases.project_graph(owner)
    say(*(f"ada:user {predicate} {_word(n)}:thing" for n in range(changed)))
    told: dict[str, Any] = {"changed": changed, "has_rivals": has_rivals}
    for name in ("write_graph", "project_graph"):
        with replace(edition, use_cases=use_cases).counted() as (watched, calls):
            getattr(watched, name)(owner)
        told[name] = _by_kind(calls)
    return told


def _word(number: int) -> str:
    """Return a name that no other is like: of 195 in all."""
    return f"{THINGS[number % len(THINGS)]} {PLACES[number % len(PLACES)]}"


def _by_kind(calls: Counter[str]) -> dict[str, int]:
    """Return how often each kind of thing was asked."""
    kinds: Counter[str] = Counter()
    for name, count in calls.items():
        kinds[KINDS.get(name.partition(".")[0], name)] += count
    return dict(sorted(kinds.items()))


def _searched(edition: Edition, scope: Scope) -> dict[str, Any]:
    """Return what searches of the first owner's graph and memories take and ask."""
    texts = questions(7, QUESTIONS)
    some = texts[:WHOLE_SEARCHES]
    matching = subject_is(scope.owner)

    def find(use_cases: UseCases, text: str, *, with_graph: bool) -> SearchResult:
        return use_cases.search(
            scope.project, text, matching, limit=LIMIT, threshold=0.0, with_graph=with_graph
        )

    own = edition.use_cases
    with edition.counted() as (watched, calls):
        results = [find(watched, text, with_graph=True) for text in some]
    with_graph, without = (
        milliseconds(partial(find, own, text, with_graph=each) for text in some)
        for each in (True, False)
    )
    return {
        "questions": len(texts),
        "whole_searches": len(some),
        "relations_found": round(mean(len(each.relations or ()) for each in results), 1),
        "degraded": sum(bool(each.degraded) for each in results),
        "graph": milliseconds(_graph_searches(own, scope, texts)),
        "whole": with_graph,
        "whole_without_graph": without,
        "times_longer_with_graph": round(with_graph["p50_ms"] / without["p50_ms"], 2),
        "requests_per_search": {
            name: round(count / len(some), 2) for name, count in sorted(calls.items())
        },
    }


def _graph_searches(
    use_cases: UseCases, scope: Scope, texts: Sequence[str]
) -> Iterator[Callable[[], object]]:
    ports = use_cases.ports
    search = SearchGraph(ports.entities, ports.graph_store, ports.graph, ports.record)
    vectors = ports.embedder.embed(texts, "query")
    for text, vector in zip(texts, vectors, strict=True):
        question = Question.of(text, vector)
        yield partial(
            search,
            scope.project,
            subject_is(scope.owner),
            question,
            limit=LIMIT,
            now=use_cases.clock(),
        )


def _rebuilt(edition: Edition, graphs: Sequence[OwnersGraph]) -> float:
    """Return how many relations a second are written anew, with their entities."""
    edition.show()
    use_cases = edition.use_cases

    def rebuild() -> None:
        for each in graphs:
            use_cases.ports.graph_outbox.project_again(each.owner, at=use_cases.clock())
            use_cases.project_graph(each.owner)

    return rate(sum(len(each.relations) for each in graphs), rebuild)
