"""Adapters of the local edition: one SQLite file and the bundled model, no network."""
