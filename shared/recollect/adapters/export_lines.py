"""The form of an export: JSON Lines, a header first, a line for each thing, and a footer.

The header names the format, its version, the schema that documents are of, the project, the
subjects that were asked for, and the time. The footer counts the lines of each kind, so that a file
that was cut is recognised. Ids of entities are of one project: names and types stand for them.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from recollect.adapters import stored, stored_graph
from recollect.adapters.stored import Document, time_of, time_text
from recollect.domain.errors import InvalidRequestError
from recollect.domain.graph import Entity, Owner
from recollect.domain.memory import Episode, HistoryEvent
from recollect.domain.subjects import Subject, SubjectKind
from recollect.ports.archive import (
    DeletedMemory,
    Described,
    Item,
    KeptMemory,
    NamedAlias,
    NamedReading,
    NamedRelation,
)
from recollect.ports.graph import NamedEntity, Statement
from recollect.usecases.import_graph import triple_of

FORMAT: Final = "recollect-export"
VERSION: Final = 1
KIND: Final = "kind"
END: Final = "end"
BAD: Final = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""What documents of another form make of those who read them."""


class LaterReleaseError(InvalidRequestError):
    """An export is of a form that a later release made."""


@dataclass(frozen=True)
class Header:
    """What the first line of an export says."""

    project: str
    exported_at: datetime
    subjects: tuple[Subject, ...] = ()
    schema: int = stored.SCHEMA_VERSION


def dump_lines(header: Header, items: Iterable[Item]) -> Iterator[str]:
    """Yield the lines of an export, each with its end."""
    yield _line(
        {
            "format": FORMAT,
            "version": VERSION,
            "schema": header.schema,
            "project": header.project,
            "subjects": [[each.kind, each.name] for each in header.subjects],
            "exported_at": time_text(header.exported_at),
        }
    )
    counts = Counter[str]()
    for item in items:
        kind, dump = _DUMPS[type(item)]
        counts[kind] += 1
        yield _line({KIND: kind, **dump(item)})
    yield _line({KIND: END, "counts": counts})


def load_header(line: str) -> Header | None:
    """Return what an export's first line says; None if it is none.

    Raises `LaterReleaseError`, and `InvalidRequestError` if it is damaged.
    """
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        return None
    try:
        if document["version"] > VERSION or document["schema"] > stored.SCHEMA_VERSION:
            message = "A later release wrote this export: import it with that one"
            raise LaterReleaseError(message)
        return Header(
            document["project"],
            time_of(document["exported_at"]),
            tuple(map(_subject, document["subjects"])),
            document["schema"],
        )
    except BAD as error:
        message = "The first line of the export cannot be read"
        raise InvalidRequestError(message) from error


def load_items(project: str, header: Header, lines: Iterable[str]) -> Iterator[Item]:
    """Yield what the lines behind the header tell, as things of this project.

    Raises `InvalidRequestError` for a line that cannot be read, and at the end if something is
    missing there.
    """
    counts = Counter[str]()
    for number, line in enumerate(lines, 2):
        try:
            document = json.loads(line)
            kind = document.pop(KIND)
            if kind == END:
                _check_counts(counts, document["counts"])
                return
            item = _LOADS[kind](_Loading(project, header.schema), document)
        except BAD as error:
            message = f"Line {number} of the export cannot be read: it is damaged or cut"
            raise InvalidRequestError(message) from error
        counts[kind] += 1
        yield item
    message = "The export is cut: its last line is missing"
    raise InvalidRequestError(message)


def _check_counts(counts: Mapping[str, int], told: Mapping[str, int]) -> None:
    if counts != told:
        message = "The export is incomplete: lines are missing in it"
        raise InvalidRequestError(message)


