"""Measurements: speed beside a peer, recall on conversations, time to the first answer."""
