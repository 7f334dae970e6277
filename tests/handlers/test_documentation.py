"""The API describes itself, to anyone, at its own address, and loads nothing from elsewhere."""

import json
import re

import httpx
import pytest

from recollect.entrypoints.functions import ROOT
from tests.callers import ADDRESS, Deployment

COMMITTED = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))


@pytest.fixture
def anonymous(deployment: Deployment) -> httpx.Client:
    client = deployment.client("")
    del client.headers["Authorization"]
    return client


@pytest.mark.parametrize("path", ["/openapi.json", "/openapi.json/", "//openapi.json"])
def test_the_document_is_the_committed_one_at_the_callers_address(
    anonymous: httpx.Client, path: str
) -> None:
    response = anonymous.get(ADDRESS + path)

    document = response.json()
    assert response.headers["content-type"] == "application/json"
    assert document["servers"] == [{"url": ADDRESS}]
    assert document | {"servers": COMMITTED["servers"]} == COMMITTED


def test_the_page_holds_the_document_and_loads_nothing_from_elsewhere(
    anonymous: httpx.Client,
) -> None:
    response = anonymous.get("/docs/")

    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "/v3/memories/search/" in response.text
    assert ADDRESS in response.text
    assert not re.search(r"<(?:script|link)[^>]+(?:src|href)=", response.text)


def test_nothing_else_is_open_and_no_other_method(anonymous: httpx.Client) -> None:
    for method, path in (("GET", "/docs/x"), ("POST", "/docs"), ("GET", "/v1/ping/")):
        assert anonymous.request(method, path).status_code == 401
