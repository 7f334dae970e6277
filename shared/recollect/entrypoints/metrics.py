"""What is counted of every request: how many, how long, and whose fault a failure was."""

from collections.abc import Mapping

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from recollect.domain.memory import Json

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
