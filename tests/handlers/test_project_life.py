"""How projects come to be over HTTP, what they are called, and how they go."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from recollect import bootstrap
from recollect.bootstrap import metering
from recollect.domain.subjects import Subject, SubjectKind
from tests.callers import Deployment, listed, new_id, now, refused, remembered

ORGANIZATIONS = "/api/v1/orgs/organizations"


def name_of(client: httpx.Client) -> str:
    return str(client.get("/v1/ping/").json()["project_id"])


def projects(client: httpx.Client) -> str:
    return f"{ORGANIZATIONS}/{name_of(client)}/projects/"


def own(client: httpx.Client) -> str:
    return f"{projects(client)}{name_of(client)}/"


def made(client: httpx.Client, **body: object) -> dict[str, str]:
    response = client.post(projects(client), json={"name": "Tea", **body})
    assert response.status_code == 200, response.text
    answer: dict[str, str] = response.json()
    return answer


@contextmanager
def with_key(
    deployment: Deployment, client: httpx.Client, **grant: object
) -> Iterator[httpx.Client]:
    """Yield a client with another key of the project."""
    key = client.post("/v1/keys/", json={"name": "another", **grant}).json()["key"]
    with deployment.client(key) as another:
        yield another


def test_a_new_project_has_an_id_a_name_and_a_key(
    deployment: Deployment, service: httpx.Client
) -> None:
    remembered(service, "likes tea", user_id="ada")

    answer = made(service, name="Tea & jam", description="What we drink.")

    assert answer["project_id"] != name_of(service)
    with deployment.client(answer["api_key"]) as new:
        assert name_of(new) == answer["project_id"] == answer["org_id"]
        project = new.get(own(new)).json()
        assert (project["name"], project["description"]) == ("Tea & jam", "What we drink.")
        assert project["user_role"] == "OWNER"
        assert listed(new, user_id="ada") == []
        remembered(new, "likes jam", user_id="ada")
        [key] = new.get("/v1/keys/").json()["results"]
        assert (key["role"], "key" in key) == ("OWNER", False)
    assert listed(service, user_id="ada") == ["likes tea"]


def test_two_projects_may_have_one_name(service: httpx.Client) -> None:
    assert made(service)["project_id"] != made(service)["project_id"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": " "},
        {"name": "x" * 201},
        {"name": 1},
        {"name": None},
        {"name": "Tea", "description": "x" * 2001},
    ],
)
def test_a_bad_project_is_refused(service: httpx.Client, body: dict[str, object]) -> None:
    refused(service.post(projects(service), json=body))


def test_limited_projects_and_keys_make_no_others(
    deployment: Deployment, service: httpx.Client, stranger: httpx.Client
) -> None:
    for grant in ({"requests_per_minute": 100}, {"user_id": "ada"}, {"role": "READER"}):
        with with_key(deployment, service, **grant) as limited:
            refused(limited.post(projects(service), json={"name": "Tea"}), 403)
    metering.limit_project()(name_of(stranger), {"tokens_per_day": 1000})
    refused(stranger.post(projects(stranger), json={"name": "Tea"}), 403)


def test_names_are_changed_and_cleared(service: httpx.Client) -> None:
    path = own(service)
    service.patch(path, json={"name": "Tea", "description": "Drinks", "enable_graph": False})

    named = service.get(path).json()
    service.patch(path, json={"name": None, "description": ""})
    cleared = service.get(path).json()

    assert (named["name"], named["description"]) == ("Tea", "Drinks")
    assert (cleared["name"], cleared["description"]) == (name_of(service), None)
    refused(service.patch(path, json={"name": "x" * 201}))


def test_a_key_sees_its_own_project_only(service: httpx.Client, stranger: httpx.Client) -> None:
    mine, theirs = name_of(service), name_of(stranger)
    service.patch(own(service), json={"name": "Tea"})

    assert [each["project_id"] for each in service.get(projects(service)).json()] == [mine]
    organization = {"org_id": mine, "name": "Tea", "description": None}
    assert service.get(f"{ORGANIZATIONS}/").json() == [organization]
    assert service.get(f"{ORGANIZATIONS}/{mine}/").json() == organization
    for path in (f"{ORGANIZATIONS}/{theirs}/", projects(stranger), own(stranger)):
        refused(service.get(path), 404)
    refused(service.post(projects(stranger), json={"name": "Tea"}), 404)
    refused(service.delete(own(stranger)), 404)
    assert name_of(stranger) == theirs


def test_a_deleted_project_is_gone_with_all_its_keys(
    deployment: Deployment, service: httpx.Client, stranger: httpx.Client
) -> None:
    project, path = name_of(service), own(service)
    remembered(stranger, "likes jam", user_id="ada")
    for number in range(3):
        remembered(service, f"likes tea {number}", user_id="ada", agent_id=f"agent {number}")
    said = {"messages": "Hello.", "user_id": "ada", "run_id": "r1", "infer": True}
    silent = service.post("/v3/memories/add/", json=said).json()["event_id"]
    service.post("/v1/users/", json={"user_id": "bob", "metadata": {"a": 1}})
    service.patch(path, json={"name": "Tea", "custom_instructions": "Only tea."})

    with with_key(deployment, service) as second:
        response = service.delete(path)

        assert response.status_code == 200
        assert response.json()["message"] == "Project deleted successfully"
        for client in (service, second):
            refused(client.get("/v1/ping/"), 401)
            refused(client.delete(path), 401)
    store = bootstrap.local_store()
    ada = Subject(SubjectKind.USER, "ada")
    assert store.listing.subject(project, ada) is None
    assert store.projects.get(project).name is None
    assert store.projects.get(project).guidance.instructions == ""
    job = store.jobs.get(project, response.json()["event_id"])
    assert job is not None
    assert (job.status, job.notes) == ("SUCCEEDED", {"deleted": 3})
    assert not store.episodes.get(project, [silent], now=now())
    assert listed(stranger, user_id="ada") == ["likes jam"]


def test_only_keys_of_the_whole_project_delete_it(
    deployment: Deployment, service: httpx.Client
) -> None:
    remembered(service, "likes tea", user_id="ada")

    for grant in ({"user_id": "ada"}, {"role": "READER"}):
        with with_key(deployment, service, **grant) as other:
            refused(other.delete(own(service)), 403)

    assert listed(service, user_id="ada") == ["likes tea"]


def test_an_idempotency_key_is_not_kept_for_a_new_project(service: httpx.Client) -> None:
    headers = {"Idempotency-Key": new_id()}

    refused(service.post(projects(service), json={"name": "Tea"}, headers=headers))
