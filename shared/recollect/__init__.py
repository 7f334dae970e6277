"""Recollect: long-term memory for AI agents."""
