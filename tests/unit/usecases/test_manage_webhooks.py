"""What making, changing and deleting webhooks, and their log, promise."""

from collections.abc import Callable

import pytest

from recollect.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from recollect.domain.subjects import Scope
from recollect.domain.webhooks import MAX_WEBHOOKS, EventType, ProjectWebhooks, Webhook
from recollect.ports.webhooks import Webhooks
from recollect.testing.builders import a_job
from recollect.usecases.manage_webhooks import WebhookChanges
from recollect.usecases.racing import MAX_LOST_RACES
from tests.service import Service
from tests.webhooks import EVERYTHING, SECRET, URL, Listening

PROJECT = "acme"
REFUSED_URLS = [
    "http://x",
    "https://x",
    "http://hooks.example/",
    "https://hooks.example:8443/",
    "https://ada:secret@hooks.example/",
    "https://127.0.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[::1]/",
    "https://2130706433/",
    "https://localhost/",
    "ftp://hooks.example/",
    "//hooks.example/",
    "",
]


@pytest.fixture
def listening(service: Service) -> Listening:
    return Listening(service)


class Rivals:
    """Webhooks that others change each time before we do, so often."""

    def __init__(self, webhooks: Webhooks, times: int) -> None:
        self._webhooks = webhooks
        self._times = times

    def of(self, project: str) -> ProjectWebhooks:
        return self._webhooks.of(project)

    def replace(self, project: str, webhooks: ProjectWebhooks) -> None:
        if self._times:
            self._times -= 1
            now = self._webhooks.of(project)
            self._webhooks.replace(project, ProjectWebhooks(now.webhooks, now.version + 1))
        self._webhooks.replace(project, webhooks)


def test_a_webhook_that_was_made_is_listed(listening: Listening) -> None:
    first, second = (listening.make(PROJECT, [event]) for event in EVERYTHING[:2])

    assert listening.manage.list(PROJECT) == (first, second)
    assert (first.url, first.secret, first.event_types) == (URL, SECRET, (EventType.ADD,))
    assert first.is_active
    assert listening.manage.list("another") == ()


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_only_public_https_addresses_are_taken(listening: Listening, url: str) -> None:
    with pytest.raises(InvalidRequestError, match="https://"):
        listening.manage.create(PROJECT, name="ours", url=url, events=EVERYTHING)
    webhook = listening.make(PROJECT)
    with pytest.raises(InvalidRequestError, match="https://"):
        listening.manage.change(PROJECT, webhook.id, WebhookChanges(url=url))

    assert listening.manage.list(PROJECT) == (webhook,)


def test_there_are_only_so_many(listening: Listening) -> None:
    for _ in range(MAX_WEBHOOKS):
        listening.make(PROJECT)

    with pytest.raises(InvalidRequestError):
        listening.make(PROJECT)

    assert len(listening.manage.list(PROJECT)) == MAX_WEBHOOKS


@pytest.mark.parametrize(
    "changes",
    [
        WebhookChanges(name="another"),
        WebhookChanges(url=f"{URL}/2"),
        WebhookChanges(event_types=["memory_delete"]),
        WebhookChanges(is_active=False),
        WebhookChanges(),
    ],
)
def test_what_is_given_changes_and_the_rest_stays(
    listening: Listening, changes: WebhookChanges
) -> None:
    webhook, other = listening.make(PROJECT), listening.make(PROJECT)

    listening.manage.change(PROJECT, webhook.id, changes)

    changed, same = listening.manage.list(PROJECT)
    assert same == other
    assert changed.updated_at > webhook.updated_at
    given = {name: value for name, value in vars(changes).items() if value is not None}
    if "event_types" in given:
        given["event_types"] = (EventType.DELETE,)
    unchanged = {**vars(webhook), **given, "updated_at": changed.updated_at}
    assert vars(changed) == unchanged


def test_a_deleted_webhook_is_gone(listening: Listening) -> None:
    webhook, other = listening.make(PROJECT), listening.make(PROJECT)

    listening.manage.delete(PROJECT, webhook.id)

    assert listening.manage.list(PROJECT) == (other,)


def test_a_project_that_ends_takes_its_webhooks_along(listening: Listening, scope: Scope) -> None:
    listening.make(scope.project)
    other = listening.make("another")

    listening.service.end_project(a_job(scope))

    assert listening.manage.list(scope.project) == ()
    assert listening.manage.list("another") == (other,)


@pytest.mark.parametrize(
    "use",
    [
        lambda on, webhook: on.manage.change("another", webhook.id, WebhookChanges(name="mine")),
        lambda on, webhook: on.manage.delete("another", webhook.id),
        lambda on, webhook: on.log("another", webhook.id, limit=1),
        lambda on, _: on.manage.delete(PROJECT, "unknown"),
    ],
)
def test_another_projects_webhook_is_not_found(
    listening: Listening, use: Callable[[Listening, Webhook], object]
) -> None:
    webhook = listening.make(PROJECT)

    with pytest.raises(NotFoundError):
        use(listening, webhook)

    assert listening.manage.list(PROJECT) == (webhook,)


def test_nothing_that_others_change_is_undone(service: Service) -> None:
    rivals = Rivals(service.store.webhooks, MAX_LOST_RACES - 1)
    listening = Listening(service.having(webhooks=rivals))

    webhook = listening.make(PROJECT)

    assert service.store.webhooks.of(PROJECT) == ProjectWebhooks((webhook,), MAX_LOST_RACES)


def test_who_always_comes_late_is_told(service: Service) -> None:
    rivals = Rivals(service.store.webhooks, MAX_LOST_RACES)

    with pytest.raises(ConflictError, match="try again"):
        Listening(service.having(webhooks=rivals)).make(PROJECT)

    assert service.store.webhooks.of(PROJECT).webhooks == ()


def test_the_log_has_pages(listening: Listening, scope: Scope) -> None:
    webhook = listening.make(scope.project)
    memories = [listening.service.remember(scope, f"I like tea {at}") for at in range(5)]
    listening.service.index_all(scope)

    first = listening.log(scope.project, webhook.id, limit=3)
    second = listening.log(scope.project, webhook.id, limit=3, after=first.after)

    found = [each.memory_id for page in (first, second) for each in page.deliveries]
    assert found == [memory.id for memory in memories[::-1]]
    assert first.after
    assert second.after is None


@pytest.mark.parametrize("limit", [0, 201])
def test_a_page_of_the_log_has_a_size(listening: Listening, limit: int) -> None:
    webhook = listening.make(PROJECT)

    with pytest.raises(InvalidRequestError, match="page_size"):
        listening.log(PROJECT, webhook.id, limit=limit)
