"""What every SettingsStore promises, whichever engine is behind it: a fixture `store`."""

from dataclasses import replace
from uuid import uuid4

import pytest

from recollect.domain.guidance import (
    MAX_CATEGORIES,
    MAX_CATEGORY_LENGTH,
    MAX_DESCRIPTION_LENGTH,
    MAX_WISH_LENGTH,
    Guidance,
)
from recollect.domain.keys import Role
from recollect.domain.projects import ProjectSettings
from recollect.ports.record import LostRaceError
from recollect.testing.fixtures import *
from recollect.testing.store import Store, at_once

EVERYTHING = ProjectSettings(
    guidance=Guidance(
        instructions="Remember what people like: \"tea\", 'coffee', 🙂.",
        agent_instructions="Remember what you promised.",
        includes="food",
        excludes="gossip",
        categories={"food & drink": "What people eat", "été": ""},
        extraction_prompt="Extract.\n\nNothing else.",
        decision_prompt="Decide.",
    ),
    is_redacted=True,
    redaction_patterns=("EMP-[0-9]{6}", r"(?i)project \w+"),
    episode_days=30,
    members={"zoë@example.com": Role.READER, "ada@example.com": Role.OWNER},
    version=1,
)
FIRST = ProjectSettings(episode_days=1, version=1)


def test_a_project_that_set_nothing_has_the_defaults(store: Store, project: str) -> None:
    assert store.projects.get(project) == ProjectSettings()


def test_so_has_an_unknown_one(store: Store) -> None:
    assert store.projects.get(f"project-{uuid4().hex}") == ProjectSettings()


def test_everything_that_was_set_is_there(store: Store, project: str) -> None:
    store.projects.replace(project, EVERYTHING)

    found = store.projects.get(project)

    assert found == EVERYTHING
    assert list(found.guidance.categories or {}) == ["food & drink", "été"]


def test_settings_may_be_as_large_as_they_can_be(store: Store, project: str) -> None:
    names = [f"{number:0{MAX_CATEGORY_LENGTH}}" for number in range(MAX_CATEGORIES)]
    settings = ProjectSettings(
        guidance=Guidance(
            instructions="é" * MAX_WISH_LENGTH,
            includes="愛" * MAX_WISH_LENGTH,
            excludes="\u0001" * MAX_WISH_LENGTH,
            categories=dict.fromkeys(names, "x" * MAX_DESCRIPTION_LENGTH),
        ),
        version=1,
    )

    store.projects.replace(project, settings)

    assert store.projects.get(project) == settings


@pytest.mark.parametrize("name", ["a/b#c", "愛達 🙂", "50%", "P#x", "x" * 200])
def test_a_project_may_have_any_name(store: Store, name: str) -> None:
    project = f"{uuid4().hex}{name}"[:200]

    store.projects.replace(project, FIRST)

    assert store.projects.get(project) == FIRST


def test_another_project_has_its_own(store: Store, project: str) -> None:
    store.projects.replace(project, FIRST)

    assert store.projects.get(f"{project}x") == ProjectSettings()


def test_the_next_version_takes_the_place_of_the_last(store: Store, project: str) -> None:
    store.projects.replace(project, EVERYTHING)
    second = ProjectSettings(version=2)

    store.projects.replace(project, second)

    assert store.projects.get(project) == second


@pytest.mark.parametrize("version", [1, 2, 4])
def test_settings_made_from_another_version_are_refused(
    store: Store, project: str, version: int
) -> None:
    store.projects.replace(project, FIRST)
    second = replace(FIRST, version=2)
    store.projects.replace(project, second)

    with pytest.raises(LostRaceError):
        store.projects.replace(project, ProjectSettings(version=version))

    assert store.projects.get(project) == second


def test_what_nobody_stored_has_no_second_version(store: Store, project: str) -> None:
    with pytest.raises(LostRaceError):
        store.projects.replace(project, ProjectSettings(version=2))

    assert store.projects.get(project) == ProjectSettings()


def test_one_of_many_at_once_is_first(store: Store, project: str) -> None:
    def change(number: int) -> bool:
        try:
            store.projects.replace(project, ProjectSettings(episode_days=number + 1, version=1))
        except LostRaceError:
            return False
        return True

    changed = at_once(change)

    assert changed.count(True) == 1
    assert store.projects.get(project).episode_days == changed.index(True) + 1


def test_settings_do_not_change_the_projects_keys(store: Store, project: str) -> None:
    before = store.keys.list(project)

    store.projects.replace(project, FIRST)

    assert store.keys.list(project) == before
