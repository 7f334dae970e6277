"""`recollect doctor`, with models that do well, badly, or nothing."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from recollect.entrypoints.cli.doctor import NO_MODEL, PRICES
from recollect.entrypoints.cli.main import main
from tests.contract.openai_server import (
    CHAT_MODEL,
    DIMENSIONS,
    KEY,
    MODEL,
    OpenAIServer,
    refused,
    running_server,
    used,
)
from tests.unit.usecases.test_diagnose import FOUND, RIGHT

FACTS, CHOICES = used(json.dumps({"facts": FOUND})), used(json.dumps(RIGHT))
HEADER = ["step", "result", "ms", "calls", "tokens", "in", "tokens", "out", "cost", "model"]


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with running_server() as running:
        yield running


def run(*words: str, **environment: str | None) -> Result:
    """Run the command as somebody would who has set nothing but this."""
    result = CliRunner().invoke(
        main, ["doctor", *words], env={"RECOLLECT_EDITION": None, **environment}
    )
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def asking(server: OpenAIServer, *words: str, **environment: str | None) -> Result:
    """Run the command with the server's language model."""
    ours = {
        "RECOLLECT_LANGUAGE_MODEL": "openai",
        "RECOLLECT_CHAT_MODEL": CHAT_MODEL,
        "RECOLLECT_OPENAI_URL": server.url,
        "RECOLLECT_OPENAI_API_KEY": KEY,
    }
    return run(*words, **{**ours, **environment})


def rows(result: Result) -> list[list[str]]:
    return [line.split() for line in result.stdout.splitlines()]


def without_times(result: Result) -> list[list[str]]:
    return [[*row[:2], *row[3:]] for row in rows(result)[1:]]


def checks(result: Result) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads(result.stdout)["checks"]
    return told


def test_a_model_that_does_well_is_told_in_numbers(server: OpenAIServer) -> None:
    server.next.extend([FACTS, CHOICES])

    told = asking(server, "--input-price", "1", "--output-price", "10")

    assert (told.exit_code, told.stderr) == (0, "")
    assert rows(told)[0] == HEADER
    assert without_times(told) == [
        ["embedding", "ok", "wordllama-l2-supercat-256"],
        ["extraction", "ok", "1", "11", "7", "$0.000081", CHAT_MODEL],
        ["decision", "ok", "1", "11", "7", "$0.000081", CHAT_MODEL],
    ]
    assert len(server.bodies) == 2


def test_an_unknown_price_is_told_as_one(server: OpenAIServer) -> None:
    server.next.extend([FACTS, CHOICES])

    assert without_times(asking(server))[1][-3:] == ["price", "unknown", CHAT_MODEL]


def test_a_published_price_needs_not_be_given(server: OpenAIServer) -> None:
    server.next.extend([FACTS, CHOICES])
    name = next(iter(PRICES))

    told = asking(server, "--json", RECOLLECT_CHAT_MODEL=name)

    dollars = (11 * PRICES[name].read + 7 * PRICES[name].written) / 1_000_000
    assert checks(told)[2]["dollars"] == pytest.approx(dollars)


def test_a_model_that_does_badly_ends_with_status_1(server: OpenAIServer) -> None:
    server.next.extend([used("no form"), used(json.dumps({"facts": []})), CHOICES])

    told, as_json = asking(server), asking(server, "--json")

    assert (told.exit_code, as_json.exit_code) == (1, 1)
    assert without_times(told)[1][:3] == ["extraction", "wrong", "2"]
    assert without_times(told)[2][:3] == ["decision", "ok", "1"]
    assert "extraction: it did not find that the user is a vegetarian.\n" in told.stderr
    assert told.stderr.count("RECOLLECT_CHAT_MODEL") == 1


def test_json_tells_everything(server: OpenAIServer) -> None:
    server.next.extend([used("no form"), FACTS, CHOICES])

    told = json.loads(asking(server, "--json").stdout)
    extraction = told["checks"][1]

    assert (told["is_healthy"], told["has_language_model"]) == (True, True)
    assert extraction.pop("milliseconds") > 0
    assert extraction == {
        "name": "extraction",
        "model": CHAT_MODEL,
        "is_healthy": True,
        "problems": [],
        "what_to_do": None,
        "calls": 2,
        "repairs": 1,
        "input_tokens": 22,
        "output_tokens": 14,
        "dollars": None,
    }


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"RECOLLECT_OPENAI_API_KEY": "sk-wrong"}, "check RECOLLECT_OPENAI_API_KEY"),
        ({"RECOLLECT_CHAT_MODEL": "unknown"}, "check RECOLLECT_CHAT_MODEL"),
        ({"RECOLLECT_CHAT_MODEL": None}, "RECOLLECT_CHAT_MODEL is not set"),
        ({"RECOLLECT_OPENAI_URL": "http://127.0.0.1:1/v1"}, "cannot be reached (ConnectError)"),
        ({"RECOLLECT_LANGUAGE_MODEL": "gpt"}, "neither one of ours nor package.module:factory"),
    ],
)
def test_what_is_wrong_is_told_and_never_the_key(
    server: OpenAIServer, environment: dict[str, str | None], told: str
) -> None:
    found = asking(server, **environment)

    assert found.exit_code == 1
    assert told in found.stderr
    assert "docs/providers.md" in found.stderr
    assert "sk-" not in found.output


def test_a_failing_server_is_told_in_both_steps(server: OpenAIServer) -> None:
    server.next.extend([refused("out of order", 503)] * 2)

    found = checks(asking(server, "--json"))

    assert [check["is_healthy"] for check in found] == [True, False, False]
    assert all("503" in check["problems"][0] for check in found[1:])


def test_the_embedder_is_the_configured_one(server: OpenAIServer) -> None:
    embedder: dict[str, str | None] = {
        "RECOLLECT_EMBEDDER": "openai",
        "RECOLLECT_EMBEDDING_MODEL": MODEL,
        "RECOLLECT_OPENAI_URL": server.url,
        "RECOLLECT_OPENAI_API_KEY": KEY,
    }

    right = run("--json", **embedder, RECOLLECT_EMBEDDING_DIMENSIONS=str(DIMENSIONS))
    wrong = run(**embedder, RECOLLECT_EMBEDDING_DIMENSIONS="9")

    assert (right.exit_code, wrong.exit_code) == (0, 1)
    assert checks(right)[0]["model"] == f"{MODEL}-{DIMENSIONS}"
    assert rows(wrong)[1][:2] == ["embedding", "wrong"]
    assert "embedding: " in wrong.stderr


def test_without_a_language_model_it_says_how_to_get_one() -> None:
    told, as_json = run(), run("--json")

    assert (told.exit_code, as_json.exit_code) == (0, 0)
    assert without_times(told) == [["embedding", "ok", "wordllama-l2-supercat-256"]]
    assert told.stderr == f"{NO_MODEL}\n"
    assert json.loads(as_json.stdout)["has_language_model"] is False


def test_bedrock_needs_a_region() -> None:
    told = run(
        RECOLLECT_LANGUAGE_MODEL="bedrock", RECOLLECT_CHAT_MODEL="x", AWS_DEFAULT_REGION=None
    )

    assert (told.exit_code, told.stderr[:32]) == (1, "Error: No AWS region is configur")


def test_one_price_alone_is_refused() -> None:
    told = run("--input-price", "1")

    assert told.exit_code == 2
    assert "--output-price together" in told.stderr
