"""The terms that texts are compared by."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recollect.domain.text import MAX_TERM_LENGTH, terms
from recollect.domain.words.function_words import STOP_WORDS, folded
from recollect.domain.words.stems import english_stem


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
        ("Cafe\u0301 CAFÉ ｃａｆé", ["cafe", "cafe", "cafe"]),
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
    "text",
    [
        "Ella met José and Müller in São Paulo, de la Cruz came too",
        "Visited Rio de Janeiro, Los Angeles, La Paz",
        "Das Boot",
        "Die hard, man: pour the plus tea, met son in the bar per se",
        "Loves crème de la crème, café au lait and pasta e fagioli",
        "Hans Müller",
    ],
)
def test_foreign_names_leave_a_text_english(text: str) -> None:
    words = folded(text.casefold()).replace(",", " ").replace(":", " ").split()
    expected = [english_stem(word) for word in words if word not in STOP_WORDS]

    assert [term for term in terms(text) if term != "mueller"] == expected


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("cafe", "café"),
        ("Jose", "José"),
        ("Sao", "São"),
        ("cancion", "canción"),
        ("Muller", "Müller"),
        ("Mueller", "Müller"),
        ("Soren", "Søren"),
        ("Aarhus", "Århus"),
        ("Lodz", "Łódź"),
        ("елка", "ёлка"),
    ],
)
def test_a_word_is_found_without_its_accents(typed: str, written: str) -> None:
    assert set(terms(typed)) & set(terms(written))


@pytest.mark.parametrize(
    "text",
    [
        "Die Version {} vom Montag ist nicht gut",
        "La versión {} que tiene Ana no es buena",
        "Version {} is not good",
        "Версия {} не работает",
        "版本{}很好",
    ],
)
@pytest.mark.parametrize(
    "kept",
    ["2023-05-07", "1.0.11", "+49 40 123456", "ada.l@example.com", "user_id7", "Mia", "Ella"],
)
def test_names_and_numbers_find_themselves_in_every_language(text: str, kept: str) -> None:
    asked = terms(kept)

    assert asked
    assert set(asked) <= set(terms(text.format(f" {kept} ")))


@pytest.mark.parametrize("name", ["Mia", "Ella", "Kim", "Han", "Ben", "Ida", "Elke", "Hans", "Kai"])
def test_a_name_that_is_a_word_elsewhere_stays(name: str) -> None:
    assert terms(name)
    for line in ("{} wohnt nicht mehr in der Stadt", "Wo wohnt {} und warum nicht hier?"):
        assert set(terms(name)) <= set(terms(line.format(name)))


def test_a_word_is_found_whatever_language_was_recognised() -> None:
    words = ["Bücher", "gatos", "chevaux", "cavalli", "livros", "boeken", "hästar", "książki"]
    lines = ["{}", "Und wo ist {} nicht?", "¿Dónde está {}?", "Où est {} ?", "{} och jag är här"]

    for word in words:
        for first in lines:
            for second in lines:
                found = [set(terms(line.format(word))) for line in (first, second)]
                assert found[0] & found[1], (word, first, second)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("猫", ["猫"]),
        ("東京都", ["東", "東京", "京", "京都", "都"]),
        ("カタカナ", ["カタカナ", "カタ", "タカ", "カナ"]),
        ("ネコ", ["ネコ"]),
        ("猫が食べた", ["猫", "食", "食べ", "べた"]),
        ("水を飲む", ["水", "飲", "飲む"]),
        ("ラーメンの", ["ラーメン", "ラー", "ーメ", "メン"]),
        ("한국어 음식", ["한국어", "한국", "국어", "음식"]),
        ("부산에서 고양이를", ["부산", "고양", "양이"]),
        ("물을, 집으로 서울로 차로", ["물", "집", "서울", "차"]),
        ("나는 누구", []),
        ("我喜欢Python3和the茶", ["我喜", "喜", "喜欢", "欢", "python3", "和", "茶"]),
        ("𠀀𠀁𠀂", ["𠀀", "𠀀𠀁", "𠀁", "𠀁𠀂", "𠀂"]),
        ("ー", ["ー"]),
    ],
)
def test_scripts_without_spaces_give_pairs_of_characters(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


@pytest.mark.parametrize(
    ("one", "text"),
    [
        ("猫", "她养了一只黑猫"),
        ("茶", "绿茶好喝"),
        ("海", "週末は海へ行く"),
        ("ชา", "ชอบดื่มชามาก"),
        ("น้ำ", "แม่ให้น้ำต้นไม้"),
        ("차", "녹차보다 차를 좋아해요"),
        ("물", "물을 많이 마셔요"),
    ],
)
def test_what_is_asked_with_one_character_is_found(one: str, text: str) -> None:
    assert set(terms(one)) & set(terms(text))


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
    assert len(terms("मुझे हिन्दी फिल्में पसंद हैं।")) == 5
    assert len(terms("எனக்கு தமிழ்")) == 2
    assert terms("שָׁלוֹם") == ["שָׁלוֹם"]


def test_thai_gives_clusters_and_pairs_of_them() -> None:
    assert terms("ชอบกาแฟ") == ["กา", "แฟ", "ชอ", "อบ", "บกา", "กาแฟ"]
