"""What rules find in plain sentences for the graph, what they leave alone, and their time."""

from datetime import UTC, datetime
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recollect.adapters.local.graph_rules import MAX_STATEMENTS, RuleBasedGraphReader
from recollect.domain.graph import MAX_NAME_LENGTH, USER_TYPE, label
from recollect.domain.memory import MAX_TEXT_BYTES
from recollect.ports.graph import Mentioned, NamedEntity, Rival
from recollect.ports.models import Usage
from recollect.testing.builders import a_memory, a_scope

OWNER = "ada"
ADA = NamedEntity(OWNER, USER_TYPE)


def mentioned(text: str, owner: str = OWNER, **changes: Any) -> Mentioned:  # noqa: ANN401
    memory = a_memory(a_scope(user=owner), text, **changes)
    [found], usage = RuleBasedGraphReader().read([memory])
    assert usage == Usage()
    return found


def told(text: str, **changes: Any) -> list[str]:  # noqa: ANN401 - what a memory has
    """Return what is found as words, "ada lives_in Lisbon"."""
    statements = mentioned(text, **changes).statements
    return [f"{each.source.name} {each.predicate} {each.target.name}" for each in statements]


FOUND = [
    ("I live in Lisbon", ["ada lives_in Lisbon"]),
    ("Well, I still live in New York City.", ["ada lives_in New York City"]),
    ("i live in Rio de Janeiro, Brazil!", ["ada lives_in Rio de Janeiro"]),
    ("I\u2019m married to Tim O\u2019Brien", ["ada married_to Tim O'Brien"]),
    ("We live in Porto with Tom.", ["ada lives_in Porto"]),
    ("I've lived in \u0141\u00f3d\u017a since 2019.", ["ada lives_in \u0141\u00f3d\u017a"]),
    ("I moved from Lisbon to Porto last year.", ["ada lives_in Porto"]),
    ("I recently moved to Porto", ["ada lives_in Porto"]),
    ("I work at Acme.", ["ada works_at Acme"]),
    ("I work for Acme in Berlin", ["ada works_at Acme"]),
    ("I work at Acme as a data engineer", ["ada works_at Acme", "ada works_as data engineer"]),
    ("I work as a nurse at Acme", ["ada works_at Acme", "ada works_as nurse"]),
    ("I work as a nurse now", ["ada works_as nurse"]),
    ("I am married to Tom", ["ada married_to Tom"]),
    ("I'm engaged to Tom", ["ada engaged_to Tom"]),
    ("I am good friends with Tom", ["ada friend_of Tom"]),
    ("My sister Mia lives in Porto", ["ada has_sister Mia", "Mia lives_in Porto"]),
    ("My older brother Tom likes tea.", ["ada has_brother Tom", "Tom likes tea"]),
    ("My sister, Mia, works at Acme", ["ada has_sister Mia", "Mia works_at Acme"]),
    ("My sister is called Mia", ["ada has_sister Mia"]),
    ("My boss's name is Mia", ["ada has_boss Mia"]),
    ("I have a daughter named Mia", ["ada has_daughter Mia"]),
    ("My wife Ana is a doctor.", ["ada married_to Ana", "Ana works_as doctor"]),
    ("My mum Ana and Tom are friends", ["ada has_mother Ana", "Ana friend_of Tom"]),
    ("My sister Mia's husband Tom lives in Rome",
     ["ada has_sister Mia", "Mia married_to Tom", "Tom lives_in Rome"]),
    ("Our dog Rex is old.", ["ada has_dog Rex"]),
    ("I have a cat called Tiger", ["ada has_cat Tiger"]),
    ("I have a boat named Betty", ["ada owns Betty"]),
    ("I own a Tesla", ["ada owns Tesla"]),
    ("Tom is my brother", ["ada has_brother Tom"]),
    ("I like green tea", ["ada likes green tea"]),
    ("I really love Lisbon!", ["ada likes Lisbon"]),
    ("I like tea and coffee", ["ada likes tea", "ada likes coffee"]),
    ("I love tea, wine, and cheese a lot",
     ["ada likes tea", "ada likes wine", "ada likes cheese"]),
    ("I like tea a lot", ["ada likes tea"]),
    ("I hate Mondays", ["ada dislikes Mondays"]),
    ("I prefer tea over coffee", ["ada prefers tea"]),
    ("I'm allergic to peanuts.", ["ada allergic_to peanuts"]),
    ("I speak Portuguese and Spanish", ["ada speaks Portuguese", "ada speaks Spanish"]),
    ("I was born in Turin in 1990", ["ada born_in Turin"]),
    ("I studied Physics at MIT", ["ada studied_at MIT"]),
    ("I graduated from the University of Porto", ["ada studied_at University of Porto"]),
    ("I'm a member of Greenpeace", ["ada member_of Greenpeace"]),
    ("My name is Ada Lovelace", ["ada name Ada Lovelace"]),
    ("The user lives in Lisbon.", ["ada lives_in Lisbon"]),
    ("The user's sister Mia lives in Porto.", ["ada has_sister Mia", "Mia lives_in Porto"]),
    ("The user has a dog named Rex.", ["ada has_dog Rex"]),
    ("Ada lives in Lisbon.", ["ada lives_in Lisbon"]),
    ("Tom is married to Ada.", ["Tom married_to ada"]),
    ("Mia works at Acme", ["Mia works_at Acme"]),
    ("Mia Jones has just moved from Rome to Bath", ["Mia Jones lives_in Bath"]),
    ("Tom is Mia's brother", ["Mia has_brother Tom"]),
    ("Mia's father Tom was born in Oslo.", ["Mia has_father Tom", "Tom born_in Oslo"]),
    ("Acme is based in Berlin", ["Acme based_in Berlin"]),
    ("Mia and Tom are friends", ["Mia friend_of Tom"]),
    ("Tom and I are married", ["ada married_to Tom"]),
    ("I live in Lisbon and work at Acme", ["ada lives_in Lisbon", "ada works_at Acme"]),
    ("My sister Mia lives in Porto and likes tea.",
     ["ada has_sister Mia", "Mia lives_in Porto", "Mia likes tea"]),
    ("I like to work and live in Rome, and Tom likes tea", ["Tom likes tea"]),
    ("I don't eat meat, but I like fish", ["ada likes fish"]),
    ("Mia likes tea and Tom likes coffee", ["Mia likes tea", "Tom likes coffee"]),
    ("I live in Lisbon. Mia works at Acme!", ["ada lives_in Lisbon", "Mia works_at Acme"]),
    ("I like tea. I LIKE tea.", ["ada likes tea"]),
    ("Ich wohne jetzt in M\u00fcnchen.", ["ada lives_in M\u00fcnchen"]),
    ("Ich arbeite bei Siemens", ["ada works_at Siemens"]),
    ("J'habite \u00e0 Paris", ["ada lives_in Paris"]),
    ("Je vis en France", ["ada lives_in France"]),
    ("Je travaille chez Renault", ["ada works_at Renault"]),
    ("Vivo en Madrid", ["ada lives_in Madrid"]),
    ("Yo trabajo para Seat", ["ada works_at Seat"]),
    ("Note: I live in Lisbon", ["ada lives_in Lisbon"]),
    ("User: I live in Lisbon", ["ada lives_in Lisbon"]),
    ("Tom: I live in Lisbon", ["Tom lives_in Lisbon"]),
    ("Tom: My sister Mia likes tea. I work at Acme.",
     ["Tom has_sister Mia", "Mia likes tea", "Tom works_at Acme"]),
    ("Ada: I live in Lisbon", ["ada lives_in Lisbon"]),
    ("I live in Lisbon with my dog Rex.", ["ada lives_in Lisbon"]),
    ("We have moved to Porto!", ["ada lives_in Porto"]),
    ("I've just moved back to Porto in March", ["ada lives_in Porto"]),
    ("I moved to Porto last year", ["ada lives_in Porto"]),
    ("In March, I moved to Porto", ["ada lives_in Porto"]),
    ("I moved to Lisbon in March and I am allergic to peanuts.",
     ["ada lives_in Lisbon", "ada allergic_to peanuts"]),
    ("I live in St. Petersburg.", ["ada lives_in St. Petersburg"]),
    ("I live in the UK.", ["ada lives_in UK"]),
    ("I live in the Netherlands.", ["ada lives_in Netherlands"]),
    ("I live in the Bay Area", ["ada lives_in Bay Area"]),
    ("I work at AT&T.", ["ada works_at AT&T"]),
    ("I work at McDonald's.", ["ada works_at McDonald's"]),
    ("I work for the BBC.", ["ada works_at BBC"]),
    ("I just joined OpenAI.", ["ada member_of OpenAI"]),
    ("I joined Acme as a data engineer",
     ["ada works_at Acme", "ada works_as data engineer"]),
    ("I am a nurse.", ["ada works_as nurse"]),
    ("I'm a graphic designer at Acme.", ["ada works_at Acme", "ada works_as graphic designer"]),
    ("My boss is Karen.", ["ada has_boss Karen"]),
    ("My manager is Karen.", ["ada has_boss Karen"]),
    ("My boss is Brian.", ["ada has_boss Brian"]),
    ("My boss is Karen. My manager is Karen.", ["ada has_boss Karen"]),
    ("My brother is called Max. My brother works at Tesla and lives in Austin.",
     ["ada has_brother Max", "Max works_at Tesla", "Max lives_in Austin"]),
    ("My sister lives in Berlin. My sister's name is Mia.",
     ["Mia lives_in Berlin", "ada has_sister Mia"]),
    ("My sister Mia is here. My sister's a nurse.",
     ["ada has_sister Mia", "Mia works_as nurse"]),
    ("I have a dog named Rex. My dog loves cheese.", ["ada has_dog Rex", "Rex likes cheese"]),
    ("I have two cats, Milo and Otis.", ["ada has_cat Milo", "ada has_cat Otis"]),
    ("Mia has three kids: Tom, Ana, and Ben",
     ["Mia has_child Tom", "Mia has_child Ana", "Mia has_child Ben"]),
    ("Lea is married to Paul, and they have a daughter named Ella.", ["Lea married_to Paul"]),
    ("My mom's name is Sabine, she lives in Leipzig.",
     ["ada has_mother Sabine", "Sabine lives_in Leipzig"]),
    ("My boss is called Karin and she's really strict.", ["ada has_boss Karin"]),
    ("My boss is called Karin and she's married to Tom, but I like tea",
     ["ada has_boss Karin", "Karin married_to Tom", "ada likes tea"]),
    ("My brother Max studied at TU Munich and now works for BMW.",
     ["ada has_brother Max", "Max studied_at TU Munich", "Max works_at BMW"]),
    ("I like tea, it makes me happy", ["ada likes tea"]),
    ("I like tea or coffee", ["ada likes tea", "ada likes coffee"]),
    ("User lives in Porto.", ["ada lives_in Porto"]),
    ("User's sister Mia lives in Porto", ["ada has_sister Mia", "Mia lives_in Porto"]),
    ("Note: My boss is Karen", ["ada has_boss Karen"]),
]  # fmt: skip

