"""The local edition as a Python object, with the names and answers of mem0's `Memory`."""

from recollect.library.asynchronous import AsyncMemory
from recollect.library.errors import ArgumentError, MissingMemoryError
from recollect.library.memory import Memory

__all__ = ["ArgumentError", "AsyncMemory", "Memory", "MissingMemoryError"]
