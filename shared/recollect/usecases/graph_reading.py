"""Finding what memories speak of with a language model: entities, and how they belong together."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BaseModel

from recollect.domain.graph import MAX_NAME_LENGTH, UNKNOWN_TYPE, USER_TYPE, label, normal_name
from recollect.domain.memory import Json, Memory
from recollect.domain.times import period
from recollect.ports.graph import Mentioned, NamedEntity, Rival, Statement
from recollect.ports.models import PromptTurn, Usage
from recollect.usecases.asking import AskModel, CutOffError, or_nothing
from recollect.usecases.prompts import Prompt, as_data, shipped

USER = "USER"
"""What stands for the user in a model's answer, in any case."""
PERSON_TYPE = "person"
MAX_ENTITIES = 25
"""Of one memory; what names more is a list rather than a fact."""
MAX_RELATIONS = 25
"""Of one memory."""
STEM = 4
"""Letters of a word by which a name is found in a text: its ending may be another there."""


class GraphEntity(BaseModel):
    """Somebody or something that a memory speaks of."""

    name: str
    type: Annotated[str, or_nothing(str)] = ""


class GraphRelation(BaseModel):
    """What a memory says of two entities."""

    source: str
    predicate: str
    target: str
    valid_from: Annotated[str, or_nothing(str)] = ""
    valid_to: Annotated[str, or_nothing(str)] = ""


class MemoryGraph(BaseModel):
    """What one memory speaks of."""

    memory: int
    entities: Annotated[list[GraphEntity], or_nothing(list)] = []
    relations: Annotated[list[GraphRelation], or_nothing(list)] = []


class DrawGraph(BaseModel):
    """Say for each memory which entities it speaks of and what it says of them."""

    memories: list[MemoryGraph]


class RivalDecision(BaseModel):
    """Whether one new relation ends the others."""

    relation: int
    is_end: bool


class EndRelations(BaseModel):
    """Say for each new relation, exactly once, whether it ends the others."""

    decisions: list[RivalDecision]


@dataclass(frozen=True)
class ModelGraphReader:
    """Lets a language model find entities and relations.

    One call for all memories; those whose answer is cut off are read again in two halves. The
    model sees memories as small numbers, and the user as a reserved word: no other name, and no
    type, stands for the user. A name that is not in the memory's own text is left out with its
    relations, so that no text puts anything into the graph in another one's name.
    """

    ask: AskModel

    def read(self, memories: Sequence[Memory]) -> tuple[list[Mentioned], Usage]:
        """Return what each memory speaks of, in order; nothing for one that the model leaves out.

        Raises `UnavailableError` when the model cannot be reached, `ModelAnswerError` when it
        answers nonsense twice, and `InvalidRequestError` when it will not read these memories.
        """
        if not memories:
            return [], Usage()
        prompt = Prompt.of("graph", shipped("graph"), shipped("graph_form"))
        turn = PromptTurn("user", _told(memories))
        middle = len(memories) // 2
        try:
            return self.ask(
                prompt.text,
                turn,
                DrawGraph,
                lambda answer: _mentioned(answer.memories, memories),
                is_divisible=middle > 0,
            )
        except CutOffError as error:
            first, first_usage = self.read(memories[:middle])
            second, second_usage = self.read(memories[middle:])
            return first + second, error.usage + first_usage + second_usage

    def exclude(self, rivals: Sequence[Rival]) -> tuple[list[bool], Usage]:
        """Tell of each new relation whether it ends the others; raise as `read` does."""
        if not rivals:
            return [], Usage()
        prompt = Prompt.of("graph_exclude", shipped("graph_exclude"))
        lines = [as_data(_rival_line(*each)) for each in enumerate(rivals)]
        turn = PromptTurn("user", "\n".join(["<relations>", *lines, "</relations>"]))
        return self.ask(
            prompt.text, turn, EndRelations, lambda answer: _ends(answer.decisions, len(rivals))
        )


def _told(memories: Sequence[Memory]) -> str:
    lines = [as_data(_memory_line(*each)) for each in enumerate(memories)]
    return "\n".join(["<memories>", *lines, "</memories>"])


