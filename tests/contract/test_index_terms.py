"""How an index on OpenSearch tells whose terms it has, and what is done about older ones."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from recollect.adapters.aws.index_builds import OpenSearchIndexBuilds
from recollect.adapters.aws.index_family import slug
from recollect.domain.text import TERMS_VERSION
from tests.contract.indexes import MODEL, a_client, no_sleep, some_settings
from tests.contract.opensearch_stub import OpenSearchStub, Reply, Request, running_stub

SETTINGS = some_settings()
PREFIX = SETTINGS.prefix
NOT_FOUND = Reply.of(404, {"error": "not found", "status": 404})
Index = dict[str, Any]


class Indices:
    """The part of an engine that knows indices, their aliases and their mappings."""

    def __init__(self, **indices: Index) -> None:
        self.known = indices

    def __call__(self, request: Request) -> Reply:
        body = json.loads(request.body) if request.body else {}
        if request.path == "/_aliases":
            return self._update(body["actions"])
        name, _, operation = request.path.strip("/").partition("/")
        if request.method == "PUT":
            if not operation:
                self.known[name] = body
            return Reply.of(200, {})
        found = {
            each: index
            for each, index in self.known.items()
            if name == each or name in index["aliases"]
        }
        if not found:
            return NOT_FOUND
        if request.method == "DELETE":
            del self.known[name]
        key = {"_alias": "aliases", "_mapping": "mappings"}.get(operation.partition("/")[0])
        return Reply.of(
            200, {each: {key: index[key]} for each, index in found.items()} if key else {}
        )

    def _update(self, actions: list[dict[str, dict[str, str]]]) -> Reply:
        for action in actions:
            [(kind, given)] = action.items()
            aliases = self.known[given["index"]]["aliases"]
            if kind == "add":
                aliases[given["alias"]] = {}
            else:
                del aliases[given["alias"]]
        return Reply.of(200, {})


def name_of(number: int) -> str:
    return f"{PREFIX}-{slug(MODEL)}-{number:06}"


def an_index(*aliases: str, terms: int | None = TERMS_VERSION) -> Index:
    """Return an index behind these aliases; without terms as the first release made it."""
    mappings = {} if terms is None else {"_meta": {"terms": terms}}
    return {
        "aliases": {f"{PREFIX}-{alias}": {} for alias in (*aliases, "all")},
        "mappings": {**mappings, "properties": {}},
    }


@contextmanager
def building_on(indices: Indices) -> Iterator[tuple[OpenSearchIndexBuilds, OpenSearchStub]]:
    with running_stub(None, indices) as stub, a_client(stub.url) as client:
        yield OpenSearchIndexBuilds(client, SETTINGS, no_sleep), stub


def searched(indices: Indices) -> list[str]:
    return [name for name, each in indices.known.items() if f"{PREFIX}-read" in each["aliases"]]


def test_a_new_index_tells_whose_terms_it_has() -> None:
    indices = Indices()
    with building_on(indices) as (builds, _):
        assert not builds.is_outdated()

        builds.prepare()

        assert not builds.is_outdated()
    [made] = indices.known.values()
    assert made["mappings"]["_meta"] == {"terms": TERMS_VERSION}


@pytest.mark.parametrize("terms", [None, TERMS_VERSION - 1, TERMS_VERSION + 1])
def test_an_index_of_another_release_is_noticed_and_replaced(terms: int | None) -> None:
    indices = Indices(**{name_of(1): an_index("read", "write", terms=terms)})
    with building_on(indices) as (builds, _):
        assert builds.is_outdated()

        builds.begin()
        assert builds.is_outdated()
        assert searched(indices) == [name_of(1)]
        builds.finish()

        assert not builds.is_outdated()
    assert list(indices.known) == searched(indices) == [name_of(2)]


def test_a_build_that_another_release_began_is_given_up() -> None:
    indices = Indices(
        **{
            name_of(1): an_index("read", "write", terms=None),
            name_of(2): an_index("write", terms=None),
        }
    )
    with building_on(indices) as (builds, _):
        builds.begin()
        assert [name for name in indices.known if name != name_of(1)] == [name_of(2), name_of(3)]
        builds.begin()
        builds.finish()

    assert list(indices.known) == [name_of(3)]


def test_a_build_of_ours_goes_on() -> None:
    indices = Indices(
        **{name_of(1): an_index("read", "write", terms=None), name_of(2): an_index("write")}
    )
    with building_on(indices) as (builds, _):
        builds.begin()
        builds.finish()

    assert list(indices.known) == [name_of(2)]


def test_what_an_index_has_is_asked_once() -> None:
    indices = Indices(**{name_of(1): an_index("read", "write")})
    with building_on(indices) as (builds, stub):
        for _ in range(3):
            assert not builds.is_outdated()

        asked = [each for each in stub.requests if re.search("_mapping$", each.path)]

    assert len(asked) == 1


def test_an_index_that_is_dropped_meanwhile_is_none_of_ours() -> None:
    indices = Indices(**{name_of(1): an_index("read", "write")})

    def dropping(request: Request) -> Reply | None:
        return NOT_FOUND if request.path.endswith("_mapping") else None

    answers: list[Callable[[Request], Reply | None]] = [dropping, indices]
    with running_stub(None, *answers) as stub, a_client(stub.url) as client:
        assert OpenSearchIndexBuilds(client, SETTINGS, no_sleep).is_outdated()