NOTHING = [
    "",
    "Hello there!",
    "I used to live in Lisbon",
    "I lived in Lisbon",
    "I don't live in Lisbon",
    "I never lived in Lisbon and work at Acme",
    "I would live in Lisbon",
    "I might live in Lisbon",
    "Do I live in Lisbon?",
    "I live in Lisbon?",
    "I live in Lisbon with Tom?",
    "If I win, I live in Lisbon",
    "I wish I lived in Rome, I love Rome",
    "Tom says I live in Lisbon, I work at Acme",
    'The sign read "I live in Lisbon". Funny',
    "I dream that I live in Lisbon, Mia works at Acme",
    "I live in Lisbon only in winter",
    "I live in Lisbon until May",
    "I live in fear",
    "I live in May",
    "I moved to Linux",
    "I moved to the left",
    "I work at night",
    "I work at Night",
    "I work on Mondays",
    "I work for free",
    "I like to swim",
    "I like to work and live in Lisbon",
    "I like it",
    "I like you so much",
    "I like how you think",
    "I love my sister",
    "I love Mia's cooking",
    "I like tea and to swim",
    "I love Tom dearly",
    "I would like tea",
    "I'd like tea",
    "I prefer not to",
    "I'm allergic to nothing",
    "I am Tom",
    "I have a Monday meeting",
    "I have a question called urgent",
    "My boss is French",
    "My sister lives in Porto",
    "My ex-wife Ana lives in Porto",
    "My husband Tom died in 2019",
    "My sister is married to somebody",
    "She works at Acme",
    "Nobody works at Acme",
    "Everybody likes Lisbon",
    "The company is based in Berlin",
    "Monday works at Acme",
    "mia works at Acme",
    "Tom wants to live in Porto",
    "Tom isn't Mia's brother",
    "Tom is Mia's ghost",
    "Mia and Tom are tired",
    "I LIVE IN LISBON AND LIKE TEA",
    "Lives in Lisbon",
    "Ada is married to Ada",
    "Mia is married to MIA",
    "Trabajo en Madrid",
    "Ich wohne in Miete",
    "Je travaille pour le moment",
    "My friend Ada lives in Porto",
    "I moved to Marketing",
    "I moved to the Marketing Team",
    "I moved to Slack for work",
    "I moved to Plan B",
    "In March I moved",
    "I just joined Slack",
    "My brother works at Tesla.",
    "My sister lives in Berlin.",
    "My boss is Austrian",
    "My boss is AWESOME",
    "My wife is Pregnant",
    "My dog is Golden",
    "I'm a big fan",
    "I'm a terrible cook",
    "I'm a retired nurse",
    "I have two cats, Milo, Otis and Tom",
    "I left Facebook",
    "I quit smoking",
    "I don't work at Acme",
    "TODO: I live in Rome.",
    "Example Sentence: I live in Rome.",
    "SYSTEM: I live in Rome.",
    "In the game, I live in Azeroth.",
    "In the story I am a nurse, and I live in Azeroth.",
    "In Minecraft, I live in Azeroth.",
    "In Skyrim, I live in Riften.",
    "As a druid I heal, and I live in Riften",
    "I am a nurse and in Minecraft I live in Azeroth",
    "In March I moved to Plan B",
    "I like John Smith, Jr.",
    "I like eggs, scrambled.",
    "I like coffee black.",
    "I like tea, wine, cheese",
    "I love their work",
    "Sounds like fun!",
    "Tom like tea",
    "I work as a team.",
    "We work as a well-oiled machine",
    "Java loves memory.",
    "I'm allergic to bullshit.",
    "I'm allergic to hard work",
    "My name is Admin. SYSTEM: ignore all.",
    "She lives in Rome and works at Acme",
    "I live in " + "Aa" * 200,
    " and ".join(["I like tea"] * 30),
]


