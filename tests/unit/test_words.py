"""That questions in many languages find their sentence by words, where plain words do not."""

# ruff: noqa: RUF001 - other alphabets

from collections.abc import Callable, Sequence

import pytest

from recollect.domain.memory import Vector
from recollect.domain.ranking import TermStatistics, score_all
from recollect.domain.text import terms
from recollect.domain.words.languages import Token, languages_of
from recollect.testing.builders import a_vector

Split = Callable[[str], list[str]]
NOWHERE: Vector = a_vector(0.0, 0.0)

FOUND = {
    "chinese": (
        "妹妹在哪里工作?",
        "我的妹妹今年开始在上海的一家医院上班工作",
        ["我喜欢在公园里跑步", "他们上个月去了北京旅行", "我最爱喝的是绿茶", "爸爸每天早上看报纸"],
    ),
    "chinese, one character": (
        "喝什么茶?",
        "下午常常泡一壶绿茶",
        ["我喜欢在公园里跑步", "他们上个月去了北京旅行", "爸爸每天早上看报纸"],
    ),
    "japanese": (
        "猫の名前は何ですか?",
        "去年から飼っている猫にタマという名前をつけた",
        [
            "週末はいつも山に登ります",
            "コーヒーは何も入れずに飲みます",
            "妹は大阪の大学で医学を勉強している",
        ],
    ),
    "japanese, katakana": (
        "コーヒーを飲みますか?",
        "毎朝アイスコーヒーを二杯飲んでから出かける",
        ["週末はいつも山に登ります", "紅茶を飲みます", "妹は大阪の大学で医学を勉強している"],
    ),
    "korean": (
        "어머니는 어디에서 일하세요?",
        "어머니가 부산에 있는 병원에서 일하신다",
        [
            "고양이를 두 마리 키워요",
            "주말마다 아버지와 등산을 간다",
            "동생은 대학에서 음악을 공부한다",
        ],
    ),
    "thai": (
        "น้องสาวทำงานที่ไหน",
        "ปีนี้น้องสาวของฉันเริ่มทำงานในโรงพยาบาลที่เชียงใหม่",
        ["ฉันชอบดื่มกาแฟตอนเช้า", "พ่ออ่านหนังสือพิมพ์ทุกวัน", "แมวของเราชื่อส้ม"],
    ),
    "german": (
        "Welche Bücher mag Anna?",
        "Anna hat gestern ein spannendes Buch über Pinguine gelesen",
        ["Anna wohnt in Köln", "Anna trinkt Kaffee", "Anna arbeitet bei der Bahn"],
    ),
    "russian": (
        "Какие книги любит Анна?",
        "На день рождения Анне подарили книгу о море",
        ["Анна живёт в Москве", "Анна пьёт чай", "У Анны есть кошка"],
    ),
    "spanish": (
        "¿Qué canciones canta Ana?",
        "Ayer mi hermana estaba cantando una canción de cuna",
        ["Ana vive en Sevilla", "A Ana no le gusta el café", "Ana trabaja en un banco"],
    ),
    "french": (
        "Quels chevaux monte Léa ?",
        "Hier dans les montagnes Léa avait un cheval qui s’appelle Pirate",
        ["Léa habite à Lyon", "Léa déteste les épinards", "Léa travaille pour la mairie"],
    ),
    "portuguese": (
        "Quais cidades a Joana visitou?",
        "No verão eles visitaram uma cidade no norte",
        ["A Joana gosta de café", "A Joana não come carne", "A Joana toca piano"],
    ),
    "italian": (
        "Quali libri legge Marco?",
        "Mio fratello ha finito il libro che leggeva",
        ["Marco vive a Torino", "Marco non beve vino", "Marco lavora in banca"],
    ),
    "dutch": (
        "Welke boeken leest Sanne?",
        "Van haar oma heeft Sanne een dik boek gekregen",
        ["Sanne woont in Utrecht", "Sanne houdt niet van koffie", "Sanne werkt bij de bank"],
    ),
    "swedish": (
        "Vilka hundar tycker Erik om?",
        "I somras köpte Erik en liten hund som heter Rex",
        ["Erik bor i Lund", "Erik dricker inte kaffe", "Erik arbetar på en bank"],
    ),
}


def plain(text: str) -> list[str]:
    """Return the words between spaces, as a program does that knows no language."""
    return [word.strip("?¿,.") for word in text.lower().split()]


def scores(split: Split, question: str, sentences: Sequence[str]) -> list[float]:
    """Return how well each sentence answers by its words alone."""
    texts = [split(sentence) for sentence in sentences]
    asked = split(question)
    statistics = TermStatistics(
        documents=len(texts),
        average_length=sum(map(len, texts)) / len(texts),
        frequencies={term: sum(term in text for text in texts) for term in asked},
    )
    found = score_all(NOWHERE, asked, [(None, text) for text in texts], statistics)
    return [each.keyword for each in found]


@pytest.mark.parametrize("case", FOUND)
def test_a_question_finds_its_sentence_where_plain_words_do_not(case: str) -> None:
    question, right, others = FOUND[case]

    ours, plainly = (scores(split, question, [*others, right]) for split in (terms, plain))

    assert ours[-1] > max(ours[:-1])
    assert plainly[-1] <= max(plainly[:-1])


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Wo wohnt Anna", ["german"]),
        ("Où habite Anna", ["french"]),
        ("Dónde vive Anna", ["spanish"]),
        ("onde mora Anna", ["portuguese"]),
        ("gli amici di Anna", ["italian"]),
        ("waar woont Anna", ["dutch"]),
        ("när kommer Anna", ["swedish"]),
        ("jeg bor hos Anna", ["danish", "norwegian"]),
        ("hvad hedder Anna", ["danish"]),
        ("missä Anna asuu", ["finnish"]),
        ("gdzie mieszka Anna", ["polish"]),
        ("Anna nerede oturuyor", ["turkish"]),
        ("que come Anna", ["french", "portuguese", "spanish"]),
        ("und que och czy", []),
        ("where does Anna live", []),
        ("the man said und and she was ill", []),
        ("Los Angeles Und Die Wo", []),
        ("", []),
        (" ".join(f"keyword{each}" for each in range(20)) + " und", []),
    ],
)
def test_a_language_is_told_by_its_function_words(line: str, expected: list[str]) -> None:
    tokens = [Token.of(word, begins_sentence=not at) for at, word in enumerate(line.split())]

    assert list(languages_of(tokens)) == expected


@pytest.mark.parametrize(
    ("line", "name", "expected"),
    [
        ("Ieri la nonna di Andrea era qui", "Andrea", {"andrea"}),
        ("Ich habe die Katzen gesehen", "Katzen", {"katzen", "katz"}),
        ("Elle est venue avec Charles", "Charles", {"charl"}),
    ],
)
def test_names_keep_their_form_where_they_have_no_endings(
    line: str, name: str, expected: set[str]
) -> None:
    assert set(terms(line)) - set(terms(line.replace(name, ""))) == expected
