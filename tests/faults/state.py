"""What the record tells of a scope, checked against itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recollect.domain.filters import subject_is
from recollect.domain.memory import HistoryAction, HistoryEvent, Memory
from tests.faults.operations import Scene
from tests.service import UseCases

MOST = 1_000


@dataclass(frozen=True)
class State:
    """A scope without the ids and times that differ from run to run."""

    texts: tuple[tuple[str, int], ...]
    """The living memories' texts and versions."""
    deleted: int
    pending: int


def state_of(service: UseCases, scene: Scene) -> State:
    """Return the state of the scene's scope; fail if anything of it is there by half."""
    ports, scope = service.ports, scene.scope
    pending = ports.outbox.pending(scope.project, [scope.owner.key], limit=MOST)
    page = ports.listing.memories(scope.project, subject_is(scope.owner), limit=MOST)
    living = {memory.id: memory for memory in page.memories}
    assert len(living) == len(page.memories) == page.count
    known = {*living, *(item.memory_id for item in pending), *scene.memory_ids}
    assert not ports.record.get(scope.project, sorted(known - living.keys()))
    history = {an_id: ports.record.history(scope.project, an_id) for an_id in known}
    _check_history(history, living)
    _check_texts(service, scene, history, living)
    changes = {(event.memory_id, event.version) for some in history.values() for event in some}
    told = {(item.memory_id, item.version) for item in pending}
    assert told <= changes if scene.is_indexed else told == changes
    kept = {memory.episode_id for memory in page.memories}
    assert ports.episodes.get(scope.project, kept, now=service.clock()).keys() == kept
    texts = tuple(sorted((memory.text, memory.version) for memory in page.memories))
    return State(texts, len(known) - len(living), len(pending))


def drift_of(service: UseCases, scene: Scene) -> set[tuple[str, int]]:
    """Return what the index and the record do not agree on, by id and version."""
    ports, scope = service.ports, scene.scope
    listed = ports.listing.memories(scope.project, subject_is(scope.owner), limit=MOST).memories
    held = ports.index.held(scope.project, after=None, limit=MOST)
    return {(memory.id, memory.version) for memory in listed} ^ set(held)


def _check_history(
    history: Mapping[str, Sequence[HistoryEvent]], living: Mapping[str, Memory]
) -> None:
    for memory_id, events in history.items():
        assert [event.version for event in events] == list(range(1, len(events) + 1))
        last = events[-1]
        if memory_id in living:
            assert (last.version, last.new_text) == (
                living[memory_id].version,
                living[memory_id].text,
            )
        else:
            assert last.action is HistoryAction.DELETE


def _check_texts(
    service: UseCases,
    scene: Scene,
    history: Mapping[str, Sequence[HistoryEvent]],
    living: Mapping[str, Memory],
) -> None:
    ever = {event.new_text for events in history.values() for event in events if event.new_text}
    taken = service.ports.scopes.find_texts(scene.scope, sorted(ever), now=service.clock())
    assert taken == {memory.text: memory.id for memory in living.values()}
    assert len(taken) == len(living)
