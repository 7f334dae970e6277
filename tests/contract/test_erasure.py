"""The erasures of every record of ours pass the published suite."""

from recollect.testing.erasure import *
