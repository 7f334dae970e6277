"""Bad input: a clear error in every client's words, nothing stored, and never a 5xx."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recollect.domain.subjects import MAX_NAME_LENGTH
from recollect.entrypoints.bodies import MAX_DEPTH
from recollect.entrypoints.invocation import MAX_PAYLOAD_BYTES
from tests.callers import (
    ADD,
    LIST,
    SEARCH,
    listed,
    new_id,
    refusal_of,
    refused,
    remembered,
    total,
)

Json = dict[str, Any]

KINDS = ("user_id", "agent_id", "app_id", "run_id")
HUGE = 10**40
TRUE: object = True
BODIES: dict[str, tuple[bytes, str]] = {
    "missing": (b"", "body: Field required"),
    "not JSON": (b"messages=hello", "The body is not JSON"),
    "cut off": (b'{"messages": "hel', "The body is not JSON"),
    "followed by more": (b'{"messages": "hello"} {}', "The body is not JSON"),
    "in single quotes": (b"{'messages': 'hello'}", "The body is not JSON"),
    "not UTF-8": (b'{"messages": "\xff"}', "The body is not UTF-8"),
    "in UTF-16": ('{"messages": "hello"}'.encode("utf-16"), "The body is not UTF-8"),
    "a list": (b'["hello"]', "The body must be a JSON object"),
    "a text": (b'"hello"', "The body must be a JSON object"),
    "a number": (b"1", "The body must be a JSON object"),
    "null": (b"null", "The body must be a JSON object"),
    "half a surrogate pair": (b'{"messages": "\\ud83d"}', "half of a surrogate pair"),
    "half a pair as a key": (b'{"\\udc00": 1}', "half of a surrogate pair"),
    "NaN": (b'{"metadata": {"a": NaN}}', "a number that cannot be read"),
    "infinite": (b'{"metadata": {"a": -Infinity}}', "a number that cannot be read"),
    "beyond a double": (b'{"metadata": {"a": 1e999}}', "a number that cannot be read"),
    "of 5,000 digits": (b'{"timestamp": %s}' % (b"9" * 5_000), "a number that cannot be read"),
    "deep": (b'{"metadata": %s}' % (b'{"a":' * 200 + b"1" + b"}" * 200), "nested too deeply"),
    "very deep": (b'{"a": %s}' % (b"[" * 100_000 + b"]" * 100_000), "nested too deeply"),
}


@pytest.fixture
def client(service: httpx.Client) -> Iterator[httpx.Client]:
    """A client whose project must have no memory after the test."""
    yield service
    assert total(service) == 0


@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
@pytest.mark.parametrize("path", [ADD, SEARCH, LIST, "/v1/keys/"])
@pytest.mark.parametrize("body", BODIES)
def test_a_body_that_is_no_json_object(
    client: httpx.Client, body: str, path: str, content_type: str
) -> None:
    content, reason = BODIES[body]

    response = client.post(path, content=content, headers={"content-type": content_type})

    assert reason in refused(response)


def test_a_body_for_an_update_that_is_no_json_object(service: httpx.Client) -> None:
    memory_id = remembered(service, "Ada keeps bees", user_id="ada")

    for content, reason in BODIES.values():
        response = service.put(f"/v1/memories/{memory_id}/", content=content)
        assert reason in refused(response)

    assert service.get(f"/v1/memories/{memory_id}/").json()["version"] == 1


def test_the_deepest_body_that_is_taken_is_given_back(service: httpx.Client) -> None:
    value: object = "deep"
    for _ in range(MAX_DEPTH - 2):
        value = {"a": value}

    memory_id = remembered(service, "Ada keeps bees", user_id="ada", metadata=value)

    assert service.get(f"/v1/memories/{memory_id}/").json()["metadata"] == value
    too_deep = {"text": "Ada keeps cats", "metadata": {"a": {"a": value}}}
    assert "nested" in refused(service.put(f"/v1/memories/{memory_id}/", json=too_deep))


@pytest.mark.parametrize("path", [ADD, SEARCH, LIST])
def test_a_body_larger_than_a_function_can_be_given(client: httpx.Client, path: str) -> None:
    content = b'{"messages": "%s", "user_id": "ada"}' % (b"x" * MAX_PAYLOAD_BYTES)

    assert "too large" in refused(client.post(path, content=content), 413)


def test_a_text_or_metadata_larger_than_a_memory(client: httpx.Client) -> None:
    large = "é" * 20_000
    body = {"messages": "hello", "user_id": "ada", "infer": False}

    text = refused(client.post(ADD, json={**body, "messages": large}))
    metadata = refused(client.post(ADD, json={**body, "metadata": {"a": large}}))

    assert "at most 32768 bytes" in text
    assert "at most 32768 bytes" in metadata


def each(field: str, *values: object) -> list[Json]:
    return [{field: value} for value in values]


def a_turn(**fields: object) -> list[Json]:
    return [{"role": "user", "content": "hello", **fields}]


A_PICTURE = {"type": "image_url", "image_url": "https://a.example/b.png"}
WRONG: dict[str, list[Json]] = {
    ADD: [
        *each("messages", None, 5, TRUE, {}, [], "", " \n", [None], [5], [[]]),
        *each("messages", a_turn(content=5), a_turn(content=TRUE), a_turn(content=[5])),
        *each("messages", a_turn(content=[{"type": "image_url"}]), a_turn(content={"text": 5})),
        *each(
            "messages", a_turn(role=5), a_turn(role=None), a_turn(role=""), a_turn(role="r" * 65)
        ),
        *each("messages", a_turn(name=5), a_turn(name=[]), a_turn(name="n" * 257)),
        *each("messages", a_turn(role="system")),
        *each("messages", a_turn(timestamp=TRUE), a_turn(timestamp="soon"), a_turn(timestamp=HUGE)),
        *each("messages", a_turn(content={"type": "pdf_url", "pdf_url": {"url": "data:,a"}})),
        *each("messages", a_turn(content={"type": "image_url", "image_url": "http://a.example"})),
        *each("messages", a_turn(content={"type": "txt_url", "txt_url": "https://a.example/b"})),
        *each("messages", a_turn(content=[A_PICTURE] * 21)),
        *each("memory_type", 5, "", "procedural", "procedural_memory", ["semantic_memory"]),
        *(
            wrong
            for wish in ("custom_instructions", "includes", "prompt")
            for wrong in each(wish, 5, TRUE, [], {}, "w" * 20_001)
        ),
        *each("custom_categories", 5, "food", {"food": ""}, [5], [["food"]], [{"food": 5}]),
        *each("custom_categories", [""], [{"": "food"}], ["c" * 101], ["food"] * 101),
        *each("reference_date", TRUE, [], "", "yesterday", HUGE),
        *(wrong for kind in KINDS for wrong in each(kind, 5, TRUE, [], {}, ["ada"], "", " ", "*")),
        *each("user_id", "u" * (MAX_NAME_LENGTH + 1)),
        *each("filters", 5, "ada", [], {"user_id": 5}, {"user_id": ["ada"]}),
        *each("filters", {"user_id": "grace"}, {"userId": "grace"}),
        *each("metadata", 5, "a", [], TRUE),
        *each("infer", 5, "maybe", []),
        *each("immutable", 5, "maybe", []),
        *each("timestamp", TRUE, [], {}, "", "yesterday", "2026-13-01"),
        *each("timestamp", HUGE, -HUGE, 1.7e12, 1e308, "0001-01-01T00:00:00+14:00"),
        *each("expiration_date", 5, TRUE, [], "", "tomorrow", "2026-02-30", "01/02/2030"),
        *each("expiration_date", "2030-01-01T00:00", "10000-01-01", 1893456000),
    ],
    SEARCH: [
        *each("query", None, 5, TRUE, [], {}, "", " ", "q" * 8_001),
        *each("top_k", 0, -1, 1_001, HUGE, 1.5, TRUE, "ten", [], {}, ""),
        *each("limit", 0, -1, 1_001, HUGE, 1.5, TRUE),
        *each("threshold", -0.1, 1.1, HUGE, TRUE, "high", "nan", []),
        *each("metadata", 5, "a", [], {"a": {"gt": 1}}),
        *each("explain", 5, "maybe", []),
        *each("include_context", 5, "maybe", []),
    ],
    LIST: [
        *each("page", 0, -1, 1_000_000, HUGE, 1.5, TRUE, "one", [], {}),
        *each("page_size", 0, -1, 201, HUGE, 1.5, TRUE, "all"),
        *each("keywords", 5, [], {}, " "),
        *each("start_date", TRUE, [], "soon", HUGE),
        *each("end_date", TRUE, [], "soon", HUGE),
    ],
}
FILTERED: list[Json] = [
    *each("filters", None, 5, "ada", [], [{"user_id": "ada"}], {}),
    *each("filters", *each("user_id", 5, None, TRUE, [], {}, "", " ", "u" * 257, "a\u0000b")),
    *each("filters", *each("user_id", {"in": "ada"}, {"in": ["ada", 5]}, {"nin": ["ada"]})),
    *each("filters", {"name": "ada"}, {"AND": [{"user_id": "ada"}, {"colour": "red"}]}),
    *each("filters", {"user_id": {"ne": "ada"}}, {"NOT": {"user_id": "ada"}}),
    *each("filters", {"OR": [{"user_id": "ada"}, {"text": "hello"}]}),
    *each("filters", {"categories": {"in": ["food"]}}),
    *each(
        "filters",
        {"user_id": "ada", "created_at": {"eq": "2026-01-01"}},
        {"user_id": "ada", "created_at": {"gte": "soon"}},
        {"user_id": "ada", "created_at": {"gte": HUGE}},
        {"user_id": "ada", "categories": {"eq": "food"}},
        {"user_id": "ada", "metadata": {"a": {"gt": 1}}},
        {"user_id": "ada", "memory_ids": ["m"] * 1_001},
        {"user_id": "ada", "AND": {"run_id": "r"}},
        {"user_id": "ada", "OR": "run_id"},
        {"user_id": "ada", "OR": [5]},
    ),
    *({kind: "ada"} for kind in KINDS),
    *each("fields", 5, "memory", [5], {}),
    *each("categories", 5, "food", [5], [" "]),
    *each("show_expired", 5, "maybe", []),
]
GOOD: dict[str, Json] = {
    ADD: {"messages": "hello there", "user_id": "ada"},
    SEARCH: {"query": "hello", "filters": {"user_id": "ada"}},
    LIST: {"filters": {"user_id": "ada"}},
}
CASES = [
    *((path, wrong) for path, several in WRONG.items() for wrong in several),
    *((path, wrong) for path in (SEARCH, LIST) for wrong in FILTERED),
]


@pytest.mark.parametrize("path", GOOD)
def test_the_body_that_the_bad_ones_differ_from_is_good(service: httpx.Client, path: str) -> None:
    assert service.post(path, json=GOOD[path]).status_code == 200


@pytest.mark.parametrize(("path", "wrong"), CASES, ids=lambda value: str(value)[:60])
def test_a_field_with_a_wrong_value(client: httpx.Client, path: str, wrong: Json) -> None:
    reason = refused(client.post(path, json={**GOOD[path], **wrong}))

    assert len(reason) < 1_000


@pytest.mark.parametrize("path", GOOD)
def test_a_field_that_is_missing(client: httpx.Client, path: str) -> None:
    for field in GOOD[path]:
        body = {name: value for name, value in GOOD[path].items() if name != field}
        assert refused(client.post(path, json=body))


@pytest.mark.parametrize("path", GOOD)
def test_fields_nobody_declared_are_ignored(service: httpx.Client, path: str) -> None:
    body = {**GOOD[path], "source": "CLI", "version": "v2", "enable_graph": True, "": None}

    assert service.post(path, json=body).status_code == 200


@pytest.mark.parametrize(
    ("path", "switches"),
    [
        (ADD, ["infer", "immutable", "enable_graph", "async_mode"]),
        (SEARCH, ["show_expired", "explain", "include_context", "enable_graph", "rerank"]),
        (LIST, ["show_expired", "latest_only", "include_merged"]),
    ],
)
def test_a_switch_that_is_null_is_one_that_is_not_given(
    service: httpx.Client, path: str, switches: list[str]
) -> None:
    body = {**GOOD[path], **dict.fromkeys(switches)}

    assert service.post(path, json=body).status_code == 200


UPDATES: list[Json] = [
    *each("text", 5, TRUE, [], {}, "", " ", "x" * 40_000),
    *each("metadata", 5, "a", []),
    *each("timestamp", TRUE, [], "soon", HUGE),
    *each("expiration_date", 5, "", "soon", "2026-02-30"),
    {},
    {"text": None},
    {"name": "nothing of ours"},
]


@pytest.mark.parametrize("wrong", UPDATES, ids=lambda value: str(value)[:60])
def test_an_update_with_a_wrong_value_changes_nothing(service: httpx.Client, wrong: Json) -> None:
    memory_id = remembered(service, "Ada keeps bees", user_id="ada")
    before = service.get(f"/v1/memories/{memory_id}/").json()

    refused(service.put(f"/v1/memories/{memory_id}/", json=wrong))

    assert service.get(f"/v1/memories/{memory_id}/").json() == before


def test_an_immutable_memory_and_a_text_that_is_taken_are_conflicts(service: httpx.Client) -> None:
    fixed = remembered(service, "Ada keeps bees", user_id="ada", immutable=True)
    other = remembered(service, "Ada keeps cats", user_id="ada")

    for memory_id, text in ((fixed, "Ada keeps dogs"), (other, "Ada keeps bees")):
        response = service.put(f"/v1/memories/{memory_id}/", json={"text": text})
        assert refused(response, 409)

    assert listed(service, user_id="ada") == ["Ada keeps cats", "Ada keeps bees"]


def test_texts_are_given_back_as_they_came(service: httpx.Client) -> None:
    text = 'nul \u0000, tab \t, quote ", 👩‍💻, \u202e, \ufffd, </script>'

    memory_id = remembered(service, text, user_id="ada", metadata={"a": text, text: HUGE})

    memory = service.get(f"/v1/memories/{memory_id}/").json()
    assert memory["memory"] == text
    assert memory["metadata"] == {"a": text, text: HUGE}


KEYS = st.sampled_from(
    [
        *(*KINDS, "AND", "OR", "NOT", "in", "ne", "metadata", "content", "role", "type", "source"),
        *("image_url", "file", "file_data", "txt_url", "url", "data", "text"),
    ]
)
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.sampled_from(["ada", "*", "AND", "2026-01-01", "user_id", new_id()])
    | st.sampled_from(["text", "image_url", "file", "document", "data:,a", "base64"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
FIELDS = sorted(
    {*KINDS, "messages", "filters", "query", "top_k", "threshold", "page", "page_size", "fields"}
    | {"metadata", "infer", "timestamp", "expiration_date", "categories", "start_date", "keywords"}
    | {"memory_type", "prompt", "includes", "custom_categories", "reference_date"}
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(path=st.sampled_from([ADD, SEARCH, LIST]), wrong=st.data())
def test_whatever_stands_in_a_body_is_answered_or_refused(
    service: httpx.Client, path: str, wrong: st.DataObject
) -> None:
    changes = wrong.draw(st.dictionaries(st.sampled_from(FIELDS), JSON_VALUES, max_size=4))

    response = service.post(path, json={**GOOD[path], **changes})

    assert response.status_code in {200, 400, 404}, response.text
    if response.status_code != 200:
        refusal_of(response)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_body_where_none_belongs_is_not_looked_at(service: httpx.Client, method: str) -> None:
    path = "/v1/ping/" if method == "GET" else f"/v1/memories/{new_id()}/"

    response = service.request(method, path, content=b"{not json")

    assert response.status_code == (200 if method == "GET" else 404)


def test_unknown_query_parameters_are_ignored(service: httpx.Client) -> None:
    remembered(service, "Ada keeps bees", user_id="ada")
    extra: Mapping[str, str] = {"source": "CLI", "nothing": ""}

    for path in ("/v1/ping/", "/v1/entities/"):
        assert service.get(path, params=extra).status_code == 200
    harmless = {"user_id": "ada", "source": "CLI"}
    assert service.delete("/v1/memories/", params=harmless).status_code == 200


def test_a_refusal_does_not_repeat_a_whole_body(client: httpx.Client) -> None:
    part = {"type": "x" * 100_000}
    body = {"messages": [{"role": "user", "content": part}], "user_id": "ada"}

    assert len(refused(client.post(ADD, json=body))) < 200
    assert json.dumps(part) not in client.post(ADD, json=body).text
