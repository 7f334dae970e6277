"""What the Bedrock language model sends, and makes of Bedrock's own ways to say no."""

import json

import boto3
import pytest

from recollect.adapters.aws.bedrock_language_model import BedrockLanguageModel
from recollect.domain.errors import InvalidRequestError, UnavailableError
from recollect.testing.language_model import FILLED, FORM, SYSTEM, TURNS
from tests.contract import bedrock_server
from tests.contract.served_models import bedrock, refused


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("made.up", "does not exist in this region"),
        ("anthropic.claude-haiku-5-5", "through an inference profile only"),
        ("meta.llama3-1-8b-instruct-v1:0", "cannot be made to use a tool"),
    ],
)
def test_it_says_what_is_wrong_with_the_model(model: str, said: str) -> None:
    with bedrock(model=model) as served:
        refusal = refused(served)

    assert said in refusal
    assert refusal.endswith("(ValidationException; RECOLLECT_CHAT_MODEL chooses the model)")


@pytest.mark.parametrize("reason", ["malformed_model_output", "malformed_tool_use"])
def test_it_leaves_a_malformed_answer_to_whoever_checks_it(reason: str) -> None:
    with bedrock() as served:
        served.next("say", '{"colour": ', reason=reason)
        assert served.model.ask(SYSTEM, TURNS, FORM).text == '{"colour": '


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("guardrail_intervened", "refuses to answer this"),
        ("model_context_window_exceeded", "cannot read that much at once"),
    ],
)
def test_it_stops_for_reasons_that_asking_again_does_not_cure(reason: str, said: str) -> None:
    with bedrock() as served:
        served.next("say", "no", reason=reason)
        assert said in refused(served, InvalidRequestError)


def test_it_sends_what_is_chosen() -> None:
    with bedrock(
        model="eu.amazon.nova-2-lite-v1:0", max_tokens=9, temperature=0.5, top_p=0.9
    ) as served:
        served.next("fill", FILLED)
        served.model.ask(SYSTEM, TURNS, FORM)

    limits = {"maxTokens": 9, "temperature": 0.5, "topP": 0.9}
    assert served.bodies[0]["inferenceConfig"] == limits
    assert served.bodies[0]["system"] == [{"text": SYSTEM}]


def test_it_may_answer_with_nothing_at_all() -> None:
    with bedrock() as served:
        served.next("say")
        assert served.model.ask(SYSTEM, TURNS, FORM).text == ""


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("ExpiredTokenException", "have expired"),
        ("UnrecognizedClientException", "are not valid"),
        ("MadeUpException", "cannot be used now"),
    ],
)
def test_it_says_what_the_service_means(code: str, said: str) -> None:
    refusal = json.dumps({"__type": code, "message": "as scripted"}).encode()
    with bedrock() as served:
        served.follow(bedrock_server.garble(refusal, 403))
        assert said in refused(served)


def test_it_says_that_there_are_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    client = boto3.Session().client("bedrock-runtime", endpoint_url="http://127.0.0.1:9")

    with pytest.raises(UnavailableError, match="there are no AWS credentials"):
        BedrockLanguageModel(client, model="eu.some.model").ask(SYSTEM, TURNS, FORM)
