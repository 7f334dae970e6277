"""Have a reranker read the best of what a search found; without it when that takes too long."""

from collections.abc import Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from threading import BoundedSemaphore
from typing import Final

from recollect.domain.errors import RecollectError
from recollect.ports.models import Reranker

DEGRADED: Final = "rerank"
"""What a search's result says of a reranker that could not help."""
MAX_TEXTS = 50
"""How many of the best are worth reading again."""
MAX_CHARACTERS = 4_000
"""Of each text; rerankers read 512 to 4,096 tokens of some four characters."""
CALLS_AT_ONCE = 8
"""As many calls as may be under way, however late they are; `threads` should be as many."""
SECONDS = 0.3
"""For how long a search waits; its caller is waiting, too."""


def _slots() -> BoundedSemaphore:
    return BoundedSemaphore(CALLS_AT_ONCE)


@dataclass(frozen=True)
class Rerank:
    """Scores texts by a reranker, in time or not at all.

    A call that is late is left to end by itself. While as many are under way as may be, no other
    is made: what hangs costs a bounded number of threads, and later searches no time.
    """

    reranker: Reranker
    threads: Executor
    seconds: float = SECONDS
    slots: BoundedSemaphore = field(default_factory=_slots, repr=False, compare=False)

    def __call__(self, question: str, texts: Sequence[str]) -> tuple[float, ...] | None:
        """Return one score of 0..1 a text, in the order of the texts; no texts ask nobody.

        None when the reranker fails, is late, is busy with what it was asked before, or answers
        nonsense: then what was found is best left as it is, and called `DEGRADED`. `texts` are
        the best `MAX_TEXTS`; raises `ValueError` for more.
        """
        if len(texts) > MAX_TEXTS:
            message = f"at most {MAX_TEXTS} texts are reranked, not {len(texts)}"
            raise ValueError(message)
        if not texts:
            return ()
        call = self._begun(question, [text[:MAX_CHARACTERS] for text in texts])
        return None if call is None else self._awaited(call, len(texts))

    def _begun(self, question: str, texts: list[str]) -> Future[list[float]] | None:
        if not self.slots.acquire(blocking=False):
            return None
        try:
            call = self.threads.submit(self.reranker.rerank, question, texts)
        except RuntimeError:
            # The threads have ended, or there can be no more of them.
            self.slots.release()
            return None
        call.add_done_callback(lambda _: self.slots.release())
        return call

    def _awaited(self, call: Future[list[float]], texts: int) -> tuple[float, ...] | None:
        try:
            scores = call.result(self.seconds)
        except TimeoutError:
            # One that has not begun yet need not.
            call.cancel()
            return None
        except RecollectError:
            return None
        is_sound = len(scores) == texts and all(0 <= score <= 1 for score in scores)
        return tuple(scores) if is_sound else None
