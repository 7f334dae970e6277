"""The same recall as `locomo`, on the AWS edition before engines on this machine."""

import os
import time
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import locomo, service
from recollect import bootstrap
from tests.aws_edition import configured

SETTLING_SECONDS = 61
"""From then on a search takes what was added from the index and not from the record."""


def measure(data: Path) -> dict[str, Any]:
    """Return recall at 5, 10, 20 and 30, with the vectors of the bundled embedder."""
    with configured():
        os.environ.update(RECOLLECT_EMBEDDER="bundled", RECOLLECT_OPENSEARCH_REFRESH_SECONDS="1")
        bootstrap.prepare_index()()
        service.new_key()
        return locomo.recall_of(data, partial(time.sleep, SETTLING_SECONDS))
