"""Ranking of relations: their own words, the words of joined ones, and names that are alike."""

from collections.abc import Sequence

import pytest

from recollect.domain.graph import USER_TYPE, Entity, Owner
from recollect.domain.graph_ranking import (
    JOINED,
    KEYWORD_WEIGHT,
    SEMANTIC_WEIGHT,
    Link,
    is_asked,
    score_links,
    speaks_of_user,
)
from recollect.domain.text import terms
from recollect.testing.builders import a_scope, a_vector, an_entity

OWNER = Owner.of(a_scope("acme", user="ada"))
ASKED = a_vector(1.0, 0.0)


def entity(name: str, kind: str = "person", *, vector: Sequence[float] | None = None) -> Entity:
    return an_entity(OWNER, name, type=kind, vector=vector)


ADA = entity("ada", USER_TYPE)
ANNA, TOM, BOB = entity("Anna"), entity("Tom"), entity("Bob")
BERLIN, OSLO = entity("Berlin", "place"), entity("Oslo", "place")
ACME = entity("Acme", "organization")
SISTER = Link(ADA, "has_sister", ANNA)
ANNA_LIVES = Link(ANNA, "lives_in", BERLIN)
ADA_LIVES = Link(ADA, "lives_in", OSLO)
MARRIED = Link(ANNA, "married_to", TOM)
TOM_WORKS = Link(TOM, "works_at", ACME)


def ranked(question: str, *links: Link) -> list[Link]:
    """Return the links, best first; fail if two of them score the same."""
    scores = score_links(ASKED, terms(question), links, text=question)
    assert len(set(scores)) == len(scores)
    return [link for _, link in sorted(zip(scores, links, strict=True), key=lambda each: -each[0])]


def scores(question: str, *links: Link) -> list[float]:
    return score_links(ASKED, terms(question), links, text=question)


def test_of_nothing_there_is_nothing_to_rank() -> None:
    assert scores("Where does my sister live?") == []


def test_a_relation_is_found_by_the_words_of_its_names_and_its_predicate() -> None:
    other = Link(BOB, "likes", entity("tea", "drink"))

    by_name, by_predicate, neither = scores("tea?", other, ANNA_LIVES, MARRIED)
    assert (by_name > 0.0, by_predicate, neither) == (True, 0.0, 0.0)
    assert ranked("Who is living somewhere that Bob likes?", other, ANNA_LIVES)[0] == other


@pytest.mark.parametrize(
    ("predicate", "question"),
    [
        ("lives_in", "Where is she living?"),
        ("lives_in", "Who lived there?"),
        ("teaches", "Who is the teacher?"),
        ("allergic_to", "Any allergy?"),
        ("works_at", "Which company?"),
        ("works_as", "What is the job?"),
        ("works_with", "Which colleague?"),
        ("married_to", "Her husband?"),
        ("studied_at", "Which university?"),
    ],
)
def test_questions_have_other_words_for_predicates(predicate: str, question: str) -> None:
    assert is_asked(predicate, terms(question))


@pytest.mark.parametrize(
    ("predicate", "question"),
    [
        ("lives_in", "Which job?"),
        ("works_at", "Where does she live?"),
        ("is_on", "What is on?"),
        ("met", "Which metropolitan railway?"),
        ("owns", "The owner of an ownerless dog?"),
    ],
)
def test_not_every_word_is_for_a_predicate(predicate: str, question: str) -> None:
    assert not is_asked(predicate, terms(question))


def test_what_is_asked_for_may_be_a_type() -> None:
    flat = Link(ANNA, "owns", entity("Rosenhof", "house"))

    assert ranked("Which city does she visit?", Link(ANNA, "visited", OSLO), flat)[0].target == OSLO
    assert scores("Which house?", flat)[0] > 0.0
    assert scores("Which user?", ADA_LIVES) == [0.0]


def test_two_relations_answer_what_neither_does_alone() -> None:
    order = ranked("Where does my sister live?", ADA_LIVES, SISTER, MARRIED, ANNA_LIVES)

    assert set(order[:2]) == {SISTER, ANNA_LIVES}


def test_what_a_joined_relation_says_counts_less_than_what_it_says_itself() -> None:
    sister, of_sister, elsewhere = scores("my sister", SISTER, MARRIED, TOM_WORKS)

    assert sister > of_sister > 0.0
    assert elsewhere == 0.0


def test_a_third_relation_helps_through_the_second() -> None:
    question = "Where does the husband of my sister work?"
    elsewhere = Link(BOB, "works_at", entity("Initech", "organization"))

    best, other = scores(question, TOM_WORKS, elsewhere, MARRIED, SISTER)[:2]
    without_sister = scores(question, TOM_WORKS, elsewhere, MARRIED, ADA_LIVES)[0]

    assert best > other
    assert best > without_sister


