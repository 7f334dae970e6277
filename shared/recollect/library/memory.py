"""`Memory`: what mem0's class of that name does, over the local edition in this process."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self, TypeAlias, TypedDict, Unpack

from recollect.domain.errors import NotFoundError
from recollect.domain.guidance import Guidance
from recollect.domain.keys import Access
from recollect.domain.memory import MemoryKind
from recollect.domain.requests import DeleteAllRequest
from recollect.entrypoints.models import EVERY_ENTITY, AddBody, UpdateBody
from recollect.entrypoints.presenters import history_answers, memory_answer, search_answer
from recollect.entrypoints.questions import ListBody, PromptSearchBody
from recollect.entrypoints.questions import found as searched
from recollect.library import config
from recollect.library.answers import Answer, added, found, history_row, memory_item
from recollect.library.arguments import as_json, filters_of, key_of
from recollect.library.edition import PROJECT, Edition
from recollect.library.errors import python_errors

NO_THRESHOLD = 0.0

Turn: TypeAlias = str | Mapping[str, Any]
Filters: TypeAlias = Mapping[str, Any]


class AddOptions(TypedDict, total=False):
    """What an add takes beyond what mem0's does; the HTTP protocol calls it the same."""

    app_id: str | None
    custom_instructions: str | None
    agent_custom_instructions: str | None
    includes: str | None
    excludes: str | None
    custom_categories: Sequence[Mapping[str, str]] | None
    timestamp: float | str | datetime | None
    reference_date: float | str | datetime | None
    expiration_date: str | date | None
    immutable: bool
    enable_graph: bool | None


