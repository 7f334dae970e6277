"""Dates and times in texts."""
