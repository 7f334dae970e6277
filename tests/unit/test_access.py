"""What keys open: all of a project, or what belongs to one subject."""

from datetime import timedelta

import pytest

from recollect.domain.errors import ForbiddenError, InvalidRequestError
from recollect.domain.keys import MAX_LIMIT, Access, Limits
from recollect.domain.subjects import Subject, SubjectKind
from recollect.testing.builders import NOON, a_key, a_scope

ADA = Subject(SubjectKind.USER, "ada")
BOB = Subject(SubjectKind.USER, "bob")
GUIDE = Subject(SubjectKind.AGENT, "ada")
ANY = Access("acme")
OF_ADA = Access("acme", ADA)
TICK = timedelta(microseconds=1)


def test_a_key_of_the_project_names_whom_it_likes() -> None:
    assert ANY.scope({SubjectKind.USER: "bob"}) == a_scope("acme", user="bob")
    assert ANY.checked(BOB) == BOB
    assert ANY.sees(a_scope("acme", user="bob"))
    assert ANY.narrowed({"user_id": "bob"}) == {"user_id": "bob"}


def test_no_key_sees_another_project() -> None:
    for access in (ANY, OF_ADA):
        assert not access.sees(a_scope("other", user="ada"))


def test_a_bound_key_names_its_subject_without_saying_so() -> None:
    assert OF_ADA.scope({}) == a_scope("acme", user="ada")
    assert OF_ADA.scope({SubjectKind.RUN: "r1"}) == a_scope("acme", user="ada", run="r1")
    assert OF_ADA.scope({SubjectKind.USER: " ada "}) == a_scope("acme", user="ada")


def test_a_key_of_the_project_must_name_somebody() -> None:
    with pytest.raises(InvalidRequestError, match="At least one"):
        ANY.scope({})


def test_a_bound_key_names_nobody_else() -> None:
    with pytest.raises(ForbiddenError, match="one entity only"):
        OF_ADA.scope({SubjectKind.USER: "bob"})
    for other in (BOB, GUIDE):
        with pytest.raises(ForbiddenError, match="one entity only"):
            OF_ADA.checked(other)
    assert OF_ADA.checked(ADA) == ADA


def test_a_bound_key_sees_what_its_subject_shares_with_others() -> None:
    assert OF_ADA.sees(a_scope("acme", user="ada", agent="guide"))
    assert not OF_ADA.sees(a_scope("acme", user="bob"))
    assert not OF_ADA.sees(a_scope("acme", agent="ada"))


@pytest.mark.parametrize("filters", [{}, {"user_id": "bob"}, {"OR": [{"user_id": "*"}]}])
def test_filters_only_narrow_what_a_bound_key_sees(filters: dict[str, object]) -> None:
    assert OF_ADA.narrowed(filters) == {"AND": [filters, {"user_id": "ada"}]}  # type: ignore[arg-type]  # as sent


@pytest.mark.parametrize("limit", [1, MAX_LIMIT, None])
def test_what_can_be_counted_to_is_a_limit(limit: int | None) -> None:
    assert Limits(requests_per_minute=limit, tokens_per_day=limit).tokens_per_day == limit


@pytest.mark.parametrize("limit", [0, -1, MAX_LIMIT + 1])
@pytest.mark.parametrize("name", ["requests_per_minute", "tokens_per_day"])
def test_what_lets_nothing_through_is_no_limit(name: str, limit: int) -> None:
    with pytest.raises(InvalidRequestError, match=f"{name} must be between 1 and {MAX_LIMIT}"):
        Limits(**{name: limit})


def test_a_key_is_good_until_it_is_revoked_or_has_expired() -> None:
    assert a_key("acme").is_good(NOON)
    assert a_key("acme", expires_at=NOON + TICK).is_good(NOON)
    assert not a_key("acme", expires_at=NOON).is_good(NOON)
    assert not a_key("acme", revoked_at=NOON).is_good(NOON)
