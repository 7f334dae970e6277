"""`recollect graph show`: a graph as a tree, as JSON and as a picture's source."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from recollect import bootstrap
from recollect.domain.graph import Belief
from recollect.entrypoints.cli import graph as graph_command
from recollect.entrypoints.cli.graph import LARGEST_PAGE, MOST_NAMES
from recollect.entrypoints.cli.main import main
from recollect.testing.builders import a_scope
from tests.handlers.commands import NOWHERE
from tests.handlers.graphs import NEW_YEAR, SPRING, Graph

HOSTILE = 'a "b" \\ c\\"; }\nsecond & &amp; <i> \\N \x1b[2J\u202e\\'


@dataclass(frozen=True)
class Place:
    """Where commands find a graph, and how it is written there."""

    options: list[str]
    open_graph: Callable[..., Graph]

    def run(self, *words: str) -> Result:
        result = CliRunner().invoke(main, ["graph", "show", *words, *self.options], env=NOWHERE)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def shown(self, *words: str) -> list[str]:
        result = self.run(*words)
        assert (result.exit_code, result.stderr) == (0, "")
        return result.stdout.splitlines()


@pytest.fixture(params=["local", "service"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A data file, or a service."""
    if request.param == "local":
        options = ["--data", str(tmp_path / "memories.db")]
        # The first command of all makes the project.
        CliRunner().invoke(main, ["list", "--user", "maya", *options], env=NOWHERE)
        with bootstrap.local_edition(tmp_path / "memories.db") as store:
            yield Place(options, lambda **names: Graph(store, a_scope("default", **names)))
        return
    live = request.getfixturevalue("live_service")
    key = live.new_key()
    found = bootstrap.check_key()(key)
    assert found is not None
    store, project = bootstrap.local_store(), found.project
    options = ["--host", live.address, "--api-key", key]
    yield Place(options, lambda **names: Graph(store, a_scope(project, **names)))


@pytest.fixture
def graph(place: Place) -> Graph:
    return place.open_graph(user="maya")


# A tree.


def test_a_tree_has_every_relation_once_and_begins_with_the_user(
    place: Place, graph: Graph
) -> None:
    maya, lisbon = graph.entity("maya", "user", mentions=3), graph.entity("Lisbon", "city")
    tom = graph.entity("Tom", mentions=2)
    two = [graph.memory("one"), graph.memory("two")]
    graph.relation(maya, "lives_in", lisbon, said=two[:1], valid_from=SPRING)
    graph.relation(maya, "sister_of", tom, said=two)
    graph.relation(tom, "worked_in", lisbon, valid_from=NEW_YEAR, valid_to=None)
    graph.relation(tom, "likes", tom, said=two[:1])
    graph.relation(lisbon, "in", graph.entity("Portugal", "land"))
    graph.relation(graph.entity("Bea", mentions=9), "knows", maya)
    graph.entity("Zoe")

    assert place.shown("--user", "maya") == [
        "the user, mentioned 3 times",
        "  sister of -> Tom",
        "    likes -> Tom",
        "    worked in -> Lisbon (since 2024-01-01)",
        "  lives in -> Lisbon (since 2024-04-01)",
        "    in -> Portugal",
        "  knows <- Bea",
        "also mentioned: Zoe",
    ]


def test_what_is_more_than_two_relations_away_has_a_tree_of_its_own(
    place: Place, graph: Graph
) -> None:
    maya = graph.entity("maya", "user")
    chain = [maya, *(graph.entity(name, mentions=9) for name in ("Ann", "Ben", "Cleo", "Dan"))]
    for source, target in pairwise(chain):
        graph.relation(target, "met", source)

    assert place.shown("--user", "maya") == [
        "the user, mentioned once",
        "  met <- Ann",
        "    met <- Ben",
        "Ben (person), mentioned 9 times",
        "  met <- Cleo",
        "    met <- Dan",
    ]


def test_a_graph_without_its_user_begins_with_what_is_mentioned_most(
    place: Place, graph: Graph
) -> None:
    ann, ben = graph.entity("Ann"), graph.entity("Ben", mentions=2)
    graph.relation(ann, "met", ben)

    assert place.shown("--user", "maya") == ["Ben (person), mentioned 2 times", "  met <- Ann"]


