"""The stored form of what jobs are asked to do, the same in every record."""

from collections.abc import Callable
from datetime import date
from typing import Any, TypeAlias

from recollect.adapters.stored import (
    Document,
    dump_message,
    load_message,
    scope_of,
    time_in,
    time_of,
    time_or_none,
    time_text,
)
from recollect.domain.changes import MemoryChanges
from recollect.domain.guidance import Guidance
from recollect.domain.memory import MemoryKind
from recollect.domain.requests import (
    AddRequest,
    BatchDeleteRequest,
    BatchUpdateRequest,
    DeleteAllRequest,
    ErasedRequest,
    EraseRequest,
    ExportRequest,
    IngestRequest,
    JobRequest,
)
from recollect.domain.subjects import Subject, SubjectKind

EXPORT_FIELDS = ("filters", "schema", "instructions")
INGEST_FIELDS = ("bucket", "key", "version", "size")


def dump_request(request: JobRequest) -> Document:
    """Return a request as a document."""
    name, dump, _ = _FORMS[type(request)]
    return {"type": name, **dump(request)}


def load_request(project: str, document: Document) -> JobRequest:
    """Return the request that `dump_request` wrote."""
    load = next(load for name, _, load in _FORMS.values() if name == document["type"])
    return load(project, document)


def _dump_add(request: AddRequest) -> Document:
    return {
        "subjects": request.scope.pairs,
        "messages": [dump_message(message) for message in request.messages],
        "infer": request.infer,
        "metadata": request.metadata,
        "said_at": time_or_none(request.said_at),
        "reference_at": time_or_none(request.reference_at),
        "expires_on": _day_text(request.expires_on),
        "is_immutable": request.is_immutable,
        "kind": request.kind,
        "is_graphed": request.is_graphed,
        "guidance": dump_guidance(request.guidance),
    }


def _load_add(project: str, document: Document) -> AddRequest:
    kind = document["kind"]
    return AddRequest(
        scope=scope_of(project, document["subjects"]),
        messages=tuple(map(load_message, document["messages"])),
        infer=document["infer"],
        metadata=document["metadata"],
        said_at=time_in(document["said_at"]),
        reference_at=time_in(document["reference_at"]),
        expires_on=_day_in(document["expires_on"]),
        is_immutable=document["is_immutable"],
        kind=MemoryKind(kind) if kind else None,
        # Absent where the release before the graph wrote it.
        is_graphed=document.get("is_graphed"),
        guidance=load_guidance(document["guidance"]),
    )


def _dump_delete_all(request: DeleteAllRequest) -> Document:
    return {
        "filters": request.filters,
        "subject": _subject_pair(request.subject),
        "ends_project": request.ends_project,
    }


def _load_delete_all(project: str, document: Document) -> DeleteAllRequest | EraseRequest:
    if document.get("ends_subject"):
        # So the release before erasures deleted one subject.
        [(field, name)] = document["filters"].items()
        subject = Subject(SubjectKind(field.removesuffix("_id")), name)
        return EraseRequest.of(project, subject)
    return DeleteAllRequest(
        project=project,
        filters=document["filters"],
        # Absent where the release before keys of subjects wrote it.
        subject=_subject_in(document.get("subject")),
        ends_project=document.get("ends_project", False),
    )


def _dump_batch_update(request: BatchUpdateRequest) -> Document:
    changes = [
        {
            "memory_id": memory_id,
            "text": asked.text,
            "metadata": asked.metadata,
            "said_at": time_or_none(asked.said_at),
            "expires_on": _day_text(asked.expires_on),
            "clears_expiry": asked.clears_expiry,
        }
        for memory_id, asked in request.changes.items()
    ]
    return {"changes": changes, "subject": _subject_pair(request.subject)}


def _load_batch_update(project: str, document: Document) -> BatchUpdateRequest:
    changes = {
        each["memory_id"]: MemoryChanges(
            text=each["text"],
            metadata=each["metadata"],
            said_at=time_in(each["said_at"]),
            expires_on=_day_in(each["expires_on"]),
            clears_expiry=each["clears_expiry"],
        )
        for each in document["changes"]
    }
    subject = _subject_in(document["subject"])
    return BatchUpdateRequest(project=project, changes=changes, subject=subject)


def _dump_batch_delete(request: BatchDeleteRequest) -> Document:
    return {"memory_ids": request.memory_ids, "subject": _subject_pair(request.subject)}


def _load_batch_delete(project: str, document: Document) -> BatchDeleteRequest:
    return BatchDeleteRequest(
        project=project,
        memory_ids=tuple(document["memory_ids"]),
        subject=_subject_in(document["subject"]),
    )


def _dump_export(request: ExportRequest) -> Document:
    return {name: getattr(request, name) for name in EXPORT_FIELDS}


def _load_export(project: str, document: Document) -> ExportRequest:
    return ExportRequest(project=project, **{name: document[name] for name in EXPORT_FIELDS})


def _dump_erase(request: EraseRequest) -> Document:
    return {"subject_key": request.subject_key, "subject": _subject_pair(request.subject)}


def _load_erase(project: str, document: Document) -> EraseRequest:
    return EraseRequest(
        project=project,
        subject_key=document["subject_key"],
        subject=_subject_in(document["subject"]),
    )


def _dump_nothing(_: ErasedRequest) -> Document:
    return {}


def _load_nothing(project: str, _: Document) -> ErasedRequest:
    return ErasedRequest(project=project)


def _dump_ingest(request: IngestRequest) -> Document:
    named = {name: getattr(request, name) for name in INGEST_FIELDS}
    return {**named, "modified_at": time_text(request.modified_at)}


def _load_ingest(project: str, document: Document) -> IngestRequest:
    return IngestRequest(
        project=project,
        modified_at=time_of(document["modified_at"]),
        **{name: document[name] for name in INGEST_FIELDS},
    )


_Form: TypeAlias = tuple[str, Callable[[Any], Document], Callable[[str, Document], JobRequest]]
_FORMS: dict[type[JobRequest], _Form] = {
    AddRequest: ("add", _dump_add, _load_add),
    DeleteAllRequest: ("delete_all", _dump_delete_all, _load_delete_all),
    BatchUpdateRequest: ("batch_update", _dump_batch_update, _load_batch_update),
    BatchDeleteRequest: ("batch_delete", _dump_batch_delete, _load_batch_delete),
    ExportRequest: ("export", _dump_export, _load_export),
    EraseRequest: ("erase", _dump_erase, _load_erase),
    ErasedRequest: ("erased", _dump_nothing, _load_nothing),
    IngestRequest: ("ingest", _dump_ingest, _load_ingest),
}
"""The name of each kind of request in documents, and how it is written and read."""


def _subject_pair(subject: Subject | None) -> list[str] | None:
    return [subject.kind, subject.name] if subject else None


def _subject_in(pair: list[str] | None) -> Subject | None:
    return Subject(SubjectKind(pair[0]), pair[1]) if pair else None


def _day_text(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _day_in(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def dump_guidance(guidance: Guidance) -> Document | None:
    """Return wishes as a document; None if there are none."""
    wishes = {name: wish for name, wish in vars(guidance).items() if wish}
    return wishes or None


def load_guidance(document: Document | None) -> Guidance:
    """Return the wishes that `dump_guidance` wrote."""
    return Guidance(**document or {})
