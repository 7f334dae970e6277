"""A project in which several people keep memories, and keys that open parts of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import uuid4

import httpx

from recollect import bootstrap
from recollect.testing.builders import a_scope
from tests.callers import Deployment, new_id
from tests.handlers.graphs import Graph

WEBHOOK = {
    "name": "theirs",
    "url": "https://hooks.example.com/theirs",
    "event_types": ["memory_add"],
}


@dataclass(frozen=True)
class Person:
    """A subject with a memory of its own; or, as `nobody`, only the names of one."""

    kind: str
    name: str
    secret: str
    memory_id: str
    event_id: str
    entity_id: str
    export_id: str
    job_id: str

    @classmethod
    def nobody(cls, kind: str = "user") -> "Person":
        name, secret = f"nobody-{new_id()}", uuid4().hex
        return cls(kind, name, secret, new_id(), new_id(), uuid4().hex, new_id(), new_id())

    @property
    def field(self) -> str:
        return f"{self.kind}_id"

    @property
    def marks(self) -> list[str]:
        """What an answer must not show to those who may not see the person's things."""
        return [self.secret, self.memory_id, self.event_id, self.entity_id]

    @property
    def values(self) -> dict[str, object]:
        """What paths and bodies have about the person, by the names that they have for it."""
        return {
            self.field: self.name,
            "filters": {self.field: self.name},
            "memory_id": self.memory_id,
            "memory_export_id": self.export_id,
            "memories": [{"memory_id": self.memory_id, "text": "taken over"}],
            "event_id": self.event_id,
            "entity_id": self.entity_id,
            "entity_type": self.kind,
            "entity_name": self.name,
            "job_id": self.job_id,
        }


@dataclass(frozen=True)
class World:
    """A project with what is in it; `owner` opens all of it."""

    deployment: Deployment
    owner: httpx.Client

    @classmethod
    def fresh(cls, deployment: Deployment) -> "World":
        """Return a project of its own with memories of ada, bob and an agent."""
        world = cls(deployment, deployment.client(deployment.new_key()))
        for person in (world.ada, world.bob, world.guide):
            assert world.listed(person)
        world.owner.post(f"{world.members}", json={"email": "zoe@example.com", "role": "READER"})
        assert world.webhook_id
        assert world.spare_key_id
        return world

    @cached_property
    def project(self) -> str:
        return str(self.owner.get("/v1/ping/").json()["project_id"])

    @property
    def path(self) -> str:
        return f"/api/v1/orgs/organizations/{self.project}/projects/{self.project}/"

    @property
    def members(self) -> str:
        return f"{self.path}members/"

    @cached_property
    def ada(self) -> Person:
        return self._person("user", "ada")

    @cached_property
    def bob(self) -> Person:
        return self._person("user", "bob")

    @cached_property
    def guide(self) -> Person:
        return self._person("agent", "guide")

    @cached_property
    def webhook_id(self) -> str:
        path = f"/api/v1/webhooks/projects/{self.project}/"
        return str(made(self.owner.post(path, json=WEBHOOK))["webhook_id"])

    @cached_property
    def spare_key_id(self) -> str:
        return str(made(self.owner.post("/v1/keys/", json={"name": "spare"}))["id"])

    def values(self, person: Person) -> dict[str, object]:
        """Return what paths and bodies have, about this person where they are about one."""
        return {
            **person.values,
            "org_id": self.project,
            "project_id": self.project,
            "key_id": self.spare_key_id,
            "webhook_id": self.webhook_id,
            "email": "zoe@example.com",
        }

    @property
    def own_ids(self) -> dict[str, dict[str, object]]:
        """The project's names, where clients write them."""
        ids: dict[str, object] = {"org_id": self.project, "project_id": self.project}
        return {"query": ids, "body": ids}

    def key(self, **fields: object) -> httpx.Client:
        """Return a client with another key of the project, made with these fields."""
        answer = made(self.owner.post("/v1/keys/", json={"name": "bound", **fields}))
        return self.deployment.client(str(answer["key"]))

    def listed(self, person: Person) -> list[dict[str, Any]]:
        """Return a person's memories with all that is shown of them."""
        body = {"filters": {person.field: person.name}, "show_expired": True}
        found: list[dict[str, Any]] = made(self.owner.post("/v3/memories/", json=body))["results"]
        return found

    def belongings(self, *people: Person) -> dict[str, object]:
        """Return what people have, and what the project has set, as the owner sees it.

        What ada has said to others is hers.
        """

        def is_hers(memory: Mapping[str, object]) -> bool:
            return self.ada not in people and memory["user_id"] == self.ada.name

        found = [self.listed(person) for person in people]
        return {
            "memories": [[each for each in some if not is_hers(each)] for some in found],
            "histories": [self._shown(f"/v1/memories/{p.memory_id}/history/") for p in people],
            "jobs": [self._shown(f"/v1/event/{person.event_id}/") for person in people],
            "graphs": [
                self._shown("/v1/graph/entities/", {person.field: person.name}) for person in people
            ],
            "keys": self._shown("/v1/keys/"),
            "project": self._shown(self.path),
            "webhooks": self._shown(f"/api/v1/webhooks/projects/{self.project}/"),
        }

    def _shown(self, path: str, query: Mapping[str, str] | None = None) -> object:
        return made(self.owner.get(path, params=query))

    def _person(self, kind: str, name: str) -> Person:
        name, secret = f"{name}-{uuid4().hex[:8]}", uuid4().hex
        ids = {f"{kind}_id": name}
        body = {"messages": f"hides a {secret} in the attic", "infer": False, **ids}
        added = made(self.owner.post("/v3/memories/add/", json=body))
        graph = Graph(bootstrap.local_store(), a_scope(self.project, **{kind: name}))
        return Person(
            kind,
            name,
            secret,
            added["results"][0]["id"],
            added["event_id"],
            graph.entity(f"the {secret}").id,
            new_id(),
            new_id(),
        )


def made(response: httpx.Response) -> Any:  # noqa: ANN401 - whatever JSON can say
    """Return what was answered, which must not be a refusal."""
    assert response.status_code in {200, 201}, response.text
    return response.json()


def aims(world: World, person: Person) -> dict[str, Mapping[str, object]]:
    """Return ways to ask for somebody else's things."""
    named = {person.field: person.name}
    return {
        "nothing": {},
        "named": named,
        "filters": {"filters": named},
        "named beside the own name": {"user_id": world.ada.name, "filters": named},
        "filters beside the own name": {
            "user_id": world.ada.name,
            "filters": {"OR": [named, {"user_id": world.ada.name}]},
        },
        "anybody": {"user_id": "*", "filters": {"OR": [{"user_id": "*"}, {"agent_id": "*"}]}},
        "everybody else": {"filters": {"AND": [{"NOT": {"user_id": world.ada.name}}, named]}},
        "everything": dict.fromkeys(("user_id", "agent_id", "app_id", "run_id"), "*"),
        "ids": {"filters": {**named, "memory_ids": [person.memory_id]}},
        "metadata": {"metadata": named},
        "a shared memory": {"user_id": world.ada.name, "run_id": person.name},
    }
