"""Every Listing of ours passes the published suite."""

from recollect.testing.listing import *
