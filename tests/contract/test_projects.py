"""Every SettingsStore of ours passes the published suite."""

from recollect.testing.projects import *
