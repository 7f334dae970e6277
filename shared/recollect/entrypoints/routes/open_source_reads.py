"""What mem0's open-source server tells of what is there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from recollect.domain.errors import NotFoundError
from recollect.entrypoints.answers import HistoryAnswer
from recollect.entrypoints.caller import caller
from recollect.entrypoints.http import HttpApp
from recollect.entrypoints.open_source_answers import (
    ConfigurationAnswer,
    OpenSourceEntityAnswer,
    OpenSourceMemoriesAnswer,
    OpenSourceMemoryAnswer,
    configuration_answer,
    open_source_entities,
    open_source_memories,
    open_source_memory,
)
from recollect.entrypoints.open_source_bodies import OPEN_SOURCE_RESULTS
from recollect.entrypoints.presenters import history_answers
from recollect.entrypoints.questions import NamedBody, unranked
from recollect.entrypoints.urls import memory_id_from
from recollect.usecases.read_memories import ListMemories, ReadMemory
from recollect.usecases.read_subjects import ReadSubjects
from recollect.usecases.search_memories import MAX_RESULTS


@dataclass(frozen=True)
class OpenSourceReadRoutes:
    """The use cases of the hosted protocol in other shapes; `providers` are names alone."""

    list_memories: ListMemories
    read_memory: ReadMemory
    read_subjects: ReadSubjects
    providers: Mapping[str, str]

    def add_to(self, app: HttpApp) -> None:
        """Have the router answer these."""
        of = "(open source)"
        one = "/memories/<memory_id>"
        app.get("/memories", summary=f"List memories {of}")(self.get_open_source_memories)
        app.get(one, summary=f"Read a memory {of}")(self.get_open_source_memory)
        app.get(f"{one}/history", summary=f"Read a memory's history {of}")(
            self.get_open_source_history
        )
        app.get("/entities", summary=f"List entities {of}")(self.get_open_source_entities)
        app.get("/configure", summary=f"Tell what the service is made of {of}")(self.get_configure)

    def get_open_source_memories(
        self,
        *,
        user_id: Annotated[str | None, Query()] = None,
        agent_id: Annotated[str | None, Query()] = None,
        app_id: Annotated[str | None, Query()] = None,
        run_id: Annotated[str | None, Query()] = None,
        top_k: Annotated[int, Query(ge=0, le=MAX_RESULTS)] = OPEN_SOURCE_RESULTS,
        show_expired: Annotated[bool, Query()] = False,
    ) -> OpenSourceMemoriesAnswer:
        """Return the memories of all the given entities, last created first."""
        body = NamedBody(
            user_id=user_id,
            agent_id=agent_id,
            app_id=app_id,
            run_id=run_id,
            show_expired=show_expired,
        )
        memories = unranked(self.list_memories, body, caller.access, limit=max(top_k, 1))
        return open_source_memories(memories[:top_k])

    def get_open_source_memory(self, memory_id: str) -> OpenSourceMemoryAnswer | None:
        """Return a memory, expired or not; null if there is none of this id."""
        access, an_id = caller.access, memory_id_from(memory_id)
        try:
            memory = self.read_memory(access.project, an_id, within=access.subject)
        except NotFoundError:
            return None
        return open_source_memory(memory)

    def get_open_source_history(self, memory_id: str) -> list[HistoryAnswer]:
        """Return what happened to a memory, oldest first; nothing for an id that never was."""
        access, an_id = caller.access, memory_id_from(memory_id)
        try:
            history = self.read_memory.history(access.project, an_id, within=access.subject)
        except NotFoundError:
            return []
        return history_answers(history)

    def get_open_source_entities(self) -> list[OpenSourceEntityAnswer]:
        """Return the users, agents, apps and runs that have memories, first created first."""
        access = caller.access
        return open_source_entities(self.read_subjects.all(access.project, within=access.subject))

    def get_configure(self) -> ConfigurationAnswer:
        """Return who does which part of the work; settings and secrets are not told."""
        return configuration_answer(self.providers)