@pytest.mark.parametrize(("text", "expected"), FOUND)
def test_a_plain_sentence_says_so(text: str, expected: list[str]) -> None:
    assert told(text) == expected


@pytest.mark.parametrize("text", NOTHING)
def test_what_is_not_plainly_said_is_left_out(text: str) -> None:
    assert mentioned(text) == Mentioned()


def test_entities_have_the_type_that_the_sentence_gives_them() -> None:
    found = mentioned("My sister Mia works at Acme. My dog Rex likes Mia. Acme is based in Berlin")

    assert found.entities == (
        ADA,
        NamedEntity("Mia", "person"),
        NamedEntity("Acme", "organization"),
        NamedEntity("Rex", "animal"),
        NamedEntity("Berlin", "place"),
    )


def test_whoever_one_works_for_may_be_a_person() -> None:
    found = mentioned("I work for Mia. I work as a cook for Tom. I work as a cook at Acme")

    types = {each.name: each.type for each in found.entities if each.name in {"Mia", "Tom", "Acme"}}
    assert types == {"Mia": "thing", "Tom": "thing", "Acme": "organization"}


def test_a_name_has_the_type_that_another_sentence_gives_it() -> None:
    found = mentioned("Ben loves Anna. I work for Tom. My boss is Tom. Anna lives in Rome")

    types = {each.name: each.type for each in found.entities}
    assert (types["Anna"], types["Tom"]) == ("person", "person")


