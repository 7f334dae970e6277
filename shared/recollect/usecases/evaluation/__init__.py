"""How well searches find what answers questions whose evidence is known."""
