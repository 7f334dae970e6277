"""What can be chosen when the service is deployed, and how functions are told."""

import re
import tomllib

import pytest

from recollect.bootstrap import Settings
from tests.infrastructure.templates import CHOICES, MAIN, ROOT, Stack, template

ENVIRONMENT_BYTES = 4096
"""AWS Lambda's quota for all variables of a function together."""
PREFIX = "RECOLLECT_"

STACK = Stack(MAIN)
every_choice = pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES.keys())


@every_choice
def test_whatever_is_chosen_nothing_refers_to_what_is_not_there(choice: dict[str, str]) -> None:
    stack = Stack(MAIN, choice)

    assert not stack.dangling()
    assert not stack.violations


def test_the_choices_try_every_condition_both_ways() -> None:
    for name in template(MAIN)["Conditions"]:
        tried = {Stack(MAIN, choice).holds({"Condition": name}) for choice in CHOICES.values()}

        assert tried == {True, False}, name


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"OpenSearch": "existing", "OpenSearchName": "there"}, "needs OpenSearchUrl"),
        ({"OpenSearch": "existing", "OpenSearchUrl": "https://there"}, "needs OpenSearchName"),
        ({"OpenSearch": "serverless"}, "needs OpenSearchEngine=faiss"),
        ({"Embedder": "openai"}, "needs OpenaiUrl"),
        ({"LanguageModel": "openai"}, "needs OpenaiUrl"),
        ({"Graph": "neptune", "NeptuneSubnets": "subnet-0a,subnet-1b"}, "needs NeptuneVpc"),
        ({"Graph": "neptune", "NeptuneVpc": "vpc-0a"}, "needs NeptuneSubnets"),
        (
            {"Graph": "neptune", "NeptuneVpc": "vpc-0a", "NeptuneSubnets": "subnet-0a,subnet-1b"},
            "needs NeptuneNetwork",
        ),
        ({"NeptuneUrl": "wss://there:8182/gremlin"}, "needs NeptuneResourceId"),
        (
            {"NeptuneUrl": "wss://there:8182/gremlin", "NeptuneNetwork": "vpc"},
            "needs NeptuneSecurityGroup",
        ),
        (
            {"NeptuneUrl": "wss://there:8182/gremlin", "NeptuneNetwork": "vpc"},
            "needs NeptuneSubnets",
        ),
    ],
)
def test_choices_that_cannot_work_are_refused_before_anything_is_made(
    chosen: dict[str, str], said: str
) -> None:
    assert [each for each in Stack(MAIN, chosen).violations if said in each]


def test_every_parameter_is_described_and_used() -> None:
    text = (ROOT / MAIN).read_text(encoding="utf-8").partition("\nConditions:")[2]

    for name, parameter in template(MAIN)["Parameters"].items():
        assert parameter["Description"]
        assert re.search(rf"\b{name}\b", text) or any(
            name in str(rest) for rest in template(MAIN)["Conditions"].values()
        ), name


def test_every_parameter_is_in_the_guide() -> None:
    guide = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")

    assert not [name for name in template(MAIN)["Parameters"] if f"`{name}`" not in guide]


def test_the_guide_asks_for_outputs_that_are_there() -> None:
    guide = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    asked = set(re.findall(r"\boutput ([A-Z]\w+)", guide))

    assert asked
    assert asked <= {name for choice in CHOICES.values() for name in Stack(MAIN, choice).outputs}


def test_the_stages_give_parameters_that_are_there_and_allowed() -> None:
    stages = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))
    deployed = {
        name: stage["deploy"]["parameters"]
        for name, stage in stages.items()
        if isinstance(stage, dict) and "deploy" in stage
    }

    assert {"dev", "prod"} <= deployed.keys()
    assert len({stage["stack_name"] for stage in deployed.values()}) == len(deployed)
    for stage in deployed.values():
        given = dict(each.split("=", 1) for each in stage["parameter_overrides"])
        stack = Stack(MAIN, given)
        assert not stack.violations
        for name, value in given.items():
            declared = template(MAIN)["Parameters"][name]
            assert value in map(str, declared.get("AllowedValues", [value]))
            assert re.search(declared.get("AllowedPattern", ""), value)


