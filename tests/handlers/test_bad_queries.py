"""Bad ids, pages and queries: a clear error, nothing changed, and never a 5xx."""

import base64
from collections.abc import Iterator

import httpx
import pytest

from recollect.domain.subjects import MAX_NAME_LENGTH
from recollect.entrypoints.caller import MAX_IDEMPOTENCY_KEY_LENGTH
from tests.callers import ADD, AN_ID, LIST, listed, new_id, refused, remembered, total


@pytest.fixture
def client(service: httpx.Client) -> Iterator[httpx.Client]:
    """A client whose project must have no memory after the test."""
    yield service
    assert total(service) == 0


MALFORMED_IDS = [
    "1",
    "null",
    "%20",
    "%00",
    "%22%27",
    "%F0%9F%98%80",
    "%FF",
    "a" * 5_000,
    f"{AN_ID}x",
    f"{AN_ID}%0A",
    AN_ID.replace("-", ""),
    f"{{{AN_ID}}}",
]
ID_REQUESTS = [
    ("GET", "/v1/memories/{}/"),
    ("GET", "/v1/memories/{}/history/"),
    ("GET", "/v1/memories/{}/episode/"),
    ("PUT", "/v1/memories/{}/"),
    ("DELETE", "/v1/memories/{}/"),
    ("GET", "/v1/episodes/{}/"),
    ("GET", "/v1/event/{}/"),
]


@pytest.mark.parametrize(("method", "path"), ID_REQUESTS)
def test_an_id_that_is_malformed_or_unknown(client: httpx.Client, method: str, path: str) -> None:
    body = {"text": "hello"} if method == "PUT" else None

    for malformed in MALFORMED_IDS:
        response = client.request(method, path.format(malformed), json=body)
        assert "should be a valid UUID" in refused(response)
    response = client.request(method, path.format(new_id()), json=body)
    assert "not found" in refused(response, 404)


def test_an_id_is_read_in_any_case(service: httpx.Client) -> None:
    memory_id = remembered(service, "Ada keeps bees", user_id="ada")

    assert service.get(f"/v1/memories/{memory_id.upper()}/").json()["id"] == memory_id


@pytest.mark.parametrize("key_id", ["1", "%00", "%F0%9F%98%80", AN_ID])
def test_a_key_that_is_unknown(client: httpx.Client, key_id: str) -> None:
    assert refused(client.delete(f"/v1/keys/{key_id}/"), 404) == "Key not found"


@pytest.mark.parametrize("name", ["", " ", "k" * 101, 5, None, []])
def test_a_key_with_a_bad_name_is_not_made(client: httpx.Client, name: object) -> None:
    refused(client.post("/v1/keys/", json={"name": name}))

    assert len(client.get("/v1/keys/").json()["results"]) == 1


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("page=0", 400),
        ("page=-1", 400),
        ("page=2", 404),
        ("page=99999999999999999999", 400),
        ("page=one", 400),
        ("page=", 400),
        ("page=1.5", 400),
        ("page=1&page=2", 400),
        ("page_size=0", 400),
        ("page_size=201", 400),
        ("page_size=-5", 400),
        ("page_size=all", 400),
        ("page_size=5&page_size=6", 400),
    ],
)
def test_a_page_that_cannot_be(service: httpx.Client, query: str, status: int) -> None:
    remembered(service, "Ada keeps bees", user_id="ada")

    memories = service.post(f"{LIST}?{query}", json={"filters": {"user_id": "ada"}})
    entities = service.get(f"/v1/entities/?{query}")

    assert refused(memories, status) == refused(entities, status) != ""


LONG_ID = base64.urlsafe_b64encode(f"2026-03-01T12:00:00Z|{'a' * 1_100}|1|1".encode()).decode()


