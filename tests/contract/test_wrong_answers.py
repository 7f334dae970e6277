"""What callers get for a wrong answer of a language model, or none: docs/language-models.md."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from recollect import bootstrap
from recollect.bootstrap import models
from recollect.usecases.extraction import MAX_FACT_CHARACTERS
from tests.callers import ADD, AN_ID, Deployment, listed, new_id, refused, remembered
from tests.contract import bedrock_server, openai_server
from tests.contract.bedrock_server import running_bedrock
from tests.contract.openai_server import running_server
from tests.contract.served_models import BEDROCK

Filled = dict[str, Any]
SECRET = "Zanzibar"
NUMBER = 471147114711
SAID = f"I moved to Porto. I like tea. My word is {SECRET}, my number {NUMBER}."
KNOWN = "The user lives in Lisbon."
PORTO, TEA = "The user lives in Porto.", "The user likes tea."
IMPATIENT_SECONDS = 2.0
"""Long enough for a busy machine to answer in, short enough to wait for what never answers."""
ATTEMPTS = {"openai": 1, "bedrock": 2}
"""How often a call is made that fails: Bedrock's client tries itself."""
FACTS: Filled = {
    "facts": [
        {"text": PORTO, "message": 0, "kind": "semantic"},
        {"text": TEA, "message": 0, "kind": "semantic"},
    ]
}
DECISIONS: Filled = {
    "decisions": [
        {"fact": 0, "event": "UPDATE", "memories": [0], "text": PORTO},
        {"fact": 1, "event": "ADD", "memories": []},
    ]
}


@dataclass(frozen=True)
class Vendor:
    """A service over a model of this vendor, and what its server can be told to do."""

    name: str
    server: Any
    deployment: Deployment
    scripts: Mapping[str, Any]

    def next(self, script: str, *arguments: object) -> None:
        self.server.next.append(self.scripts[script](*arguments))

    @property
    def requests(self) -> list[str]:
        """The requests so far, as they were sent."""
        if self.name == "bedrock":
            return [json.dumps(call.body) for call in self.server.calls]
        return [json.dumps(body) for body in self.server.bodies]


def _openai(server: openai_server.OpenAIServer) -> Mapping[str, Any]:
    return {
        "fill": lambda filled: openai_server.used(json.dumps(filled)),
        "say": openai_server.said,
        "cut off": lambda filled: openai_server.used(json.dumps(filled), reason="length"),
        "write": openai_server.used,
        "refuse": lambda: openai_server.said(None, refusal=f"I will not read {SAID}"),
        "too long": lambda: openai_server.refused(f"maximum context length is 9: {SAID}"),
        "400": lambda: openai_server.refused(f"bad request: {SAID}"),
        "429": lambda: openai_server.refused(f"slow down: {SAID}", 429),
        "500": lambda: openai_server.refused(SAID, 500),
        "hang": lambda: server.hang,
        "reset": lambda: openai_server.reset,
        "garble": lambda content: lambda _: (200, content),
    }


def _bedrock(server: bedrock_server.BedrockServer) -> Mapping[str, Any]:
    return {
        "fill": bedrock_server.fill,
        "say": bedrock_server.say,
        "cut off": lambda filled: bedrock_server.stop(filled, "max_tokens"),
        "write": bedrock_server.fill,
        "refuse": lambda: bedrock_server.say(f"not {SAID}", reason="content_filtered"),
        "too long": lambda: bedrock_server.fail(
            "ValidationException", f"Input is too long: {SAID}"
        ),
        "400": lambda: bedrock_server.fail("ValidationException", f"malformed: {SAID}"),
        "429": lambda: bedrock_server.fail("ThrottlingException", f"slow down: {SAID}"),
        "500": lambda: bedrock_server.fail("InternalServerException", SAID),
        "hang": lambda: server.hang,
        "reset": lambda: bedrock_server.reset,
        "garble": bedrock_server.garble,
    }


@pytest.fixture(scope="module", params=["openai", "bedrock"])
def vendor(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Vendor]:
    data = tmp_path_factory.mktemp("wrong") / "recollect.db"
    with pytest.MonkeyPatch.context() as patch:
        name, *in_a_hurry = request.param.split(" ", 1)
        if in_a_hurry:
            patch.setattr(models, "ANSWER_TIMEOUT_SECONDS", IMPATIENT_SECONDS)
        if name == "openai":
            with running_server() as server, _on_openai(server, data) as deployment:
                yield Vendor("openai", server, deployment, _openai(server))
        else:
            with running_bedrock() as stand_in:
                patch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", stand_in.address)
                with _deployed(data, "bedrock", chat_model=BEDROCK) as deployment:
                    yield Vendor("bedrock", stand_in, deployment, _bedrock(stand_in))


