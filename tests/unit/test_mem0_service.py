"""How a running mem0 is read: page by page, patiently, and whatever its memories look like."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from recollect.adapters import mem0_files
from recollect.adapters.mem0_files import is_mem0_file, read_mem0_file
from recollect.adapters.mem0_memories import kept_memory
from recollect.adapters.mem0_service import (
    LONGEST_PAUSE_SECONDS,
    MAX_TRIES,
    OPEN_SOURCE_LIMIT,
    Asking,
    HostedMem0,
    OpenSourceMem0,
    ReadMem0,
)
from recollect.domain.errors import InvalidRequestError, UnavailableError
from recollect.domain.memory import Feedback, HistoryAction, Memory, Verdict
from recollect.domain.subjects import Subject, SubjectKind
from recollect.ports.archive import KeptMemory, NotTaken
from recollect.testing.builders import a_scope

MAYA = Subject(SubjectKind.USER, "maya")
SAID = datetime(2024, 7, 20, 8, 30, tzinfo=UTC)
CHANGED = datetime(2024, 7, 21, 8, 30, tzinfo=UTC)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
AN_ID = "0b5a1c9e-5a4f-4c39-9a56-3e7c02d4b1aa"

Answer = Callable[[httpx.Request], httpx.Response]


def a_row(an_id: str = AN_ID, text: str = "Likes tea", **fields: object) -> dict[str, Any]:
    """Return a memory as mem0 tells it."""
    times = {"created_at": SAID.isoformat(), "updated_at": CHANGED.isoformat()}
    return {"id": an_id, "memory": text, "user_id": "maya", **times, **fields}


def an_event(event: str, old: str | None, new: str | None, **fields: object) -> dict[str, Any]:
    """Return an event of a history as mem0 tells it."""
    times = {"created_at": SAID.isoformat(), "updated_at": CHANGED.isoformat()}
    return {"event": event, "old_memory": old, "new_memory": new, **times, **fields}


# --- what a memory is with us


def test_everything_that_is_told_is_kept() -> None:
    row = a_row(
        agent_id="bot",
        session_id="r1",
        metadata={"topic": "drinks"},
        categories=["food"],
        expiration_date="2999-01-31",
        immutable=True,
        role="user",
        actor_id="Maya",
        feedback="POSITIVE",
        feedback_reason="so true",
    )

    kept = kept_memory("acme", row, learned_at=NOW)

    assert kept.memory == Memory(
        id=AN_ID,
        scope=a_scope("acme", user="maya", agent="bot", run="r1"),
        text="Likes tea",
        created_at=SAID,
        updated_at=CHANGED,
        recorded_at=NOW,
        metadata={"topic": "drinks"},
        categories=("food",),
        role="user",
        actor="Maya",
        expires_on=date(2999, 1, 31),
        is_immutable=True,
        episode_id=AN_ID,
        feedback=Feedback(Verdict.POSITIVE, "so true"),
    )
    [event] = kept.history
    assert (event.action, event.new_text, event.at) == (HistoryAction.ADD, "Likes tea", SAID)


def told(kept: KeptMemory) -> list[tuple[Any, ...]]:
    return [(each.version, each.action, each.old_text, each.new_text) for each in kept.history]


@pytest.mark.parametrize(
    ("history", "events"),
    [
        ([], [(1, "ADD", None, "Likes tea")]),
        (
            [an_event("ADD", None, "Tea?"), an_event("UPDATE", "Tea?", "Likes tea")],
            [(1, "ADD", None, "Tea?"), (2, "UPDATE", "Tea?", "Likes tea")],
        ),
        (
            [an_event("ADD", None, "Tea?")],
            [(1, "ADD", None, "Tea?"), (2, "UPDATE", "Tea?", "Likes tea")],
        ),
        (
            [an_event("UPDATE", "Tea?", "Likes tea")],
            [(1, "ADD", None, "Tea?"), (2, "UPDATE", "Tea?", "Likes tea")],
        ),
        (
            [
                an_event("ADD", None, "Tea?", version=2),
                an_event("DELETE", "Tea?", None),
                an_event("UPDATE", "Tea?", "Likes tea", version=5),
            ],
            [(2, "ADD", None, "Tea?"), (5, "UPDATE", "Tea?", "Likes tea")],
        ),
    ],
)
def test_a_history_leads_to_the_text(
    history: list[dict[str, Any]], events: list[tuple[Any, ...]]
) -> None:
    kept = kept_memory("acme", a_row(), history, learned_at=NOW)

    assert told(kept) == events
    assert kept.memory.version == events[-1][0]


def test_an_id_that_is_no_uuid_becomes_always_the_same_one() -> None:
    first, again, other = (
        kept_memory("acme", a_row(an_id), learned_at=NOW).memory.id for an_id in ("7", "7", "8")
    )

    assert first == again != other


@pytest.mark.parametrize(
    "fields",
    [
        {"user_id": None},
        {"user_id": "*"},
        {"user_id": 7},
        {"memory": "\t"},
        {"memory": "x" * 40_000},
        {"created_at": None},
        {"created_at": "soon"},
        {"expiration_date": "soon"},
        {"metadata": "text"},
        {"metadata": {"long": "x" * 40_000}},
        {"feedback": "SO-SO"},
        {"kind": "rumour"},
    ],
)
def test_what_cannot_be_a_memory_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        kept_memory("acme", {**a_row(), **fields}, learned_at=NOW)

    assert "Likes tea" not in str(refused.value)


# --- how a service is asked


class Mem0:
    """Answers by a script, and keeps what it was asked and how long it was left alone."""

    def __init__(self, answer: Answer) -> None:
        self.asked: list[httpx.Request] = []
        self.pauses: list[float] = []
        self._answer = answer

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self._answer(request)

    @property
    def asking(self) -> Asking:
        client = httpx.Client(transport=httpx.MockTransport(self), base_url="http://mem0.test")
        return Asking(client, self.pauses.append)

    def read(self, *subjects: Subject, is_open_source: bool = False) -> list[Any]:
        mem0 = OpenSourceMem0(self.asking) if is_open_source else HostedMem0(self.asking)
        with ThreadPoolExecutor(2) as threads:
            return list(ReadMem0(mem0, threads, lambda: NOW)("acme", subjects))


def by_path(answers: dict[str, Any]) -> Answer:
    """Return the answers by path; 404 for others."""

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        return httpx.Response(200, json=answers[path]) if path in answers else httpx.Response(404)

    return answer


def paged(rows: Sequence[Any]) -> Answer:
    """Answer the third version of the list in pages of what was asked for."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path != "/v3/memories/":
            return httpx.Response(200, json=[])
        page, size = (int(request.url.params[name]) for name in ("page", "page_size"))
        part = rows[(page - 1) * size : page * size]
        following = "http://mem0.test/next" if page * size < len(rows) else None
        return httpx.Response(200, json={"results": part, "next": following})

    return answer


