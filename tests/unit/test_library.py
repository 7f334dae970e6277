"""`Memory`: what mem0's class does, on a file, without a server."""

import logging
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from recollect import Memory, bootstrap
from recollect.domain.errors import (
    ConflictError,
    IdempotencyMismatchError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
)
from recollect.domain.jobs import JobStatus
from recollect.entrypoints.cli.local import DEFAULT_PROJECT
from recollect.library import ArgumentError, MissingMemoryError, edition
from recollect.library.edition import PROJECT, Edition
from recollect.ports.models import Form, PromptTurn, Reply, Usage
from tests.callers import AN_ID
from tests.service import a_service

MANY = 230
"""More than a page of a list."""


class Listener:
    """A model that finds nothing, summarises in a word, and notes what it is told."""

    model = "listener"
    told: list[str] = []  # noqa: RUF012 - the library makes the object

    def ask(self, system: str, turns: Sequence[PromptTurn], form: Form) -> Reply:  # noqa: ARG002
        self.told.append(system)
        is_summary = form.name == "keep_summary"
        filled = '{"summary": "Booked."}' if is_summary else '{"facts": [], "forget": []}'
        return Reply(filled, Usage(1, 10, 1))


class Absent:
    """A model that cannot be reached."""

    model = "absent"
    error: type[Exception] = UnavailableError

    def ask(self, *_: object) -> Reply:
        raise self.error(self.model)


class Broken(Absent):
    """A model with a defect."""

    error = RuntimeError


class Letters:
    """An embedder that is not the bundled one."""

    model = "letters-2"
    dimensions = 2


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "recollect.db"


@pytest.fixture
def memory(data: Path) -> Iterator[Memory]:
    with Memory(data) as opened:
        yield opened


def keep(memory: Memory, text: str, user: str = "ada", **options: object) -> str:
    answer = memory.add(text, user_id=user, infer=False, **options)  # type: ignore[arg-type]
    return str(answer["results"][0]["id"])


def texts(memory: Memory, **names: str) -> list[str]:
    return [each["memory"] for each in memory.get_all(**names)["results"]]  # type: ignore[arg-type]


def pending(data: Path) -> list[tuple[str, tuple[str, ...]]]:
    with bootstrap.local_edition(data) as store:
        return store.outbox.stale(before=datetime.now(UTC), limit=100)


def test_the_package_alone_imports_nothing() -> None:
    code = "import sys, recollect; print([name for name in sys.modules if 'recollect.' in name])"

    printed = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert printed.stdout.strip() == "[]"


def test_the_package_has_nothing_else() -> None:
    with pytest.raises(ImportError, match="Memry"):
        exec("from recollect import Memry")  # noqa: S102 - so that no tool reads it


def test_two_files_are_used_at_once(tmp_path: Path) -> None:
    with Memory(tmp_path / "one.db") as one, Memory(tmp_path / "two.db") as two:
        keep(one, "I live in Lisbon.")
        keep(two, "I live in Porto.")

        assert texts(one, user_id="ada") == ["I live in Lisbon."]
        assert texts(two, user_id="ada") == ["I live in Porto."]


def test_two_objects_share_a_file(memory: Memory, data: Path) -> None:
    with Memory(data) as other:
        keep(other, "I live in Lisbon.")

        [found] = memory.search("Where is Lisbon?", user_id="ada")["results"]

    assert found["memory"] == "I live in Lisbon."


def test_threads_share_an_object(memory: Memory) -> None:
    with ThreadPoolExecutor(8) as threads:
        ids = set(threads.map(lambda _: keep(memory, "I live in Lisbon."), range(24)))

    assert len(ids) == 1
    assert texts(memory, user_id="ada") == ["I live in Lisbon."]


def test_every_change_is_indexed_at_once(memory: Memory, data: Path) -> None:
    memory_id = keep(memory, "I live in Lisbon.")
    keep(memory, "I like tea.", "bea")
    memory.update(memory_id, "I live in Porto.")
    memory.delete(memory_id)
    memory.delete_all("bea")

    assert pending(data) == []


def test_what_others_left_behind_is_done_when_the_file_is_opened(data: Path) -> None:
    service = a_service(data)
    scope = service.new_scope(user="ada")
    service.remember(scope, "I live in Lisbon.")
    late = service.having(is_late=lambda: True)
    job = late.say(scope, "I like tea.", "I like coffee.")
    service.store.database.close()
    assert pending(data)
    assert job.status is JobStatus.PENDING

    Memory(data).close()

    assert pending(data) == []
    with bootstrap.local_edition(data) as store:
        done = store.jobs.get(job.project, job.id)
    assert done
    assert done.status is JobStatus.SUCCEEDED


