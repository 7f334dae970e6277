"""What a project sets for itself: reading and changing it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from recollect.domain.errors import ConflictError
from recollect.domain.projects import ProjectSettings
from recollect.ports.projects import SettingsStore
from recollect.ports.record import LostRaceError

MAX_LOST_RACES = 10

SettingsChange: TypeAlias = Callable[[ProjectSettings], ProjectSettings]
"""Makes new settings of old ones, and leaves what it does not mean to change."""


@dataclass(frozen=True)
class ReadProject:
    """Tell what a project has set."""

    projects: SettingsStore

    def __call__(self, project: str) -> ProjectSettings:
        """Return the project's settings; the defaults where it has set nothing."""
        return self.projects.get(project)


@dataclass(frozen=True)
class ChangeProject:
    """Change some of a project's settings, and never undo what others change at the same time."""

    projects: SettingsStore

    def __call__(self, project: str, change: SettingsChange) -> ProjectSettings:
        """Return the changed settings.

        Raises `InvalidRequestError` for settings that cannot be used, and `ConflictError` if
        others keep changing them.
        """
        for _ in range(MAX_LOST_RACES):
            before = self.projects.get(project)
            after = replace(change(before), version=before.version + 1)
            try:
                self.projects.replace(project, after)
            except LostRaceError:
                continue
            return after
        message = "The project is being changed by others; try again"
        raise ConflictError(message)