def _line(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n"


def _subject(pair: Sequence[str]) -> Subject:
    kind, name = pair
    return Subject.of(SubjectKind(kind), name)


def _pair(named: NamedEntity) -> list[str]:
    return [named.name, named.type]


def _dump_described(item: Described) -> Document:
    return {"subject": [item.subject.kind, item.subject.name], "metadata": item.metadata}


def _dump_entity(item: Entity) -> Document:
    return {"owner": item.owner.key, **stored_graph.dump_entity(item)}


def _dump_alias(item: NamedAlias) -> Document:
    return {
        "owner": item.owner.key,
        "name": _pair(item.other),
        "entity": _pair(item.entity),
        "recorded_at": time_text(item.recorded_at),
    }


def _dump_relation(item: NamedRelation) -> Document:
    document = stored_graph.dump_relation(item.relation)
    _, predicate, _ = document.pop("triple")
    ends = {"source": _pair(item.source), "target": _pair(item.target)}
    return {"owner": item.relation.owner.key, "predicate": predicate, **ends, **document}


def _dump_kept(item: KeptMemory) -> Document:
    document: Document = {
        "memory": stored.dump_memory(item.memory),
        "history": list(map(_dump_event, item.history)),
    }
    if item.reading:
        document["reading"] = {
            "version": item.reading.version,
            "entities": list(map(_pair, item.reading.entities)),
            "statements": list(map(_dump_statement, item.reading.statements)),
            "ended": list(map(_dump_statement, item.reading.ended)),
        }
    return document


def _dump_deleted(item: DeletedMemory) -> Document:
    return {
        "id": item.id,
        "subjects": item.scope.pairs,
        "history": list(map(_dump_event, item.history)),
    }


def _dump_event(event: HistoryEvent) -> Document:
    """Return an event without what all events of a memory have in common."""
    document = stored.dump_event(event)
    del document["memory_id"], document["subjects"]
    return document


def _dump_statement(statement: Statement) -> list[Any]:
    return [_pair(statement.source), statement.predicate, _pair(statement.target)]


_DUMPS: Mapping[type[Any], tuple[str, Callable[[Any], Document]]] = {
    Described: ("subject", _dump_described),
    Entity: ("entity", _dump_entity),
    NamedAlias: ("alias", _dump_alias),
    NamedRelation: ("relation", _dump_relation),
    KeptMemory: ("memory", _dump_kept),
    DeletedMemory: ("deleted_memory", _dump_deleted),
    Episode: ("episode", stored.dump_episode),
}
"""The name of each kind of line, and how it is written."""


@dataclass(frozen=True)
class _Loading:
    """Makes things of a project of documents of a schema."""

    project: str
    schema: int

    def described(self, document: Document) -> Described:
        return Described(_subject(document["subject"]), dict(document["metadata"]))

    def entity(self, document: Document) -> Entity:
        return stored_graph.load_entity(self._owner(document), self._now(document), None)

    def alias(self, document: Document) -> NamedAlias:
        other, entity = (NamedEntity(*document[each]) for each in ("name", "entity"))
        recorded_at = time_of(document["recorded_at"])
        return NamedAlias(self._owner(document), other, entity, recorded_at)

    def relation(self, document: Document) -> NamedRelation:
        owner = self._owner(document)
        stated = _statement([document["source"], document["predicate"], document["target"]])
        triple = triple_of(owner, stated)
        ids = {"triple": [triple.source, triple.predicate, triple.target]}
        relation = stored_graph.load_relation(owner, self._now({**document, **ids}))
        return NamedRelation(relation, stated.source, stated.target)

    def kept(self, document: Document) -> KeptMemory:
        memory = stored.load_memory(self.project, self._now(document["memory"]), None)
        common = {"id": memory.id, "subjects": memory.scope.pairs}
        reading = document.get("reading")
        named = (
            NamedReading(
                reading["version"],
                tuple(NamedEntity(*each) for each in reading["entities"]),
                tuple(map(_statement, reading["statements"])),
                tuple(map(_statement, reading["ended"])),
            )
            if reading
            else None
        )
        return KeptMemory(memory, self._history(document["history"], common), named)

    def deleted(self, document: Document) -> DeletedMemory:
        return DeletedMemory(self._history(document["history"], document))

    def episode(self, document: Document) -> Episode:
        return stored.load_episode(self.project, self._now(document))

    def _history(self, events: Sequence[Document], of: Document) -> tuple[HistoryEvent, ...]:
        common = {"memory_id": of["id"], "subjects": of["subjects"]}
        if not events:
            message = "a memory without history"
            raise ValueError(message)
        return tuple(
            stored.load_event(self.project, self._now({**each, **common})) for each in events
        )

    def _owner(self, document: Document) -> Owner:
        return Owner(self.project, document["owner"])

    def _now(self, document: Document) -> Document:
        return stored.upcast({**document, "schema": self.schema})


def _statement(fields: Sequence[Any]) -> Statement:
    source, predicate, target = fields
    return Statement(source=NamedEntity(*source), predicate=predicate, target=NamedEntity(*target))


_LOADS: Mapping[str, Callable[[_Loading, Document], Item]] = {
    "subject": _Loading.described,
    "entity": _Loading.entity,
    "alias": _Loading.alias,
    "relation": _Loading.relation,
    "memory": _Loading.kept,
    "deleted_memory": _Loading.deleted,
    "episode": _Loading.episode,
}
