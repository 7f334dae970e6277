"""The archives of every record of ours pass the published suite."""

from recollect.testing.archive import *
