"""The episodes of every record of ours pass the published suite."""

from recollect.testing.episodes import *
