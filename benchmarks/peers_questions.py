"""What peers are asked: conversations in the LoCoMo layout, or made-up sentences; and recall.

Turns, questions and gold are those of `benchmarks.locomo`: texts with speaker and caption, a user a
conversation, questions of categories 1 to 4 whose evidence is in the conversation.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.corpus import questions, sentences
from benchmarks.locomo import ANSWERABLE, conversations
from benchmarks.peers_task import Scope
from recollect.domain.errors import InvalidRequestError
from recollect.usecases.evaluation.questions import Conversation, Turn
from recollect.usecases.evaluation.report import CUTS

SYNTHETIC_QUESTIONS = 100


@dataclass(frozen=True)
class Question:
    """A question by its user and place, with the places of the texts that are its gold."""

    user: str
    number: int
    category: int
    gold: frozenset[int]


@dataclass(frozen=True)
class Corpus:
    """What is stored and asked at once; without gold, only time is measured."""

    name: str
    scopes: Sequence[Scope]
    gold: Sequence[Question] = ()

    @property
    def memories(self) -> int:
        """How many texts there are."""
        return sum(len(scope.texts) for scope in self.scopes)

    @property
    def places(self) -> list[tuple[str, int]]:
        """Every question as its user and its place."""
        return [
            (scope.user, place) for scope in self.scopes for place in range(len(scope.questions))
        ]


def locomo(data: Path) -> Corpus:
    """Read conversations; raise `ValueError` if the file has another layout."""
    try:
        read = [
            _asked(f"conversation-{at}", conversation)
            for at, conversation in enumerate(conversations(data))
        ]
    except InvalidRequestError as error:
        message = f"{data} is not in the LoCoMo layout: {error}"
        raise ValueError(message) from error
    asked = tuple(question for _, gold in read for question in gold)
    if not asked:
        message = f"{data} has no question of the categories {ANSWERABLE} with evidence"
        raise ValueError(message)
    return Corpus("LoCoMo", [scope for scope, _ in read], asked)


def synthetic(size: int) -> Corpus:
    """Return made-up sentences of one user."""
    texts = list(itertools.islice(sentences(size), size))
    return Corpus(f"{size:,}", [Scope("u", texts, questions(7, SYNTHETIC_QUESTIONS))])


def recalls(
    asked: Sequence[Question],
    keys: Mapping[str, Sequence[str]],
    found: Sequence[Sequence[str]],
) -> dict[str, Any]:
    """Return mean recall at each cut, over all questions and for each category.

    `keys` are a user's texts as the store calls them, `found` what it found for each question.
    """
    each: list[tuple[int, list[float]]] = []
    for question, answer in zip(asked, found, strict=True):
        gold = {keys[question.user][place] for place in question.gold}
        shares = [len(gold & set(answer[:cut])) / len(gold) for cut in CUTS]
        each.append((question.category, shares))
    return {
        "questions": len(each),
        "recall": _means([shares for _, shares in each]),
        "recall_by_category": {
            str(category): _means([shares for other, shares in each if other == category])
            for category in sorted({category for category, _ in each})
        },
    }


def _asked(user: str, conversation: Conversation) -> tuple[Scope, list[Question]]:
    places = {turn.id: place for place, turn in enumerate(conversation.turns)}
    kept: list[str] = []
    gold: list[Question] = []
    for asked in conversation.questions:
        category, evidence = int(asked.category), frozenset(places[each] for each in asked.evidence)
        if category in ANSWERABLE and evidence:
            gold.append(Question(user, len(kept), category, evidence))
            kept.append(asked.text)
    return Scope(user, [_text(turn) for turn in conversation.turns], kept), gold


def _text(turn: Turn) -> str:
    return f"{turn.speaker}: {turn.text}"


def _means(shares: Sequence[Sequence[float]]) -> dict[str, float]:
    return {
        f"@{cut}": round(sum(share[place] for share in shares) / len(shares), 4)
        for place, cut in enumerate(CUTS)
    }
