"""What a project may set for itself."""

from typing import Any

import pytest

from recollect.domain.errors import InvalidRequestError
from recollect.domain.guidance import (
    MAX_CATEGORIES,
    MAX_CATEGORY_LENGTH,
    MAX_DESCRIPTION_LENGTH,
    MAX_WISH_LENGTH,
    Guidance,
)
from recollect.domain.projects import MAX_EPISODE_DAYS, MAX_SETTINGS_BYTES, ProjectSettings
from recollect.domain.redaction import (
    MAX_PATTERN_LENGTH,
    MAX_PATTERNS,
    MAX_PROGRAM_SIZE,
    Redaction,
)

WISHES = (
    "instructions",
    "agent_instructions",
    "includes",
    "excludes",
    "extraction_prompt",
    "decision_prompt",
)


def many(count: int) -> dict[str, str]:
    return {f"category {number}": "" for number in range(count)}


@pytest.mark.parametrize("name", WISHES)
def test_a_wish_has_a_longest_length(name: str) -> None:
    longest: dict[str, Any] = {name: "x" * MAX_WISH_LENGTH}
    too_long: dict[str, Any] = {name: "x" * (MAX_WISH_LENGTH + 1)}

    Guidance(**longest)
    with pytest.raises(InvalidRequestError, match=f"The {name.replace('_', ' ')} must have"):
        Guidance(**too_long)


@pytest.mark.parametrize(
    "categories",
    [
        None,
        {},
        many(MAX_CATEGORIES),
        {"x" * MAX_CATEGORY_LENGTH: "x" * MAX_DESCRIPTION_LENGTH},
    ],
)
def test_categories_have_names_and_descriptions(categories: dict[str, str] | None) -> None:
    assert Guidance(categories=categories).categories == categories


@pytest.mark.parametrize(
    ("categories", "reason"),
    [
        (many(MAX_CATEGORIES + 1), f"at most {MAX_CATEGORIES} categories"),
        ({"": "x"}, "name of a category"),
        ({" ": "x"}, "name of a category"),
        ({"x" * (MAX_CATEGORY_LENGTH + 1): ""}, "name of a category"),
        ({"x": "x" * (MAX_DESCRIPTION_LENGTH + 1)}, "description of a category"),
    ],
)
def test_other_categories_are_refused(categories: dict[str, str], reason: str) -> None:
    with pytest.raises(InvalidRequestError, match=reason):
        Guidance(categories=categories)


@pytest.mark.parametrize("days", [None, 1, MAX_EPISODE_DAYS])
def test_episodes_are_kept_for_days_or_for_good(days: int | None) -> None:
    assert ProjectSettings(episode_days=days).episode_days == days


@pytest.mark.parametrize("days", [0, -1, MAX_EPISODE_DAYS + 1])
def test_other_numbers_of_days_are_refused(days: int) -> None:
    with pytest.raises(InvalidRequestError, match="1 to 3650 days"):
        ProjectSettings(episode_days=days)


def test_all_texts_together_have_a_limit_in_bytes() -> None:
    wish = "愛" * MAX_WISH_LENGTH
    large: dict[str, Any] = dict.fromkeys(WISHES[:4], wish)
    escaped: dict[str, Any] = dict.fromkeys(WISHES[:3], "\u0001" * MAX_WISH_LENGTH)

    ProjectSettings(guidance=Guidance(**large, extraction_prompt="é" * MAX_WISH_LENGTH))
    for guidance in (Guidance(**large, extraction_prompt=wish), Guidance(**escaped)):
        with pytest.raises(InvalidRequestError, match=f"at most {MAX_SETTINGS_BYTES} bytes"):
            ProjectSettings(guidance=guidance)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("", "pattern 2 must have 1 to 500 characters"),
        ("x" * (MAX_PATTERN_LENGTH + 1), "pattern 2 must have 1 to 500 characters"),
        ("(", "pattern 2 cannot be used: missing"),
        ("a(?=b)", r"pattern 2 cannot be used: invalid perl operator: \(\?="),
        (r"(a)\1", "pattern 2 cannot be used: invalid escape sequence"),
        (r"\Qopen", "pattern 2 cannot be used"),
        ("a{1001}", "pattern 2 cannot be used: invalid repetition size"),
        ("((a{100}){100}){100}", "pattern 2 cannot be used"),
        (r"\p{L}{1,400}", "pattern 2 cannot be used"),
        ("a*", "pattern 2 must not match an empty text"),
        ("^", "pattern 2 must not match an empty text"),
        (r"\b", "pattern 2 must not match an empty text"),
        (r"\bz*", "pattern 2 must not match an empty text"),
        (r"x|\B", "pattern 2 must not match an empty text"),
        ("\ud800", "half of a surrogate pair"),
    ],
)
def test_patterns_that_cannot_be_used_are_refused(pattern: str, reason: str) -> None:
    with pytest.raises(InvalidRequestError, match=reason):
        ProjectSettings(redaction_patterns=("x", pattern))


def test_there_are_not_too_many_patterns() -> None:
    patterns = tuple(f"EMP{number}-[0-9]+" for number in range(MAX_PATTERNS + 1))

    ProjectSettings(redaction_patterns=patterns[:MAX_PATTERNS])
    with pytest.raises(InvalidRequestError, match="at most 50 redaction patterns"):
        ProjectSettings(redaction_patterns=patterns)


def test_patterns_are_not_too_large_together() -> None:
    part = MAX_PROGRAM_SIZE // 4
    patterns = tuple(f"{letter}{{{part}}}" for letter in "abcde")

    ProjectSettings(redaction_patterns=patterns[:3])
    with pytest.raises(InvalidRequestError, match="too large"):
        ProjectSettings(redaction_patterns=patterns)


@pytest.mark.parametrize(
    ("settings", "redaction"),
    [
        (ProjectSettings(), None),
        (ProjectSettings(redaction_patterns=("x",)), None),
        (ProjectSettings(is_redacted=True), Redaction()),
        (ProjectSettings(is_redacted=True, redaction_patterns=("x",)), Redaction(("x",))),
    ],
)
def test_nothing_is_redacted_unless_it_is_asked_for(
    settings: ProjectSettings, redaction: Redaction | None
) -> None:
    assert settings.redaction == redaction
