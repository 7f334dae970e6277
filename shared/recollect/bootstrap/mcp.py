"""What is configured of the endpoint for agents that speak the Model Context Protocol."""

from recollect.bootstrap.configuration import settings


def origins() -> frozenset[str]:
    """Return the origins of the web pages that may call it."""
    return frozenset(filter(None, map(str.strip, settings().mcp_origins.split(","))))
