"""What AWS asks for, as far as it is known: US dollars in us-east-1, each with who says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

MILLION = 1_000_000
HOURS = 730
"""A month, as AWS's own calculator has it."""
Used: TypeAlias = Mapping[str, float]
"""Name of a price -> how many units of it."""
ASSUMED = "assumed: AWS's list price for us-east-1 as it was last known, not looked up"


@dataclass(frozen=True)
class Price:
    """US dollars for one unit in us-east-1, and who says so."""

    dollars: float
    source: str = ASSUMED


PRICES: Mapping[str, Price] = {
    "HTTP API request": Price(1.00 / MILLION),
    "Lambda request": Price(0.20 / MILLION),
    "Lambda GB-second (arm64)": Price(0.0000133334),
    "DynamoDB read unit": Price(0.125 / MILLION),
    "DynamoDB write unit": Price(0.625 / MILLION),
    "DynamoDB GB-month": Price(0.25),
    "DynamoDB recovery GB-month": Price(0.20),
    "SQS request": Price(0.40 / MILLION),
    "SQS FIFO request": Price(0.50 / MILLION),
    "log GB": Price(0.50),
    "embedding token": Price(0.02 / MILLION, f"Titan Text Embeddings V2; {ASSUMED}"),
    "chat token read": Price(0.30 / MILLION, f"Nova 2 Lite; {ASSUMED}"),
    "chat token written": Price(2.50 / MILLION, f"Nova 2 Lite; {ASSUMED}"),
    "t3.small.search hour": Price(0.036, "a third party's repository, autumn 2026"),
    "r6g.large.search hour": Price(0.167),
    "gp3 GB-month": Price(0.122),
    "OCU hour": Price(0.24, "unconfirmed; agrees with a minimum of $350 a month seen in 2026"),
}


@dataclass(frozen=True)
class Store:
    """What the search index stands on; its price does not depend on the number of requests."""

    name: str
    monthly: Used


STORES = (
    Store(
        "domain, 1 x t3.small.search, 10 GB",
        {"t3.small.search hour": HOURS, "gp3 GB-month": 10},
    ),
    Store(
        "domain, 2 x r6g.large.search, 50 GB each",
        {"r6g.large.search hour": 2 * HOURS, "gp3 GB-month": 100},
    ),
    # Assumed to be one OCU each: two search workers and one indexing worker come back.
    Store("collection, NextGen, awake a tenth of it", {"OCU hour": 3 * HOURS / 10}),
    Store("collection, NextGen, awake all month", {"OCU hour": 3 * HOURS}),
)
"""An existing domain or collection adds nothing of its own."""


def dollars(used: Used) -> float:
    """Return the price of what was used."""
    return sum(PRICES[name].dollars * amount for name, amount in used.items())
