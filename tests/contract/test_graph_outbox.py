"""Every GraphOutbox of ours passes the published suite."""

from recollect.testing.graph_outbox import *
