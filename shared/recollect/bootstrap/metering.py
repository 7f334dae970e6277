"""Counting what keys use in the configured edition."""

from concurrent.futures import Executor, ThreadPoolExecutor

from recollect.bootstrap import stores
from recollect.bootstrap.chance import now
from recollect.bootstrap.configuration import closed_at_the_end, once
from recollect.usecases.manage_projects import ChangeProject
from recollect.usecases.metering import LimitProject, Meter, ReadUsage

THREADS = 4
"""Of a process; a count takes some 5 ms, so that they make 800 a second."""


@once
def meter() -> Meter:
    """Return what counts requests and tokens."""
    # Its file first: what is built first is closed last, and the threads still write to it.
    usage = stores.store().usage
    return Meter(usage, stores.trusted_projects(), _threads(), now)


@once
def read_usage() -> ReadUsage:
    """Return the use case that tells what keys use."""
    return ReadUsage(stores.store().usage, now)


@once
def limit_project() -> LimitProject:
    """Return the use case that limits projects."""
    return LimitProject(stores.store().keys, ChangeProject(stores.trusted_projects()))


@once
def _threads() -> Executor:
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="usage")
    closed_at_the_end(pool.shutdown)
    return pool