@pytest.mark.parametrize(
    ("count", "told"), [(0, ""), (1, " and 1 more"), (LARGEST_PAGE, f" and {LARGEST_PAGE} more")]
)
def test_of_what_is_only_mentioned_some_are_named(
    place: Place, graph: Graph, count: int, told: str
) -> None:
    for number in range(MOST_NAMES + count):
        graph.entity(f"friend {number:03}")

    named = ", ".join(f"friend {number:03}" for number in range(MOST_NAMES))
    assert place.shown("--user", "maya") == [f"also mentioned: {named}{told}"]


def test_namesakes_are_told_apart(place: Place, graph: Graph) -> None:
    person, language = graph.entity("Ada", mentions=2), graph.entity("Ada", "language")
    graph.relation(person, "knows", language)

    graph.entity("maya", "user", mentions=2)
    graph.entity("maya")

    assert place.shown("--user", "maya") == [
        "Ada (person), mentioned 2 times",
        "  knows -> Ada (language)",
        "also mentioned: the user, maya (person)",
    ]


def test_a_tree_tells_what_was_true_and_what_was_known(place: Place, graph: Graph) -> None:
    maya, lisbon = graph.entity("maya", "user"), graph.entity("Lisbon", "city", mentions=0)
    graph.entity("Tom")
    lives = graph.relation(maya, "lives_in", lisbon, retracted_at=SPRING)
    graph.believed(lives, Belief(None, SPRING, recorded_at=SPRING, is_past=True))

    now = place.shown("--user", "maya")
    then = place.shown("--user", "maya", "--at", "2024-02-01")
    believed = place.shown("--user", "maya", "--known-at", "2024-02-01T00:00:00Z")

    assert now == ["also mentioned: Tom, the user"]
    assert then == [
        "the user, mentioned once",
        "  lives in -> Lisbon (until 2024-04-01)",
    ]
    assert believed[1] == "  lives in -> Lisbon"


def test_all_pages_are_shown(place: Place, graph: Graph) -> None:
    hub = graph.entity("maya", "user", mentions=9)
    for number in range(LARGEST_PAGE + 1):
        graph.relation(hub, "knows", graph.entity(f"friend {number}"))

    shown = place.shown("--user", "maya")

    friends = [f"  knows -> friend {number}" for number in range(LARGEST_PAGE + 1)]
    assert sorted(shown) == sorted(["the user, mentioned 9 times", *friends])


def test_a_service_that_never_ends_is_left(
    place: Place, graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = graph.entity("maya", "user")
    for number in range(3):
        graph.relation(hub, "knows", graph.entity(f"friend {number}"))
    monkeypatch.setattr(graph_command, "LARGEST_PAGE", 1)
    monkeypatch.setattr(graph_command, "MAX_PAGES", 2)

    told = place.run("--user", "maya")

    assert told.exit_code == 1
    assert told.stderr.endswith(" has more relations than can be shown\n")


@pytest.mark.parametrize("kind", ["user", "agent", "app", "run"])
def test_every_kind_of_owner_has_a_graph(place: Place, kind: str) -> None:
    place.open_graph(**{kind: "a/b c"}).entity("Ada")

    assert place.shown(f"--{kind}", "a/b c") == ["also mentioned: Ada"]


def test_json_is_as_the_service_answers(place: Place, graph: Graph) -> None:
    ada = graph.entity("Ada")
    knows = graph.relation(ada, "knows", ada)

    printed = json.loads(place.run("--user", "maya", "--json").stdout)

    assert [each["id"] for each in printed["entities"]] == [ada.id]
    assert [each["id"] for each in printed["relations"]] == [knows.triple.id]


def test_an_empty_graph_tells_how_it_is_filled(place: Place) -> None:
    told = place.run("--user", "maya")
    as_json = place.run("--user", "maya", "--json")
    at_a_time = place.run("--user", "maya", "--at", "2024-01-01")

    assert (told.exit_code, told.stdout) == (0, "")
    assert told.stderr.startswith("The graph of user=maya is empty. ")
    assert "enable_graph" in told.stderr
    assert json.loads(as_json.stdout) == {"entities": [], "relations": []}
    assert at_a_time.stderr == "Nothing is known of that time.\n"


def test_a_graph_gives_no_orders_to_the_terminal(place: Place, graph: Graph) -> None:
    ada = graph.entity(HOSTILE)
    graph.relation(ada, "knows", ada)

    printed = place.run("--user", "maya").stdout

    assert "\x1b" not in printed
    assert "\u202e" not in printed
    assert len(printed.splitlines()) == 2


# Mistakes.


@pytest.mark.parametrize(
    ("words", "status", "reason"),
    [
        ((), 2, "--user"),
        (("--user", "u", "--agent", "a"), 2, "Give only one of --user"),
        (("--user", "u", "--dot", "--json"), 2, "Give either --dot or --json"),
        (("--user", "u", "--at", "soon"), 1, "Error: true_at must be"),
        (("--user", "u", "--known-at", ""), 1, "Error: known_at must be"),
    ],
)
def test_a_wrong_use_is_explained(
    place: Place, words: tuple[str, ...], status: int, reason: str
) -> None:
    result = place.run(*words)

    assert (result.exit_code, result.stdout) == (status, "")
    assert reason in result.stderr.splitlines()[-1]


# A picture.


TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|->|[\[\]{};=]|\w+)')
ESCAPES = {"\\n": "\n", "\\\\": "\\", '\\"': '"', "&amp;": "&"}


