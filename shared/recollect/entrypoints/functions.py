"""The deployed functions, loaded from their folders into this process."""

import importlib.util
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import recollect
from recollect.bootstrap.configuration import later, once
from recollect.domain.errors import UnavailableError
from recollect.entrypoints.gateway import Event
from recollect.entrypoints.invocation import Handler
from recollect.entrypoints.route_table import RouteTable

ROOT = Path(recollect.__file__).parents[2]
"""The project's folder, in a clone."""
DEPLOYED = Path(recollect.__file__).parent / "deployed"
"""Where `functions` and `template.yaml` are: links into the clone, and files in a wheel."""
MCP = "mcp"
INGEST_OBJECTS = "ingest_objects"
HTTP_FUNCTIONS = ("add", "search", "read", "mutate", MCP)
QUEUE_FUNCTIONS = ("worker", "projector", "graph_writer", "graph_projector", "notifier")


def routes() -> RouteTable:
    """Return which function serves which path, from the template that is deployed."""
    return RouteTable.from_template(_existing(DEPLOYED / "template.yaml"))


def load_handlers(names: Iterable[str]) -> dict[str, Handler]:
    """Return the `lambda_handler` of each function by its name."""
    return {name: load_module(name).lambda_handler for name in names}


def load_later(name: str) -> Handler:
    """Return a function's handler that is loaded, with the configuration of now, when it is needed.

    For a function that a process may never be asked for, and whose imports take time.
    """
    loaded = later(lambda: _handler(name))

    def handle(event: Event, context: object) -> Event:
        return loaded()(event, context)

    return handle


@once
def _handler(name: str) -> Handler:
    handler: Handler = load_module(name).lambda_handler
    return handler


def load_module(name: str) -> ModuleType:
    """Return a function's handler module, freshly executed, as a cold start would."""
    # Lambda collects metrics and logs from standard output; here they would fill a terminal.
    os.environ.setdefault("POWERTOOLS_LOG_LEVEL", "ERROR")
    os.environ.setdefault("POWERTOOLS_METRICS_DISABLED", "true")
    path = _existing(DEPLOYED / "functions" / name / "handler.py")
    spec = importlib.util.spec_from_file_location(f"recollect_function_{name}", path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _existing(path: Path) -> Path:
    if not path.exists():
        message = f"{path} is missing: install Recollect again, or restore the links of its clone"
        raise UnavailableError(message)
    return path
