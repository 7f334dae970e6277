"""Every Scopes of ours passes the published suite."""

from recollect.testing.scopes import *
