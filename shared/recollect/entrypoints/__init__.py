"""How requests, messages and commands reach the use cases."""
