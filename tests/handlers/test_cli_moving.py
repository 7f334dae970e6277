"""`recollect export`, and `recollect import` of what it wrote, of mem0's files, and of a mem0."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import boto3
import httpx
import pytest

from recollect.domain.memory import Json
from recollect.entrypoints.cli.client import Place, opened
from recollect.testing.builders import a_change, a_memory, a_scope, adding, updating
from recollect.testing.store import a_project
from tests.aws import dynamo_store, make_queue
from tests.callers import Deployment, LiveService, ok, remembered
from tests.engines import REGION, endpoint
from tests.handlers.commands import Run, invoke, on_file, printed

Damage: TypeAlias = Callable[[list[str]], list[str]]
ROW: dict[str, Any] = {
    "id": "0b5a1c9e-5a4f-4c39-9a56-3e7c02d4b1aa",
    "memory": "Likes tea",
    "user_id": "maya",
    "agent_id": None,
    "metadata": {"topic": "drinks"},
    "categories": ["food"],
    "created_at": "2024-07-20T01:30:36.275141-07:00",
    "updated_at": "2024-07-21T01:30:36.275172-07:00",
    "expiration_date": None,
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "memories.db"


@pytest.fixture
def run(data: Path) -> Run:
    return on_file(data)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Run:
    return on_file(tmp_path / "other.db")


@pytest.fixture
def filled(run: Run) -> None:
    assert run("add", "I like tea \U0001f642", "--user", "maya").exit_code == 0
    assert run("add", "My dog is called Biscuit.", "--user", "ben").exit_code == 0


def body(path: Path) -> list[str]:
    """Return the lines of an export but the first, which tells the time."""
    raw = path.read_bytes()
    text = gzip.decompress(raw) if path.suffix == ".gz" else raw
    return text.decode().splitlines()[1:]


def rows(run: Run, user: str) -> list[dict[str, Json]]:
    found: list[dict[str, Json]] = printed(run("list", "--user", user, "--json"))
    return found


# --- exports and back


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("name", ["all.jsonl", "all.jsonl.gz"])
def test_what_is_exported_comes_back(run: Run, elsewhere: Run, tmp_path: Path, name: str) -> None:
    out, again = tmp_path / name, tmp_path / f"again-{name}"

    exported = run("export", "--out", str(out))
    imported = elsewhere("import", str(out))
    elsewhere("export", "--out", str(again))

    assert (exported.exit_code, exported.output) == (0, "")
    assert imported.exit_code == 0
    assert imported.stdout.splitlines() == [
        "imported  already there",
        "2         0              memories",
        "2         0              episodes",
        "4 imported, 0 not.",
    ]
    assert body(again) == body(out)
    assert rows(elsewhere, "maya") == rows(run, "maya")
    assert elsewhere("verify").exit_code == 0
    assert out.stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("filled")
def test_an_export_goes_to_standard_output(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "maya.jsonl"
    run("export", "--user", "maya", "--out", str(out))

    printed_lines = run("export", "--user", "maya").stdout_bytes.decode().splitlines()

    assert printed_lines[1:] == body(out)
    assert json.loads(printed_lines[0])["subjects"] == [["user", "maya"]]
    assert [json.loads(line)["kind"] for line in printed_lines[1:]] == ["memory", "episode", "end"]


@pytest.mark.usefixtures("filled")
def test_a_second_import_finds_everything_there(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "all.jsonl"
    run("export", "--out", str(out))

    again = printed(run("import", str(out), "--json"))

    assert again == {
        "imported": {},
        "known": {"memories": 2, "episodes": 2},
        "conflicts": [],
        "conflict_count": 0,
        "owners_to_read": 0,
    }


@pytest.mark.usefixtures("filled")
def test_what_is_in_the_way_is_told(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "all.jsonl"
    run("export", "--out", str(out))
    memory_id = str(rows(run, "maya")[0]["id"])
    assert run("update", memory_id, "I like milk").exit_code == 0

    told = run("import", str(out))

    assert told.exit_code == 1
    assert told.stderr == f"{memory_id}: it is here in another state, which stays\n"
    assert told.stdout.splitlines()[-1] == "0 imported, 1 not."


@pytest.mark.usefixtures("filled")
def test_it_can_go_to_another_project(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "all.jsonl"
    run("export", "--out", str(out))

    refused = run("import", str(out), "--project", "research")
    run("keys", "create", "laptop", "--project", "research")
    taken = run("import", str(out), "--project", "research")

    assert refused.exit_code == 1
    assert "recollect keys create NAME --project research" in refused.stderr
    assert taken.exit_code == 0
    assert taken.stdout.splitlines()[-1] == "4 imported, 0 not."


def test_there_must_be_such_a_project(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "all.jsonl"

    told = run("export", "--project", "nobody's", "--out", str(out))

    assert (told.exit_code, told.stderr) == (1, "Error: There is no such project\n")
    assert list(tmp_path.glob("all.jsonl*")) == []


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda lines: lines[:-1], "The export is cut: its last line is missing"),
        (lambda lines: [*lines[:1], *lines[2:]], "lines are missing"),
        (lambda lines: [*lines[:1], lines[1][:40], *lines[2:]], "Line 2 of the export"),
        (lambda lines: [*lines[:1], "[]", *lines[2:]], "Line 2 of the export"),
        (lambda lines: [lines[0].replace('"version":1', '"version":2')], "A later release"),
        (lambda lines: [lines[0].replace('"schema"', '"scheme"')], "The first line"),
    ],
)
def test_nothing_is_taken_of_a_damaged_file(
    run: Run, elsewhere: Run, tmp_path: Path, damage: Damage, reason: str
) -> None:
    out = tmp_path / "all.jsonl"
    run("export", "--out", str(out))
    out.write_text("\n".join(damage(out.read_text().splitlines())))

    told = elsewhere("import", str(out))

    assert told.exit_code == 1
    assert reason in told.stderr
    assert "run it again" not in told.stderr
    assert rows(elsewhere, "maya") == []


@pytest.mark.usefixtures("filled")
def test_a_cut_archive_is_refused(run: Run, elsewhere: Run, tmp_path: Path) -> None:
    out = tmp_path / "all.jsonl.gz"
    run("export", "--out", str(out))
    whole = out.read_bytes()
    out.write_bytes(whole[: len(whole) * 3 // 4])

    told = elsewhere("import", str(out))

    assert told.exit_code == 1
    assert rows(elsewhere, "maya") == []


def test_a_folder_cannot_be_written(run: Run, tmp_path: Path) -> None:
    run("add", "I like tea", "--user", "maya")

    told = run("export", "--out", str(tmp_path / "nowhere" / "all.jsonl"))

    assert told.exit_code == 1
    assert "cannot be written" in told.stderr


def test_a_chat_log_is_imported_as_before(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "chat.jsonl"
    log.write_text('{"role": "user", "content": "I like tea"}\n')

    told = run("import", str(log), "--user", "maya")

    assert told.stdout == "1 imported, 0 already known, 0 failed.\n"


def test_both_kinds_of_import_have_help() -> None:
    assert "--open-source" in invoke("import", "mem0", "--help").stdout
    assert "--infer" in invoke("import", "--help").stdout


# --- files of mem0


@pytest.mark.parametrize(
    "form",
    [
        json.dumps,
        lambda rows: json.dumps({"results": rows}, indent=2),
        lambda rows: json.dumps({"count": 2, "next": None, "results": rows}),
        lambda rows: "\n".join(map(json.dumps, rows)),
    ],
)
def test_memories_that_mem0_exported_are_kept(
    run: Run, tmp_path: Path, form: Callable[[list[Any]], str]
) -> None:
    file = tmp_path / "mem0.json"
    other = {**ROW, "id": "mem-17", "memory": "Likes cake", "expiration_date": "2999-01-31"}
    file.write_text(form([ROW, other]))

    told = run("import", str(file))
    again = run("import", str(file))

    assert told.stdout.splitlines()[-1] == "2 imported, 0 not."
    assert again.stdout.splitlines()[-1] == "0 imported, 0 not."
    cake, tea = sorted(rows(run, "maya"), key=lambda row: str(row["memory"]))
    assert tea["id"] == ROW["id"]
    assert (tea["memory"], tea["metadata"], tea["categories"]) == (
        "Likes tea",
        {"topic": "drinks"},
        ["food"],
    )
    assert str(tea["created_at"]).startswith("2024-07-20T08:30:36.275141")
    assert str(tea["updated_at"]).startswith("2024-07-21T08:30:36.275172")
    assert cake["expiration_date"] == "2999-01-31"


def test_what_cannot_be_a_memory_is_told(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "mem0.json"
    bad: list[object] = [
        {**ROW, "id": "1", "user_id": None},
        {**ROW, "id": "2", "memory": " "},
        {**ROW, "id": "3", "created_at": "yesterday"},
        {**ROW, "id": "4"},
        {"id": 5},
        None,
    ]
    file.write_text(json.dumps([ROW, *bad]))

    told = printed(run("import", str(file), "--json"))

    assert told["imported"] == {"memories": 1}
    assert told["conflict_count"] == 6
    assert [each["place"].split(" (")[0] for each in told["conflicts"][:3]] == [
        "item 2",
        "item 3",
        "item 4",
    ]
    assert "Likes tea" not in json.dumps(told)


def test_a_broken_line_is_told_and_the_rest_is_taken(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "mem0.jsonl"
    file.write_text(f"{json.dumps(ROW)}\n{{\n\n{json.dumps({**ROW, 'id': 'b', 'memory': 'B'})}\n")

    told = printed(run("import", str(file), "--json"))

    assert told["imported"] == {"memories": 2}
    assert [each["place"] for each in told["conflicts"]] == ["line 2"]


def test_a_list_that_is_cut_is_refused(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "mem0.json"
    file.write_text(json.dumps([ROW])[:-1])

    told = run("import", str(file))

    assert told.exit_code == 1
    assert "The file is no JSON" in told.stderr


# --- a running mem0


@pytest.fixture
def living(live_service: LiveService, deployment: Deployment) -> str:
    """Return the key of a project of some memories with something behind them."""
    key = live_service.new_key()
    with deployment.client(key) as client:
        tea = remembered(client, "I like tea", user_id="maya", metadata={"topic": "drinks"})
        ok(client.put(f"/v1/memories/{tea}/", json={"text": "I like coffee"}))
        ok(client.post("/v1/feedback/", json={"memory_id": tea, "feedback": "POSITIVE"}))
        remembered(client, "I am a bot", agent_id="bot", user_id="maya", timestamp=1_700_000_000)
        remembered(client, "See you", run_id="r/1", expiration_date="2999-01-31", immutable=True)
        remembered(client, "\u00c4hm", user_id="ben \U0001f642/x")
        for number in range(120):
            remembered(client, f"Number {number}", app_id="many")
    return key


COMPARED = (
    "id",
    "memory",
    "user_id",
    "agent_id",
    "app_id",
    "run_id",
    "metadata",
    "categories",
    "created_at",
    "updated_at",
    "expiration_date",
    "immutable",
    "role",
    "actor_id",
    "kind",
    "feedback",
    "version",
)
OF_HISTORY = ("event", "old_memory", "new_memory", "updated_at", "version", "role", "event_id")
EVERYBODY = {"OR": [{kind: "*"} for kind in ("user_id", "agent_id", "app_id", "run_id")]}


def everything(get: Callable[..., httpx.Response]) -> list[Any]:
    """Return what a service tells of all memories, and their histories."""
    told: list[Any] = []
    for page in (1, 2):
        body = {"filters": EVERYBODY, "show_expired": True, "page": page, "page_size": 100}
        for row in ok(get("POST", "/v3/memories/", json=body))["results"]:
            history = ok(get("GET", f"/v1/memories/{row['id']}/history/"))
            told.append(
                (
                    {name: row[name] for name in COMPARED},
                    [{name: event[name] for name in OF_HISTORY} for event in history],
                )
            )
    return told


@pytest.fixture
def moved(elsewhere: Run, live_service: LiveService, living: str) -> dict[str, Any]:
    """What an import from the service reported."""
    report: dict[str, Any] = printed(
        elsewhere("import", "mem0", "--host", live_service.address, "--api-key", living, "--json")
    )
    return report


def test_all_moves_from_a_running_mem0(
    moved: dict[str, Any], deployment: Deployment, living: str, tmp_path: Path
) -> None:
    with deployment.client(living) as client:
        there = everything(client.request)
    with opened(Place(None, None, tmp_path / "other.db")) as api:
        here = everything(api.client.request)

    assert moved["conflicts"] == []
    assert moved["imported"] == {"memories": len(there)} == {"memories": 124}
    assert by_id(here) == by_id(there)


@pytest.mark.usefixtures("moved")
def test_moving_again_finds_everything_there(
    elsewhere: Run, live_service: LiveService, living: str
) -> None:
    host = ("--host", live_service.address, "--api-key", living)

    again = elsewhere("import", "mem0", *host, "--user", "maya")

    assert again.exit_code == 0
    assert again.stdout.splitlines()[1:] == [
        "0         2              memories",
        "0 imported, 0 not.",
    ]


def test_only_those_who_are_named_move(
    elsewhere: Run, live_service: LiveService, living: str
) -> None:
    host = ("--host", live_service.address, "--api-key", living)

    one = elsewhere("import", "mem0", *host, "--agent", "bot", "--run", "r/1")

    assert one.stdout.splitlines()[-1] == "2 imported, 0 not."


def test_it_moves_by_the_open_source_protocol(
    elsewhere: Run, live_service: LiveService, living: str
) -> None:
    host = ("--host", live_service.address, "--api-key", living)

    told = elsewhere("import", "mem0", *host, "--open-source")

    assert told.exit_code == 0
    assert rows(elsewhere, "maya")[-1]["memory"] == "I am a bot"


def test_a_wrong_key_is_told(elsewhere: Run, live_service: LiveService) -> None:
    host = ("--host", live_service.address, "--api-key", "m0-wrong")

    told = elsewhere("import", "mem0", *host)

    assert told.exit_code == 1
    assert "does not know this API key" in told.stderr


def by_id(told: list[Any]) -> dict[str, Any]:
    return {memory["id"]: (memory, history) for memory, history in told}


# --- the AWS edition


@pytest.mark.engines
def test_a_project_moves_from_aws_and_back(elsewhere: Run, tmp_path: Path) -> None:
    away, home, back = (tmp_path / name for name in ("away.jsonl", "home.jsonl", "back.jsonl"))
    sqs = boto3.client("sqs", region_name=REGION, endpoint_url=endpoint("sqs"))
    with dynamo_store() as store:
        first, second = a_project(store), a_project(store)
        memory = a_memory(a_scope(first, user="maya"), "Likes tea")
        write = updating(memory, text="Likes coffee")
        store.record.commit(first, a_change(adding(memory)))
        store.record.commit(first, a_change(write))
        queue = make_queue(sqs, f"{store.bucket}-index")
        environment = {
            "RECOLLECT_EDITION": "aws",
            "RECOLLECT_RECORD_TABLE": store.record_table,
            "RECOLLECT_CONTROL_TABLE": store.control_table,
            "RECOLLECT_BUCKET": store.bucket,
            "RECOLLECT_INDEX_QUEUE_URL": queue,
            "RECOLLECT_WORKER_QUEUE_URL": queue,
            "AWS_ENDPOINT_URL_DYNAMODB": endpoint("dynamodb"),
            "AWS_ENDPOINT_URL_SQS": endpoint("sqs"),
        }

        runs = [
            invoke("export", "--project", first, "--out", str(away), **environment),
            elsewhere("import", str(away), "--project", "default"),
            elsewhere("export", "--out", str(home)),
            invoke("import", str(home), "--project", second, **environment),
            invoke("export", "--project", second, "--out", str(back), **environment),
        ]
        pending = store.outbox.pending(second, [memory.scope.owner.key], limit=9)
        sqs.delete_queue(QueueUrl=queue)

    assert [run.exit_code for run in runs] == [0] * 5
    assert body(away) == body(home) == body(back)
    assert "Likes coffee" in body(away)[0]
    assert [each.memory_id for each in pending] == [memory.id]
