"""What names and scopes promise: one spelling is one subject, and nothing silly is a name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recollect.domain.errors import InvalidRequestError
from recollect.domain.subjects import MAX_NAME_LENGTH, Scope, Subject, SubjectKind

NAMES = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=50).filter(
    lambda name: name.strip() not in {"", "*"}
)


@pytest.mark.parametrize(
    "name",
    [
        "ada",
        "ada lovelace",
        "a/b?c&d=e",
        "\"'`",
        "🦊",
        "名前",
        "x" * MAX_NAME_LENGTH,
        "a*",
        "0",
        "-",
    ],
)
def test_a_printable_name_is_kept_as_it_is(name: str) -> None:
    assert Subject.of(SubjectKind.USER, name).name == name


def test_two_spellings_of_one_name_are_one_subject() -> None:
    composed, decomposed = "Zo\u00eb", " Zoe\u0308\t"

    assert Subject.of(SubjectKind.USER, composed) == Subject.of(SubjectKind.USER, decomposed)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (7, "must be a string"),
        (None, "must be a string"),
        (["ada"], "must be a string"),
        ("", "must not be empty"),
        (" \t\u3000", "must not be empty"),
        ("x" * (MAX_NAME_LENGTH + 1), "at most 256 characters"),
        ("*", 'must not be "\\*"'),
        (" * ", 'must not be "\\*"'),
        ("a\x00b", "control characters"),
        ("a\nb", "control characters"),
        ("a\ud800", "control characters"),
    ],
)
def test_what_is_no_name_is_refused_with_the_field(name: object, reason: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"agent_id .*{reason}"):
        Subject.of(SubjectKind.AGENT, name)


@given(st.lists(st.tuples(st.sampled_from(SubjectKind), NAMES), min_size=2, max_size=2))
def test_keys_tell_subjects_apart(pairs: list[tuple[SubjectKind, str]]) -> None:
    first, second = (Subject.of(kind, name) for kind, name in pairs)

    assert (first.key == second.key) == (first == second)


def test_a_key_does_not_show_the_name() -> None:
    key = Subject.of(SubjectKind.USER, "ada").key

    assert "ada" not in key
    assert len(key) == 32


def test_a_scope_is_its_set_of_subjects() -> None:
    names = {SubjectKind.RUN: "r1", SubjectKind.USER: "ada"}

    scope = Scope.of("acme", names)

    assert scope.subjects == (Subject(SubjectKind.USER, "ada"), Subject(SubjectKind.RUN, "r1"))
    assert scope == Scope.of("acme", dict(reversed(names.items())))
    assert scope.key == Scope.of("other", names).key
    assert scope.key != Scope.of("acme", {SubjectKind.USER: "ada"}).key


def test_names_do_not_run_into_each_other() -> None:
    one = Scope.of("acme", {SubjectKind.USER: 'a","b', SubjectKind.AGENT: "c"})
    other = Scope.of("acme", {SubjectKind.USER: "a", SubjectKind.AGENT: 'b","c'})

    assert one.key != other.key


def test_a_scope_needs_a_subject() -> None:
    with pytest.raises(InvalidRequestError, match="At least one of user_id"):
        Scope.of("acme", {})


@pytest.mark.parametrize("first", range(4))
def test_the_owner_is_the_first_kind_there_is(first: int) -> None:
    kinds = list(SubjectKind)[first:]

    scope = Scope.of("acme", {kind: f"the {kind}" for kind in kinds})

    assert scope.owner == Subject(kinds[0], f"the {kinds[0]}")
    for kind in SubjectKind:
        assert scope.name_of(kind) == (f"the {kind}" if kind in kinds else None)
