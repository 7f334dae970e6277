"""A project's settings, as the mem0 clients read and write them."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from pydantic import BaseModel, Field, StrictBool, StrictStr

from recollect.domain.errors import NotFoundError
from recollect.domain.keys import Role
from recollect.domain.projects import ProjectSettings
from recollect.entrypoints.answers import ProjectAnswer
from recollect.entrypoints.member_answers import member_answers
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
    "memory_depth": "depth",
}
"""Names of the protocol, and ours."""
SWITCHES = {"redaction": "is_redacted", "enable_graph": "has_graph", "decay": "has_decay"}
"""The same; null switches off."""
ENGLISH = "English"
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

    multilingual: StrictBool | None = Field(
        None, description="Memories in the language of what was said; false: all in English."
    )
    decay: StrictBool | None = Field(
        None, description="Memories that searches do not show fade: .3 to 1.5 times their score."
    )
    memory_depth: Wish | None = Field(None, description=f"How much to remember; {_CLEARS}")
    usecase_setting: Wish | JsonObject | None = Field(
        None, description=f"What the memories are for; {_CLEARS}"
    )
    name: StrictStr | None = Field(None, description=f"What people call it; {_CLEARS}")
    description: StrictStr | None = Field(None, description=f"What it is for; {_CLEARS}")
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
        if "multilingual" in given:
            wishes["language"] = ENGLISH if self.multilingual is False else ""
        if "usecase_setting" in given:
            wishes["use_case"] = _text_of(self.usecase_setting)
        changes: dict[str, Any] = {
            ours: bool(given[theirs]) for theirs, ours in SWITCHES.items() if theirs in given
        }
        if "redaction_patterns" in given:
            changes["redaction_patterns"] = tuple(self.redaction_patterns or ())
        if "episode_days" in given:
            changes["episode_days"] = self.episode_days
        changes |= {each: given[each] or None for each in ("name", "description") if each in given}
        return replace(settings, guidance=replace(settings.guidance, **wishes), **changes)


def check_own(project: str, *ids: str) -> None:
    """Raise `NotFoundError` unless each id of a path is the project's name.

    A name with a slash, which no path can hold, is also read percent-encoded.
    """
    if any(project not in {given, unquote(given)} for given in ids):
        message = "Project not found"
        raise NotFoundError(message)


def project_answer(project: str, settings: ProjectSettings, role: Role) -> ProjectAnswer:
    """Return a project as clients with this role read it; what there is none of is null."""
    guidance = settings.guidance
    return {
        "org_id": project,
        "project_id": project,
        "name": settings.name or project,
        "description": settings.description,
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
        "limits": {
            "requests_per_minute": settings.limits.requests_per_minute,
            "tokens_per_day": settings.limits.tokens_per_day,
        },
        "created_at": None,
        "updated_at": None,
        "members": member_answers(settings.members),
        "usecase": guidance.use_case or None,
        "usecase_setting": guidance.use_case or None,
        "memory_depth": guidance.depth or None,
        "update_custom_instructions": None,
        "summary_custom_instructions": None,
        "summary_batch_size": None,
        "summary_max_tokens": None,
        "expiration_date": None,
        "retrieval_criteria": None,
        "enable_graph": settings.has_graph,
        "multilingual": not guidance.language,
        "decay": settings.has_decay,
        "version": None,
        "is_default": True,
        "active_prompt_profile": None,
        "user_role": role,
    }


def _text_of(use_case: str | JsonObject | None) -> str:
    return (
        json.dumps(use_case, ensure_ascii=False) if isinstance(use_case, dict) else use_case or ""
    )