def test_a_long_line_keeps_nobody_from_the_file(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = a_service(data)
    late, scope = service.having(is_late=lambda: True), service.new_scope(user="ada")
    for text in ("I like tea.", "I live in Lisbon."):
        late.say(scope, text)
    service.store.database.close()
    waiting = "SELECT count(*) FROM jobs WHERE status = 'PENDING'"

    def left() -> int:
        with closing(sqlite3.connect(data)) as connection:
            return int(connection.execute(waiting).fetchone()[0])

    with monkeypatch.context() as hurry:
        hurry.setattr(edition, "PATIENCE_SECONDS", 0)
        with Memory(data) as memory:
            keep(memory, "I like coffee.")
    assert left() == 2

    Memory(data).close()
    assert left() == 0


def test_what_cannot_be_finished_keeps_nobody_from_the_file(
    data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    service = a_service(data)
    late = service.having(is_late=lambda: True)
    late.say(service.new_scope(user="ada"), "I live in Lisbon.", infer=True)
    service.store.database.close()

    with caplog.at_level(logging.WARNING), Memory(data, language_model=f"{__name__}:Broken") as it:
        keep(it, "I like tea.")

    told = [record.getMessage() for record in caplog.records]
    with closing(sqlite3.connect(data)) as connection:
        jobs = connection.execute("SELECT status, attempt FROM jobs ORDER BY status").fetchall()
    assert (told, jobs) == (
        ["unfinished work could not be finished: RuntimeError"],
        [("RUNNING", 2), ("SUCCEEDED", 1)],
    )


def test_an_add_that_was_overtaken_is_carried_on(data: Path) -> None:
    service = a_service(data)
    scope = service.new_scope(user="ada")
    opened = Edition.opened(data, {})
    job = service.having(is_late=lambda: True).say(scope, "I like tea.")

    finished = opened.finished(job)

    opened.close()
    service.store.database.close()
    assert job.status is JobStatus.PENDING
    assert finished.status is JobStatus.SUCCEEDED


def test_it_works_on_the_project_of_the_commands(data: Path) -> None:
    Memory(data).close()

    with bootstrap.local_edition(data) as store:
        [key] = store.keys.list(DEFAULT_PROJECT)
    assert PROJECT == DEFAULT_PROJECT
    assert key.revoked_at


def test_lists_and_deletes_go_beyond_a_page(memory: Memory) -> None:
    memory.add([f"I own {number} books." for number in range(MANY)], user_id="ada", infer=False)

    assert len(texts(memory, user_id="ada")) == 100
    assert len(memory.get_all(user_id="ada", limit=MANY - 1)["results"]) == MANY - 1
    assert len(memory.get_all(user_id="ada", limit=10 * MANY)["results"]) == MANY
    memory.delete_all(user_id="ada")
    assert texts(memory, user_id="ada") == []


def test_reset_deletes_everything(memory: Memory) -> None:
    keep(memory, "I live in Lisbon.")
    memory.add("Book flights early.", agent_id="travel", infer=False)

    memory.reset()

    assert texts(memory, user_id="ada") == texts(memory, agent_id="travel") == []


def test_metadata_says_nothing_about_whose_a_memory_is(memory: Memory) -> None:
    keep(memory, "I live in Lisbon.", metadata={"user_id": "bea"})

    assert texts(memory, user_id="bea") == []


def test_a_search_fills_the_room_that_a_prompt_has(memory: Memory) -> None:
    for number in range(20):
        keep(memory, f"Bee hive {number} belongs to Ada")

    found = memory.search("Whose are the hives?", user_id="ada", limit=1, max_tokens=100)
    plain = memory.search("Whose are the hives?", user_id="ada", limit=1)

    assert found["results"] == plain["results"]
    assert 1 < found["context"].count("belongs to Ada") < 20
    assert 60 < found["context_tokens"] <= 100 < found["all_tokens"]
    assert plain.keys() == {"results", "degraded"}


def test_filters_narrow_and_never_widen(memory: Memory) -> None:
    keep(memory, "I live in Lisbon.")
    keep(memory, "I live in Porto.", "bea")

    assert memory.get_all(user_id="ada", filters={"user_id": "bea"})["results"] == []
    assert memory.search("live", user_id="ada", filters={"user_id": "bea"})["results"] == []


def test_filters_name_keys_of_the_metadata_as_in_mem0(memory: Memory) -> None:
    for topic in ("home", "trip", "work"):
        keep(memory, f"About {topic}.", metadata={"topic": topic})

    def found(filters: dict[str, object]) -> list[str]:
        results = memory.get_all(user_id="ada", filters=filters)["results"]
        return sorted(each["metadata"]["topic"] for each in results)

    assert found({"topic": "trip"}) == ["trip"]
    assert found({"topic": {"eq": "trip"}}) == ["trip"]
    assert found({"topic": {"ne": "trip"}}) == ["home", "work"]
    assert found({"topic": {"in": ["trip", "work"]}}) == ["trip", "work"]
    assert found({"topic": {"nin": ["trip", "work"]}}) == ["home"]
    assert found({"topic": "*"}) == ["home", "trip", "work"]
    assert found({"OR": [{"topic": "home"}, {"topic": "work"}]}) == ["home", "work"]
    assert found({"NOT": [{"topic": "home"}, {"topic": "work"}]}) == ["trip"]
    assert found({"AND": [{"topic": "home"}, {"text": {"contains": "About"}}]}) == ["home"]
    assert found({"metadata": {"topic": "trip"}}) == ["trip"]


def test_what_is_asked_of_an_add_is_done(memory: Memory) -> None:
    said = datetime(2024, 3, 1, 12, tzinfo=UTC)
    memory_id = keep(
        memory,
        "I live in Lisbon.",
        app_id="diary",
        timestamp=said,
        expiration_date=date(2999, 12, 31),
        immutable=True,
        metadata={"seen": said},
    )

    found = memory.get(memory_id)

    assert found
    assert (found["app_id"], found["immutable"]) == ("diary", True)
    assert found["created_at"] == "2024-03-01T12:00:00.000000Z"
    assert found["expiration_date"] == "2999-12-31"
    assert found["metadata"] == {"seen": "2024-03-01T12:00:00+00:00"}
    with pytest.raises(ConflictError):
        memory.update(memory_id, "I live in Porto.")


def test_a_repeated_add_with_its_key_changes_nothing(memory: Memory) -> None:
    first = memory.add("I like tea.", user_id="ada", infer=False, idempotency_key="k")

    again = memory.add("I like tea.", user_id="ada", infer=False, idempotency_key="k")

    assert again == first
    with pytest.raises(IdempotencyMismatchError):
        memory.add("I like coffee.", user_id="ada", infer=False, idempotency_key="k")


def test_the_prompts_of_the_object_replace_ours(data: Path) -> None:
    Listener.told.clear()
    model = f"{__name__}:Listener"

    with Memory(data, language_model=model, custom_fact_extraction_prompt="Only birds.") as it:
        it.add("I saw a wren.", user_id="ada", custom_instructions="Latin names.")

    [told] = Listener.told
    assert told.startswith("Only birds.")
    assert "Latin names." in told


def test_a_procedure_is_summarised_by_the_prompt_of_its_call(data: Path) -> None:
    Listener.told.clear()
    model = f"{__name__}:Listener"
    procedure = {"agent_id": "travel", "memory_type": "procedural_memory"}

    with Memory(data, language_model=model, custom_fact_extraction_prompt="Only birds.") as it:
        it.add("I booked the flight.", prompt="As a list.", **procedure)  # type: ignore[arg-type]
        added = it.add("I booked the hotel.", **procedure)  # type: ignore[arg-type]

    first, second = Listener.told
    assert first.startswith("As a list.")
    assert "Only birds." not in second
    assert [each["memory"] for each in added["results"]] == ["Booked."]


def test_a_model_that_cannot_be_reached_is_no_empty_answer(data: Path) -> None:
    with Memory(data, language_model=f"{__name__}:Absent") as memory:
        with pytest.raises(UnavailableError, match="absent"):
            memory.add("I live in Lisbon.", user_id="ada")

        assert texts(memory, user_id="ada") == []


def test_an_unknown_memory_is_none_to_read_and_an_error_to_change(memory: Memory) -> None:
    assert memory.get(AN_ID) is None
    assert memory.history(AN_ID) == []
    with pytest.raises(MissingMemoryError) as raised:
        memory.delete(AN_ID)
    assert isinstance(raised.value, NotFoundError | ValueError)
    with pytest.raises(ValueError, match="not found"):
        memory.update(AN_ID, "I live in Porto.")


@pytest.mark.parametrize(
    ("method", "arguments", "reason"),
    [
        ("add", {"messages": "I am."}, "At least one of user_id"),
        ("add", {"messages": 7, "user_id": "ada"}, "messages"),
        ("add", {"messages": "I am.", "user_id": ""}, "must not be empty"),
        ("add", {"messages": "I am.", "user_id": 7}, "user_id"),
        ("add", {"messages": "I am.", "user_id": "a", "metadata": {"a": {1}}}, "JSON"),
        ("add", {"messages": "I am.", "user_id": "a", "metadata": {"a": float("nan")}}, "JSON"),
        ("add", {"messages": "I am.", "user_id": "a", "memory_type": "odd"}, "memory_type"),
        ("add", {"messages": "I am.", "user_id": "a", "timestamp": "soon"}, "timestamp"),
        ("search", {"query": "Who?"}, "user_id"),
        ("search", {"query": " ", "user_id": "ada"}, "query"),
        ("search", {"query": None, "user_id": "ada"}, "query"),
        ("search", {"query": "Who?", "user_id": "*"}, "must not be"),
        ("search", {"query": "Who?", "user_id": "ada", "limit": 0}, "between 1 and 1000"),
        ("search", {"query": "Who?", "user_id": "ada", "threshold": 2}, "threshold"),
        ("search", {"query": "Who?", "user_id": "ada", "max_tokens": 0}, "max_tokens"),
        ("search", {"query": "Who?", "user_id": "ada", "max_tokens": 1.5}, "max_tokens"),
        ("search", {"query": "Who?", "user_id": "ada", "filters": {"a": {"near": 1}}}, "near"),
        ("search", {"query": "Who?", "user_id": "ada", "filters": {"OR": 1}}, "object"),
        ("get_all", {}, "user_id"),
        ("get_all", {"user_id": "ada", "limit": 0}, "limit"),
        ("update", {"memory_id": AN_ID, "data": 7}, "text"),
        ("delete_all", {}, "At least one of user_id"),
        ("delete_all", {"user_id": "*"}, "must not be"),
    ],
)
def test_what_cannot_be_used_is_a_value_error(
    memory: Memory, method: str, arguments: dict[str, object], reason: str
) -> None:
    with pytest.raises(ArgumentError, match=reason) as raised:
        getattr(memory, method)(**arguments)

    assert isinstance(raised.value, ValueError)
    assert isinstance(raised.value, InvalidRequestError)


def test_nobody_is_told_what_was_said(memory: Memory) -> None:
    with pytest.raises(ArgumentError) as raised:
        memory.add([{"role": "user", "content": 7, "name": ["my secret"]}], user_id="ada")

    assert "secret" not in str(raised.value)


def test_an_unknown_option_is_a_type_error(memory: Memory) -> None:
    with pytest.raises(TypeError, match="'ap_id'"):
        memory.add("I am.", user_id="ada", ap_id="diary")  # type: ignore[call-arg]


def test_settings_that_cannot_be_used_are_told(tmp_path: Path) -> None:
    for settings in ({"embedder": "nothing"}, {"colour": "red"}, {"resident_megabytes": "x"}):
        with pytest.raises(ArgumentError, match="RECOLLECT_"):
            Memory(tmp_path / "recollect.db", **settings)


def test_a_file_that_cannot_be_used_is_told(data: Path) -> None:
    data.write_text("A letter, and no database. " * 100)

    with pytest.raises(UnavailableError, match=r"recollect\.db"):
        Memory(data)
    with pytest.raises(ArgumentError, match=":memory:"):
        Memory(":memory:")


def test_nothing_of_the_file_stays_open(data: Path) -> None:
    log = data.with_name("recollect.db-wal")
    with Memory(data) as memory:
        keep(memory, "I like tea.")
        assert log.exists()
    assert not log.exists()

    with pytest.raises(UnavailableError, match="reembed") as raised:
        Memory(data, embedder=f"{__name__}:Letters")

    assert "letters-2" in str(raised.value)
    assert not log.exists()


def test_a_memory_has_the_names_that_it_was_given(memory: Memory) -> None:
    names = {"user_id", "agent_id", "app_id", "run_id", "actor_id", "role"}
    memory_id = keep(memory, "I like tea.", run_id="monday")

    found = memory.get(memory_id)

    assert found
    assert found.keys() & names == {"user_id", "run_id", "role"}


def test_a_closed_object_does_nothing(data: Path) -> None:
    memory = Memory(data)
    memory.close()
    memory.close()

    with pytest.raises(RuntimeError, match="closed"):
        memory.get(AN_ID)


def test_there_is_no_chat(memory: Memory) -> None:
    with pytest.raises(NotImplementedError):
        memory.chat("Hello?")
