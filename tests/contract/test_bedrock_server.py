"""That the stand-in refuses what Bedrock refuses, in the shapes that botocore expects."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from tests.contract import bedrock_server
from tests.contract.bedrock_converse import answered, service, used
from tests.contract.bedrock_errors import STATUS
from tests.contract.bedrock_server import BedrockServer, bedrock_client, running_bedrock
from tests.contract.stand_in import Body

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient

CHAT = "eu.anthropic.claude-haiku-5-5"
TITAN = "amazon.titan-embed-text-v2:0"
COHERE_3 = "cohere.embed-english-v3"
COHERE_4 = "eu.cohere.embed-v4:0"
NOVA = "amazon.nova-2-multimodal-embeddings-v1:0"


@pytest.fixture(scope="module")
def server() -> Iterator[BedrockServer]:
    with running_bedrock() as running:
        yield running


@pytest.fixture(scope="module")
def client(server: BedrockServer) -> "Iterator[BedrockRuntimeClient]":
    with bedrock_client(server.address) as built:
        yield built


def asked(**changes: Any) -> Body:  # noqa: ANN401 - whatever Converse takes
    """Return a good request to Converse with these changes; None leaves a part out."""
    schema = {"type": "object", "properties": {}, "required": []}
    tool = {"name": "t", "description": "d", "inputSchema": {"json": schema}}
    good = {
        "modelId": CHAT,
        "messages": [{"role": "user", "content": [{"text": "hi"}]}],
        "inferenceConfig": {"maxTokens": 9},
        "toolConfig": {"tools": [{"toolSpec": tool}], "toolChoice": {"tool": {"name": "t"}}},
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def nova(**changes: object) -> Body:
    text = {"truncationMode": "END", "value": "hi"}
    parameters = {"embeddingPurpose": "GENERIC_INDEX", "embeddingDimension": 256, "text": text}
    return {"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": {**parameters, **changes}}


def test_a_good_request_is_answered(client: "BedrockRuntimeClient") -> None:
    answer = client.converse(**asked())

    assert answer["stopReason"] == "tool_use"
    assert answer["usage"]["totalTokens"] > 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"messages": []}, "must start with a user"),
        ({"messages": [{"role": "assistant", "content": [{"text": "a"}]}]}, "must start"),
        ({"messages": [{"role": "user", "content": [{"text": " "}]}]}, "is blank"),
        ({"messages": [{"role": "user", "content": [{"text": "a"}]}] * 2}, "must alternate"),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"text": "a"}]},
                    {"role": "assistant", "content": [{"text": "b"}]},
                ]
            },
            "must end with a user",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"image": {"format": "png", "source": {"bytes": b"GIF8"}}}],
                    }
                ]
            },
            "Could not process image",
        ),
        ({"inferenceConfig": {"maxTokens": 9, "temperature": 0.0}}, "deprecated"),
        ({"inferenceConfig": {}}, "maxTokens"),
        ({"modelId": "made.up"}, "identifier is invalid"),
        ({"modelId": "anthropic.claude-haiku-5-5"}, "on-demand throughput"),
        ({"modelId": "meta.llama3-1-8b-instruct-v1:0"}, "toolConfig.toolChoice.tool"),
    ],
)
def test_converse_refuses(
    client: "BedrockRuntimeClient", server: BedrockServer, changes: Body, said: str
) -> None:
    accepted = len(server.calls)

    with pytest.raises(client.exceptions.ValidationException, match=said):
        client.converse(**asked(**changes))

    assert len(server.calls) == accepted


@pytest.mark.parametrize(
    ("model", "body", "said"),
    [
        (TITAN, {}, "required key"),
        (TITAN, {"inputText": ""}, "at least 1 character"),
        (TITAN, {"inputText": "é" * 5_000}, "Too many input tokens"),
        (TITAN, {"inputText": "a", "dimensions": 1_000}, "512"),
        (TITAN, {"inputText": ["a"]}, "valid string"),
        (TITAN, {"inputText": "a", "input_type": "search_query"}, "extraneous key"),
        (COHERE_3, {"texts": ["a"]}, "required key"),
        (COHERE_3, {"texts": ["a"] * 97, "input_type": "search_query"}, "at most 96"),
        (COHERE_3, {"texts": ["a" * 2049], "input_type": "search_query"}, "at most 2048"),
        (COHERE_3, {"texts": ["a"], "input_type": "query"}, "search_query"),
        (
            COHERE_3,
            {"texts": ["a"], "input_type": "search_query", "output_dimension": 256},
            "extraneous key",
        ),
        (COHERE_4, {"texts": ["a"], "input_type": "search_query", "truncate": "END"}, "RIGHT"),
        (NOVA, {}, "required key"),
        (NOVA, nova(embeddingPurpose="QUERY"), "TEXT_RETRIEVAL"),
        (NOVA, nova(embeddingDimension=512), "384"),
        (NOVA, nova(text={"truncationMode": "END", "value": "a" * 8193}), "at most 8192"),
        ("amazon.titan-embed-text-v1", {"inputText": "a"}, "identifier is invalid"),
    ],
)
def test_invoke_model_refuses(
    client: "BedrockRuntimeClient", model: str, body: Body, said: str
) -> None:
    with pytest.raises(client.exceptions.ValidationException, match=said):
        client.invoke_model(modelId=model, body=json.dumps(body))


def test_cohere_answers_by_type_when_asked_for_types(client: "BedrockRuntimeClient") -> None:
    body = {"texts": ["a"], "input_type": "search_query", "embedding_types": ["float"]}

    response = client.invoke_model(modelId=COHERE_3, body=json.dumps(body))

    answer = json.loads(response["body"].read())
    assert answer["response_type"] == "embeddings_by_type"
    assert len(answer["embeddings"]["float"][0]) == 1024


def test_the_answers_have_the_shape_that_the_service_promises() -> None:
    shape = service().shape_for("ConverseResponse")
    for answer in (used("t", {"a": [1.5]}), answered([{"text": "a"}], "end_turn")):
        assert not ParamValidator().validate(answer, shape).has_errors()


@pytest.mark.parametrize("code", sorted(STATUS))
def test_the_errors_are_the_services_own(
    client: "BedrockRuntimeClient", server: BedrockServer, code: str
) -> None:
    server.next.append(bedrock_server.fail(code))

    with pytest.raises(ClientError) as caught:
        client.converse(**asked())

    assert type(caught.value).__name__ == code
    shape = service().shape_for(code)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == STATUS[code]
    assert shape.metadata["error"]["httpStatusCode"] == STATUS[code]
