"""A conversation remembered with the models of Bedrock, from the words to the search."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from recollect.adapters.aws.bedrock_embedder import BedrockEmbedder
from recollect.adapters.aws.bedrock_language_model import BedrockLanguageModel
from recollect.adapters.local.store import LocalStore
from recollect.domain.errors import UnavailableError
from recollect.domain.jobs import Decision, Job
from recollect.domain.subjects import Scope
from recollect.usecases.asking import AskModel
from recollect.usecases.deciding import ModelDecider
from recollect.usecases.extraction import ModelExtractor
from tests.contract import bedrock_server
from tests.contract.bedrock_server import BedrockServer, bedrock_client, running_bedrock
from tests.service import RESIDENT_BYTES, Clock, Ids, Ports, Service

EMBEDDING = "eu.cohere.embed-v4:0"
CHAT = "eu.anthropic.claude-haiku-5-5"


@pytest.fixture(scope="module")
def server() -> Iterator[BedrockServer]:
    with running_bedrock() as running:
        yield running


@pytest.fixture
def service(server: BedrockServer, tmp_path: Path) -> Iterator[Service]:
    with bedrock_client(server.address) as client:
        embedder = BedrockEmbedder(client, model=EMBEDDING, dimensions=1024)
        ask = AskModel(BedrockLanguageModel(client, model=CHAT))
        store = LocalStore(
            tmp_path / "recollect.db",
            embedding_model=embedder.model,
            resident_bytes=RESIDENT_BYTES,
        )
        store.open()
        clock = Clock()
        ports = Ports.over(store, store.index, clock, Ids())
        yield Service(store=store, ports=ports, clock=clock).having(
            embedder=embedder, extractor=ModelExtractor(ask), decider=ModelDecider(ask)
        )
        store.database.close()


@pytest.fixture
def scope(service: Service) -> Scope:
    return service.new_scope(user="ada")


def outcomes(job: Job) -> list[tuple[Decision, str, str | None]]:
    return [(each.decision, each.text, each.previous_text) for each in job.outcomes]


def test_facts_are_added_updated_deleted_and_found(service: Service, scope: Scope) -> None:
    added = service.say(scope, "I live in Lisbon. What time is it?", "I like tea.", infer=True)
    changed = service.say(
        scope, "I live in Porto.", "I no longer like tea.", "I have a dog.", infer=True
    )
    repeated = service.say(scope, "I really have a dog!", infer=True)

    assert outcomes(added) == [
        (Decision.ADD, "I live in Lisbon.", None),
        (Decision.ADD, "I like tea.", None),
    ]
    assert outcomes(changed) == [
        (Decision.UPDATE, "I live in Porto.", "I live in Lisbon."),
        (Decision.DELETE, "I like tea.", "I like tea."),
        (Decision.ADD, "I no longer like tea.", None),
        (Decision.ADD, "I have a dog.", None),
    ]
    assert [each.decision for each in repeated.outcomes] == [Decision.NONE]
    best, *_ = service.found(scope, "Where is my home?")
    assert best.memory.text == "I live in Porto."
    assert best.memory.embedding is not None
    assert best.memory.embedding.model == "cohere.embed-v4:0-1024"


def test_what_a_user_asks_to_forget_is_deleted(service: Service, scope: Scope) -> None:
    service.say(scope, "I live in Lisbon.", "I like tea.", infer=True)

    job = service.say(scope, "Please forget that I live in Lisbon.", infer=True)

    assert outcomes(job) == [(Decision.DELETE, "I live in Lisbon.", "I live in Lisbon.")]
    assert [memory.text for memory in service.listed(scope)] == ["I like tea."]


def test_an_add_is_two_chat_calls_and_one_embedding_call(
    service: Service, scope: Scope, server: BedrockServer
) -> None:
    service.say(scope, "I live in Lisbon.", infer=True)
    before = len(server.calls)

    job = service.say(scope, "I live in Porto.", "I like tea.", "I have a dog.", infer=True)

    calls = Counter(call.operation for call in server.calls[before:])
    assert calls == {"converse": 2, "invoke": 1}
    assert job.notes["model_calls"] == 2
    prompts = job.notes["prompts"]
    assert isinstance(prompts, list)
    assert [str(prompt).partition("-")[0] for prompt in prompts] == ["decide", "extract"]


def test_an_add_to_an_empty_scope_is_one_chat_call(
    service: Service, scope: Scope, server: BedrockServer
) -> None:
    before = len(server.calls)

    service.say(scope, "I live in Lisbon.", infer=True)

    calls = Counter(call.operation for call in server.calls[before:])
    assert calls == {"converse": 1, "invoke": 1}


def test_nothing_is_stored_and_nothing_is_lost_while_the_model_is_down(
    service: Service, scope: Scope, server: BedrockServer
) -> None:
    server.next.append(bedrock_server.fail("ServiceUnavailableException"))

    with pytest.raises(UnavailableError, match="is not there at the moment"):
        service.say(scope, "I live in Lisbon.", infer=True)

    assert service.listed(scope) == ()
    assert service.say(scope, "I live in Lisbon.", infer=True).outcomes