def test_all_pages_are_read_and_each_memory_once() -> None:
    rows = [a_row(f"m{number}", f"Number {number}") for number in range(250)]
    mem0 = Mem0(paged([*rows, rows[0]]))

    taken = mem0.read(MAYA)

    assert [each.memory.text for each in taken] == [row["memory"] for row in rows]
    lists = [each for each in mem0.asked if each.url.path == "/v3/memories/"]
    assert [each.url.params["page"] for each in lists] == ["1", "2", "3"]
    assert json.loads(lists[0].content) == {"filters": {"user_id": "maya"}, "show_expired": True}


def test_all_entities_are_read() -> None:
    mem0 = Mem0(
        by_path(
            {
                "/v1/entities/": {"results": [{"type": "user", "name": "maya"}], "next": None},
                "/v2/memories/": [a_row()],
                f"/v1/memories/{AN_ID}/history/": [an_event("ADD", None, "Likes tea")],
            }
        )
    )

    [kept] = mem0.read()

    assert kept.memory.id == AN_ID, "by the second version, without the third"


def test_a_history_that_is_gone_is_made_up() -> None:
    [kept] = Mem0(by_path({"/v3/memories/": [a_row()]})).read(MAYA)

    assert len(kept.history) == 1


def test_what_cannot_be_taken_is_told_beside_the_rest() -> None:
    answers = {"/v3/memories/": [a_row("bad", "\t"), a_row()]}

    bad, good = Mem0(by_path(answers)).read(MAYA)

    assert (bad.place, bad.reason) == ("bad", "The text of a memory must not be empty")
    assert good.memory.id == AN_ID