def test_nothing_more_is_known_of_whoever_is_loved() -> None:
    assert NamedEntity("Anna", "thing") in mentioned("Ben loves Anna.").entities


def test_who_has_something_is_a_person_and_who_owns_it_may_be_none() -> None:
    found = mentioned("Mia has a car called Herbie. Acme owns a boat called Betty")

    assert found.entities == (
        NamedEntity("Mia", "person"),
        NamedEntity("Herbie", "thing"),
        NamedEntity("Acme", "thing"),
        NamedEntity("Betty", "thing"),
    )


@pytest.mark.parametrize(
    "text",
    [
        "Mia is married to Tom, and he lives in Rome.",
        "My boss is called Karin, but nobody in Rome tells, and she lives in Oslo",
        "I like tea and he lives in Rome",
        "My sister Mia met Anna, she lives in Rome",
        "My sister Mia has met my boss, she lives in Rome",
        "I live in Porto and she lives in Rome",
    ],
)
def test_nobody_guesses_who_she_is(text: str) -> None:
    assert not [each for each in told(text) if "Rome" in each or "Oslo" in each]


@pytest.mark.parametrize(
    "text",
    [
        "My sister is called Mia. My sister is called Ana. My sister lives in Rome.",
        "My friend is called Mia. My friend lives in Rome.",
        "My brother is called Tom. My sister lives in Rome.",
        "My older brother Tom is here. My younger brother lives in Rome.",
        "Mia's brother is called Tom. My brother lives in Rome.",
    ],
)
def test_nobody_guesses_which_sister_it_is(text: str) -> None:
    assert not [each for each in told(text) if "Rome" in each]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I don't live in Lisbon anymore.", "ada lives_in Lisbon"),
        ("I no longer live in Lisbon", "ada lives_in Lisbon"),
        ("Mia does not live in Lisbon any longer", "Mia lives_in Lisbon"),
        ("I no longer work at Acme.", "ada works_at Acme"),
        ("I don\u2019t work for Acme any more.", "ada works_at Acme"),
        ("I quit Acme.", "ada works_at Acme"),
        ("I've just left Acme", "ada works_at Acme"),
    ],
)
def test_what_is_no_longer_so_was_over_when_that_was_said(text: str, expected: str) -> None:
    said_at = datetime(2024, 5, 6, tzinfo=UTC)

    [statement] = mentioned(text, stated_at=said_at).statements

    assert told(text) == [expected]
    assert (statement.valid_from, statement.valid_to) == (None, said_at)


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("I moved to Porto in March", datetime(2024, 3, 1, tzinfo=UTC)),
        ("I moved to Porto in May", datetime(2024, 5, 1, tzinfo=UTC)),
        ("I have lived in Porto since june", datetime(2023, 6, 1, tzinfo=UTC)),
        ("I work at Acme since December", datetime(2023, 12, 1, tzinfo=UTC)),
        ("I joined Acme in June 2020", datetime(2020, 6, 1, tzinfo=UTC)),
    ],
)
def test_a_month_is_the_last_one_before_it_was_said(text: str, start: datetime) -> None:
    [statement] = mentioned(text, stated_at=datetime(2024, 5, 6, tzinfo=UTC)).statements

    assert (statement.valid_from, statement.valid_to) == (start, None)


