"""Every Outbox of ours passes the published suite."""

from recollect.testing.outbox import *
