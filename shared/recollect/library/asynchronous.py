"""The same object for asyncio: every call in a thread of its own few."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial, wraps
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from recollect.library.memory import Memory

MAX_THREADS = 8
"""Calls at once: the file has one writer, and models are waited for; more would only wait here."""

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def _in_a_thread(
    method: Callable[Concatenate[Memory, _Arguments], _Result],
) -> Callable[Concatenate["AsyncMemory", _Arguments], Coroutine[Any, Any, _Result]]:
    @wraps(method)
    async def call(
        self: "AsyncMemory", /, *args: _Arguments.args, **kwargs: _Arguments.kwargs
    ) -> _Result:
        return await self._run(partial(method, self._memory, *args, **kwargs))

    return call


class AsyncMemory:
    """`Memory` whose methods are coroutines; what they do and raise is told there.

    A call that is cancelled is still carried out.
    """

    def __init__(self, *args: Any, **settings: Any) -> None:  # noqa: ANN401 - those of Memory
        self._memory = Memory(*args, **settings)
        self._threads = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="recollect")

    @classmethod
    def from_config(cls, config_dict: Mapping[str, Any]) -> Self:
        """Return the object that a configuration of mem0 describes, as `Memory.from_config`."""
        return cls(**Memory.options(config_dict))

    add = _in_a_thread(Memory.add)
    search = _in_a_thread(Memory.search)
    get = _in_a_thread(Memory.get)
    get_all = _in_a_thread(Memory.get_all)
    update = _in_a_thread(Memory.update)
    delete = _in_a_thread(Memory.delete)
    delete_all = _in_a_thread(Memory.delete_all)
    history = _in_a_thread(Memory.history)
    reset = _in_a_thread(Memory.reset)
    chat = _in_a_thread(Memory.chat)

    def close(self) -> None:
        """Wait for the calls in hand, then close the file."""
        self._threads.shutdown()
        self._memory.close()

    async def __aenter__(self) -> Self:
        """Return the object itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it, without holding up the loop meanwhile."""
        await asyncio.to_thread(self.close)

    async def _run(self, call: Callable[[], _Result]) -> _Result:
        context = copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._threads, context.run, call)
