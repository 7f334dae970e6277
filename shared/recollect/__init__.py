"""Recollect: long-term memory for AI agents."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recollect.library import AsyncMemory, Memory

__all__ = ["AsyncMemory", "Memory"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the module has
    # Not before somebody asks: the functions start without it.
    if name not in __all__:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from recollect import library  # noqa: PLC0415 - as above

    return getattr(library, name)
