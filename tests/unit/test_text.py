"""The terms that texts are compared by."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recollect.domain.text import MAX_TERM_LENGTH, STOP_WORDS, terms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("...!?", []),
        ("Mia likes running", ["mia", "like", "run"]),
        ("tea, tea and TEA", ["tea", "tea", "tea"]),
        ("flight 370 in 2024", ["flight", "370", "2024"]),
        ("She was there with him and they were not", []),
        ("Straße", ["strass"]),
        ("Cafe\u0301 CAFÉ ｃａｆé", ["café", "café", "café"]),
        ("Привет, МИР", ["привет", "мир"]),
    ],
)
def test_words_are_compared_by_stem_and_regardless_of_form(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


@pytest.mark.parametrize("apostrophe", ["'", "\u2019", "\u02bc", "\uff07", ""])
def test_contractions_are_stop_words_however_they_are_written(apostrophe: str) -> None:
    text = "I don't, you've, it's, she's, couldn't".replace("'", apostrophe)

    assert terms(text) == []


@pytest.mark.parametrize("text", ["Mia's", "Mia\u2019s", "Mia\u02bcs", "MIA"])
def test_a_possessive_is_found_by_the_name(text: str) -> None:
    assert terms(text) == ["mia"]


def test_there_are_179_english_stop_words_besides_spellings_without_apostrophe() -> None:
    with_apostrophe = {word for word in STOP_WORDS if "'" in word}

    assert len(with_apostrophe) == 26
    assert len(STOP_WORDS - {word.replace("'", "") for word in with_apostrophe} | {"its"}) == 179


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("猫", ["猫"]),
        ("東京都", ["東京", "京都"]),
        ("カタカナ", ["カタ", "タカ", "カナ"]),
        ("한국어 음식", ["한국", "국어", "음식"]),
        ("我喜欢Python3和the茶", ["我喜", "喜欢", "python3", "和", "茶"]),
        ("𠀀𠀁𠀂", ["𠀀𠀁", "𠀁𠀂"]),
    ],
)
def test_scripts_without_spaces_give_pairs_of_characters(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


def test_an_endless_word_is_cut() -> None:
    (term,) = terms("A" * 1_000_000)

    assert term == "a" * MAX_TERM_LENGTH


def test_combining_marks_in_a_row_do_not_take_the_square_of_their_number() -> None:
    """Normalised in one piece this text alone would keep a processor busy for more than an hour."""
    assert terms("tea e" + "\u0301\u0323" * 500_000 + " tea")[0] == "tea"


@given(st.text())
def test_any_text_has_terms_that_can_be_stored_parted_by_spaces(text: str) -> None:
    found = terms(text)

    assert " ".join(found).split() == found
    assert all(found)


@given(st.text(), st.text())
def test_lines_are_independent(first: str, second: str) -> None:
    assert terms(f"{first}\n{second}") == terms(first) + terms(second)


def test_threads_do_not_disturb_each_other() -> None:
    words = [
        f"{stem}{ending}{number}ing"
        for stem in ("walk", "runn")
        for ending in "abc"
        for number in range(400)
    ]
    expected = [word.removesuffix("ing") for word in words]
    start = threading.Barrier(8)

    def stem_all(_: int) -> list[str]:
        start.wait()
        return [term for word in words for term in terms(word)]

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(stem_all, range(8)))

    assert all(result == expected for result in results)


def test_vowel_signs_are_part_of_their_words() -> None:
    assert terms("मुझे हिन्दी फिल्में पसंद हैं।") == ["मुझे", "हिन्दी", "फिल्में", "पसंद", "हैं"]
    assert terms("எனக்கு தமிழ்") == ["எனக்கு", "தமிழ்"]
    assert terms("שָׁלוֹם") == ["שָׁלוֹם"]


def test_thai_gives_pairs_of_characters() -> None:
    assert set(terms("ชอบกาแฟ")) >= {"ชอ", "อบ", "กา"}
