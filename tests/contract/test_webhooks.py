"""All that keeps webhooks and deliveries passes the published suite."""

from recollect.testing.webhooks import *