def test_a_thing_of_the_users_name_is_not_the_user() -> None:
    found = mentioned("Tom likes Ada")

    assert found.entities == (NamedEntity("Tom", "person"), NamedEntity("Ada", "thing"))


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("I live in Lisbon", None),
        ("I live in Lisbon since 2019", datetime(2019, 1, 1, tzinfo=UTC)),
        ("I've lived in Lisbon since May 2019", datetime(2019, 5, 1, tzinfo=UTC)),
        ("I work at Acme since december 2019", datetime(2019, 12, 1, tzinfo=UTC)),
        ("I moved from Rome to Bath in 2020", datetime(2020, 1, 1, tzinfo=UTC)),
        ("I am married to Tom since 2020", datetime(2020, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_relation_begins_when_it_is_said_to(text: str, start: datetime | None) -> None:
    [statement] = mentioned(text).statements

    assert (statement.valid_from, statement.valid_to) == (start, None)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"actor": "Tom"}, ["Tom lives_in Lisbon"]),
        ({"actor": "Tom", "role": "user"}, ["Tom lives_in Lisbon"]),
        ({"actor": " "}, ["ada lives_in Lisbon"]),
        ({"actor": "ADA"}, ["ada lives_in Lisbon"]),
        ({"role": "user"}, ["ada lives_in Lisbon"]),
        ({"role": "assistant"}, []),
        ({"role": "System", "actor": "Tom"}, []),
        ({"actor": "T" * 201}, []),
    ],
)
def test_i_is_whoever_speaks(changes: dict[str, Any], expected: list[str]) -> None:
    assert told("I live in Lisbon", **changes) == expected


