"""The two editions agree: the same calls give the same answers, pages, histories and scores."""

import random
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from recollect.domain.changes import MemoryChanges
from recollect.domain.errors import RecollectError
from recollect.domain.filters import Filter, parse_filter, subject_is
from recollect.domain.memory import Memory
from recollect.domain.requests import DeleteAllRequest
from recollect.domain.subjects import Scope
from recollect.testing.builders import a_scope
from tests.aws import Engines
from tests.service import Clock, UseCases, a_service

pytestmark = pytest.mark.engines

STEPS = 50
CLOSE = 0.002
"""Scores differ by the precision of stored vectors, and by what the engine leaves out."""
WHO = [
    {"user": "ada"},
    {"user": "ada", "run": "r1"},
    {"user": "ben", "agent": "guide"},
    {"agent": "guide", "app": "shop"},
]
SUBJECTS = ("ada", "tea", "Lisbon", "the piano", "green tea", "a red bicycle", "her dog Rex")
VERBS = ("likes", "has lost", "wants", "talks about", "has never seen")
FILTERS: list[dict[str, Any]] = [
    {"user_id": "ada"},
    {"agent_id": "guide"},
    {"OR": [{"user_id": "ben"}, {"run_id": "r1"}]},
    {"user_id": "ada", "metadata": {"mood": 1}},
    {"user_id": "*"},
    {"NOT": [{"user_id": "ada"}]},
    {"app_id": "shop", "categories": {"contains": "x"}},
]


@dataclass
class Twin:
    """One edition, and the ids that it gave to what the others know by number."""

    use_cases: UseCases
    project: str
    ids: list[str] = field(default_factory=list)

    def scope(self, at: int) -> Scope:
        return a_scope(self.project, **WHO[at])

    def do(self, step: str, chance: random.Random) -> object:
        """Take one step; return what it came to, without ids and times of this edition's own."""
        try:
            return getattr(self, step)(chance)
        except RecollectError as error:
            return type(error).__name__

    def say(self, chance: random.Random) -> object:
        scope = self.scope(chance.randrange(len(WHO)))
        texts = [a_text(chance) for _ in range(chance.randint(1, 13))]
        options: dict[str, Any] = {"metadata": {"mood": chance.randrange(3)}}
        if chance.random() < 0.2:
            options["expires_on"] = (self.use_cases.clock() + timedelta(days=1)).date()
        job = self.use_cases.say(scope, *texts, infer=chance.random() < 0.3, **options)
        self.ids += [each.memory_id for each in job.outcomes if each.decision == "ADD"]
        return [(each.decision, each.text, each.previous_text) for each in job.outcomes]

    def update(self, chance: random.Random) -> object:
        memory_id = chance.choice(self.ids or ["none"])
        changes = MemoryChanges(text=a_text(chance) if chance.random() < 0.7 else None)
        return seen(self.use_cases.update(self.project, memory_id, changes))

    def delete(self, chance: random.Random) -> object:
        return self.use_cases.delete(self.project, chance.choice(self.ids or ["none"]))

    def forget(self, chance: random.Random) -> object:
        request = DeleteAllRequest(project=self.project, filters=chance.choice(FILTERS))
        return self.use_cases.delete_all(request).notes

    def project_news(self, chance: random.Random) -> object:
        self.use_cases.index_all(self.scope(chance.randrange(len(WHO))))
        return None

    def wait(self, chance: random.Random) -> object:
        self.use_cases.clock.forward(timedelta(hours=chance.randrange(30)))
        return None


def a_text(chance: random.Random) -> str:
    return f"Ada {chance.choice(VERBS)} {chance.choice(SUBJECTS)} {chance.randrange(9)}."


def seen(memory: Memory) -> tuple[object, ...]:
    """Return what a caller sees of a memory but for its id, and times but for their order."""
    scope = memory.scope.pairs
    return memory.text, scope, memory.version, memory.metadata, memory.expires_on, memory.role


def pages(twin: Twin, matching: Filter) -> list[object]:
    """Return the list of what matches, read page by page, with each page's count."""
    answer: list[object] = []
    for number in range(1, 9):
        page = twin.use_cases.list(twin.project, matching, page=number, page_size=7)
        answer += [page.count, [seen(memory) for memory in page.memories]]
        if len(page.memories) < 7:
            return answer
    return answer


def histories(twin: Twin) -> list[object]:
    return [
        [
            (event.action, event.version, event.old_text, event.new_text)
            for event, _ in twin.use_cases.read.history(twin.project, memory_id).events
        ]
        for memory_id in twin.ids
    ]


def subjects(twin: Twin) -> list[tuple[str, str, int]]:
    found = twin.use_cases.subjects(twin.project).subjects
    return sorted((each.subject.kind, each.subject.name, each.memories) for each in found)


def scores(twin: Twin, query: str, matching: Filter) -> dict[str, float]:
    result = twin.use_cases.search(twin.project, query, matching, limit=500, threshold=0.0)
    return {each.memory.id: each.score.score for each in result.found}


@pytest.mark.parametrize("seed", range(2))
def test_both_editions_answer_alike(deployed: Engines, tmp_path: Path, seed: int) -> None:
    local = a_service(tmp_path / "recollect.db")
    twins = [
        Twin(use_cases, use_cases.open_project("acme"))
        for use_cases in (local, deployed.use_cases(Clock()))
    ]
    steps = random.Random(seed).choices(
        ["say", "update", "delete", "forget", "project_news", "wait"],
        weights=[8, 4, 3, 0.3, 3, 1],
        k=STEPS,
    )

    for number, step in enumerate(steps):
        answers = [twin.do(step, random.Random(f"{seed}/{number}")) for twin in twins]
        assert answers[0] == answers[1], (number, step)

    for wire in FILTERS:
        matching = parse_filter(wire)
        assert pages(twins[0], matching) == pages(twins[1], matching), wire
    assert histories(twins[0]) == histories(twins[1])
    assert subjects(twins[0]) == subjects(twins[1])
    for twin in twins:
        for at in range(len(WHO)):
            twin.use_cases.index_all(twin.scope(at))
    deployed.refresh()
    for subject in {each for who in WHO for each in a_scope(**who).subjects}:
        first, second = (scores(twin, "who likes tea?", subject_is(subject)) for twin in twins)
        assert [first.get(each) for each in twins[0].ids] == pytest.approx(
            [second.get(each) for each in twins[1].ids], abs=CLOSE
        )
    local.store.database.close()