def test_the_open_source_server_is_asked_in_its_own_way() -> None:
    rows = [a_row(f"m{number}", f"Number {number}") for number in range(OPEN_SOURCE_LIMIT)]
    answers: dict[str, Any] = {
        "/entities": [{"type": "user", "id": "maya"}],
        "/memories": {"results": rows},
        **{f"/memories/m{number}/history": [] for number in range(OPEN_SOURCE_LIMIT)},
    }

    *taken, cut = Mem0(by_path(answers)).read(is_open_source=True)

    assert len(taken) == OPEN_SOURCE_LIMIT
    assert isinstance(cut, NotTaken)
    assert "no more" in cut.reason


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_may_pass_is_asked_again(status: int) -> None:
    answers = iter([httpx.Response(status), httpx.Response(200, json=[])])
    mem0 = Mem0(lambda _: next(answers))

    assert mem0.read(MAYA) == []
    assert mem0.pauses == [1.0]


@pytest.mark.parametrize(
    ("retry_after", "pause"),
    [("7", 7.0), ("9999", LONGEST_PAUSE_SECONDS), ("soon", 1.0), ("-1", 1.0)],
)
def test_it_is_left_alone_as_long_as_it_asks(retry_after: str, pause: float) -> None:
    busy = httpx.Response(429, headers={"Retry-After": retry_after})
    answers = iter([busy, httpx.Response(200, json=[])])
    mem0 = Mem0(lambda _: next(answers))

    mem0.read(MAYA)

    assert mem0.pauses == [pause]


def test_it_may_ask_for_a_time() -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    answers = iter(
        [httpx.Response(429, headers={"Retry-After": until}), httpx.Response(200, json=[])]
    )
    mem0 = Mem0(lambda _: next(answers))

    mem0.read(MAYA)

    [pause] = mem0.pauses
    assert 20 < pause <= 30


def test_it_is_not_asked_for_ever() -> None:
    def time_out(request: httpx.Request) -> httpx.Response:
        message = "nobody is there"
        raise httpx.ReadTimeout(message, request=request)

    for answer in (time_out, lambda _: httpx.Response(502)):
        mem0 = Mem0(answer)
        with pytest.raises(UnavailableError):
            mem0.read(MAYA)
        assert len(mem0.asked) == MAX_TRIES
        assert mem0.pauses == [1.0, 2.0, 4.0, 8.0, 16.0]


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused_is_told_at_once(status: int) -> None:
    mem0 = Mem0(lambda _: httpx.Response(status))

    with pytest.raises(InvalidRequestError, match="does not know this API key"):
        mem0.read()

    assert len(mem0.asked) == 1


@pytest.mark.parametrize("status", [400, 409])
def test_other_refusals_end_it(status: int) -> None:
    with pytest.raises(InvalidRequestError, match=str(status)):
        Mem0(lambda _: httpx.Response(status)).read(MAYA)


def test_a_refused_history_ends_it() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        is_list = request.method == "POST"
        return httpx.Response(200, json=[a_row()]) if is_list else httpx.Response(400)

    with pytest.raises(InvalidRequestError, match="400"):
        Mem0(answer).read(MAYA)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"hello": "world"}),
        httpx.Response(200, json=["text"]),
        httpx.Response(200, json=7),
    ],
)
def test_what_is_no_mem0_is_told(answer: httpx.Response) -> None:
    with pytest.raises(UnavailableError, match="no mem0"):
        Mem0(lambda _: answer).read(MAYA)


# --- files


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (json.dumps([a_row()]), True),
        (json.dumps(a_row()), True),
        ("\ufeff" + json.dumps({"memories": [a_row()]}), True),
        (json.dumps([{"role": "user", "content": "hi"}]), False),
        (json.dumps({"messages": [], "id": "1", "memory": "x"}), False),
        (json.dumps([]), False),
        ("Maya: hello", False),
        ("", False),
    ],
)
def test_a_file_of_memories_is_recognised(tmp_path: Path, text: str, is_one: bool) -> None:  # noqa: FBT001 - a case
    path = tmp_path / "file"
    path.write_text(text)

    assert is_mem0_file(path) is is_one


def test_one_memory_is_a_list_too(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    path.write_text(json.dumps(a_row(), indent=1))

    [kept] = read_mem0_file("acme", path, NOW)

    assert isinstance(kept, KeptMemory)


def test_a_list_that_is_too_long_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mem0_files, "MAX_FILE_BYTES", 10)
    path = tmp_path / "list.json"
    path.write_text(json.dumps([a_row()]))

    with pytest.raises(InvalidRequestError, match="a line of its own"):
        list(read_mem0_file("acme", path, NOW))
