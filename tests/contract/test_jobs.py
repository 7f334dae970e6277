"""Every Jobs of ours passes the published suite."""

from recollect.testing.jobs import *
