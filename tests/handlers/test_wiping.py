"""A delete of every user, agent, app and run is the whole project, as mem0's tools mean it."""

import httpx
import pytest

from tests.callers import remembered, total

KINDS = ("user_id", "agent_id", "app_id", "run_id")


def test_all_four_together_delete_what_has_only_one(
    service: httpx.Client, stranger: httpx.Client
) -> None:
    for kind in KINDS:
        remembered(service, f"Something of one {kind}", **{kind: "ada"})
    remembered(stranger, "Something of somebody else", user_id="ada")

    response = service.delete("/v1/memories/", params=dict.fromkeys(KINDS, "*"))

    assert response.status_code == 200
    assert (total(service), total(stranger)) == (0, 1)


@pytest.mark.parametrize("missing", KINDS)
def test_three_of_them_delete_what_has_all_three(service: httpx.Client, missing: str) -> None:
    three = [kind for kind in KINDS if kind != missing]
    remembered(service, "Something of all", **dict.fromkeys(three, "ada"))
    remembered(service, "Something of one", **{three[0]: "ada"})

    service.delete("/v1/memories/", params=dict.fromkeys(three, "*"))

    assert total(service) == 1


def test_a_filter_beside_them_still_narrows(service: httpx.Client) -> None:
    remembered(service, "Something to keep", user_id="ada", metadata={"keep": "yes"})
    remembered(service, "Something to delete", user_id="ada", metadata={"keep": "no"})

    params = {**dict.fromkeys(KINDS, "*"), "metadata": '{"keep": "no"}'}
    service.delete("/v1/memories/", params=params)

    assert total(service) == 1


def test_an_event_tells_whose_memories_it_made(service: httpx.Client) -> None:
    for kind in ("user_id", "agent_id"):
        remembered(service, f"Something of one {kind}", **{kind: "ada"})

    events = service.get("/v1/events/").json()["results"]

    assert [event["results"][0]["user_id"] for event in events] == [None, "ada"]
