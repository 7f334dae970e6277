"""Every Touches of ours passes the published suite."""

from recollect.testing.touches import *
