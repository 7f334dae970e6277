"""Sentences to measure speed with: made up and repeatable."""

import random
from collections.abc import Iterator

SUBJECTS = ("Ada", "Ben", "Chiara", "Dmitri", "Elif", "Farid", "Grace", "Hiro", "Ines", "Jonas")
VERBS = ("visited", "bought", "repaired", "lost", "painted", "cooked", "planned", "read", "sold")
THINGS = (
    "a red bicycle", "the old piano", "a pot of lentil soup", "an atlas of islands", "two tickets",
    "the garden shed", "a birthday cake", "a pair of climbing shoes", "the kitchen table",
    "a telescope", "her grandmother's ring", "a novel about whales", "the broken lamp",
)  # fmt: skip
PLACES = (
    "Lisbon", "Kyoto", "Oslo", "Quito", "Nairobi", "Tallinn", "Montreal", "Hobart", "Porto",
    "the market", "the station", "her office", "the mountains", "the library", "the seaside",
)  # fmt: skip
TIMES = ("yesterday", "last summer", "on Monday", "in March", "before breakfast", "two years ago")
REASONS = (
    "because it rained all day", "after a long talk with her sister", "to forget the exam",
    "since the trains did not run", "for the wedding of a friend", "without telling anybody",
)  # fmt: skip


def sentences(seed: int) -> Iterator[str]:
    """Yield sentences of about 18 words, no two the same; the same ones for the same seed."""
    chance = random.Random(seed)
    number = 0
    while True:
        number += 1
        yield (
            f"{chance.choice(SUBJECTS)} {chance.choice(VERBS)} {chance.choice(THINGS)} in"
            f" {chance.choice(PLACES)} {chance.choice(TIMES)} {chance.choice(REASONS)}, and"
            f" {chance.choice(SUBJECTS)} {chance.choice(VERBS)} {chance.choice(THINGS)},"
            f" note {number}"
        )


def questions(seed: int, count: int) -> list[str]:
    """Return questions of about eight words about such sentences."""
    chance = random.Random(seed)
    return [
        f"When was it that {chance.choice(SUBJECTS)} {chance.choice(VERBS)}"
        f" {chance.choice(THINGS)} in {chance.choice(PLACES)}?"
        for _ in range(count)
    ]
