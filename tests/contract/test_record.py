"""Every Record of ours passes the published suite."""

from recollect.testing.record import *
