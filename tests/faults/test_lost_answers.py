"""What a caller asked for once is done once, though an answer of DynamoDB was lost on the way."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import pytest

from recollect.domain.changes import MemoryChanges
from recollect.domain.keys import Access, Role
from recollect.domain.memory import Feedback, Verdict
from recollect.domain.requests import BatchDeleteRequest, BatchUpdateRequest
from recollect.domain.subjects import Scope
from recollect.usecases.erase_subject import REFUSED_AT, is_gone
from recollect.usecases.give_feedback import GiveFeedback
from recollect.usecases.manage_members import ManageMembers
from recollect.usecases.manage_webhooks import WebhookChanges
from tests.faults.refusals import Fault
from tests.faults.world import World
from tests.service import Clock, UseCases
from tests.webhooks import URL, Listening

pytestmark = pytest.mark.engines

MOST_REQUESTS = 100


@dataclass(frozen=True)
class Scene:
    """A project with two memories, a webhook and a member."""

    service: UseCases
    scope: Scope
    memory_ids: tuple[str, ...]
    webhook_id: str

    @property
    def project(self) -> str:
        return self.scope.project

    @property
    def members(self) -> ManageMembers:
        ports = self.service.ports
        return ManageMembers(ports.projects, ports.keys, ports.now)


Act: TypeAlias = Callable[[Scene], object]


def a_scene(world: World) -> Scene:
    healthy = world.service(Clock(), with_models=False)
    scope = healthy.new_scope(user="ada")
    job = healthy.say(scope, "likes tea", "likes jam")
    webhook = Listening(healthy).manage.create(
        scope.project, name="first", url=URL, events=["memory_add"]
    )
    ManageMembers(healthy.ports.projects, healthy.ports.keys, healthy.clock).add(
        scope.project, "ada@example.com", Role.READER
    )
    ids = tuple(outcome.memory_id for outcome in job.outcomes)
    return Scene(healthy, scope, ids, webhook.id)


def create_webhook(scene: Scene) -> object:
    return Listening(scene.service).manage.create(
        scene.project, name="second", url=URL, events=["memory_add"]
    )


def change_webhook(scene: Scene) -> None:
    changes = WebhookChanges(is_active=False)
    Listening(scene.service).manage.change(scene.project, scene.webhook_id, changes)


def delete_webhook(scene: Scene) -> None:
    Listening(scene.service).manage.delete(scene.project, scene.webhook_id)


def set_decay(scene: Scene) -> object:
    return scene.service.change_project(
        scene.project, lambda settings: replace(settings, has_decay=True)
    )


def add_member(scene: Scene) -> None:
    scene.members.add(scene.project, "bob@example.com", Role.READER)


def remove_member(scene: Scene) -> None:
    scene.members.remove(scene.project, "ada@example.com")


def update_batch(scene: Scene) -> object:
    changes = {an_id: MemoryChanges(metadata={"sure": True}) for an_id in scene.memory_ids}
    return scene.service.update_batch(BatchUpdateRequest(project=scene.project, changes=changes))


def delete_batch(scene: Scene) -> object:
    request = BatchDeleteRequest(project=scene.project, memory_ids=scene.memory_ids)
    return scene.service.delete_batch(request)


def give_feedback(scene: Scene) -> object:
    ports = scene.service.ports
    give = GiveFeedback(ports.record, ports.wake_ups, ports.now, ports.new_id)
    return give(scene.project, scene.memory_ids[0], Feedback(Verdict.POSITIVE, "so true"))


def describe(scene: Scene) -> object:
    return scene.service.describe_subject(scene.project, scene.scope.owner, {"age": 36})


def erase_subject(scene: Scene) -> object:
    job = scene.service.erase(Access(scene.project), scene.scope.owner)
    assert is_gone(job)
    return job.request


ACTS: tuple[Act, ...] = (
    create_webhook,
    change_webhook,
    delete_webhook,
    set_decay,
    add_member,
    remove_member,
    update_batch,
    delete_batch,
    give_feedback,
    describe,
    erase_subject,
)


def state_of(scene: Scene) -> dict[str, Any]:
    """Return what there is, without the ids of it."""
    ports, project = scene.service.ports, scene.project
    memories = scene.service.listed(scene.scope)
    entry = ports.listing.subject(project, scene.scope.owner)
    webhooks, settings = ports.webhooks.of(project), ports.projects.get(project)
    return {
        "webhooks": [(each.name, each.is_active) for each in webhooks.webhooks],
        "settings": replace(settings, version=0),
        "memories": [(each.text, each.metadata, each.feedback, each.version) for each in memories],
        "histories": [len(ports.record.history(project, an_id)) for an_id in scene.memory_ids],
        "said": entry and entry.metadata,
        "jobs": [
            (job.status, {**job.notes, REFUSED_AT: None})
            for job in ports.jobs.recent(project, limit=9)
        ],
    }


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_what_is_asked_for_once_is_done_once(world: World, act: Act) -> None:
    reference = a_scene(world)
    act(reference)
    expected, proxy = state_of(reference), world.proxies["dynamodb"]

    for at in range(1, MOST_REQUESTS):
        scene = a_scene(world)
        clock = scene.service.clock
        service = world.service(clock, with_models=False, through=["dynamodb"])
        with world.at_work(), proxy.injecting(Fault.LOST, at=at, lasts=False) as injection:
            act(replace(scene, service=service))
        assert state_of(scene) == expected, (at, injection.hit)
        if not injection.hits:
            return
    pytest.fail("There were more requests")
