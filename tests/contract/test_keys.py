"""Every Keys of ours passes the published suite."""

from recollect.testing.keys import *
