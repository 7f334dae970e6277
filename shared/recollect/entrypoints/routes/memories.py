"""The routes of memories in the current version: listed, read, changed and deleted by their ids."""

from dataclasses import dataclass
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body, Query

from recollect.domain.requests import DeleteAllRequest
from recollect.entrypoints import answers, presenters
from recollect.entrypoints.caller import caller
from recollect.entrypoints.http import HttpApp
from recollect.entrypoints.memory_views import MemoryViewAnswer, memory_view
from recollect.entrypoints.models import UpdateBody
from recollect.entrypoints.paging import Page
from recollect.entrypoints.questions import ListBody, listed
from recollect.entrypoints.urls import delete_filters, job_id_from, memory_id_from
from recollect.usecases.change_memory import DeleteMemory, UpdateMemory
from recollect.usecases.delete_memories import DeleteMemories
from recollect.usecases.read_memories import ListMemories, ReadMemory


@dataclass(frozen=True)
class MemoryReadRoutes:
    """What shows memories, and the messages they came from."""

    list_memories: ListMemories
    read_memory: ReadMemory

    def add_to(self, app: HttpApp) -> None:
        """Have the router answer them."""
        app.post("/v3/memories", summary="List memories")(self.post_list)
        app.get("/v1/memories/<memory_id>", summary="Read a memory")(self.get_memory)
        app.get("/v1/memories/<memory_id>/history", summary="Read a memory's history")(
            self.get_history
        )
        app.get("/v1/memories/<memory_id>/episode", summary="Read where a memory came from")(
            self.get_episode
        )
        app.get("/v1/episodes/<event_id>", summary="Read the messages of an add")(
            self.get_episode_of_job
        )

    def post_list(
        self,
        body: Annotated[ListBody, Body()],
        page: Annotated[int | None, Query()] = None,
        page_size: Annotated[int | None, Query()] = None,
        cursor: Annotated[str | None, Query()] = None,
    ) -> answers.MemoryPageAnswer:
        """Return memories that the filters let through, last created first, page by page."""
        asked = Page.asked(
            body.page if page is None else page,
            body.page_size if page_size is None else page_size,
            cursor,
        )
        found = listed(self.list_memories, body, caller.access, asked)
        return asked.answer(caller.address, found, body.fields)

    def get_memory(
        self, memory_id: str, *, include_history: Annotated[bool, Query()] = False
    ) -> MemoryViewAnswer:
        """Return one memory, expired or not, on request with what happened to it."""
        access, an_id = caller.access, memory_id_from(memory_id)
        memory = self.read_memory(access.project, an_id, within=access.subject)
        if not include_history:
            return memory_view(memory, None)
        return memory_view(
            memory, self.read_memory.history(access.project, an_id, within=access.subject)
        )

    def get_history(self, memory_id: str) -> list[answers.HistoryAnswer]:
        """Return what happened to a memory, oldest first, also after its deletion."""
        access, an_id = caller.access, memory_id_from(memory_id)
        history = self.read_memory.history(access.project, an_id, within=access.subject)
        return presenters.history_answers(history)

    def get_episode(self, memory_id: str) -> answers.EpisodeAnswer:
        """Return the messages of the add that a memory came from."""
        access, an_id = caller.access, memory_id_from(memory_id)
        episode = self.read_memory.episode(access.project, an_id, within=access.subject)
        return presenters.episode_answer(episode)

    def get_episode_of_job(self, event_id: str) -> answers.EpisodeAnswer:
        """Return the messages of an add while they are kept, whatever became of its memories."""
        access, job_id = caller.access, job_id_from(event_id)
        episode = self.read_memory.episode_of_job(access.project, job_id, within=access.subject)
        return presenters.episode_answer(episode)


@dataclass(frozen=True)
class MemoryRoutes:
    """What changes and deletes memories."""

    update_memory: UpdateMemory
    delete_memory: DeleteMemory
    delete_memories: DeleteMemories

    def add_to(self, app: HttpApp) -> None:
        """Have the router answer them."""
        app.put("/v1/memories/<memory_id>", summary="Change a memory")(self.put_memory)
        app.delete("/v1/memories/<memory_id>", summary="Delete a memory")(self.delete_one)
        app.delete("/v1/memories", summary="Delete all memories of entities")(self.delete_all)

    def put_memory(
        self, memory_id: str, body: Annotated[UpdateBody, Body()]
    ) -> answers.MemoryAnswer:
        """Change a memory and return it; 409 if somebody else changed it at the same time."""
        caller.refuse_idempotency_key()
        access, an_id = caller.access, memory_id_from(memory_id)
        memory = self.update_memory(access.project, an_id, body.changes(), within=access.subject)
        return presenters.memory_answer(memory)

    def delete_one(
        self, memory_id: str, *, delete_linked: Annotated[bool, Query()] = False
    ) -> answers.DeletedAnswer:
        """Delete a memory; its history stays. None are linked, so that there is never more."""
        caller.refuse_idempotency_key()
        access = caller.access
        self.delete_memory(access.project, memory_id_from(memory_id), within=access.subject)
        answer: answers.DeletedAnswer = {"message": "Memory deleted successfully!"}
        if delete_linked:
            answer["cascade_count"] = 0
        return answer

    def delete_all(
        self,
        *,
        user_id: Annotated[str | None, Query()] = None,  # noqa: ARG002 - read from the raw query
        agent_id: Annotated[str | None, Query()] = None,  # noqa: ARG002
        app_id: Annotated[str | None, Query()] = None,  # noqa: ARG002
        run_id: Annotated[str | None, Query()] = None,  # noqa: ARG002
        filters: Annotated[str | None, Query()] = None,  # noqa: ARG002
        metadata: Annotated[str | None, Query()] = None,  # noqa: ARG002
    ) -> answers.DeleteAllAnswer:
        """Delete what belongs to all the given entities; `*` stands for any of a kind."""
        request = DeleteAllRequest.by(caller.access, delete_filters(caller.event.query))
        job = self.delete_memories(request, caller.idempotency_key)
        return {"message": presenters.DELETING, "event_id": job.id}
