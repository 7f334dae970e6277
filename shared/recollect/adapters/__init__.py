"""Adapters: what the ports are made of, one folder a place or vendor."""
