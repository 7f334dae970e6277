"""What peers are asked: conversations in the LoCoMo layout, or made-up sentences; and recall.

Turns, questions and gold are those of `benchmarks.locomo`: texts with speaker and caption, a user a
conversation, questions of categories 1 to 4 whose evidence is in the conversation.
"""

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.corpus import questions, sentences
from benchmarks.locomo import ANSWERABLE
from benchmarks.peers_task import Scope
from recollect.usecases.evaluation.report import CUTS

SYNTHETIC_QUESTIONS = 100
SESSION = re.compile(r"session_\d+")
TURN = re.compile(r"D\d+:\d+")


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
            _conversation(f"conversation-{at}", sample)
            for at, sample in enumerate(json.loads(data.read_text(encoding="utf-8")))
        ]
    except (KeyError, TypeError, ValueError) as error:
        message = f"{data} is not in the LoCoMo layout: {error!r}"
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


def _conversation(user: str, sample: Mapping[str, Any]) -> tuple[Scope, list[Question]]:
    said = sample["conversation"]
    sessions = sorted(filter(SESSION.fullmatch, said), key=lambda key: int(key.split("_")[1]))
    turns = [turn for session in sessions for turn in said[session]]
    places = {turn["dia_id"]: place for place, turn in enumerate(turns)}
    kept: list[str] = []
    gold: list[Question] = []
    for asked in sample["qa"]:
        named = {name for text in asked["evidence"] for name in TURN.findall(text)}
        evidence = frozenset(places[name] for name in named if name in places)
        if asked["category"] in ANSWERABLE and evidence:
            gold.append(Question(user, len(kept), asked["category"], evidence))
            kept.append(asked["question"])
    return Scope(user, [_text(turn) for turn in turns], kept), gold


def _text(turn: Mapping[str, Any]) -> str:
    caption = f" [{turn['blip_caption']}]" if turn.get("blip_caption") else ""
    return f"{turn['speaker']}: {turn['text']}{caption}"


def _means(shares: Sequence[Sequence[float]]) -> dict[str, float]:
    return {
        f"@{cut}": round(sum(share[place] for share in shares) / len(shares), 4)
        for place, cut in enumerate(CUTS)
    }