def tokens(source: str) -> list[str]:
    """Return the tokens of DOT source; strings as Graphviz would draw them, behind a quote."""
    found, place = [], 0
    source = source.strip()
    while place < len(source):
        match = TOKEN.match(source, place)
        assert match, f"no token at {source[place : place + 40]!r}"
        found.append(drawn(match[1]) if match[1].startswith('"') else match[1])
        place = match.end()
    return found


def drawn(quoted: str) -> str:
    text = re.sub(r"\\.|&[^;]*;|&", lambda escape: ESCAPES[escape[0]], quoted[1:-1])
    return f'"{text}'


def statements(source: str) -> list[tuple[str, ...]]:
    """Return (id, label) of every node and (from, to, label) of every edge."""
    first, opening, *rest, closing = tokens(source)
    assert (first, opening, closing) == ("digraph", "{", "}")
    found: list[tuple[str, ...]] = []
    while rest:
        end = rest.index(";")
        statement, rest = rest[:end], rest[end + 1 :]
        words = [each[1:] for each in statement if each.startswith('"')]
        shape = [each if not each.startswith('"') else "" for each in statement]
        arrow = ["->", ""] if len(words) == 3 else []
        assert shape == ["", *arrow, "[", "label", "=", "", "]"]
        found.append(tuple(words))
    return found


def test_a_picture_has_every_entity_and_relation(place: Place, graph: Graph) -> None:
    maya, lisbon = graph.entity("maya", "user", mentions=2), graph.entity("Lisbon", "home_town")
    graph.relation(maya, "lives_in", lisbon, valid_from=NEW_YEAR, valid_to=None)

    assert statements("\n".join(place.shown("--user", "maya", "--dot"))) == [
        (maya.id, "maya\nuser"),
        (lisbon.id, "Lisbon\nhome town"),
        (maya.id, lisbon.id, "lives in\n(since 2024-01-01)"),
    ]


@pytest.mark.parametrize(
    "name",
    [
        HOSTILE,
        '"',
        "\\",
        '\\"',
        "ends with \\",
        'x"]; "y" -> "z" [label="w',
        "\\n \\l \\r \\N \\G",
        "AT&T &lt;b&gt; &",
        "<b>bold</b>",
        "line one\nline two\r\nline three",
        "👩\u200d🚀",
    ],
)
def test_a_name_in_a_picture_is_a_name_and_nothing_else(
    place: Place, graph: Graph, name: str
) -> None:
    ada = graph.entity(name)
    graph.relation(ada, "knows", ada)

    node, edge = statements(place.run("--user", "maya", "--dot").stdout)

    assert node == (ada.id, "\n".join([*expected_lines(name), "person"]))
    assert edge == (ada.id, ada.id, "knows")


def expected_lines(name: str) -> list[str]:
    visible = name.replace("\x1b", " ").replace("\u202e", " ")
    return [" ".join(line.split()) for line in visible.splitlines()]


def test_an_empty_picture_is_one(place: Place) -> None:
    told = place.run("--user", "maya", "--dot")

    assert statements(told.stdout) == []
    assert "enable_graph" in told.stderr


def test_the_checks_of_pictures_can_fail() -> None:
    for broken in ('digraph {"a" [label="b"c"];}', 'digraph {"a" [label="\\N"];}', "digraph {"):
        with pytest.raises((AssertionError, KeyError, ValueError)):
            statements(broken)
