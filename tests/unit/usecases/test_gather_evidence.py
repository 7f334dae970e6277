"""What is known of candidates: the same, whether the index tells it or the record is read."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random

import pytest

from recollect.adapters.local.embedder import BundledEmbedder
from recollect.domain.changes import MemoryChanges
from recollect.domain.errors import UnavailableError
from recollect.domain.filters import EVERYTHING, Filter, parse_filter
from recollect.domain.memory import Episode, Message, Vector
from recollect.domain.requests import AddRequest
from recollect.domain.subjects import Scope
from recollect.ports.models import EmbeddingTask
from recollect.testing.builders import NOON, a_change, a_memory, a_scope, adding
from recollect.usecases.search_memories import SearchResult
from tests.service import OnlyProposing, Service

NAMES = ("Mia", "Zoe", None)
WORDS = ("tea", "boat", "Lisbon", "dog", "yesterday", "green", "music", "who?", "May", "walk")


def talk(service: Service, scope: Scope, random: Random, turns: int) -> None:
    """Add a conversation in several adds, with pauses between some of the turns."""
    said_at = NOON - timedelta(days=random.randrange(400))
    for _ in range(turns):
        said_at += timedelta(minutes=random.choice((1, 5, 40)))
        text = " ".join(random.choices(WORDS, k=random.randrange(1, 6)))
        message = Message("user", text, random.choice(NAMES), said_at)
        service.add(AddRequest(scope=scope, messages=(message,), infer=False))
        if not random.randrange(6):
            fact = Message("user", f"I like {random.choice(WORDS)} number {random.random()}.")
            service.add(AddRequest(scope=scope, messages=(message, fact)))


def told(result: SearchResult) -> dict[str, dict[str, float]]:
    return {
        found.memory.id: {**found.score.components, "score": found.score.score}
        for found in result.found
    }


def compare(service: Service, project: str, matching: Filter) -> None:
    remote = service.having(index=OnlyProposing(service.ports.index))
    for question in ("what tea did Mia drink in May 2025?", "when was the boat in Lisbon?"):
        here = service.search(project, question, matching, limit=60, threshold=0.0)
        there = remote.search(project, question, matching, limit=60, threshold=0.0)

        assert here.degraded == there.degraded == ()
        there_told = told(there)
        for memory_id, parts in told(here).items():
            # Vectors that are kept in memory and those that are read differ in the last digits.
            assert parts == pytest.approx(there_told.pop(memory_id), abs=1e-5)
        assert there_told == {}
        assert len(here.found) > 10


@pytest.mark.parametrize("seed", range(6))
def test_a_search_finds_the_same_whoever_knows_what_surrounds_a_memory(
    service: Service, scope: Scope, seed: int
) -> None:
    random = Random(seed)
    for each in (
        scope,
        a_scope(scope.project, user="ada", run="r1"),
        a_scope(scope.project, agent="b"),
    ):
        talk(service, each, random, 60)
        service.index_all(each)
    compare(service, scope.project, EVERYTHING)
    # From here on the index lags behind, which searches of named subjects do not notice.
    talk(service, scope, random, 3)
    for filters in (
        {"user_id": "ada"},
        {"OR": [{"user_id": "ada"}, {"agent_id": "b"}]},
        {"AND": [{"user_id": "ada"}, {"created_at": {"gte": "2025-01-20"}}]},
    ):
        compare(service, scope.project, parse_filter(filters))


def test_a_neighbour_alone_can_be_the_answer(service: Service, scope: Scope) -> None:
    service.say(scope, *(f"nothing of interest {number}" for number in range(100)))
    service.say(scope, "Did you ever go sailing off Lisbon?", "Yes, last Friday!")
    service.index_all(scope)

    for index in (service.ports.index, OnlyProposing(service.ports.index)):
        found = service.having(index=index).search(
            scope.project, "sailing off Lisbon", parse_filter({"user_id": "ada"}), limit=2
        )

        assert {each.memory.text for each in found.found} == {
            "Did you ever go sailing off Lisbon?",
            "Yes, last Friday!",
        }


def test_turns_that_came_later_in_another_add_are_neighbours_too(
    service: Service, scope: Scope
) -> None:
    service.say(scope, "Did you ever go sailing off Lisbon?")
    service.index_all(scope)
    before = service.search(scope.project, "sailing off Lisbon", parse_filter({"user_id": "ada"}))
    service.say(scope, "Yes, last Friday!")

    after = service.search(scope.project, "sailing off Lisbon", parse_filter({"user_id": "ada"}))

    assert len(before.found) == 1
    assert "Yes, last Friday!" in [each.memory.text for each in after.found]


def test_neighbours_that_the_filter_does_not_let_through_are_no_answers(
    service: Service, scope: Scope
) -> None:
    service.say(scope, "Did you go sailing?", metadata={"topic": "boats"})
    service.say(scope, "Yes, last Friday!")
    only = parse_filter({"AND": [{"user_id": "ada"}, {"metadata": {"topic": "boats"}}]})

    for index in (service.ports.index, OnlyProposing(service.ports.index)):
        found = service.having(index=index).search(scope.project, "sailing", only, threshold=0.0)

        assert [each.memory.text for each in found.found] == ["Did you go sailing?"]


def test_a_deleted_neighbour_is_neither_answer_nor_evidence(service: Service, scope: Scope) -> None:
    asked = service.remember(scope, "Did you go sailing?")
    service.remember(scope, "Yes, last Friday!")
    service.index_all(scope)
    matching = parse_filter({"user_id": "ada"})
    before = service.search(scope.project, "sailing", matching, threshold=0.0)
    service.delete(scope.project, asked.id)

    after = service.search(scope.project, "sailing", matching, threshold=0.0)

    assert [each.memory.text for each in after.found] == ["Yes, last Friday!"]
    assert before.found[1].score.components["nearby_words"] > 0
    assert after.found[0].score.components["nearby_words"] == 0


def test_a_fact_is_found_by_what_was_said_around_it(service: Service, scope: Scope) -> None:
    service.say(scope, "Do people fly with TAP there?", "I live in Lisbon.", infer=True)
    service.say(scope, "Is it warm?", "I live near Porto.", infer=True)
    service.index_all(scope)
    matching = parse_filter({"user_id": "ada"})

    for index in (service.ports.index, OnlyProposing(service.ports.index)):
        here = service.having(index=index)
        first, second = here.search(
            scope.project, "who flies with TAP?", matching, threshold=0
        ).found

        assert "Lisbon" in first.memory.text
        assert first.score.components["nearby_words"] > 0
        assert second.score.components["nearby_words"] == 0


def test_messages_that_are_not_kept_are_no_evidence(service: Service, scope: Scope) -> None:
    service.say(scope, "Do people fly with TAP there?", "I live in Lisbon.", infer=True)
    service.index_all(scope)
    tomorrow = service.clock() + timedelta(days=1)
    service.ports.episodes.remove(scope.project, scope.subjects, before=tomorrow)

    [found] = service.search(
        scope.project, "who flies with TAP?", parse_filter({"user_id": "ada"}), threshold=0
    ).found

    assert found.score.components["nearby_words"] == 0


class Noting(BundledEmbedder):
    """Notes the questions that it embeds, and fails at those that it is told to."""

    def __init__(self, *failing: str) -> None:
        super().__init__()
        self.failing = failing
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str], task: EmbeddingTask) -> list[Vector]:
        if task == "query":
            self.asked += texts
            if set(texts) & set(self.failing):
                raise UnavailableError(str(self))
        return super().embed(texts, task)


def say_as(service: Service, scope: Scope, **texts: str) -> None:
    messages = tuple(Message("user", text, name) for name, text in texts.items())
    service.add(AddRequest(scope=scope, messages=messages, infer=False))
    service.index_all(scope)


def components_of(service: Service, scope: Scope, query: str) -> dict[str, float]:
    """Return the components of what Mia said."""
    found = service.search(scope.project, query, parse_filter({"user_id": "ada"}), threshold=0.0)
    [components] = [each.score.components for each in found.found if each.memory.actor == "Mia"]
    return dict(components)


def test_a_question_means_the_same_whoever_of_the_speakers_it_names(
    service: Service, scope: Scope
) -> None:
    say_as(service, scope, Mia="I keep bees on the roof.", Zoe="Oh, really?")

    for index in (service.ports.index, OnlyProposing(service.ports.index)):
        embedder = Noting()
        watched = service.having(index=index, embedder=embedder)
        named = components_of(watched, scope, "What is Mia's hobby?")
        bare = components_of(watched, scope, "What is  hobby?")
        other = components_of(watched, scope, "What is Lea's hobby?")

        assert embedder.asked == [
            "What is Mia's hobby?",
            "What is  hobby?",
            "What is  hobby?",
            "What is Lea's hobby?",
        ]
        assert named["semantic"] == pytest.approx(bare["semantic"])
        assert named["semantic"] != pytest.approx(other["semantic"])
        assert (named["speaker"], bare["speaker"], other["speaker"]) == (1, 0, 0)


def test_whom_a_question_names_may_be_around_what_may_answer(
    service: Service, scope: Scope
) -> None:
    service.add(
        AddRequest(
            scope=scope,
            messages=(Message("user", "Did you go sailing?", "Mia"),),
            metadata={"topic": "boats"},
            infer=False,
        )
    )
    say_as(service, scope, Zoe="Yes, last Friday!")
    only = parse_filter({"AND": [{"user_id": "ada"}, {"metadata": {"topic": "boats"}}]})

    for index in (service.ports.index, OnlyProposing(service.ports.index)):
        embedder = Noting()
        service.having(index=index, embedder=embedder).search(
            scope.project, "What did Zoe say of sailing?", only, threshold=0.0
        )

        assert embedder.asked == ["What did Zoe say of sailing?", "What did  say of sailing?"]


def test_all_whom_a_question_names_are_left_out_wherever_they_speak(
    service: Service, scope: Scope
) -> None:
    query = "What did Mia and Zoe say of sailing?"
    boats = {"topic": "boats"}
    asks, answers = Message("user", "Did you sail?", "Mia"), Message("user", "Yes!", "Zoe")
    service.add(AddRequest(scope=scope, messages=(asks,), metadata=boats, infer=False))
    service.add(AddRequest(scope=scope, messages=(answers,), infer=False))
    service.index_all(scope)
    only = parse_filter({"AND": [{"user_id": "ada"}, {"metadata": boats}]})

    for index in (service.ports.index, OnlyProposing(service.ports.index)):
        embedder = Noting()
        found = service.having(index=index, embedder=embedder).search(
            scope.project, query, only, threshold=0.0
        )

        assert embedder.asked[-1] == "What did  and  say of sailing?"
        assert found.degraded == ()


def test_without_a_second_embedding_a_question_keeps_its_meaning_and_says_so(
    service: Service, scope: Scope
) -> None:
    query = "What is Mia's hobby?"
    say_as(service, scope, Mia="I keep bees on the roof.")
    watched = service.having(embedder=Noting("What is  hobby?"))
    [vector] = BundledEmbedder().embed([query], "query")
    [roof] = BundledEmbedder().embed(["I keep bees on the roof."], "document")

    result = watched.search(scope.project, query, parse_filter({"user_id": "ada"}), threshold=0.0)

    components = result.found[0].score.components
    assert components["semantic"] == pytest.approx(max(float(vector @ roof), 0.0), abs=1e-3)
    assert components["speaker"] == 1
    assert result.degraded == ("embedding",)


class Unreadable:
    """Episodes that cannot be read."""

    def get(self, *_: object, **__: object) -> dict[str, Episode]:
        raise UnavailableError(str(self))


def test_without_their_messages_facts_are_found_all_the_same_which_is_told(
    service: Service, scope: Scope
) -> None:
    service.say(scope, "Is it warm?", "I live in Lisbon.", infer=True)
    service.index_all(scope)

    for index in (service.ports.index, OnlyProposing(service.ports.index)):
        broken = service.having(index=index, episodes=Unreadable())
        result = broken.search(scope.project, "Lisbon", parse_filter({"user_id": "ada"}))

        assert ["Lisbon" in each.memory.text for each in result.found] == [True]
        assert result.degraded == ("messages",)


def test_messages_of_another_scope_are_no_evidence(service: Service, scope: Scope) -> None:
    other = a_scope(scope.project, user="bob")
    job = service.say(other, "We fly with TAP.", infer=False)
    strange = a_memory(scope, "Lives in Lisbon", episode_id=job.id, message=0)
    service.store.record.commit(scope.project, a_change(adding(strange)))

    [found] = service.search(
        scope.project, "who flies with TAP?", parse_filter({"user_id": "ada"}), threshold=0
    ).found

    assert found.score.components["nearby_words"] == 0


def test_what_the_agent_was_told_by_its_maker_is_no_evidence(
    service: Service, scope: Scope
) -> None:
    messages = (
        Message("system", "You answer travellers who fly with TAP."),
        Message("user", "I live in Lisbon."),
    )
    service.add(AddRequest(scope=scope, messages=messages))
    service.index_all(scope)

    found = service.search(
        scope.project, "who flies with TAP?", parse_filter({"user_id": "ada"}), threshold=0
    ).found

    assert {each.score.components["nearby_words"] for each in found} == {0}


def test_a_corrected_fact_is_not_found_by_the_message_that_it_corrects(
    service: Service, scope: Scope
) -> None:
    service.say(scope, "I live in Lisbon.", infer=True)
    [fact] = service.listed(scope)
    service.update(scope.project, fact.id, MemoryChanges(text="Lives in Porto"))
    service.index_all(scope)

    [found] = service.search(
        scope.project, "Lisbon", parse_filter({"user_id": "ada"}), threshold=0
    ).found

    assert found.score.components["nearby_words"] == 0
