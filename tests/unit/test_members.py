"""Who can be a member of a project."""

import pytest

from recollect.domain.errors import InvalidRequestError
from recollect.domain.keys import Role
from recollect.domain.members import MAX_EMAIL_LENGTH, MAX_MEMBERS, checked_email
from recollect.domain.projects import ProjectSettings


@pytest.mark.parametrize(
    ("text", "email"),
    [
        ("ada@example.com", "ada@example.com"),
        ("\t Ada.Lovelace+x@EXAMPLE.com\n", "ada.lovelace+x@example.com"),
        ("e@x", "e@x"),
        ("Zoë@exämple.com", "zoë@exämple.com"),
        ("a" * (MAX_EMAIL_LENGTH - 2) + "@x", "a" * (MAX_EMAIL_LENGTH - 2) + "@x"),
    ],
)
def test_an_address_is_written_in_one_way(text: str, email: str) -> None:
    assert checked_email(text) == email


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "ada",
        "@",
        "ada@",
        "@example.com",
        "ada@example@com",
        "ada lovelace@example.com",
        "ada\x00@example.com",
        "ada\u200b@example.com",
        "a" * (MAX_EMAIL_LENGTH - 1) + "@x",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError, match="email must be an e-mail address"):
        checked_email(text)


def test_a_project_has_a_greatest_number_of_members() -> None:
    most = {f"{number}@example.com": Role.READER for number in range(MAX_MEMBERS)}

    assert ProjectSettings(members=most).members == most
    with pytest.raises(InvalidRequestError, match=f"at most {MAX_MEMBERS} members"):
        ProjectSettings(members={**most, "one@more": Role.READER})
