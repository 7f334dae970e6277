"""Users, agents, apps and runs may have any printable name, and it means nobody else."""

import re
from urllib.parse import quote

import httpx
import pytest

from recollect.domain.subjects import MAX_NAME_LENGTH
from tests.callers import ADD, ADDRESS, LIST, SEARCH, listed, refused, remembered, total

STRANGE_NAMES = [
    "ada lovelace",
    "a/b",
    "a//b/",
    "/a",
    "https://a.example",
    "../ada",
    'a"b',
    "a'b",
    "a\\b",
    "a,b",
    "a;b",
    "a&b=c",
    "a+b",
    "a%2Fb",
    "a?b#c",
    "{a}",
    "a:b|c",
    "50%",
    "ünï",
    "愛達",
    "👩‍💻",
    "null",
    "None",
    "0",
    "a*",
    "-",
    "' OR 1=1 --",
    "u" * MAX_NAME_LENGTH,
]


@pytest.mark.parametrize("kind", ["user_id", "run_id"])
@pytest.mark.parametrize("name", STRANGE_NAMES)
def test_a_strange_name_finds_lists_and_deletes_exactly_its_own(
    service: httpx.Client, kind: str, name: str
) -> None:
    others = {part for part in name.split(",") if part != name} | {f"{name[:200]}x", "a", "b"}
    for other in sorted(others):
        remembered(service, f"{other} keeps cats", **{kind: other})
    remembered(service, "I keep bees", **{kind: name})
    search = {"query": "bees", "filters": {kind: name}, "threshold": 0.0}

    [found] = service.post(SEARCH, json=search).json()["results"]
    entities = service.get("/v1/entities/").json()["results"]
    before = listed(service, **{kind: name})
    deleted = service.delete("/v1/memories/", params={kind: name})

    assert (found[kind], before) == (name, ["I keep bees"])
    assert name in {entity["id"] for entity in entities}
    assert deleted.status_code == 200
    assert listed(service, **{kind: name}) == []
    assert total(service) == len(others)


@pytest.mark.parametrize("root", ["/v2/entities", "/entities", "//v2//entities"])
@pytest.mark.parametrize("name", STRANGE_NAMES)
def test_a_strange_name_in_a_path_deletes_exactly_its_own(
    service: httpx.Client, root: str, name: str
) -> None:
    others = {re.sub("/+", "/", name), name.strip("/"), f"{name[:200]}x"} - {name}
    for other in sorted(others):
        remembered(service, f"{other} keeps cats", app_id=other)
    remembered(service, "I keep bees", app_id=name)
    path = quote(name, safe="")

    shown = service.get(f"/v1/memories/app/{path}/").json()["results"]
    deleted = service.delete(f"{ADDRESS}{root}/app/{path}/")

    assert [memory["memory"] for memory in shown] == ["I keep bees"]
    assert deleted.status_code == 200
    assert sorted(listed(service, app_id="*")) == sorted(f"{each} keeps cats" for each in others)


@pytest.mark.parametrize("name", ["a\u0000b", "a\nb", "\u001b[2J", "a\u0085b"])
def test_a_name_with_control_characters_is_refused_everywhere(
    service: httpx.Client, name: str
) -> None:
    reasons = {
        refused(service.post(ADD, json={"messages": "hello", "user_id": name})),
        refused(service.post(LIST, json={"filters": {"user_id": name}})),
        refused(service.post(SEARCH, json={"query": "hello", "filters": {"user_id": name}})),
        refused(service.delete("/v1/memories/", params={"user_id": name})),
    }

    assert reasons == {"user_id must not contain control characters"}


def test_a_name_with_a_comma_is_not_two_names(service: httpx.Client) -> None:
    for name in ("a", "b", "a,b"):
        remembered(service, f"{name} keeps bees", user_id=name)

    service.delete("/v1/memories/", params={"user_id": "a,b"})

    assert listed(service, user_id="*") == ["b keeps bees", "a keeps bees"]
