"""Everything that a caller, a queue or the schedule asks of the service, as data."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from recollect.domain.changes import MemoryChanges
from recollect.domain.errors import NotFoundError
from recollect.domain.filters import subject_is
from recollect.domain.jobs import IdempotencyKey
from recollect.domain.memory import Message
from recollect.domain.requests import AddRequest, DeleteAllRequest
from recollect.domain.subjects import Scope
from recollect.testing.builders import a_job
from recollect.usecases.manage_keys import CheckKey, CreateKey
from recollect.usecases.project_changes import STALE_AFTER
from recollect.usecases.work_on_jobs import LEASE
from tests.service import UseCases

KEY = IdempotencyKey("the caller's", "hash of the body")
TEXTS = ("I live in Lisbon.", "My dog is called Rex.", "I work as a nurse.")
LARGE = tuple(f"{number} {'and so on ' * 1_000}" for number in range(12))
"""More than one transaction takes, and so long that the episode and the job's parts are in S3."""
HUGE = tuple(f"{number} {'and so on ' * 2_400}" for number in range(5))
"""So long that the episode is in S3."""
MANY = tuple(f"I have {number} cats." for number in range(12))
"""More than one transaction takes."""
SECRET = f"m0-{'a' * 32}"


@dataclass(frozen=True)
class Scene:
    """What an operation finds: a scope, and what was remembered in it before."""

    scope: Scope
    memory_ids: tuple[str, ...] = ()
    job_id: str = ""
    is_indexed: bool = False

    @property
    def project(self) -> str:
        """The project of the scope."""
        return self.scope.project


@dataclass(frozen=True)
class Operation:
    """One thing that the service is asked for.

    `engines` are those it needs. What it does is done once, however often it is repeated.
    """

    name: str
    engines: tuple[str, ...]
    arrange: Callable[[UseCases], Scene]
    act: Callable[[UseCases, Scene], object]
    is_read: bool = False
    has_parts: bool = False
    """It is not one transaction, but several that each stand for themselves."""
    is_sweep: bool = False
    """It does what it can reach for all projects, and promises nothing to anybody."""
    again: Callable[[UseCases, Scene], object] | None = None
    """What is asked for when it is repeated, if not the same."""


def _nothing_known(service: UseCases) -> Scene:
    return Scene(service.new_scope(user="ada"))


def _something_indexed(service: UseCases) -> Scene:
    scene = _something_known(service)
    service.index_all(scene.scope)
    return replace(scene, is_indexed=True)


def _known(service: UseCases, *texts: str) -> Scene:
    scope = service.new_scope(user="ada")
    job = service.say(scope, *texts)
    return Scene(scope, tuple(outcome.memory_id for outcome in job.outcomes), job.id)


def _something_known(service: UseCases) -> Scene:
    return _known(service, *TEXTS)


def _something_large_known(service: UseCases) -> Scene:
    return _known(service, *HUGE)


def _something_longer_known(service: UseCases) -> Scene:
    """Remember what makes the job too large for its item, but not the episode."""
    return _known(service, *LARGE[:3])


def _much_known(service: UseCases) -> Scene:
    return _known(service, *MANY)


def _news(service: UseCases) -> Scene:
    """Memories that the index does not know, and one that it does not know to be deleted."""
    scene = _something_indexed(service)
    service.say(scene.scope, "I like tea.")
    service.delete(scene.project, scene.memory_ids[0])
    return scene


def _left_behind(service: UseCases) -> Scene:
    """Changes of which no wake-up told, and a job whose worker died at once."""
    scene = _something_known(service)
    job = a_job(scene.scope, request=_request_left_behind(scene), created_at=service.clock())
    service.ports.jobs.accept(job, KEY, lease_end=service.clock() + LEASE)
    service.clock.forward(max(LEASE, STALE_AFTER) + timedelta(seconds=1))
    return replace(scene, job_id=job.id)


def _request_left_behind(scene: Scene) -> AddRequest:
    messages = tuple(Message("user", text) for text in LARGE[:2])
    return AddRequest(scope=scene.scope, messages=messages, infer=False)


