"""A project's settings, as the mem0 clients read and write them."""

from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from pydantic import BaseModel, Field, StrictBool, StrictStr

from recollect.domain.errors import NotFoundError
from recollect.domain.projects import ProjectSettings
from recollect.entrypoints.answers import ProjectAnswer
from recollect.entrypoints.models import Categories, Whole, Wish, categories_from
from recollect.entrypoints.turns import JsonObject

PROJECT = "/api/v1/orgs/organizations/<org_id>/projects/<project_id>"
"""The route to a project; both ids are its name."""
WISHES = {
    "custom_instructions": "instructions",
    "agent_custom_instructions": "agent_instructions",
    "inclusion_prompt": "includes",
    "exclusion_prompt": "excludes",
    "custom_fact_extraction_prompt": "extraction_prompt",
    "custom_update_memory_prompt": "decision_prompt",
}
"""Names of the protocol, and ours."""
_CLEARS = 'null or "" clears it.'


class ProjectBody(BaseModel):
    """The body that changes a project; what is not given stays as it is."""

    custom_instructions: Wish | None = Field(
        None, description=f"What to remember of what people say, or not; {_CLEARS}"
    )
    agent_custom_instructions: Wish | None = Field(
        None, description=f"The same for what agents say; {_CLEARS}"
    )
    inclusion_prompt: Wish | None = Field(None, description=f"What to remember; {_CLEARS}")
    exclusion_prompt: Wish | None = Field(None, description=f"What not to remember; {_CLEARS}")
    custom_categories: Categories | None = Field(
        None, description="name: description, or names; null clears them."
    )
    custom_fact_extraction_prompt: Wish | None = Field(
        None, description=f"Replaces the prompt that extracts facts; {_CLEARS}"
    )
    custom_update_memory_prompt: Wish | None = Field(
        None, description=f"Replaces the prompt that decides on facts; {_CLEARS}"
    )
    redaction: StrictBool | None = Field(
        None, description="Take card numbers, secrets and what the patterns match out of all texts."
    )
    redaction_patterns: list[StrictStr] | None = Field(
        None, description="Regular expressions in the syntax of RE2; null clears them."
    )
    episode_days: Whole | None = Field(
        None, description="Days that messages of adds are kept; null: as long as their subjects."
    )
    enable_graph: StrictBool | None = Field(
        None, description="Read what is added for the graph, and look there when searching."
    )

    name: StrictStr | None = Field(None, description="Read and ignored, as all that follow.")
    description: StrictStr | None = None
    multilingual: StrictBool | None = None
    decay: StrictBool | None = None
    memory_depth: StrictStr | None = None
    usecase_setting: StrictStr | JsonObject | None = None
    retrieval_criteria: list[JsonObject] | None = None
    version: StrictStr | None = None

    def applied_to(self, settings: ProjectSettings) -> ProjectSettings:
        """Return the settings with what is given changed; raise `InvalidRequestError`."""
        given = self.model_dump(exclude_unset=True)
        wishes: dict[str, Any] = {
            ours: given[theirs] or "" for theirs, ours in WISHES.items() if theirs in given
        }
        if "custom_categories" in given:
            wishes["categories"] = categories_from(self.custom_categories or [])
        changes: dict[str, Any] = {}
        if "redaction" in given:
            changes["is_redacted"] = bool(self.redaction)
        if "redaction_patterns" in given:
            changes["redaction_patterns"] = tuple(self.redaction_patterns or ())
        if "episode_days" in given:
            changes["episode_days"] = self.episode_days
        if "enable_graph" in given:
            changes["has_graph"] = bool(self.enable_graph)
        return replace(settings, guidance=replace(settings.guidance, **wishes), **changes)


def check_own(project: str, *ids: str) -> None:
    """Raise `NotFoundError` unless each id of a path is the project's name.

    A name with a slash, which no path can hold, is also read percent-encoded.
    """
    if any(project not in {given, unquote(given)} for given in ids):
        message = "Project not found"
        raise NotFoundError(message)


def project_answer(project: str, settings: ProjectSettings) -> ProjectAnswer:
    """Return a project as the clients read it; what there is none of is null."""
    guidance = settings.guidance
    return {
        "org_id": project,
        "project_id": project,
        "name": project,
        "description": None,
        "custom_instructions": guidance.instructions or None,
        "agent_custom_instructions": guidance.agent_instructions or None,
        "inclusion_prompt": guidance.includes or None,
        "exclusion_prompt": guidance.excludes or None,
        "custom_categories": [
            {name: description} for name, description in (guidance.categories or {}).items()
        ]
        or None,
        "custom_fact_extraction_prompt": guidance.extraction_prompt or None,
        "custom_update_memory_prompt": guidance.decision_prompt or None,
        "redaction": settings.is_redacted,
        "redaction_patterns": list(settings.redaction_patterns),
        "episode_days": settings.episode_days,
        "created_at": None,
        "updated_at": None,
        "members": [],
        "usecase": None,
        "usecase_setting": None,
        "memory_depth": None,
        "update_custom_instructions": None,
        "summary_custom_instructions": None,
        "summary_batch_size": None,
        "summary_max_tokens": None,
        "expiration_date": None,
        "retrieval_criteria": None,
        "enable_graph": settings.has_graph,
        "multilingual": True,
        "decay": False,
        "version": None,
        "is_default": True,
        "active_prompt_profile": None,
        "user_role": "OWNER",
    }