@every_choice
def test_functions_are_configured_by_settings_that_exist(choice: dict[str, str]) -> None:
    for function in Stack(MAIN, choice).functions.values():
        variables = function["Environment"]["Variables"]
        ours = {name for name in variables if name.startswith(PREFIX)}
        size = sum(len(name) + len(str(value)) for name, value in variables.items())

        assert {name.removeprefix(PREFIX).lower() for name in ours} <= Settings.model_fields.keys()
        assert variables["RECOLLECT_EDITION"] == "aws"
        assert size < ENVIRONMENT_BYTES


def test_what_a_queue_feeds_knows_where_to_bury() -> None:
    told = {
        name: function["Environment"]["Variables"].get("RECOLLECT_DEAD_LETTERS_URL")
        for name, function in Stack(MAIN, CHOICES["every function"]).functions.items()
    }

    assert {name: url for name, url in told.items() if url} == {
        "GraphProjectorFunction": "${GraphProjectionDeadLetters}",
        "GraphWriterFunction": "${GraphDeadLetters}",
        "IngestMessagesFunction": "${IngestDeadLetters}",
        "IngestObjectsFunction": "${ObjectDeadLetters}",
        "NotifierFunction": "${WebhookDeadLetters}",
        "ProjectorFunction": "${IndexDeadLetters}",
        "WorkerFunction": "${WorkerDeadLetters}",
    }


def test_whoever_looks_after_dead_letters_is_told_of_every_queue() -> None:
    stack = Stack(MAIN, CHOICES["every function"])
    told = set(stack.functions["AdminFunction"]["Environment"]["Variables"].values())

    queues = stack.of_type("AWS::SQS::Queue")
    assert {f"${{{name}}}" for name, queue in queues.items() if "RedrivePolicy" in queue} <= told


@every_choice
def test_every_setting_of_the_aws_edition_is_given(choice: dict[str, str]) -> None:
    variables = Stack(MAIN, choice).functions["AddFunction"]["Environment"]["Variables"]
    given = {name.removeprefix(PREFIX).lower() for name in variables}

    assert given >= {
        "record_table",
        "control_table",
        "bucket",
        "index_queue_url",
        "worker_queue_url",
        "opensearch_url",
        "opensearch_auth",
        "opensearch_engine",
        "opensearch_refresh_seconds",
        "embedder",
        "embedding_model",
        "embedding_dimensions",
        "language_model",
        "chat_model",
        "graph",
    }
    assert not [name for name in variables if name.startswith(PREFIX) and variables[name] == ""]


def test_the_settings_read_what_the_template_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    choice = CHOICES["a collection"] | CHOICES["other models"]
    variables = Stack(MAIN, choice).functions["AddFunction"]["Environment"]["Variables"]
    for name, value in variables.items():
        monkeypatch.setenv(name, str(value))

    settings = Settings()

    assert (settings.edition, settings.opensearch_auth) == ("aws", "aoss")
    assert settings.openai_api_key_secret.startswith("arn:aws:secretsmanager:")
    assert not settings.openai_api_key


@pytest.mark.parametrize(
    ("choice", "url", "auth"),
    [
        ("as it comes", "https://${Domain.DomainEndpoint}", "es"),
        ("a collection", "${Collection.CollectionEndpoint}", "aoss"),
        ("a domain that exists", "https://search-there.eu-west-1.es.amazonaws.com", "es"),
        ("a collection that exists", "https://there.eu-west-1.aoss.amazonaws.com", "aoss"),
    ],
)
def test_requests_to_the_index_go_where_it_is(choice: str, url: str, auth: str) -> None:
    stack = Stack(MAIN, CHOICES[choice])
    variables = stack.functions["SearchFunction"]["Environment"]["Variables"]

    assert variables["RECOLLECT_OPENSEARCH_URL"] == stack.outputs["OpenSearchUrl"] == url
    assert variables["RECOLLECT_OPENSEARCH_AUTH"] == auth