def _maintain_and_work(service: UseCases, scene: Scene) -> object:
    """Maintain, and have a worker hear of the job that was left behind."""
    service.maintain()
    return service.carry_on(scene.project, str(scene.job_id))


def _maintain_and_add_again(service: UseCases, scene: Scene) -> object:
    _maintain_and_work(service, scene)
    return service.add(_request_left_behind(scene), KEY)


def _with_a_key(service: UseCases) -> Scene:
    scene = _nothing_known(service)
    ports = service.ports
    create_key = CreateKey(
        ports.keys, ports.projects, ports.now, ports.new_id, lambda: _secret_of(scene)
    )
    create_key(scene.project, "k")
    return scene


def _secret_of(scene: Scene) -> str:
    return f"{SECRET[:-32]}{scene.project[-32:]}"


def _delete(service: UseCases, scene: Scene) -> object:
    try:
        return service.delete(scene.project, scene.memory_ids[0])
    except NotFoundError:
        # What whoever repeats a delete is told if the first one took effect.
        return None


def _search(service: UseCases, scene: Scene) -> object:
    matching = subject_is(scene.scope.owner)
    return service.search(scene.project, "Where do I live?", matching, threshold=0.0)


def _delete_all(service: UseCases, scene: Scene) -> object:
    request = DeleteAllRequest(project=scene.project, filters={"user_id": "ada"})
    return service.delete_all(request, KEY)


OPERATIONS = (
    Operation(
        "add verbatim",
        ("dynamodb", "sqs", "bedrock"),
        _nothing_known,
        lambda service, scene: service.say(scene.scope, *TEXTS, key=KEY),
    ),
    Operation(
        "add inferred",
        ("dynamodb", "sqs", "opensearch", "bedrock"),
        _something_indexed,
        lambda service, scene: service.say(
            scene.scope, "I live in Porto.", "I like tea.", infer=True, key=KEY
        ),
    ),
    Operation(
        "add in parts",
        ("dynamodb", "s3", "sqs", "bedrock"),
        _nothing_known,
        lambda service, scene: service.say(scene.scope, *LARGE, key=KEY),
        has_parts=True,
    ),
    Operation(
        "search",
        ("dynamodb", "opensearch", "bedrock"),
        _something_indexed,
        _search,
        is_read=True,
    ),
    Operation(
        "get",
        ("dynamodb",),
        _something_known,
        lambda service, scene: service.read(scene.project, scene.memory_ids[0]),
        is_read=True,
    ),
    Operation(
        "history",
        ("dynamodb", "s3"),
        _something_large_known,
        lambda service, scene: service.read.history(scene.project, scene.memory_ids[0]),
        is_read=True,
    ),
    Operation(
        "list",
        ("dynamodb",),
        _something_known,
        lambda service, scene: service.listed(scene.scope),
        is_read=True,
    ),
    Operation(
        "list of entities",
        ("dynamodb",),
        _something_known,
        lambda service, scene: service.subjects(scene.project),
        is_read=True,
    ),
    Operation(
        "update",
        ("dynamodb", "sqs", "bedrock"),
        _something_known,
        lambda service, scene: service.update(
            scene.project, scene.memory_ids[0], MemoryChanges(text="I live in Porto.")
        ),
    ),
    Operation("delete", ("dynamodb", "sqs"), _something_known, _delete),
    Operation("delete all", ("dynamodb", "sqs"), _much_known, _delete_all, has_parts=True),
    Operation(
        "job status",
        ("dynamodb", "s3"),
        _something_longer_known,
        lambda service, scene: service.read_job(scene.project, scene.job_id),
        is_read=True,
    ),
    Operation(
        "key check",
        ("dynamodb",),
        _with_a_key,
        lambda service, scene: CheckKey(service.ports.keys, service.ports.now)(_secret_of(scene)),
        is_read=True,
    ),
    Operation(
        "projector",
        ("dynamodb", "opensearch"),
        _news,
        lambda service, scene: service.index_all(scene.scope),
        has_parts=True,
    ),
    Operation(
        "maintenance",
        ("dynamodb", "s3", "sqs", "bedrock"),
        _left_behind,
        _maintain_and_work,
        has_parts=True,
        is_sweep=True,
        again=_maintain_and_add_again,
    ),
)
