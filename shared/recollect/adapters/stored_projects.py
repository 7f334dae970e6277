"""The stored form of what projects set for themselves, the same in every record."""

from recollect.adapters.stored import Document
from recollect.adapters.stored_requests import dump_guidance, load_guidance
from recollect.domain.keys import Limits, Role
from recollect.domain.projects import ProjectSettings


def dump_settings(settings: ProjectSettings) -> Document:
    """Return a project's settings as a document; their version is stored beside it."""
    return {
        "guidance": dump_guidance(settings.guidance),
        "is_redacted": settings.is_redacted,
        "redaction_patterns": settings.redaction_patterns,
        "episode_days": settings.episode_days,
        "has_graph": settings.has_graph,
        "has_decay": settings.has_decay,
        "members": settings.members,
        "limits": vars(settings.limits),
        "name": settings.name,
        "description": settings.description,
    }


def load_settings(document: Document, version: int) -> ProjectSettings:
    """Return the settings that `dump_settings` wrote."""
    return ProjectSettings(
        guidance=load_guidance(document["guidance"]),
        is_redacted=document["is_redacted"],
        redaction_patterns=tuple(document["redaction_patterns"]),
        episode_days=document["episode_days"],
        # Absent where the release before the graph wrote it.
        has_graph=document.get("has_graph", False),
        has_decay=document.get("has_decay", False),
        members={email: Role(role) for email, role in document.get("members", {}).items()},
        limits=Limits(**document.get("limits", {})),
        name=document.get("name"),
        description=document.get("description"),
        version=version,
    )