def test_the_user_joins_nothing() -> None:
    apart = scores("my sister", ADA_LIVES, SISTER)

    assert apart[0] == 0.0
    assert apart[1] > 0.0


def test_a_joined_word_is_worth_a_fixed_part() -> None:
    assert 0.0 < JOINED < 1.0
    said = Link(ANNA, "has_sister", TOM)
    own, joined = scores("sister", said, Link(TOM, "likes", BERLIN))

    assert joined == pytest.approx(KEYWORD_WEIGHT * (1 - (1 - own / KEYWORD_WEIGHT) ** JOINED))


def test_a_name_that_is_alike_decides_between_equal_words() -> None:
    near = Link(ANNA, "visited", entity("Lisbon", "place", vector=(1.0, 0.1)))
    far = Link(ANNA, "visited", entity("Porto", "place", vector=(-1.0, 0.1)))
    unknown = Link(ANNA, "visited", entity("Faro", "place", vector=(1.0, 0.1, 0.0)))

    likely, unlikely, other = scores("visited", near, far, unknown)

    assert likely - unlikely == pytest.approx(SEMANTIC_WEIGHT, abs=0.01)
    assert unlikely == other


def test_scores_are_from_0_to_1_however_long_the_question_is() -> None:
    names = [entity(f"name{number}") for number in range(40)]
    links = [Link(one, "knows", other) for one in names[:6] for other in names[6:]]
    question = " ".join(each.name for each in names) + " knows " + "and more words" * 100

    assert all(0.0 <= each <= 1.0 for each in scores(question, *links))
    assert max(scores(question, *links)) > 0.5


@pytest.mark.parametrize(
    ("question", "is_of_user"),
    [
        ("Where do I work?", True),
        ("where i'm from", True),
        ("Tell me about Anna", True),
        ("MY sister", True),
        ("That dog of mine", True),
        ("Where did we meet?", True),
        ("our car", True),
        ("What does the user like?", True),
        ("What does The User's sister like?", True),
        ("Who lives in the US?", False),
        ("Where does Amy work in the mining town?", False),
        ("Which users are there?", False),
        ("Iris, Meg and Owen", False),
    ],
)
def test_a_question_in_the_first_person_is_about_the_user(
    question: str, *, is_of_user: bool
) -> None:
    assert speaks_of_user(question) is is_of_user


def test_the_user_is_meant_by_i_however_alike_other_names_are() -> None:
    hooli = entity("Hooli", "organization", vector=(1.0, 0.0))
    other = Link(entity("Bob", vector=(1.0, 0.0)), "works_at", hooli)
    own = Link(ADA, "works_at", ACME)

    assert ranked("Where do I work?", other, own, TOM_WORKS)[0] == own
    assert ranked("Where does everybody work?", other, own)[0] == other


def test_what_the_user_said_of_something_else_is_no_answer() -> None:
    assert scores("Which vaccination did I get?", ADA_LIVES, SISTER, ANNA_LIVES) == [0.0] * 3


def test_what_answers_with_a_word_of_the_users_own_relation_is_the_users_too() -> None:
    boss = Link(BOB, "has_sister", entity("Eva"))
    eva_lives = Link(boss.target, "lives_in", OSLO)

    order = ranked("Where does my sister live?", boss, eva_lives, SISTER, ANNA_LIVES)

    assert set(order[:2]) == {SISTER, ANNA_LIVES}


def test_what_only_shares_an_entity_with_the_users_own_relation_is_not_the_users() -> None:
    colleague = Link(BOB, "works_at", ACME)
    own, other = scores("Where do I work?", Link(ADA, "works_at", ACME), colleague)

    assert own > other
    assert scores("Where does everybody work?", Link(ADA, "works_at", ACME), colleague)[1] == other


@pytest.mark.parametrize(
    ("question", "predicate"),
    [
        ("Where do I work?", "works_at"),
        ("With whom do I work?", "works_with"),
        ("Who do I work with?", "works_with"),
        ("What do I work as?", "works_as"),
    ],
)
def test_a_preposition_tells_predicates_apart(question: str, predicate: str) -> None:
    predicates = ("works_as", "works_at", "works_with", "is_with")

    scored = scores(question, *(Link(ADA, each, BOB) for each in predicates))

    assert max(zip(scored, predicates, strict=True))[1] == predicate
    assert scored.count(max(scored)) == 1


def test_a_preposition_alone_asks_for_nothing() -> None:
    assert scores("Where is it, and with whom?", ADA_LIVES, Link(ADA, "is_with", BOB)) == [0.0] * 2
