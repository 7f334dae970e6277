"""What reading and changing a project's settings promises."""

from dataclasses import dataclass, replace

import pytest

from recollect.adapters.local.projects import LocalSettings
from recollect.domain.errors import ConflictError, InvalidRequestError
from recollect.domain.guidance import Guidance
from recollect.domain.projects import ProjectSettings
from recollect.ports.record import LostRaceError
from recollect.usecases.manage_projects import ChangeProject
from recollect.usecases.racing import MAX_LOST_RACES
from tests.service import Service


@dataclass(frozen=True)
class OvertakenSettings(LocalSettings):
    """Others change the settings first, as long as there are any."""

    others: list[int]

    def replace(self, project: str, settings: ProjectSettings) -> None:
        if self.others:
            current = self.get(project)
            days = self.others.pop()
            other = replace(current, episode_days=days, version=current.version + 1)
            super().replace(project, other)
        super().replace(project, settings)


def redacted(settings: ProjectSettings) -> ProjectSettings:
    return replace(settings, is_redacted=True)


def test_a_project_starts_with_the_defaults(service: Service) -> None:
    assert service.read_project("acme") == ProjectSettings()


def test_a_change_leaves_the_rest(service: Service) -> None:
    wishes = Guidance(instructions="Remember tea.")
    first = service.change_project("acme", lambda before: replace(before, guidance=wishes))

    second = service.change_project("acme", redacted)

    assert first == ProjectSettings(guidance=wishes, version=1)
    assert second == ProjectSettings(guidance=wishes, is_redacted=True, version=2)
    assert service.read_project("acme") == second
    assert service.read_project("globex") == ProjectSettings()


def test_a_change_that_cannot_be_used_changes_nothing(service: Service) -> None:
    with pytest.raises(InvalidRequestError):
        service.change_project("acme", lambda before: replace(before, episode_days=0))

    assert service.read_project("acme") == ProjectSettings()


def test_somebody_elses_change_at_the_same_time_is_kept(service: Service) -> None:
    change = ChangeProject(OvertakenSettings(service.store.database, [7, 30]))

    changed = change("acme", redacted)

    assert changed == ProjectSettings(episode_days=7, is_redacted=True, version=3)
    assert service.read_project("acme") == changed


def test_a_change_gives_up_after_so_many_lost_races(service: Service) -> None:
    settings = OvertakenSettings(service.store.database, list(range(1, 100)))

    with pytest.raises(ConflictError, match="try again") as refusal:
        ChangeProject(settings)("acme", redacted)

    assert not isinstance(refusal.value, LostRaceError)
    assert len(settings.others) == 99 - MAX_LOST_RACES
