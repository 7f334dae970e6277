"""Embedding every memory again with another model."""

from collections.abc import Sequence
from dataclasses import dataclass

from recollect.domain.memory import Embedding, Memory
from recollect.ports.keys import Keys
from recollect.ports.models import Embedder
from recollect.ports.record import Listing
from recollect.ports.vectors import Vectors
from recollect.usecases.rebuild_index import RebuildIndex
from recollect.usecases.walking import Progress, pages

MAX_PASSES = 5
"""Each finds what others changed during the one before: a few memories of many, then none."""


@dataclass(frozen=True)
class Reembedded:
    """How many texts were embedded, and how many memories are in the new index."""

    embedded: int
    indexed: int


@dataclass(frozen=True)
class Reembed:
    """Exchange all vectors for those of the configured embedder, and build the index of them.

    Until the new index is complete, the old one answers as before to those who embed with the old
    model, where a memory can have vectors of both. From then on they find by words alone, until
    they embed with the new model too; what they write meanwhile has the old model's vector only,
    and is found by words until this is repeated.
    """

    keys: Keys
    listing: Listing
    vectors: Vectors
    embedder: Embedder
    rebuild: RebuildIndex

    def __call__(self, progress: Progress) -> Reembedded:
        """Return what was done; what breaks off goes on when it is repeated.

        A memory that has a vector of the model already is not embedded again. One that is changed
        while it is embedded keeps the change, and is embedded in the next pass. Raises
        `UnavailableError` when the model cannot be reached, and `ConflictError` if somebody else
        builds the index, or writes vectors of another model where those cannot be told apart.
        """
        self.vectors.begin()
        embedded = 0
        for _ in range(MAX_PASSES):
            found = self._pass(progress)
            embedded += found
            if not found:
                break
        indexed = self.rebuild(progress)
        for project in self.keys.projects():
            for memories in pages(self.listing, project):
                self.vectors.drop_others(project, [memory.id for memory in memories])
        self.vectors.finish()
        return Reembedded(embedded, indexed)

    def _pass(self, progress: Progress) -> int:
        """Embed what has no vector of the model; return how many texts that were."""
        embedded = 0
        for project in self.keys.projects():
            for memories in pages(self.listing, project):
                others = [memory for memory in memories if self._is_of_another(memory)]
                if others:
                    self.vectors.replace(project, self._embedded(others))
                    embedded += len(others)
                    progress("embedded", len(others))
        return embedded

    def _is_of_another(self, memory: Memory) -> bool:
        return memory.embedding is None or memory.embedding.model != self.embedder.model

    def _embedded(self, memories: Sequence[Memory]) -> dict[str, tuple[int, Embedding]]:
        vectors = self.embedder.embed([memory.text for memory in memories], "document")
        return {
            memory.id: (memory.version, Embedding.of(self.embedder.model, vector))
            for memory, vector in zip(memories, vectors, strict=True)
        }
