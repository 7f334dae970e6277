"""What a million searches and a million adds cost on AWS, from requests, item sizes and prices.

Nothing is measured here: the requests are those that the code makes, the sizes are of what it
stores, and every price says where it is from. Taxes, free tiers and data transfer are left out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from math import ceil
from typing import Any, TypeAlias

from benchmarks.measuring import table

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
class Workload:
    """What a request is like; sizes in bytes, times in seconds, tokens as models count them."""

    subjects: int = 1
    """Named by each add; a search names one."""
    text: int = 200
    """One message or fact in UTF-8."""
    dimensions: int = 1024
    """Of a vector; two bytes each in the record."""
    candidates: int = 90
    """Read by a search: up to 60 by meaning and 60 by words, some of them the same."""
    neighbours: int = 0
    """Read in a second round, for what was said around the candidates."""
    new_environments: float = 0.05
    """How often a request finds no key that its process has checked within a minute."""
    search_seconds: float = 0.25
    add_seconds: float = 0.35
    infer_seconds: float = 4.0
    """Most of it waiting for the language model, which Lambda charges like work."""
    project_seconds: float = 0.25
    gigabytes: float = 1.0
    """Memory of a function."""
    log: int = 1_500
    """Written to CloudWatch by one request: access log, platform's report, metrics."""
    query_tokens: int = 12
    text_tokens: int = 50
    facts: float = 1.5
    """Found by an inferred add."""
    updated: float = 0.3
    """Share of facts that bring a memory up to date, whose new text is embedded and looked up."""
    recent: float = 3
    """Adds of the last half an hour, or of the run, that are read again as the context of an add;
    at most ten."""
    compared: float = 0.8
    """Share of inferred adds that need the second call: they find facts, and something is known."""
    extract_read: int = 1_800
    """1,300 of it are the prompt and the form, the rest what is said and was said before."""
    extract_written: int = 150
    decide_read: int = 1_200
    """750 of it are the prompt and the form, the rest facts and their five nearest memories."""
    decide_written: int = 100

    @property
    def state(self) -> int:
        """Bytes of a memory's item: text, vector, and 575 of names, times and ids."""
        return 575 + self.text + 2 * self.dimensions

    @property
    def event(self) -> int:
        """Bytes of a history event's item."""
        return 340 + self.text

    @property
    def episode(self) -> int:
        """Bytes of an episode's item."""
        return 295 + self.text

    @property
    def job(self) -> int:
        """Bytes of a job's item while it carries its request and its plan."""
        return 900 + 2 * self.text


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


def search(work: Workload) -> Used:
    """Return what one search uses: one embedding, one index request, and reads of the record.

    The pending changes are one Query; each candidate is read for itself, consistently.
    """
    reads = 1 + (work.candidates + work.neighbours) * read_units(work.state)
    return _together(
        _request(work, work.search_seconds),
        {"embedding token": work.query_tokens, "DynamoDB read unit": reads},
    )


def add_verbatim(work: Workload) -> Used:
    """Return what an add of one message uses that says something new about known subjects.

    The job is put, with its row of the index `wide`, its turn reserved and the marker looked up;
    one transaction writes 2k + 7 items at twice the price: state, event, marker, clock, job,
    episode and its place in the scope, and for each of the k subjects a membership and what is
    pending. Then the projector is told, and does its part.
    """
    return _together(
        _request(work, work.add_seconds),
        {
            "embedding token": work.text_tokens,
            "DynamoDB read unit": 1,
            "DynamoDB write unit": write_units(work.job) + 1 + 1,
        },
        _committed(work, memories=1),
        _projected(work, memories=1),
    )


def add_inferred(work: Workload) -> Used:
    """Return what an add uses that extracts facts and compares them with what is known.

    It asks for the places of the last adds, and of each for its episode, its job and its memories;
    for the clock and what is pending; for each fact for its marker, and five neighbours by meaning
    and five by words, which one multi-search proposes; for each update for its new text's marker.
    """
    of_an_add = (
        read_units(work.episode) + read_units(work.job) + work.facts * read_units(work.state)
    )
    of_a_fact = 1 + 10 * read_units(work.state) + work.updated
    reads = 3 + work.recent * of_an_add + work.facts * of_a_fact
    return _together(
        _request(work, work.infer_seconds),
        {
            "chat token read": work.extract_read + work.compared * work.decide_read,
            "chat token written": work.extract_written + work.compared * work.decide_written,
            "embedding token": work.facts * (1 + work.updated) * work.text_tokens,
            "DynamoDB read unit": reads,
            "DynamoDB write unit": write_units(work.job) + 1,
        },
        _committed(work, work.facts),
        _projected(work, work.facts),
    )


