"""Every Subjects of ours passes the published suite."""

from recollect.testing.subjects import *
