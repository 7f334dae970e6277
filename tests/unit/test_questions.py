"""What a question names, and what it asks besides."""

import pytest

from recollect.domain.questions import Question
from recollect.testing.builders import a_vector


@pytest.mark.parametrize(
    ("text", "names", "plain"),
    [
        ("What did Mia say?", ["Mia"], "What did  say?"),
        ("What is Mia's hobby?", ["Zoe", "Mia Berg"], "What is  hobby?"),
        ("What is Mia\u2019s and Zoe's hobby?", ["Zoe", "Mia"], "What is  and  hobby?"),
        ("What does Jose like?", ["José"], "What does  like?"),
        ("What does Mia like?", [], None),
        ("What does Mia like?", ["Lea", "", "?"], None),
        # A word that only happens to be somebody's name, or stood before a colon.
        ("Which art does Mia like?", ["Art"], None),
        ("Dinner at what time?", ["Dinner"], None),
        ("What does the captain like?", ["The Captain"], None),
        # Nothing would be left to ask.
        ("Who is Mia?", ["Mia"], None),
        ("And Mia, Zoe?", ["Mia", "Zoe"], None),
        ("", ["Mia"], None),
    ],
)
def test_what_is_asked_besides_names(text: str, names: list[str], plain: str | None) -> None:
    assert Question.of(text, a_vector(1, 0)).without(names) == plain