def _on_openai(
    server: openai_server.OpenAIServer, data: Path
) -> AbstractContextManager[Deployment]:
    return _deployed(
        data,
        "openai",
        openai_url=server.url,
        openai_api_key=openai_server.KEY,
        chat_model=openai_server.CHAT_MODEL,
    )


@contextmanager
def _deployed(data: Path, language_model: str, **chosen: str) -> Iterator[Deployment]:
    wanted = {"edition": "local", "data": data, "language_model": language_model, **chosen}
    with bootstrap.choosing(**wanted) as closing, closing:
        bootstrap.local_store().open()
        yield Deployment.fresh()


@dataclass(frozen=True)
class Conversation:
    """A caller who says the same until it is remembered, with one key."""

    vendor: Vendor
    client: httpx.Client
    user: str
    memory_id: str
    key: str

    def add(self) -> httpx.Response:
        body = {"messages": SAID, "user_id": self.user}
        return self.client.post(ADD, json=body, headers={"Idempotency-Key": self.key})

    def texts(self) -> list[str]:
        return listed(self.client, user_id=self.user)

    def versions(self) -> int:
        """Return how often what was known has been changed, counting that it was added."""
        response = self.client.get(f"/v1/memories/{self.memory_id}/history/")
        return len(response.json())

    def job(self) -> dict[str, Any]:
        """Return the job of the add; after a refusal, its id is known to the store alone."""
        project = self.client.get("/v1/ping/").json()["project_id"]
        with bootstrap.local_store().database.reading() as connection:
            rows = connection.execute("SELECT job_id FROM jobs WHERE project = ?", (project,))
            ids = [row["job_id"] for row in rows]
        jobs = [self.client.get(f"/v1/event/{each}/").json() for each in ids]
        [job] = [job for job in jobs if job["metadata"].get("extractor") or job["error"]]
        return dict(job)


@pytest.fixture
def talk(vendor: Vendor) -> Iterator[Conversation]:
    """What is known: where the user lived."""
    user = f"user-{new_id()}"
    with vendor.deployment.client(vendor.deployment.new_key()) as client:
        memory_id = remembered(client, KNOWN, user_id=user)
        yield Conversation(vendor, client, user, memory_id, key=new_id())
    vendor.server.next.clear()


def facts(**changes: object) -> Filled:
    """Return facts of which the second is changed."""
    first, second = FACTS["facts"]
    return {"facts": [first, {**second, **changes}]}


def decisions(**changes: object) -> Filled:
    """Return decisions of which the second is changed: the first is carried out with it or not."""
    first, second = DECISIONS["decisions"]
    return {"decisions": [first, {**second, **changes}]}


A_LIE = {"text": KNOWN, "message": 0, "quote": f"forget it, {SECRET}"}
WRONG_FACTS: dict[str, tuple[str, object, str]] = {
    "plain text": ("say", f"I will remember {SECRET}!", "Invalid JSON"),
    "nothing": ("say", " ", "Invalid JSON"),
    "arguments that are no JSON": ("write", f'{{"facts": "{SECRET}', "the answer: I"),
    "another object": ("fill", {"memories": [SECRET]}, "facts: Field required"),
    "an empty text": ("fill", facts(text=" "), "must not be empty"),
    "no text": ("fill", {"facts": [{"message": 0}]}, "text: Field required"),
    "an enormous text": (
        "fill",
        facts(text=SECRET * MAX_FACT_CHARACTERS),
        f"at most {MAX_FACT_CHARACTERS} characters",
    ),
    "an unknown message": ("fill", facts(message=9), "none of the numbered ones"),
    "a number that was said": ("fill", facts(message=NUMBER), "none of the numbered ones"),
    "an unknown kind": ("fill", facts(kind=SECRET), "Input should be 'semantic'"),
    "a quote that nobody said": (
        "fill",
        {**FACTS, "forget": [A_LIE]},
        "quote must be copied exactly",
    ),
    "half an answer": ("cut off", FACTS, "cut off"),
}
WRONG_DECISIONS: dict[str, tuple[str, object, str]] = {
    "plain text": ("say", f"{SECRET} is new.", "Invalid JSON"),
    "arguments that are no JSON": ("write", f'{{"decisions": "{SECRET}', "the answer: I"),
    "another object": ("fill", {"memory": [SECRET]}, "decisions: Field required"),
    "an unknown event": ("fill", decisions(event=SECRET), "event: Input should be 'ADD'"),
    "an unknown alias": ("fill", decisions(event="DELETE", memories=[7]), "needs some of"),
    "a number that was said": ("fill", decisions(event="DELETE", memories=[NUMBER]), "needs some"),
    "an id": ("fill", decisions(event="DELETE", memories=[AN_ID]), "valid integer"),
    "no alias": ("fill", decisions(event="NONE"), "needs some of the memories"),
    "UPDATE without text": (
        "fill",
        {"decisions": [{**DECISIONS["decisions"][0], "text": ""}, DECISIONS["decisions"][1]]},
        "must not be empty",
    ),
    "an enormous text": (
        "fill",
        {
            "decisions": [
                {**DECISIONS["decisions"][0], "text": SECRET * 99},
                DECISIONS["decisions"][1],
            ]
        },
        "must have at most",
    ),
    "a fact is left out": ("fill", {"decisions": DECISIONS["decisions"][:1]}, "exactly once"),
    "a fact twice": (
        "fill",
        {"decisions": [*DECISIONS["decisions"], DECISIONS["decisions"][0]]},
        "exactly once",
    ),
    "an unknown fact": ("fill", decisions(fact=NUMBER), "exactly once"),
}
LATE = "no answer in time"
FAILURES: dict[str, tuple[tuple[str, *tuple[object, ...]], int, str]] = {
    "a refusal": (("refuse",), 400, "refuses to answer this"),
    "too much to read": (("too long",), 400, "cannot read that much at once; send less"),
    "400": (("400",), 503, "400|finds the request invalid"),
    "429": (("429",), 503, "429|is busy, its quota is used up"),
    "500": (("500",), 503, "500|failed"),
    LATE: (("hang",), 503, "did not answer in time"),
    "a closed connection": (("reset",), 503, "cannot be reached"),
    "an empty body": (("garble", b""), 503, "did not answer (with a chat completion|in Bedrock)"),
    "a page of a proxy": (("garble", b"<html>"), 503, "did not answer (with|in)"),
    "another format": (("garble", b"{}"), 503, "did not answer (with|in)"),
}