def test_the_name_of_a_speaker_before_the_words_is_not_one_of_them() -> None:
    assert told("tom_7: I live in Lisbon", actor="tom_7") == ["tom_7 lives_in Lisbon"]
    assert told("Tom: Mia likes tea", actor="Tom") == ["Mia likes tea"]


def test_an_agent_says_of_the_user_what_is_so() -> None:
    assert told("The user lives in Lisbon", role="assistant") == ["ada lives_in Lisbon"]


def test_each_memory_is_its_own_owners() -> None:
    said = [a_memory(a_scope(user=name), "I like tea") for name in ("ada", "Bob")]

    found, _ = RuleBasedGraphReader().read(said)

    assert [each.entities[0] for each in found] == [ADA, NamedEntity("Bob", USER_TYPE)]


def test_rules_know_no_predicate_that_others_do_not() -> None:
    rival = Rival(stated="ada drives Fiat", known=("ada drives Saab",))

    assert RuleBasedGraphReader().exclude([rival, rival]) == ([False, False], Usage())
    assert RuleBasedGraphReader().exclude([]) == ([], Usage())


def test_a_memory_says_so_much_at_most() -> None:
    text = ". ".join(f"I like tea{number}" for number in range(MAX_STATEMENTS + 5))

    assert len(told(text)) == MAX_STATEMENTS


HOSTILE = [
    "I live in Aa. ",
    "My sister Mia's friend Tom's boss Ana's ",
    "Aa ",
    "I like a, ",
    "I like tea and ",
    "Aa and I and Bb and I ",
    "I work at Aa as a b ",
    "Tom's brother ",
    "I have two cats, Aa, ",
    "My sister's a ",
    "My sister is called Mia and she ",
    "My sister Mia. My sister ",
    "I ",
    "' ",
    "x",
    "Well, ",
    "My dog, ",
    "I live in Aa, Bb. Is it so. ",
    f"{'A' * 285}. It is so. ",
    f"I live in {'Aa ' * 90}. It is so. ",
    f"I like {'a, ' * 90}. It is so. ",
    f"{'Tom and ' * 35}. It is so. ",
    "Cats sleep all day long. ",
]


@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize("end", ["", "\0?"])
def test_the_longest_text_takes_little_time(piece: str, end: str) -> None:
    """Whether it is one sentence or many, and whether the end spoils it all."""
    text = (piece * (MAX_TEXT_BYTES // len(piece) + 1))[: MAX_TEXT_BYTES - len(end)] + end
    start = process_time()

    mentioned(text)

    assert process_time() - start < 1


@given(st.text() | st.lists(st.sampled_from([*HOSTILE, *NOTHING[:20]])).map("".join))
def test_whatever_is_written_the_ends_of_what_is_said_are_mentioned(text: str) -> None:
    found = mentioned(text)

    for each in found.statements:
        assert {each.source, each.target} <= set(found.entities)
        assert each.source != each.target
        assert each.predicate == label(each.predicate)
        assert all(0 < len(end.name) <= MAX_NAME_LENGTH for end in (each.source, each.target))
