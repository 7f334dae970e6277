"""What the requests are like whose costs are computed, and how DynamoDB counts them."""

from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True)
class Workload:
    """What a request is like; sizes in bytes, times in seconds, tokens as models count them."""

    subjects: int = 1
    """Named by each add; a search names one."""
    text: int = 200
    """One message or fact in UTF-8."""
    dimensions: int = 1024
    """Of a vector; two bytes each in the record."""
    candidates: int = 62
    """Read by a search: up to 40 by meaning and 40 by words, some of them the same."""
    neighbours: int = 148
    """Read in a second round: the two turns before and after each, some of them the same. Both
    are what questions about long conversations (LoCoMo) need; single facts have none."""
    new_environments: float = 0.05
    """How often a request finds no key that its process has checked within a minute."""
    search_seconds: float = 0.25
    add_seconds: float = 0.35
    infer_seconds: float = 4.0
    """Most of it waiting for the language model, which Lambda charges like work."""
    accept_seconds: float = 0.1
    """Of an add that a worker carries out, or of a message; the most that it should take."""
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


def read_units(size: int) -> int:
    """Return what a consistent read of an item costs: a unit for every 4 KB begun."""
    return ceil(size / 4096)


def write_units(size: int) -> int:
    """Return what a write of an item costs outside a transaction: a unit for every KB begun."""
    return ceil(size / 1024)
