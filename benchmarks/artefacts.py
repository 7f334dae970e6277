"""The built functions: what they weigh unzipped, and how long they take to be ready."""

import os
import re
import resource
import subprocess
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.measuring import table
from scripts.artefacts import Artefact, artefacts
from scripts.build import build, megabytes, own_architecture
from scripts.interpreter import find_python
from scripts.invoke import runtime
from scripts.runtime_api import running

ROUNDS = 7
OFFENDERS = 8
IMPORT_SECONDS = 60
IMPORT_LINE = re.compile(r"import time: +(\d+) \| +\d+ \| +(\S+)")
"""What `-X importtime` prints: a module's own microseconds, those with its imports, its name."""
CONFIGURED = {
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_EC2_METADATA_DISABLED": "true",
    "RECOLLECT_BUCKET": "bench",
    "RECOLLECT_CHAT_MODEL": "global.amazon.nova-2-lite-v1:0",
    "RECOLLECT_CONTROL_TABLE": "bench-control",
    "RECOLLECT_DEAD_LETTERS_URL": "https://sqs.us-east-1.amazonaws.com/000000000000/bench-dead",
    "RECOLLECT_EMBEDDING_MODEL": "amazon.titan-embed-text-v2:0",
    "RECOLLECT_INDEX_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/000000000000/bench",
    "RECOLLECT_OPENSEARCH_URL": "https://bench.us-east-1.es.amazonaws.com",
    "RECOLLECT_RECORD_TABLE": "bench-record",
}
"""The AWS edition; no client calls anybody before the first request."""


def measure() -> dict[str, Any]:
    """Build what is not current and measure each function in fresh processes."""
    found = artefacts(build(own_architecture()))
    python = find_python()
    place = runtime(python)
    return {
        "rounds": ROUNDS,
        "architecture": own_architecture(),
        "functions": {name: _measured(found[name], python, place) for name in sorted(found)},
        "largest_mb": _largest(_weights(found)),
    }


def report(kept: Mapping[str, Any]) -> str:
    """Return the results as Markdown."""
    functions: dict[str, dict[str, Any]] = kept["functions"]
    rows = [
        [name, at["unzipped_mb"], at["init_ms"], at["init_cpu_ms"], _listed(at["imports_ms"], 4)]
        for name, at in functions.items()
    ]
    header = ["function", "unzipped MB", "init ms", "of it processor ms", "imports, own ms"]
    how = (
        f"Init: best of {kept['rounds']} fresh processes of the {kept['architecture']} artefacts,"
        " the start of Python included. AWS's own boto3 is outside the artefacts.\n"
    )
    return f"{how}\n{table(header, rows)}\n\nLargest, MB: {_listed(kept['largest_mb'], OFFENDERS)}"


def _listed(sizes: Mapping[str, float], count: int) -> str:
    return ", ".join(f"{name} {size}" for name, size in list(sizes.items())[:count])


def _measured(artefact: Artefact, python: Path, place: Path) -> dict[str, Any]:
    inits = [_init(artefact, python, place) for _ in range(ROUNDS)]
    imports = [_imports(artefact, python, place) for _ in range(ROUNDS)]
    return {
        "unzipped_mb": round(sum(map(megabytes, (artefact.folder, *artefact.layers))), 1),
        "init_ms": round(min(wall for wall, _ in inits), 1),
        "init_cpu_ms": round(min(processor for _, processor in inits), 1),
        "imports_ms": _largest(min(imports, key=lambda one: sum(one.values()))),
    }


def _init(artefact: Artefact, python: Path, place: Path) -> tuple[float, float]:
    """Return the milliseconds that an init takes, and those of a processor in it."""
    before = _children_milliseconds()
    with running(artefact, python, place, CONFIGURED) as function:
        wall = function.init_milliseconds
    return wall, _children_milliseconds() - before


def _children_milliseconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (used.ru_utime + used.ru_stime) * 1000


def _imports(artefact: Artefact, python: Path, place: Path) -> dict[str, float]:
    """Return the milliseconds that the modules of each package themselves take to import."""
    environment = {
        **artefact.environment,
        **CONFIGURED,
        "AWS_DEFAULT_REGION": "us-east-1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": os.pathsep.join((artefact.search_path, str(place))),
    }
    done = subprocess.run(  # noqa: S603 - an interpreter of this machine
        [python, "-S", "-X", "importtime", "-c", "import handler"],
        cwd=artefact.folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=IMPORT_SECONDS,
        check=True,
    )
    packages: Counter[str] = Counter()
    for microseconds, module in IMPORT_LINE.findall(done.stderr):
        packages[module.partition(".")[0]] += int(microseconds)
    return {name: total / 1000 for name, total in packages.items()}


def _weights(found: Mapping[str, Artefact]) -> dict[str, float]:
    """Return what each package of the layers weighs in MB."""
    layers = {layer / "python" for artefact in found.values() for layer in artefact.layers}
    return {
        path.name: megabytes(path) if path.is_dir() else path.stat().st_size / 1e6
        for layer in layers
        for path in layer.iterdir()
    }


def _largest(amounts: Mapping[str, float]) -> dict[str, float]:
    largest = sorted(amounts.items(), key=lambda item: -item[1])[:OFFENDERS]
    return {name: round(amount, 1) for name, amount in largest}
