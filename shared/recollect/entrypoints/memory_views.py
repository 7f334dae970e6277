"""One memory as it is read by its id, on request with what happened to it."""

from typing import cast

from recollect.domain.memory import Memory
from recollect.entrypoints.answers import HistoryAnswer, MemoryAnswer
from recollect.entrypoints.presenters import history_answers, memory_answer
from recollect.usecases.read_memories import MemoryHistory


class MemoryViewAnswer(MemoryAnswer, total=False):
    """One memory; `history` is there if it was asked for, oldest event first."""

    history: list[HistoryAnswer]


def memory_view(memory: Memory, history: MemoryHistory | None) -> MemoryViewAnswer:
    """Return a memory, with its history if there is one."""
    answer = cast("MemoryViewAnswer", memory_answer(memory))
    if history:
        answer["history"] = history_answers(history)
    return answer
