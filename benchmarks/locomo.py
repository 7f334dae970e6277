"""Recall of the turns that answer questions about long conversations, in the LoCoMo layout.

One user a conversation; turns are added verbatim, image captions appended; a question's evidence
ids are its gold. Recall of a question is the share of its evidence among the first k results;
the figure is the mean over all questions of categories 1 to 4.
"""

import json
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import service

CUTS = (5, 10, 20, 30)
ANSWERABLE = (1, 2, 3, 4)
BATCH = 100


def measure(data: Path) -> dict[str, Any]:
    """Return recall at 5, 10, 20 and 30, over all questions and for each category."""
    with tempfile.TemporaryDirectory() as folder:
        service.configure(Path(folder))
        return recall_of(data, lambda: None)


def recall_of(data: Path, settle: Callable[[], None]) -> dict[str, Any]:
    """Return the recall of the service as it is configured; `settle` waits for its index."""
    samples = {f"conversation-{at}": each for at, each in enumerate(json.loads(data.read_text()))}
    turns = {user: _add(user, sample["conversation"]) for user, sample in samples.items()}
    settle()
    recalls = [
        (question["category"], recall)
        for user, sample in samples.items()
        for question in sample["qa"]
        if (recall := _recall(user, question, turns[user])) is not None
    ]
    by_category = {
        str(category): _mean([recall for other, recall in recalls if other == category])
        for category in ANSWERABLE
    }
    return {
        "questions": len(recalls),
        "recall": _mean([recall for _, recall in recalls]),
        "recall_by_category": by_category,
    }


def _add(user: str, conversation: Mapping[str, Any]) -> dict[str, str]:
    """Add a conversation; return turn id -> memory id."""
    sessions = sorted(
        (key for key in conversation if re.fullmatch(r"session_\d+", key)),
        key=lambda key: int(key.removeprefix("session_")),
    )
    turns = [turn for session in sessions for turn in conversation[session]]
    ids: dict[str, str] = {}
    for start in range(0, len(turns), BATCH):
        part = turns[start : start + BATCH]
        added = service.add_verbatim(user, [_text(turn) for turn in part])
        ids |= {turn["dia_id"]: memory for turn, memory in zip(part, added, strict=True)}
    service.index_all(user)
    return ids


def _text(turn: Mapping[str, Any]) -> str:
    caption = f" [{turn['blip_caption']}]" if turn.get("blip_caption") else ""
    return f"{turn['speaker']}: {turn['text']}{caption}"


def _recall(user: str, question: Mapping[str, Any], turns: Mapping[str, str]) -> list[float] | None:
    named = {name for text in question["evidence"] for name in re.findall(r"D\d+:\d+", text)}
    gold = {turns[name] for name in named if name in turns}
    if question["category"] not in ANSWERABLE or not gold:
        return None
    found = service.search(user, question["question"], limit=max(CUTS))
    return [len(gold & set(found[:cut])) / len(gold) for cut in CUTS]


def _mean(recalls: Sequence[Sequence[float]]) -> dict[str, float]:
    return {
        f"@{cut}": round(sum(recall[place] for recall in recalls) / len(recalls), 4)
        for place, cut in enumerate(CUTS)
    }
