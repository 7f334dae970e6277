"""Making a project of its own beside the caller's."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from recollect.domain.errors import ForbiddenError
from recollect.domain.keys import ApiKey, Limits
from recollect.domain.projects import ProjectSettings
from recollect.ports.projects import SettingsStore
from recollect.usecases.manage_keys import CreateKey
from recollect.usecases.manage_projects import ChangeProject

FIRST_KEY = "first key"


@dataclass(frozen=True)
class CreateProject:
    """Make a project with an id that is nobody's, and its first key."""

    projects: SettingsStore
    change_project: ChangeProject
    create_key: CreateKey
    new_id: Callable[[], str]

    def __call__(self, caller: ApiKey, name: str, description: str | None) -> tuple[ApiKey, str]:
        """Return the description of the project's key, an owner's, and the key itself.

        Raises `ForbiddenError` if the caller's key or project is limited: what it made would not
        be. Raises `InvalidRequestError` for a name or description that cannot be kept.
        """
        if caller.is_limited or self.projects.get(caller.project).limits != Limits():
            message = "A project that is limited cannot make others, nor can a limited key"
            raise ForbiddenError(message)
        project = self.new_id()

        def named(settings: ProjectSettings) -> ProjectSettings:
            return replace(settings, name=name, description=description)

        # Before the key: who is told of a failure has no key that nobody knows.
        self.change_project(project, named)
        return self.create_key(project, FIRST_KEY)
