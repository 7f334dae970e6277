"""What a million searches, adds and messages cost on AWS, from requests, item sizes and prices.

Nothing is measured here: the requests are those that the code makes, the sizes are of what it
stores, and every price says where it is from. Taxes, free tiers and data transfer are left out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from benchmarks.measuring import table
from benchmarks.prices import MILLION, PRICES, STORES, Used, dollars
from benchmarks.workload import Workload, read_units, write_units


def search(work: Workload) -> Used:
    """Return what one search uses: one embedding, one index request, and reads of the record.

    The pending changes are one Query; each candidate is read for itself, consistently, and so is
    each turn around it. Facts that were extracted have none: the episodes of the candidates are
    read instead, which are fewer.
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
    return _together(_request(work, work.add_seconds), _put(work), _verbatim(work))


def add_inferred(work: Workload) -> Used:
    """Return what an add uses that extracts facts and compares them with what is known.

    It asks for the places of the last adds, and of each for its episode, its job and its memories;
    for the clock and what is pending; for each fact for its marker, and five neighbours by meaning
    and five by words, which one multi-search proposes; for each update for its new text's marker.
    """
    return _together(_request(work, work.infer_seconds), _put(work), _inferred(work))


def accepted_verbatim(work: Workload) -> Used:
    """Return what an add uses that is accepted and, verbatim, worked on later.

    The job is put as before, and one message tells the worker, which then does the rest.
    """
    return _together(
        _request(work, work.accept_seconds),
        _put(work),
        _worked_on(work, work.add_seconds),
        _verbatim(work),
    )


def accepted_inferred(work: Workload) -> Used:
    """Return the same of an add that extracts facts, whose tokens are counted afterwards."""
    return _together(
        _request(work, work.accept_seconds),
        _put(work),
        _worked_on(work, work.infer_seconds),
        {"DynamoDB write unit": 1},
        _inferred(work),
    )


def message_verbatim(work: Workload) -> Used:
    """Return what a message from SQS uses that is remembered verbatim."""
    return _together(_taken(work), _worked_on(work, work.add_seconds), _verbatim(work))


def message_inferred(work: Workload) -> Used:
    """Return what a message from SQS uses in which facts are found; no key asked for it."""
    return _together(_taken(work), _worked_on(work, work.infer_seconds), _inferred(work))


def _verbatim(work: Workload) -> Used:
    return _together(
        {
            "embedding token": work.text_tokens,
            "DynamoDB read unit": 1,
            "DynamoDB write unit": 1,
        },
        _committed(work, memories=1),
        _projected(work, memories=1),
    )


def _inferred(work: Workload) -> Used:
    of_an_add = (
        read_units(work.episode) + read_units(work.job) + work.facts * read_units(work.state)
    )
    of_a_fact = 1 + 10 * read_units(work.state) + work.updated
    reads = 3 + work.recent * of_an_add + work.facts * of_a_fact
    return _together(
        {
            "chat token read": work.extract_read + work.compared * work.decide_read,
            "chat token written": work.extract_written + work.compared * work.decide_written,
            "embedding token": work.facts * (1 + work.updated) * work.text_tokens,
            "DynamoDB read unit": reads,
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


def measure() -> dict[str, Any]:
    """Return the costs with everything that they were computed from."""
    work = Workload()
    kinds = {"search": search, "add verbatim": add_verbatim, "add inferred": add_inferred}
    a_million = {name: dollars(use(work)) * MILLION for name, use in kinds.items()}
    ingested = {
        "accepted, verbatim": accepted_verbatim,
        "accepted, inferred": accepted_inferred,
        "from SQS, verbatim": message_verbatim,
        "from SQS, inferred": message_inferred,
    }
    kept = dollars(stored(work)) * MILLION
    return {
        "dollars_a_million": _rounded(a_million),
        "dollars_a_million_ingested": _rounded(
            {name: dollars(use(work)) * MILLION for name, use in ingested.items()}
        ),
        "dollars_a_million_by_what": {
            name: _rounded(_parts(use(work))) for name, use in {**kinds, **ingested}.items()
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
    ingested = table(
        ["a million adds that nobody waits for", "cost"],
        [[name, f"${cost:,.0f}"] for name, cost in costs["dollars_a_million_ingested"].items()],
    )
    kept = costs["dollars_a_month_for_a_million_memories_kept"]
    return (
        "Computed from prices most of which are assumptions (`costs.json` has them all):\n\n"
        f"{table(header, rows)}\n\n"
        f"{ingested}\n\n"
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


def _put(work: Workload) -> Used:
    """Return what a new job and its row of the index `wide` use."""
    return {"DynamoDB write unit": write_units(work.job) + 1}


def _taken(work: Workload) -> Used:
    """Return what accepting one message uses that nothing else is received together with.

    It is sent, received and deleted; the keys of its project are looked at; and one transaction
    puts the job and its idempotency key at twice the price.
    """
    return {
        "SQS request": 3,
        "Lambda request": 1,
        "Lambda GB-second (arm64)": work.accept_seconds * work.gigabytes,
        "DynamoDB read unit": 1,
        "DynamoDB write unit": 2 * (write_units(work.job) + 1) + 1,
        "log GB": work.log / 1e9,
    }


def _worked_on(work: Workload, seconds: float) -> Used:
    """Return what it takes to have a worker do what is left of a job that was accepted.

    Its message is sent, received and deleted; the job is read to see what it is and to claim it,
    and put as claimed, which moves its row of the index `wide`.
    """
    return {
        "SQS FIFO request": 3,
        "Lambda request": 1,
        "Lambda GB-second (arm64)": seconds * work.gigabytes,
        "DynamoDB read unit": 2 * read_units(work.job),
        "DynamoDB write unit": write_units(work.job) + 2,
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