class Memory:
    """Long-term memory in one file, without a server.

    `data` is the file, made if it is missing: `recollect.db` unless `RECOLLECT_DATA` says
    otherwise. `settings` are those of the environment without their prefix, in small letters, such
    as `language_model="openai"`, and go before it. The two prompts replace ours, as in mem0.
    Threads can share one object, and several processes one file.

    Every method may raise `ArgumentError` (a `ValueError`) for what cannot be used, and
    `UnavailableError` when the file or a model cannot be reached: never an empty answer then.
    """

    def __init__(
        self,
        data: str | Path | None = None,
        *,
        custom_fact_extraction_prompt: str | None = None,
        custom_update_memory_prompt: str | None = None,
        **settings: object,
    ) -> None:
        self._is_closed = False
        with python_errors():
            self._guidance = Guidance(
                extraction_prompt=custom_fact_extraction_prompt or "",
                decision_prompt=custom_update_memory_prompt or "",
            )
            self._edition = Edition.opened(config.data_file(data), settings)

    @classmethod
    def from_config(cls, config_dict: Mapping[str, Any]) -> Self:
        """Return the object that a configuration of mem0 describes.

        Raises `ArgumentError` for a provider or an option that has no counterpart here.
        """
        return cls(**cls.options(config_dict))

    @staticmethod
    def options(config_dict: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of the constructor that a configuration of mem0 stands for."""
        with python_errors():
            return config.options_from(config_dict)

    def add(
        self,
        messages: Turn | Sequence[Turn],
        *,
        user_id: str | None = None,
        agent_id: str | None = None,
        run_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        infer: bool = True,
        memory_type: str | None = None,
        prompt: str | None = None,
        idempotency_key: str | None = None,
        wait_for_graph: bool = False,
        **options: Unpack[AddOptions],
    ) -> Answer:
        """Remember a conversation: its facts, or without `infer` each message as it is.

        Returns `results`, one for each fact or message: what became of it (`event` is ADD, UPDATE,
        DELETE or NONE), with the `id` and the text of its memory. The same `idempotency_key` gives
        the first answer again. With `wait_for_graph`, an add that is for the graph (`enable_graph`)
        is answered once the graph has followed it, with `relations`: what it added and ended, and
        `graph_status`: PENDING if a model cannot be reached now, FAILED if its answers are no use.
        Raises `ModelAnswerError` if the model's answer makes no sense.
        """
        if unknown := sorted(options.keys() - AddOptions.__annotations__.keys()):
            message = f"add() got an unexpected keyword argument {unknown[0]!r}"
            raise TypeError(message)
        body = {
            "messages": messages,
            "user_id": user_id,
            "agent_id": agent_id,
            "run_id": run_id,
            "metadata": metadata,
            "infer": infer,
            "memory_type": memory_type,
            "prompt": prompt,
            **options,
        }
        with self._working() as edition:
            given = as_json(body)
            request = AddBody.model_validate(given).request(Access(PROJECT))
            if request.kind is not MemoryKind.PROCEDURAL:
                # A procedure is summarised by the prompt of its own call alone, as in mem0.
                request = replace(request, guidance=request.guidance.over(self._guidance))
            job = edition.finished(edition.add(request, key_of(idempotency_key, given)))
        if not wait_for_graph:
            return added(job)
        with python_errors():
            edition.write_graphs().result()
            return added(job, edition.follow_graph(job))

    def search(
        self,
        query: str,
        *,
        user_id: str | None = None,
        agent_id: str | None = None,
        run_id: str | None = None,
        limit: int = 100,
        filters: Filters | None = None,
        threshold: float | None = None,
        rerank: bool = True,  # noqa: ARG002 - as in mem0 without a reranker, which there is none of
        app_id: str | None = None,
        enable_graph: bool | None = None,
        reference_date: float | str | datetime | None = None,
        max_tokens: int | None = None,
    ) -> Answer:
        """Return the memories of all these names that answer the question, best first.

        `score` lies between 0 and 1; what is below `threshold` is left out. At most 1,000. With
        `enable_graph`, or if the project has set so, `relations` answer it, too, best first: those
        that held at the `reference_date`, or hold now.

        With `max_tokens`, `context` is a text for a prompt: the most useful memories that about so
        many tokens have room for, in the order of time, also of those beyond `limit`.
        `context_tokens` is about how many it takes, `all_tokens` about how many all memories of
        these names would.
        """
        names = {"user_id": user_id, "agent_id": agent_id, "app_id": app_id, "run_id": run_id}
        with self._working() as edition:
            asked = {
                "query": query,
                "filters": filters_of(names, filters),
                "limit": limit,
                "threshold": NO_THRESHOLD if threshold is None else threshold,
                "enable_graph": enable_graph,
                "reference_date": reference_date,
                "max_tokens": max_tokens,
            }
            body = PromptSearchBody.model_validate(as_json(asked))
            result = searched(edition.search, body, Access(PROJECT))
        return found(search_answer(result, None, explain=False, include_context=False))

    def get(self, memory_id: str) -> Answer | None:
        """Return a memory, expired or not; None if there is none of this id."""
        try:
            with self._working() as edition:
                return memory_item(memory_answer(edition.read(PROJECT, memory_id)))
        except NotFoundError:
            return None

    def get_all(
        self,
        *,
        user_id: str | None = None,
        agent_id: str | None = None,
        run_id: str | None = None,
        filters: Filters | None = None,
        limit: int = 100,
        app_id: str | None = None,
    ) -> Answer:
        """Return at most `limit` memories of all these names, last created first."""
        names = {"user_id": user_id, "agent_id": agent_id, "app_id": app_id, "run_id": run_id}
        with self._working() as edition:
            body = ListBody.model_validate({"filters": filters_of(names, filters)})
            memories = edition.listed(body.matching(Access(PROJECT)), limit)
        items = [memory_item(memory_answer(each), has_score=False) for each in memories]
        return {"results": items}

    def update(
        self, memory_id: str, data: str, metadata: Mapping[str, Any] | None = None
    ) -> Answer:
        """Change a memory's text; `metadata` is merged into what is there, key by key.

        Raises `MissingMemoryError` (a `ValueError`), and `ConflictError` if it may not be changed,
        or somebody else changed it at the same time.
        """
        with self._working() as edition:
            body = UpdateBody.model_validate(as_json({"text": data, "metadata": metadata}))
            edition.update(PROJECT, memory_id, body.changes())
        return {"message": "Memory updated successfully!"}

    def delete(self, memory_id: str) -> Answer:
        """Delete a memory; its history stays. Raises `MissingMemoryError` (a `ValueError`)."""
        with self._working() as edition:
            edition.delete(PROJECT, memory_id)
        return {"message": "Memory deleted successfully!"}

    def delete_all(
        self,
        user_id: str | None = None,
        agent_id: str | None = None,
        run_id: str | None = None,
        *,
        app_id: str | None = None,
    ) -> Answer:
        """Delete every memory that belongs to all these names, however many there are."""
        names = {"user_id": user_id, "agent_id": agent_id, "app_id": app_id, "run_id": run_id}
        with self._working() as edition:
            filters = filters_of(names, None)
            edition.delete_all(DeleteAllRequest(project=PROJECT, filters=filters))
        return {"message": "Memories deleted successfully!"}

    def history(self, memory_id: str) -> list[Answer]:
        """Return what happened to a memory, oldest first; nothing for an id that never was."""
        try:
            with self._working() as edition:
                history = edition.read.history(PROJECT, memory_id)
        except NotFoundError:
            return []
        return [history_row(each) for each in history_answers(history)]

    def reset(self) -> None:
        """Delete every memory of the file's project; history and the messages of adds stay.

        The messages go with `delete_all` of the subjects that they were added for.
        """
        with self._working() as edition:
            edition.delete_all(DeleteAllRequest(project=PROJECT, filters=EVERY_ENTITY))

    def chat(self, query: str) -> NoReturn:
        """Raise `NotImplementedError`, as mem0 does."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the file; any other call is a `RuntimeError` then. Closing twice is harmless."""
        self._is_closed = True
        self._edition.close()

    def __enter__(self) -> Self:
        """Return the object itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    @contextmanager
    def _working(self) -> Iterator[Edition]:
        if self._is_closed:
            message = "This Memory is closed"
            raise RuntimeError(message)
        with python_errors(), self._edition.following():
            yield self._edition