def stored(work: Workload) -> Used:
    """Return what a month of keeping one memory uses, its history and episode included.

    Half a kilobyte is for what stands beside them: markers, memberships, rows of the index `wide`.
    """
    gigabytes = (work.state + work.event + work.episode + 512 + 256 * work.subjects) / 1e9
    return {"DynamoDB GB-month": gigabytes, "DynamoDB recovery GB-month": gigabytes}


def read_units(size: int) -> int:
    """Return what a consistent read of an item costs: a unit for every 4 KB begun."""
    return ceil(size / 4096)


def write_units(size: int) -> int:
    """Return what a write of an item costs outside a transaction: a unit for every KB begun."""
    return ceil(size / 1024)


def dollars(used: Used) -> float:
    """Return the price of what was used."""
    return sum(PRICES[name].dollars * amount for name, amount in used.items())


def measure() -> dict[str, Any]:
    """Return the costs with everything that they were computed from."""
    work = Workload()
    kinds = {"search": search, "add verbatim": add_verbatim, "add inferred": add_inferred}
    a_million = {name: dollars(use(work)) * MILLION for name, use in kinds.items()}
    kept = dollars(stored(work)) * MILLION
    return {
        "dollars_a_million": _rounded(a_million),
        "dollars_a_million_by_what": {
            name: _rounded(_parts(use(work))) for name, use in kinds.items()
        },
        "dollars_a_month_for_a_million_memories_kept": round(kept, 2),
        "dollars_a_month_of_the_index": _rounded(
            {store.name: dollars(store.monthly) for store in STORES}
        ),
        "dollars_a_million_searches_by_dimensions": _rounded(
            {
                str(size): dollars(search(replace(work, dimensions=size))) * MILLION
                for size in (512, 1024, 1536, 3072)
            }
        ),
        "workload": asdict(work),
        "prices": {name: asdict(price) for name, price in PRICES.items()},
    }


def report(costs: Mapping[str, Any]) -> str:
    """Return the costs as Markdown."""
    a_million = costs["dollars_a_million"]
    header = ["index", "a month", *(f"and a million times {name}" for name in a_million)]
    rows: Iterable[list[object]] = [
        [store, f"${monthly:,.0f}", *(f"${monthly + cost:,.0f}" for cost in a_million.values())]
        for store, monthly in costs["dollars_a_month_of_the_index"].items()
    ]
    by_dimensions = ", ".join(
        f"{size}: ${cost:,.2f}"
        for size, cost in costs["dollars_a_million_searches_by_dimensions"].items()
    )
    kept = costs["dollars_a_month_for_a_million_memories_kept"]
    return (
        "Computed from prices most of which are assumptions (`costs.json` has them all):\n\n"
        f"{table(header, rows)}\n\n"
        f"A million searches by dimensions of the vectors: {by_dimensions}."
        f" A million memories kept for a month: ${kept:,.2f}."
    )


def _request(work: Workload, seconds: float) -> Used:
    return {
        "HTTP API request": 1,
        "Lambda request": 1,
        "Lambda GB-second (arm64)": seconds * work.gigabytes,
        "DynamoDB read unit": work.new_environments,
        "DynamoDB write unit": 1,  # what its key has used on the day
        "log GB": work.log / 1e9,
    }


def _committed(work: Workload, memories: float) -> Used:
    a_memory = write_units(work.state) + write_units(work.event) + 1 + work.subjects
    # What is pending for each subject, the clock, the episode's place, the job, the episode.
    a_change = work.subjects + 2 + write_units(work.job) + write_units(work.episode)
    # Rows of the index `wide`: a memory's, a pending subject's, and the job's goes.
    rows = memories + work.subjects + 1
    return {"DynamoDB write unit": 2 * (memories * a_memory + a_change) + rows}


def _projected(work: Workload, memories: float) -> Used:
    """Return what one wake-up uses that nothing else is handled together with."""
    return {
        "SQS request": 3,  # sent, received, deleted
        "Lambda request": 1,
        "Lambda GB-second (arm64)": work.project_seconds * work.gigabytes,
        # What is pending, that nothing more is, and what may be forgotten, for each subject.
        "DynamoDB read unit": 3 * work.subjects + memories * read_units(work.state),
        # Stamped, its row of the index removed, and in the end forgotten.
        "DynamoDB write unit": 3 * work.subjects,
        "log GB": work.log / 1e9,
    }


def _together(*parts: Used) -> Used:
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: sum(part.get(name, 0.0) for part in parts) for name in names}


def _parts(used: Used) -> dict[str, float]:
    return {name: PRICES[name].dollars * amount * MILLION for name, amount in used.items()}


def _rounded(amounts: Mapping[str, float]) -> dict[str, float]:
    return {name: round(amount, 2) for name, amount in amounts.items()}
