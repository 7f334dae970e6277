"""What a project sets for itself: reading and changing it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from recollect.domain.projects import ProjectSettings
from recollect.ports.projects import SettingsStore
from recollect.usecases.racing import until_first

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

        def attempt() -> ProjectSettings:
            before = self.projects.get(project)
            after = replace(change(before), version=before.version + 1)
            self.projects.replace(project, after)
            return after

        return until_first(attempt, what="The project is")