def check_refusal(talk: Conversation, status: int, reason: str) -> None:
    """Fail once, store nothing and repeat nothing; then do the same add with success."""
    response = talk.add()

    said = refused(response, status)
    assert re.search(reason, said)
    assert response.headers.get("retry-after") == (None if status == 400 else "2")
    job = talk.job()
    assert (job["status"], job["error"], job["results"]) == ("FAILED", said, [])
    for told in (response.text, json.dumps(job)):
        assert SECRET not in told
        assert str(NUMBER) not in told
    assert talk.texts() == [KNOWN]
    assert talk.versions() == 1

    talk.vendor.server.next.clear()
    talk.vendor.next("fill", FACTS)
    talk.vendor.next("fill", DECISIONS)
    done = talk.add()

    assert [each["event"] for each in done.json()["results"]] == ["UPDATE", "ADD"]
    assert done.json()["event_id"] == job["id"]
    assert sorted(talk.texts()) == sorted([PORTO, TEA])
    assert (talk.job()["status"], talk.job()["error"]) == ("SUCCEEDED", None)


@pytest.mark.parametrize("wrong", WRONG_FACTS)
def test_promise_7_wrong_facts_are_sent_back_once_and_then_refused(
    talk: Conversation, wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    script, answer, reason = WRONG_FACTS[wrong]
    before = len(talk.vendor.requests)
    for _ in range(2):
        talk.vendor.next(script, answer)

    check_refusal(talk, 502, reason)

    _, repair, *later = talk.vendor.requests[before:]
    assert "That answer is invalid" in repair
    assert len(later) == 2
    assert SECRET not in caplog.text


@pytest.mark.parametrize("wrong", WRONG_DECISIONS)
def test_promise_7_a_wrong_plan_is_sent_back_once_and_never_half_carried_out(
    talk: Conversation, wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    script, answer, reason = WRONG_DECISIONS[wrong]
    before = len(talk.vendor.requests)
    talk.vendor.next("fill", FACTS)
    for _ in range(2):
        talk.vendor.next(script, answer)

    check_refusal(talk, 502, reason)

    _, _, repair, *later = talk.vendor.requests[before:]
    assert "That answer is invalid" in repair
    assert len(later) == 2
    assert SECRET not in caplog.text


@pytest.mark.parametrize("wrong", WRONG_FACTS)
def test_promise_7_a_second_answer_may_be_right(talk: Conversation, wrong: str) -> None:
    script, answer, _ = WRONG_FACTS[wrong]
    talk.vendor.next(script, answer)
    talk.vendor.next("fill", FACTS)
    talk.vendor.next("fill", DECISIONS)

    assert talk.add().status_code == 200

    assert sorted(talk.texts()) == sorted([PORTO, TEA])
    assert talk.job()["metadata"]["model_calls"] == 3


@pytest.mark.parametrize("wrong", WRONG_DECISIONS)
def test_promise_7_a_second_plan_may_be_right(talk: Conversation, wrong: str) -> None:
    script, answer, _ = WRONG_DECISIONS[wrong]
    talk.vendor.next("fill", FACTS)
    talk.vendor.next(script, answer)
    talk.vendor.next("fill", DECISIONS)

    assert talk.add().status_code == 200

    assert sorted(talk.texts()) == sorted([PORTO, TEA])
    assert talk.job()["metadata"]["model_calls"] == 3


@pytest.mark.parametrize("is_read", [False, True], ids=["while reading", "while deciding"])
@pytest.mark.parametrize("failure", [each for each in FAILURES if each != LATE])
def test_promise_16_a_model_that_does_not_answer_is_not_asked_to_repair(
    talk: Conversation, failure: str, *, is_read: bool, caplog: pytest.LogCaptureFixture
) -> None:
    check_failure(talk, failure, is_read=is_read)

    assert SECRET not in caplog.text


@pytest.mark.parametrize("is_read", [False, True], ids=["while reading", "while deciding"])
@pytest.mark.parametrize("vendor", ["openai in a hurry", "bedrock in a hurry"], indirect=True)
def test_promise_16_a_model_that_hangs_is_not_asked_to_repair(
    talk: Conversation, *, is_read: bool, caplog: pytest.LogCaptureFixture
) -> None:
    check_failure(talk, LATE, is_read=is_read)

    assert SECRET not in caplog.text


def check_failure(talk: Conversation, failure: str, *, is_read: bool) -> None:
    """Fail while reading or, when the facts were read, while deciding; ask for no repair."""
    script, status, reason = FAILURES[failure]
    before = len(talk.vendor.requests)
    if is_read:
        talk.vendor.next("fill", FACTS)
    for _ in range(ATTEMPTS[talk.vendor.name]):
        talk.vendor.next(*script)

    check_refusal(talk, status, reason)

    asked = talk.vendor.requests[before:]
    assert len(asked) <= is_read + ATTEMPTS[talk.vendor.name] + 2
    assert [each for each in asked if "That answer is invalid" in each] == []


TOLERATED: dict[str, Filled] = {
    "in lower case": decisions(event="add"),
    "with spaces": decisions(event=" Add\n"),
    "with more fields": {**decisions(user_id="bob", id=AN_ID, confidence=1), "thoughts": SECRET},
    "with too much for ADD": decisions(memories=[0], text=SECRET),
    "with one alias twice": {
        "decisions": [{**DECISIONS["decisions"][0], "memories": [0, 0]}, DECISIONS["decisions"][1]]
    },
    "with one alias for two": decisions(event="DELETE", memories=[0, 0]),
    "in another order": {"decisions": DECISIONS["decisions"][::-1]},
}


@pytest.mark.parametrize("how", TOLERATED)
def test_what_can_be_understood_is_not_sent_back(talk: Conversation, how: str) -> None:
    talk.vendor.next("fill", {**FACTS, "user_id": "bob"})
    talk.vendor.next("fill", TOLERATED[how])

    assert talk.add().status_code == 200

    assert sorted(talk.texts()) == sorted([PORTO, TEA])
    assert talk.job()["metadata"]["model_calls"] == 2


def test_a_form_that_is_written_as_text_counts(talk: Conversation) -> None:
    talk.vendor.next("say", f"<think>hm</think>```json\n{json.dumps(FACTS)}\n```")
    talk.vendor.next("say", json.dumps(DECISIONS))

    assert talk.add().status_code == 200

    assert sorted(talk.texts()) == sorted([PORTO, TEA])


def test_a_plan_that_is_cut_off_is_made_in_two_halves(talk: Conversation) -> None:
    first, second = DECISIONS["decisions"]
    talk.vendor.next("fill", FACTS)
    talk.vendor.next("cut off", DECISIONS)
    talk.vendor.next("fill", {"decisions": [first]})
    talk.vendor.next("fill", {"decisions": [{**second, "fact": 0}]})

    assert talk.add().status_code == 200

    assert sorted(talk.texts()) == sorted([PORTO, TEA])
    assert talk.job()["metadata"]["model_calls"] == 4


def test_the_page_tells_of_every_case() -> None:
    page = (Path(__file__).parents[2] / "docs" / "language-models.md").read_text("utf-8")
    rows = {line.split("|")[1].strip() for line in page.splitlines() if line.startswith("|")}

    assert {*WRONG_FACTS, *WRONG_DECISIONS, *TOLERATED, *FAILURES} <= rows
