"""Every GraphRecord of ours passes the published suite."""

from recollect.testing.graph_record import *
