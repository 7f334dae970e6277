"""What an evaluation has found, as it is kept: numbers and ids, and never a text of the data."""

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from recollect.ports.models import Usage

CUTS: Final = (5, 10, 20, 30)
"""How many results recall is told for."""
MOST_RESULTS: Final = max(CUTS)

Share = Annotated[float, Field(ge=0, le=1)]


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class QuestionResult(_Kept):
    """What one search has found.

    `evidence` counts the memories that answer the question, and `ranks` has the places (from 1)
    of those among the first `MOST_RESULTS`. `is_right` tells what a judge thinks of the answer,
    None without one. A search `is_degraded` if a part of the service could not help it.
    """

    id: str
    conversation: str
    category: str
    is_answerable: bool
    evidence: int = Field(ge=0)
    ranks: tuple[Annotated[int, Field(ge=1, le=MOST_RESULTS)], ...]
    best_score: Share | None
    milliseconds: float = Field(ge=0)
    is_degraded: bool = False
    is_right: bool | None = None

    @property
    def is_measured(self) -> bool:
        """Tell whether it counts for recall: there is evidence to be found."""
        return self.is_answerable and self.evidence > 0

    def recall(self, cut: int) -> float:
        """Return the share of its evidence among the first results."""
        return sum(rank <= cut for rank in self.ranks) / self.evidence

    def has_all(self, cut: int) -> bool:
        """Tell whether all of its evidence is among the first results."""
        return sum(rank <= cut for rank in self.ranks) == self.evidence


class Estimate(_Kept):
    """A mean and its 95 % confidence interval, None for fewer than two questions."""

    mean: float
    low: float | None = None
    high: float | None = None


class Group(_Kept):
    """Some questions; of each cut the mean recall, and the share of those with all evidence."""

    name: str
    questions: int
    recall: dict[int, Estimate]
    all_evidence: dict[int, Estimate]


class Latency(_Kept):
    """Milliseconds a search."""

    median: float
    p95: float


class Spread(_Kept):
    """Best scores of some questions: their quartiles; a search that found nothing counts as 0."""

    questions: int
    first_quartile: float
    median: float
    third_quartile: float


class Scores(_Kept):
    """Best scores of questions that can be answered, and of those that cannot.

    `separation` is the probability that one of the first is above one of the others: 0.5 says
    that the score tells nothing.
    """

    answerable: Spread
    unanswerable: Spread | None
    separation: float | None


class Threshold(_Kept):
    """What would come of refusing to answer below a best score.

    `reached` is the share of the answerable questions that reach it, `reached_wrongly` that of the
    others. `precision` is the share, of all that reach it, that have evidence among the first
    `PRECISION_CUT`; None if there are none.
    """

    threshold: float
    reached: Share
    reached_wrongly: Share | None
    precision: Share | None


class Accuracy(_Kept):
    """The share of right answers to some questions."""

    name: str
    questions: int
    accuracy: Estimate


class Answers(_Kept):
    """What came of answering by what was found, as another call of the model judges it.

    `failed` questions have no answer or no judgement.
    """

    model: str
    overall: Accuracy | None
    categories: tuple[Accuracy, ...]
    failed: int
    calls: int
    input_tokens: int
    output_tokens: int


class Setup(_Kept):
    """What was measured: which data (`digest` is SHA-256 of the file), and with what."""

    kind: str
    file: str
    digest: str
    version: str
    edition: str
    embedder: str
    speakers: str
    made_at: datetime


class Counts(_Kept):
    """How much there was; turns that are too long for a memory are `cut`.

    Of the questions, those `without_evidence` are answerable, and not measured.
    """

    conversations: int
    turns: int
    cut: int
    questions: int
    without_evidence: int
    unanswerable: int
    degraded: int


class Report(_Kept):
    """All of it; the groups are of the measured questions."""

    format: Literal["recollect-evaluation"] = "recollect-evaluation"
    format_version: Literal[1] = 1
    setup: Setup
    counts: Counts
    overall: Group
    categories: tuple[Group, ...]
    conversations: tuple[Group, ...]
    latency: Latency
    scores: Scores
    thresholds: tuple[Threshold, ...]
    answers: Answers | None = None
    questions: tuple[QuestionResult, ...]


class Judging(_Kept):
    """Which model has answered, what it cost, and for how many questions in vain."""

    model: str
    usage: Usage
    failed: int
