"""Every Usage of ours passes the published suite."""

from recollect.testing.usage import *
