"""Vectors of several models beside each other, in the states of the record table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from recollect.adapters.aws.dynamodb import (
    Item,
    Table,
    key_of,
    number,
)
from recollect.adapters.aws.dynamodb_errors import ConditionFailedError
from recollect.adapters.aws.items import state_key
from recollect.domain.memory import Embedding


@dataclass(frozen=True)
class DynamoVectors:
    """Exchanges vectors by a second one beside the first; see the port `Vectors`.

    A reader takes the one of its own model and, without one, whichever there is. A change of the
    memory replaces all by the vector of whoever makes it, which the next run finds.
    """

    table: Table
    embedding_model: Callable[[], str]

    def begin(self) -> None:
        """Do nothing: a memory can have vectors of several models."""

    def replace(self, project: str, vectors: Mapping[str, tuple[int, Embedding]]) -> int:
        """Store vectors of memories that are still at this version, beside those of others."""
        stored = self.table.together(partial(self._put, project), list(vectors.items()))
        return sum(stored)

    def drop_others(self, project: str, memory_ids: Sequence[str]) -> int:
        """Forget what other models made of memories that have a vector of the configured one."""
        states = self.table.get_all(state_key(project, memory_id) for memory_id in memory_ids)
        dropped = self.table.together(self._drop_others, list(states.values()))
        return sum(dropped)

    def finish(self) -> None:
        """Do nothing: what has no vector of the configured model yet is told by its vectors."""

    def _put(self, project: str, vector: tuple[str, tuple[int, Embedding]]) -> bool:
        memory_id, (version, embedding) = vector
        return self._update(
            state_key(project, memory_id),
            "SET vec.#model = :vector",
            "version = :version AND attribute_exists(body)",
            {"#model": embedding.model},
            {":vector": {"B": embedding.data}, ":version": number(version)},
        )

    def _drop_others(self, state: Item) -> bool:
        model = self.embedding_model()
        vectors = state["vec"]["M"] if "vec" in state else {}
        others = {f"#other{at}": name for at, name in enumerate(vectors) if name != model}
        if not others:
            return False
        return self._update(
            key_of(state),
            f"REMOVE {', '.join(f'vec.{name}' for name in others)}",
            "attribute_exists(vec.#model)",
            {"#model": model, **others},
            {},
        )

    def _update(
        self,
        key: tuple[str, str],
        expression: str,
        condition: str,
        names: Mapping[str, str],
        values: Item,
    ) -> bool:
        """Change a state; tell whether its condition held."""
        try:
            self.table.update(
                key,
                expression,
                values,
                ConditionExpression=condition,
                ExpressionAttributeNames=names,
            )
        except ConditionFailedError:
            return False
        return True
