"""Settings are looked up once a minute by each process, and a process sees its own changes."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from recollect.adapters.aws.trusted import LONGEST_TRUST, MAX_TRUSTED_SETTINGS, TrustedSettings
from recollect.adapters.local.projects import LocalSettings
from recollect.domain.projects import ProjectSettings
from recollect.ports.record import LostRaceError
from recollect.usecases.manage_projects import ChangeProject
from tests.contract.stores import local_store
from tests.service import Clock

FIRST = ProjectSettings(is_redacted=True, version=1)


@dataclass(frozen=True)
class CountedSettings(LocalSettings):
    """Counts how often each project is looked up."""

    looks: Counter[str] = field(default_factory=Counter)

    def get(self, project: str) -> ProjectSettings:
        self.looks[project] += 1
        return super().get(project)


@pytest.fixture
def stored(tmp_path: Path) -> CountedSettings:
    return CountedSettings(local_store(tmp_path / "recollect.db").database)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def trusted(stored: CountedSettings, clock: Clock) -> TrustedSettings:
    return TrustedSettings(stored, clock)


def test_a_minute_asks_once(trusted: TrustedSettings, stored: CountedSettings) -> None:
    for _ in range(3):
        trusted.get("acme")
        trusted.get("globex")

    assert stored.looks == {"acme": 1, "globex": 1}


def test_somebody_elses_change_is_seen_after_a_minute(
    trusted: TrustedSettings, stored: CountedSettings, clock: Clock
) -> None:
    trusted.get("acme")
    stored.replace("acme", FIRST)

    before = trusted.get("acme")
    clock.forward(LONGEST_TRUST)
    after = trusted.get("acme")

    assert (before, after) == (ProjectSettings(), FIRST)
    assert timedelta(seconds=60) >= LONGEST_TRUST


def test_its_own_change_is_seen_at_once(trusted: TrustedSettings) -> None:
    trusted.get("acme")

    trusted.replace("acme", FIRST)

    assert trusted.get("acme") == FIRST


def test_a_lost_race_makes_it_look_again(trusted: TrustedSettings, stored: CountedSettings) -> None:
    trusted.get("acme")
    stored.replace("acme", FIRST)

    with pytest.raises(LostRaceError):
        trusted.replace("acme", ProjectSettings(version=1))

    assert trusted.get("acme") == FIRST


def test_a_change_over_old_settings_undoes_nothing(
    trusted: TrustedSettings, stored: CountedSettings
) -> None:
    trusted.get("acme")
    stored.replace("acme", FIRST)

    changed = ChangeProject(trusted)("acme", lambda before: replace(before, episode_days=7))

    assert changed == ProjectSettings(is_redacted=True, episode_days=7, version=2)
    assert trusted.get("acme") == changed


def test_it_does_not_keep_the_settings_of_all_projects(
    trusted: TrustedSettings, stored: CountedSettings
) -> None:
    for number in range(MAX_TRUSTED_SETTINGS + 1):
        trusted.get(f"project {number}")

    trusted.get("project 0")

    assert stored.looks["project 0"] == 2