@pytest.mark.parametrize(
    "cursor", [LONG_ID, "x", "%00", "%F0%9F%98%80", "AAAA", "MjAyNg==", "a" * 5_000]
)
def test_a_cursor_nobody_gave_out(client: httpx.Client, cursor: str) -> None:
    response = client.post(f"{LIST}?cursor={cursor}", json={"filters": {"user_id": "ada"}})

    assert refused(response) == "Invalid cursor."


@pytest.mark.parametrize(
    "query",
    [
        "",
        "limit=10",
        "user_id=",
        "user_id=%20",
        "user_id=&agent_id=bot",
        "user_id=ada&run_id=",
        "user_id=ada&user_id=grace",
        "user_id=a%00b",
        f"user_id={'u' * (MAX_NAME_LENGTH + 1)}",
        "filters=",
        "filters=user_id",
        "filters=%5B%5D",
        "filters=%7B%5B%5D%3A1%7D",
        "filters=%7B%7D",
        "filters=%7B%22user_id%22%3A5%7D",
        "filters=%7B%27user_id%27%3A%20b%27ada%27%7D",
        "filters=%7B%27user_id%27%3A%20open%28%27f%27%29%7D",
        "filters=%7B%22user_id%22%3A%7B%22ne%22%3A%22ada%22%7D%7D",
        f"filters={'%28' * 5_000}",
        f"filters={'%7B%22a%22%3A' * 500}",
        "user_id=ada&filters=user_id",
        "user_id=ada&filters=",
        "user_id=ada&session_id=r",
        "user_id=ada&runid=r",
        "user_id=ada&metadata=",
        "user_id=ada&metadata=colour",
        "user_id=ada&metadata=%7B%7D",
        "filters=%7B%22user_id%22%3A%22ada%22%7D&filters=%7B%22run_id%22%3A%22r%22%7D",
    ],
    ids=lambda query: query[:60],
)
def test_a_delete_all_that_is_not_clear_deletes_nothing(service: httpx.Client, query: str) -> None:
    for names in ({"user_id": "ada"}, {"agent_id": "bot"}, {"user_id": "ada", "run_id": "r"}):
        remembered(service, "Ada keeps bees", **names)

    refused(service.delete(f"/v1/memories/?{query}"))

    assert total(service) == 3


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", ADD), ("DELETE", "/v1/memories/?user_id=ada")],
)
@pytest.mark.parametrize("key", ["", "k" * (MAX_IDEMPOTENCY_KEY_LENGTH + 1)])
def test_an_idempotency_key_that_is_empty_or_too_long(
    client: httpx.Client, method: str, path: str, key: str
) -> None:
    headers = {"Idempotency-Key": key}

    response = client.request(
        method, path, json={"messages": "hello", "user_id": "ada"}, headers=headers
    )

    assert "1 to 256 characters" in refused(response)


def test_an_idempotency_key_of_another_request(service: httpx.Client) -> None:
    headers = {"Idempotency-Key": "k" * MAX_IDEMPOTENCY_KEY_LENGTH}
    body = {"messages": "Ada keeps bees", "user_id": "ada", "infer": False}
    first = service.post(ADD, json=body, headers=headers)

    again = service.post(ADD, json=body, headers=headers)
    other = service.post(ADD, json={**body, "messages": "Ada keeps cats"}, headers=headers)

    assert first.json() == again.json()
    assert refused(other, 422)
    assert listed(service, user_id="ada") == ["Ada keeps bees"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", f"/v1/memories/{AN_ID}/", {"text": "x"}),
        ("DELETE", f"/v1/memories/{AN_ID}/", None),
        ("POST", "/v1/keys/", {"name": "x"}),
        ("DELETE", f"/v1/keys/{AN_ID}/", None),
    ],
)
def test_an_idempotency_key_is_refused_where_it_is_not_kept(
    service: httpx.Client, method: str, path: str, body: object
) -> None:
    response = service.request(method, path, json=body, headers={"Idempotency-Key": "once"})

    assert "Idempotency-Key" in refused(response)
