"""What is counted of every request: how many, how long, and whose fault a failure was."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from recollect.domain.jobs import UNFINISHED, Job
from recollect.domain.memory import Json

if TYPE_CHECKING:
    from recollect.usecases.report_drift import Drift

NAMESPACE = "Recollect"
CLIENT_ERROR = 400
SERVER_ERROR = 500
TOKENS = {
    "ModelCalls": "model_calls",
    "InputTokens": "input_tokens",
    "OutputTokens": "output_tokens",
}
"""Metrics, and the notes of a job that they come from."""


def count_request(route: str, status: int, milliseconds: float, request_id: str) -> None:
    """Write one request's metrics to the log, where CloudWatch finds them.

    The route is its pattern, never a path: ids and names of subjects are no dimensions. An object
    of its own for each request keeps threads apart.
    """
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    metrics.add_dimension(name="route", value=route)
    metrics.add_metadata(key="correlation_id", value=request_id)
    metrics.add_metric(name="Requests", unit=MetricUnit.Count, value=1)
    metrics.add_metric(name="Latency", unit=MetricUnit.Milliseconds, value=milliseconds)
    if status >= SERVER_ERROR:
        metrics.add_metric(name="ServerErrors", unit=MetricUnit.Count, value=1)
    elif status >= CLIENT_ERROR:
        metrics.add_metric(name="ClientErrors", unit=MetricUnit.Count, value=1)
    metrics.flush_metrics()


def count_job(job: Job) -> None:
    """Write what a job's language model has read and written, once the job has ended.

    Until then its notes grow, whoever works on it.
    """
    if job.status not in UNFINISHED:
        count_tokens(job.notes)


def count_tokens(notes: Mapping[str, Json]) -> None:
    """Write what a job's language model has read and written, if it had one."""
    if "input_tokens" not in notes:
        return
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    metrics.add_dimension(name="model", value=str(notes["extractor"]))
    for name, note in TOKENS.items():
        value = notes[note]
        if isinstance(value, int):
            metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
    metrics.flush_metrics()


def count_drift(drift: "Drift") -> None:
    """Write how far indexes and graphs are from the record, of all projects that were compared."""
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    metrics.add_metric(name="ProjectsCompared", unit=MetricUnit.Count, value=drift.compared)
    metrics.add_metric(name="IndexDrift", unit=MetricUnit.Count, value=drift.index)
    if drift.graphs is not None:
        metrics.add_metric(name="GraphDrift", unit=MetricUnit.Count, value=drift.graphs)
    metrics.flush_metrics()
