"""What projects set for themselves."""

from typing import Protocol

from recollect.domain.projects import ProjectSettings


class SettingsStore(Protocol):
    """Keeps the settings of projects."""

    def get(self, project: str) -> ProjectSettings:
        """Return the project's settings; the defaults if it never changed any."""
        ...

    def replace(self, project: str, settings: ProjectSettings) -> None:
        """Store settings that were made from the version before theirs.

        Raises `LostRaceError` if somebody else changed them since.
        """
        ...
