"""What is counted of every request: how many, how long, and whose fault a failure was."""

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

NAMESPACE = "Recollect"
CLIENT_ERROR = 400
SERVER_ERROR = 500


def count_request(route: str, status: int, milliseconds: float) -> None:
    """Write one request's metrics to the log, where CloudWatch finds them.

    The route is its pattern, never a path: ids and names of subjects are no dimensions. An object
    of its own for each request keeps threads apart.
    """
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    metrics.add_dimension(name="route", value=route)
    metrics.add_metric(name="Requests", unit=MetricUnit.Count, value=1)
    metrics.add_metric(name="Latency", unit=MetricUnit.Milliseconds, value=milliseconds)
    if status >= SERVER_ERROR:
        metrics.add_metric(name="ServerErrors", unit=MetricUnit.Count, value=1)
    elif status >= CLIENT_ERROR:
        metrics.add_metric(name="ClientErrors", unit=MetricUnit.Count, value=1)
    metrics.flush_metrics()
