"""`recollect graph show`."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import parse_qs, urlsplit

import click

from recollect.domain.errors import UnavailableError
from recollect.domain.graph import USER_TYPE
from recollect.entrypoints.cli.client import Api
from recollect.entrypoints.cli.graph_redrive import redrive
from recollect.entrypoints.cli.options import connected, json_option, subjects_required
from recollect.entrypoints.cli.output import examples, names, one_line, print_json, say
from recollect.entrypoints.graph_answers import (
    GraphEntityAnswer,
    GraphEntityPageAnswer,
    GraphRelationAnswer,
    GraphRelationPageAnswer,
)
from recollect.entrypoints.graph_outcomes import THE_USER

Page = TypeVar("Page", GraphEntityPageAnswer, GraphRelationPageAnswer)

LARGEST_PAGE: Final = 100
"""What the service returns at most in one page."""
MAX_PAGES: Final = 10_000
"""A million of them: more than any owner has."""
HOPS: Final = 2
"""Relations in a row below an entity of a tree."""
MOST_NAMES: Final = 20
"""Of entities that are only mentioned."""


@dataclass(frozen=True)
class Node:
    """An entity as it is shown."""

    id: str
    name: str
    type: str
    mentions: int

    def __str__(self) -> str:
        """Return its name with its type, on one line; the user is the user, whatever the id is."""
        if self.type == USER_TYPE:
            return THE_USER
        return f"{one_line(self.name)} ({_words(self.type)})"


@dataclass(frozen=True)
class Picture:
    """Entities, those with most mentions first, and relations in the same order."""

    nodes: Mapping[str, Node]
    relations: Sequence[GraphRelationAnswer]

    @classmethod
    def of(
        cls, entities: Sequence[GraphEntityAnswer], relations: Sequence[GraphRelationAnswer]
    ) -> "Picture":
        """Return these, and the entities at the ends of relations that memories mention no more."""
        nodes = [node for each in relations for node in _ends(each)]
        nodes += [
            Node(each["id"], each["name"], each["type"], each["mentions"]) for each in entities
        ]
        last = {node.id: node for node in nodes}
        ranked = sorted(last.values(), key=lambda node: (-node.mentions, node.name, node.id))
        return cls(
            {node.id: node for node in ranked},
            sorted(
                relations, key=lambda each: (-each["mentions"], each["relationship"], each["id"])
            ),
        )


@click.group()
def graph() -> None:
    """Show who and what memories speak of."""


graph.add_command(redrive)


@graph.command(
    epilog=examples(
        "recollect graph show --user maya",
        "recollect graph show --user maya --at 2026-01-31",
        "recollect graph show --user maya --dot > maya.dot",
    )
)
@subjects_required
@click.option("--at", "true_at", metavar="TIME", help="What was true then.  [default: now]")
@click.option("--known-at", metavar="TIME", help="By what was known then.  [default: now]")
@click.option("--dot", "is_dot", is_flag=True, help="Print the source of a picture, for Graphviz.")
@json_option
@connected
def show(
    api: Api,
    *,
    ids: dict[str, str],
    true_at: str | None,
    known_at: str | None,
    is_dot: bool,
    is_json: bool,
) -> None:
    """Show a graph as a tree: the user, and what everybody is to others, each relation once.

    "lives in -> Lisbon" is said of the entity above it, "knows <- Tom" of Tom. What is mentioned
    most comes first. A TIME is a day or an ISO 8601 time; with one, only what is related is shown.
    """
    _check_use(ids, is_dot=is_dot, is_json=is_json)
    times = {"true_at": true_at, "known_at": known_at}
    asked = {name: time for name, time in times.items() if time is not None}
    relations = _all(api, GraphRelationPageAnswer, "relations", {**ids, **asked})
    entities = _all(api, GraphEntityPageAnswer, "entities", ids)
    if asked:
        related = {end.id for each in relations for end in _ends(each)}
        entities = [each for each in entities if each["id"] in related]
    if is_json:
        print_json({"entities": entities, "relations": relations})
    else:
        picture = Picture.of(entities, relations)
        for line in _dot(picture) if is_dot else _tree(picture):
            click.echo(line)
    if not entities and not relations:
        say("Nothing is known of that time." if asked else _nothing(ids))


def _check_use(ids: Mapping[str, str], *, is_dot: bool, is_json: bool) -> None:
    if len(ids) != 1:
        message = "Give only one of --user, --agent, --app and --run: each has a graph of its own."
        raise click.UsageError(message)
    if is_dot and is_json:
        message = "Give either --dot or --json."
        raise click.UsageError(message)


def _nothing(ids: Mapping[str, str]) -> str:
    return (
        f'The graph of {names(ids)} is empty. Add memories with "enable_graph": true, or set'
        " enable_graph for the project."
    )


def _all(api: Api, kind: type[Page], what: str, query: Mapping[str, Any]) -> list[Any]:
    found: list[Any] = []
    query = {**query, "page_size": LARGEST_PAGE}
    for _ in range(MAX_PAGES):
        page = api.call(kind, "GET", f"/v1/graph/{what}/", query=query)
        found += page["results"]
        if not page["next"]:
            return found
        query = parse_qs(urlsplit(page["next"]).query)
    message = f"{api.name} has more {what} than can be shown"
    raise UnavailableError(message)


def _ends(relation: GraphRelationAnswer) -> tuple[Node, Node]:
    return (
        Node(relation["source_id"], relation["source"], relation["source_type"], 0),
        Node(relation["target_id"], relation["target"], relation["target_type"], 0),
    )


def _tree(picture: Picture) -> Iterator[str]:
    names, around = _short_names(picture), _around(picture)
    shown: set[str] = set()

    def branches(entity_id: str, hops: int) -> Iterator[str]:
        hanging = [each for each in around[entity_id] if each["id"] not in shown]
        # All of them before what hangs on the first: a relation is nearest to where it starts.
        shown.update(each["id"] for each in hanging)
        for each in hanging:
            is_source = each["source_id"] == entity_id
            other = each["target_id" if is_source else "source_id"]
            arrow = "->" if is_source else "<-"
            yield f"  {_words(each['relationship'])} {arrow} {names[other]}{_when(each)}"
            if hops > 1:
                yield from (f"  {line}" for line in branches(other, hops - 1))

    for node in sorted(picture.nodes.values(), key=lambda node: node.type != USER_TYPE):
        below = list(branches(node.id, HOPS))
        if below:
            yield f"{node}, {_times(node.mentions)}"
            yield from below
    yield from _also([names[key] for key in picture.nodes if not around[key]])


def _short_names(picture: Picture) -> dict[str, str]:
    """Return what to call each entity, by its id: namesakes with their types."""
    namesakes = Counter(one_line(node.name) for node in picture.nodes.values())
    return {
        key: name
        if node.type != USER_TYPE and namesakes[name := one_line(node.name)] == 1
        else str(node)
        for key, node in picture.nodes.items()
    }


def _around(picture: Picture) -> dict[str, list[GraphRelationAnswer]]:
    """Return the relations of each entity, by its id."""
    around: dict[str, list[GraphRelationAnswer]] = {key: [] for key in picture.nodes}
    for each in picture.relations:
        for end in {each["source_id"], each["target_id"]}:
            around[end].append(each)
    return around


def _also(names: Sequence[str]) -> Iterator[str]:
    if names:
        more = len(names) - MOST_NAMES
        listed = ", ".join(names[:MOST_NAMES])
        yield f"also mentioned: {listed}{f' and {more} more' if more > 0 else ''}"


def _dot(picture: Picture) -> Iterator[str]:
    yield "digraph {"
    for node in picture.nodes.values():
        yield f"  {_quoted(node.id)} [label={_quoted(node.name, _words(node.type))}];"
    for each in picture.relations:
        ends = f"{_quoted(each['source_id'])} -> {_quoted(each['target_id'])}"
        label = _quoted(_words(each["relationship"]), _when(each))
        yield f"  {ends} [label={label}];"
    yield "}"


def _quoted(*lines: str) -> str:
    """Return a quoted string of DOT, in whose labels backslashes and `&` have meanings, too.

    https://graphviz.org/doc/info/lang.html and https://graphviz.org/docs/attr-types/escString/
    """
    escapes = str.maketrans({"\\": "\\\\", '"': '\\"', "&": "&amp;"})
    single = [one_line(part) for line in lines for part in line.splitlines()]
    return '"' + "\\n".join(part.translate(escapes) for part in single if part) + '"'


def _words(label: str) -> str:
    return one_line(label.replace("_", " "))


def _times(mentions: int) -> str:
    words = {0: "mentioned no more", 1: "mentioned once"}
    return words.get(mentions, f"mentioned {mentions} times")


def _when(relation: GraphRelationAnswer) -> str:
    since, until = relation["valid_from"], relation["valid_to"]
    parts = [
        *([f"since {one_line(since)[:10]}"] if since else []),
        *([f"until {one_line(until)[:10]}"] if until else []),
    ]
    return f" ({', '.join(parts)})" if parts else ""
