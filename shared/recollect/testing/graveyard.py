"""What every Graveyard promises, whatever keeps the letters: a fixture `plot`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from recollect.ports.letters import Graveyard, Letter, Origin, QueueName
from recollect.ports.queue import DeadLetters
from recollect.testing.builders import NOON

ORIGIN = Origin(
    message_id="059f36b4-87a3-44ab-83d2-661970000001",
    sent_at=NOON - timedelta(days=1, microseconds=1),
    group="tenant-7",
    attributes={"trace": ("String", "älter"), "retries": ("Number", "3")},
)
HERE, THERE = QueueName.WORKER, QueueName.INGEST


@dataclass(frozen=True)
class Plot:
    """A graveyard, what buries in it, and `taken`: the messages that were given again, in order."""

    bury: Callable[[QueueName], DeadLetters]
    graveyard: Graveyard
    taken: Callable[[QueueName], list[tuple[str, Origin | None]]]


def everything(_: Letter) -> bool:
    return True


def test_a_letter_is_a_message_as_it_was_with_its_reason_and_its_origin(plot: Plot) -> None:
    message = '{"said": "ä\\n\\"b\\""}\n'
    plot.bury(HERE).bury(message, "is refused: ä", ORIGIN)

    [letter] = plot.graveyard.letters(HERE, limit=10)

    assert (letter.queue, letter.message, letter.reason) == (HERE, message, "is refused: ä")
    assert letter.origin == ORIGIN


def test_what_a_function_wrote_itself_has_no_origin(plot: Plot) -> None:
    plot.bury(HERE).bury("{}", "failed")

    [letter] = plot.graveyard.letters(HERE, limit=10)

    assert letter.origin is None


def test_looking_changes_nothing(plot: Plot) -> None:
    for number in range(12):
        plot.bury(HERE).bury(f"{number}", "failed")

    first = plot.graveyard.letters(HERE, limit=100)
    found = [plot.graveyard.find(HERE, letter.id) for letter in first[:2]]
    second = plot.graveyard.letters(HERE, limit=100)

    assert sorted(letter.message for letter in first) == sorted(map(str, range(12)))
    assert found == first[:2]
    assert {letter.id for letter in second} == {letter.id for letter in first}
    assert plot.taken(HERE) == []


def test_no_more_letters_are_shown_than_asked_for(plot: Plot) -> None:
    for _ in range(3):
        plot.bury(HERE).bury("{}", "failed")

    assert len(plot.graveyard.letters(HERE, limit=2)) == 2


def test_the_same_message_twice_is_two_letters(plot: Plot) -> None:
    for reason in ("one", "other"):
        plot.bury(HERE).bury("{}", reason, ORIGIN)

    letters = plot.graveyard.letters(HERE, limit=10)

    assert sorted(letter.reason for letter in letters) == ["one", "other"]
    assert len({letter.id for letter in letters}) == 2


def test_a_letter_that_is_not_there_is_not_found(plot: Plot) -> None:
    plot.bury(HERE).bury("{}", "failed")
    [letter] = plot.graveyard.letters(HERE, limit=10)

    assert plot.graveyard.find(THERE, letter.id) is None
    assert plot.graveyard.find(HERE, "nobody") is None


def test_a_redriven_message_is_given_as_it_was_and_its_letter_is_gone(plot: Plot) -> None:
    plot.bury(HERE).bury('{"a": "ä"}', "failed", ORIGIN)
    [letter] = plot.graveyard.letters(HERE, limit=10)

    assert plot.graveyard.redrive(HERE, everything, limit=10) == [letter]

    assert plot.taken(HERE) == [('{"a": "ä"}', ORIGIN)]
    assert plot.graveyard.letters(HERE, limit=10) == []
    assert plot.graveyard.redrive(HERE, everything, limit=10) == []


def test_only_what_is_wanted_is_redriven(plot: Plot) -> None:
    for message in ("wanted", "unwanted"):
        plot.bury(HERE).bury(message, "failed")

    plot.graveyard.redrive(HERE, lambda letter: letter.message == "wanted", limit=10)

    assert plot.taken(HERE) == [("wanted", None)]
    assert [each.message for each in plot.graveyard.letters(HERE, limit=10)] == ["unwanted"]


def test_no_more_is_redriven_than_asked_for(plot: Plot) -> None:
    for number in range(3):
        plot.bury(HERE).bury(f"{number}", "failed")

    assert len(plot.graveyard.redrive(HERE, everything, limit=2)) == 2

    assert len(plot.taken(HERE)) == 2
    assert len(plot.graveyard.letters(HERE, limit=10)) == 1


def test_queues_have_their_letters_apart(plot: Plot) -> None:
    plot.bury(HERE).bury("here", "failed")
    plot.bury(THERE).bury("there", "failed")

    plot.graveyard.redrive(THERE, everything, limit=10)

    assert {HERE, THERE} <= set(plot.graveyard.queues)
    assert plot.taken(THERE) == [("there", None)]
    assert plot.taken(HERE) == []
    assert [each.message for each in plot.graveyard.letters(HERE, limit=10)] == ["here"]