def _memory_line(number: int, memory: Memory) -> dict[str, Json]:
    said_by = memory.attributed_to or memory.actor or memory.role
    return {
        "memory": number,
        "user": memory.scope.owner.name,
        "said_at": f"{memory.said_at:%A, %Y-%m-%d}",
        **({"said_by": said_by} if said_by and said_by.casefold() != "user" else {}),
        "text": memory.text,
    }


def _rival_line(number: int, rival: Rival) -> dict[str, Json]:
    return {"relation": number, "stated": rival.stated, "known": list(rival.known)}


def _ends(decisions: Sequence[RivalDecision], count: int) -> list[bool]:
    made = {each.relation: each.is_end for each in decisions}
    if len(made) != len(decisions) or made.keys() != set(range(count)):
        message = f"decisions must name each of the relations 0 to {count - 1} exactly once"
        raise ValueError(message)
    return [made[number] for number in range(count)]


def _mentioned(answers: Sequence[MemoryGraph], memories: Sequence[Memory]) -> list[Mentioned]:
    by_number = {each.memory: each for each in answers}
    if len(by_number) != len(answers) or not by_number.keys() <= set(range(len(memories))):
        message = f"memories must be some of the numbers 0 to {len(memories) - 1}, each once"
        raise ValueError(message)
    nothing = MemoryGraph(memory=0)
    return [
        _Drawing.of(memory).finished(by_number.get(number, nothing))
        for number, memory in enumerate(memories)
    ]


@dataclass(frozen=True)
class _Drawing:
    """The graph of one memory as far as it is drawn."""

    text: str
    user: NamedEntity
    by_name: dict[str, NamedEntity] = field(default_factory=dict)
    """What relations mean by a name in its normal form: the first that has it."""
    entities: dict[tuple[str, str], NamedEntity] = field(default_factory=dict)
    statements: dict[tuple[NamedEntity, str, NamedEntity], Statement] = field(default_factory=dict)

    @classmethod
    def of(cls, memory: Memory) -> "_Drawing":
        return cls(_folded(memory.text), NamedEntity(memory.scope.owner.name, USER_TYPE))

    def finished(self, answer: MemoryGraph) -> Mentioned:
        for found in answer.entities:
            entity = self._entity(found.name, _type(found.type))
            if entity and len(self.entities) < MAX_ENTITIES:
                self._add(entity)
        for relation in answer.relations:
            self._relate(relation)
        entities, statements = self.entities.values(), self.statements.values()
        return Mentioned(entities=tuple(entities), statements=tuple(statements))

    def _relate(self, found: GraphRelation) -> None:
        source, target = self._end(found.source), self._end(found.target)
        predicate = label(found.predicate)
        if not source or not target or not predicate or _key(source) == _key(target):
            return
        relation = (source, predicate, target)
        entities = self.entities.keys() | {_key(source), _key(target)}
        if relation in self.statements or len(entities) > MAX_ENTITIES:
            return
        if len(self.statements) == MAX_RELATIONS:
            return
        self._add(source)
        self._add(target)
        start, end = period(found.valid_from, found.valid_to)
        self.statements[relation] = Statement(
            source=source, predicate=predicate, target=target, valid_from=start, valid_to=end
        )

    def _end(self, name: str) -> NamedEntity | None:
        entity = self._entity(name, UNKNOWN_TYPE)
        if entity is None or entity == self.user:
            return entity
        return self.by_name.get(normal_name(name), entity)

    def _entity(self, name: str, kind: str) -> NamedEntity | None:
        """Return the entity of a name; None if it is no name, or none that the memory has."""
        said = " ".join(name.split())
        if said.upper() == USER:
            return self.user
        if not 0 < len(said) <= MAX_NAME_LENGTH:
            return None
        is_said = all(word[:STEM] in self.text for word in normal_name(said).split())
        return NamedEntity(said, kind) if is_said else None

    def _add(self, entity: NamedEntity) -> None:
        self.entities.setdefault(_key(entity), entity)
        if entity != self.user:
            self.by_name.setdefault(normal_name(entity.name), entity)


def _key(entity: NamedEntity) -> tuple[str, str]:
    return normal_name(entity.name), entity.type


def _type(words: str) -> str:
    kind = label(words) or UNKNOWN_TYPE
    return PERSON_TYPE if kind == USER_TYPE else kind


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
