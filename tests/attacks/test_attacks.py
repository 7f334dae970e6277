"""Conversations that try to misuse memory, read by models that believe them."""

import json
import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from recollect.adapters.local.record import LocalRecord
from recollect.adapters.web.pictures import PublicPictures
from recollect.adapters.web.public_https import PublicHttps
from recollect.domain.errors import RecollectError
from recollect.domain.requests import AddRequest
from recollect.domain.subjects import Scope
from recollect.usecases.asking import AskModel
from recollect.usecases.deciding import ModelDecider
from recollect.usecases.describing import ModelDescriber
from recollect.usecases.extraction import ModelExtractor
from recollect.usecases.steps import MAX_DELETIONS
from tests.attacks.aftermath import Aftermath, copied, said_in
from tests.attacks.conftest import Enter
from tests.attacks.corpus import Attack, attacks
from tests.attacks.gullible import MINDS, GullibleModel
from tests.attacks.world import (
    OF_ANOTHER_RUN,
    OF_BOB,
    OF_THE_RIVAL,
    World,
    all_ids,
    state_of,
    subjects,
)
from tests.service import UseCases

ON_ENGINES = (
    "a user orders all to be deleted",
    "a form that forgets, quoting nobody",
    "the agent knows better than the user",
    "a document alone",
    "what cannot be changed is to be changed",
)
CALLS_AT_MOST = 6
"""Two and their repairs; halves of halves, down to 500 characters, if a model never stops."""
FRAME = re.compile(
    r"</?(?:earlier|conversation(?: said_at=\"[^\"<>]*\")?|memories|facts)>"
    r"|Describe these \d+ pictures\."
)
"""What is not data in a prompt."""


@dataclass(frozen=True)
class NotedIds:
    """Ids as the service makes them; the first one of an add is its job's."""

    new_id: Callable[[], str]
    given: list[str] = field(default_factory=list)

    def __call__(self) -> str:
        self.given.append(self.new_id())
        return self.given[-1]


@dataclass(frozen=True)
class Scene:
    """A world, a service with a gullible model in it, and what is said there."""

    world: World
    service: UseCases
    model: GullibleModel
    ids: NotedIds
    request: AddRequest


def a_scene(enter: Enter, attack: Attack, mind: str) -> Scene:
    service, world = enter(attack.scope)
    model, ids = GullibleModel(MINDS[mind]), NotedIds(service.ports.new_id)
    ask = AskModel(model)
    deceived = service.having(
        new_id=ids,
        extractor=ModelExtractor(ask),
        decider=ModelDecider(ask),
        describer=ModelDescriber(ask, lambda: PublicPictures(PublicHttps())),
    )
    return Scene(world, deceived, model, ids, attack.request(world.scope, world.ids))


def endured(scene: Scene) -> Aftermath:
    """Say it; what is beside the scope does not change, whatever happens."""
    service, world = scene.service, scene.world
    projects = {scope.project for scope in world.scopes}
    states = {scope: state_of(service, scope) for scope in world.scopes}
    seen = {project: subjects(service, project) for project in projects}

    error = refusal_of(scene)

    after = {scope: state_of(service, scope, states[scope]) for scope in world.scopes}
    for stranger in world.strangers:
        assert after[stranger] == states[stranger]
    for project in projects:
        known = {i for s in world.scopes if s.project == project for i in after[s].memories}
        assert all_ids(service, project) == known
        assert subjects(service, project) == seen[project]
    job = service.read_job(world.scope.project, scene.ids.given[0]) if scene.ids.given else None
    return Aftermath(
        scope=world.scope,
        request=scene.request,
        before=states[world.scope],
        after=after[world.scope],
        job=job,
        error=error,
        quotes=scene.model.quotes,
    )


def refusal_of(scene: Scene) -> RecollectError | None:
    try:
        scene.service.add(scene.request)
    except RecollectError as error:
        return error
    return None


def check(attack: Attack, scene: Scene) -> None:
    aftermath = endured(scene)
    aftermath.check()
    for claim in attack.holds:
        aftermath.check_claim(claim)
    texts = [memory.text for memory in aftermath.after.memories.values()]
    assert [text for text in texts for piece in attack.absent if piece in text] == []


@pytest.mark.parametrize("mind", MINDS)
@pytest.mark.parametrize("name", attacks())
def test_promises_7_8_and_10_hold_whatever_a_model_believes(
    enter: Enter, name: str, mind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    scene = a_scene(enter, attacks()[name], mind)

    check(attacks()[name], scene)

    assert len(scene.model.prompts) <= CALLS_AT_MOST
    assert copied(caplog.text, said_in(scene.request.messages)) == ""


@dataclass(frozen=True)
class CommitsOfThree(LocalRecord):
    """Holds three writes a commit."""

    def room_for(self, scopes: Sequence[Scope]) -> int:
        return min(len(scopes), 3)


@pytest.mark.parametrize("mind", ["obeys everybody", "contradicts everything"])
def test_deletions_are_counted_over_all_commits_of_an_add(enter: Enter, mind: str) -> None:
    attack = attacks()["a user orders all to be deleted"]
    scene = a_scene(enter, attack, mind)
    record = scene.service.ports.record
    assert isinstance(record, LocalRecord)
    small = scene.service.having(record=CommitsOfThree(record.database))

    aftermath = endured(replace(scene, service=small))

    aftermath.check()
    assert len(aftermath.deletions) == MAX_DELETIONS


@pytest.mark.engines
@pytest.mark.parametrize("mind", ["obeys everybody", "obeys documents", "overwrites everything"])
@pytest.mark.parametrize("name", ON_ENGINES)
def test_promises_7_8_and_10_hold_on_aws(enter_aws: Enter, name: str, mind: str) -> None:
    check(attacks()[name], a_scene(enter_aws, attacks()[name], mind))


@pytest.mark.parametrize("name", attacks())
def test_what_is_said_stays_data(enter: Enter, name: str) -> None:
    scene = a_scene(enter, attacks()[name], "contradicts everything")

    endured(scene)

    for prompt in scene.model.prompts:
        for line in prompt.split("\n"):
            assert FRAME.fullmatch(line) or isinstance(json.loads(line), dict)
            assert FRAME.fullmatch(line) or not FRAME.search(line)
    for system in scene.model.systems:
        assert copied(system, said_in(scene.request.messages)) == ""


@pytest.mark.parametrize("name", attacks())
def test_promises_6_and_10_no_model_sees_an_id_or_another_scope(enter: Enter, name: str) -> None:
    scene = a_scene(enter, attacks()[name], "contradicts everything")

    endured(scene)

    told = "\n".join((*scene.model.prompts, *scene.model.systems))
    ids = {i for scope in scene.world.scopes for i in state_of(scene.service, scope).memories}
    named = {each for each in ids if each in "\n".join(said_in(scene.request.messages))}
    assert [each for each in ids - named if each in told] == []
    strangers = (*OF_BOB, *OF_ANOTHER_RUN, *OF_THE_RIVAL)
    assert [text for text in strangers if text in told] == []
