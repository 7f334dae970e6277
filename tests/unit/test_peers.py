"""The comparison with other stores, made with small peers of our own."""

import json
from pathlib import Path

import pytest

from benchmarks import peers, peers_process, peers_report, peers_task
from benchmarks.measuring import RESULTS
from benchmarks.peers_process import Peer, PeerError, Worker
from benchmarks.peers_questions import Question, locomo, recalls, synthetic
from benchmarks.peers_task import Scope

FAKE = "tests.unit.peers_fake"
TURNS = {
    "session_10": [{"dia_id": "D10:1", "speaker": "Bo", "text": "My kite is red."}],
    "session_2": [
        {"dia_id": "D2:1", "speaker": "Al", "text": "Look!", "blip_caption": "a boat"},
        {"dia_id": "D2:2", "speaker": "Bo", "text": "Nice."},
    ],
    "session_2_date_time": "1:56 pm on 8 May, 2023",
    "session_10_date_time": "10:00 am on 9 May, 2023",
    "speaker_a": "Al",
}
ASKED = [
    {"question": "Which kite?", "category": 4, "evidence": ["D10:1"]},
    {"question": "What is there?", "category": 1, "evidence": ["D2:1; D10:1", "D9:9"]},
    {"question": "Nothing?", "category": 5, "evidence": ["D2:1"]},
    {"question": "Who knows?", "category": 2, "evidence": ["D9:9"]},
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "spoken.json"
    path.write_text(json.dumps([{"conversation": TURNS, "qa": ASKED}]))
    return path


def test_turns_are_in_the_order_of_sessions_with_speaker_and_caption(data: Path) -> None:
    [scope] = locomo(data).scopes

    assert scope.texts == ["Al: Look! [a boat]", "Bo: Nice.", "Bo: My kite is red."]


def test_questions_have_the_places_of_their_evidence_and_the_others_are_left_out(
    data: Path,
) -> None:
    corpus = locomo(data)

    assert [(each.category, each.gold) for each in corpus.gold] == [
        (4, frozenset({2})),
        (1, frozenset({0, 2})),
    ]
    assert corpus.places == [("conversation-0", 0), ("conversation-0", 1)]
    assert corpus.scopes[0].questions == ["Which kite?", "What is there?"]


@pytest.mark.parametrize("text", ["{", "[1]", "[{}]", "[]"])
def test_another_layout_is_refused(data: Path, text: str) -> None:
    data.write_text(text)

    with pytest.raises(ValueError, match=r"spoken\.json"):
        locomo(data)


def test_recall_is_the_mean_share_of_the_gold_among_the_first() -> None:
    asked = [Question("u", 0, 1, frozenset({0, 1})), Question("u", 1, 4, frozenset({2}))]
    keys = {"u": ["a", "b", "c"]}

    found = recalls(asked, keys, [["a", *"vwxyz", "b"], ["d", "c"]])

    assert found["questions"] == 2
    assert found["recall"] == {"@5": 0.75, "@10": 1.0, "@20": 1.0, "@30": 1.0}
    assert found["recall_by_category"]["1"]["@5"] == 0.5
    assert found["recall_by_category"]["4"]["@5"] == 1.0


def test_a_task_is_read_as_it_was_written(tmp_path: Path) -> None:
    scopes = [Scope("ada", ["a", "b"], ["q"]), Scope("bob", ["c"], ["a"])]
    vectors = [[1.0, 0.5], [2.0, 0.5], [3.0, 0.5], [4.0, 0.5], [5.0, 0.5]]

    peers_task.write(tmp_path, scopes, vectors, 2)
    task = peers_task.read(tmp_path)

    assert (task.dimensions, list(task.scopes)) == (2, scopes)
    assert task.documents == {"a": [1.0, 0.5], "b": [2.0, 0.5], "c": [4.0, 0.5]}
    assert task.queries == {"q": [3.0, 0.5], "a": [5.0, 0.5]}


def test_a_task_with_too_few_vectors_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="2 numbers in vectors where 4 belong"):
        peers_task.write(tmp_path, [Scope("u", ["a"], ["b"])], [[1.0, 2.0]], 2)


def test_made_up_sentences_are_of_one_user_and_have_no_gold() -> None:
    corpus = synthetic(20)

    assert (corpus.memories, len(corpus.scopes), corpus.gold) == (20, 1, ())


@pytest.mark.slow
def test_peers_are_measured_and_those_that_fail_say_why(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers_process, "LOCKED", tmp_path)
    monkeypatch.setattr(peers_process, "ENVIRONMENTS", tmp_path / "environments")
    (tmp_path / "nowhere.txt").write_text("no requirement at all\n")
    contenders = (
        Peer(peers_report.OURS, FAKE),
        Peer("tired", FAKE, "tired"),
        Peer("broken", FAKE, "broken"),
        Peer("missing", FAKE, environment="nowhere"),
    )

    result = peers.measure([locomo(data)], contenders)

    [corpus] = result["corpora"]
    stores = corpus["stores"]
    assert (corpus["memories"], corpus["users"]) == (3, 1)
    assert stores["Recollect"]["recall"]["@5"] == 1.0
    assert stores["Recollect"]["search"]["p95_ms"] > 0
    assert stores["tired"]["recall"]["@5"] == 1.0
    assert stores["tired"]["failed"] == "enough"
    assert stores["broken"] == {"failed": "the disk is on fire"}
    assert stores["missing"]["failed"].startswith("cannot be installed: ")


@pytest.mark.slow
def test_recollect_finds_with_the_vectors_of_the_task(data: Path) -> None:
    ours = [peer for peer in peers.PEERS if not peer.environment]

    result = peers.measure([locomo(data)], ours)

    [corpus] = result["corpora"]
    assert len(ours) == 2
    assert all(store["recall"]["@5"] == 1.0 for store in corpus["stores"].values())


def test_a_peer_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    peers_task.write(tmp_path, [Scope("u", ["a"], [])], [[1.0]], 1)
    python = peers_process.python_of("")
    worker = Worker(python, Peer("slow", FAKE, "slow"), tmp_path, tmp_path / "store", 0.5)

    with pytest.raises(PeerError, match=r"no answer in 0\.5 s"):
        worker.ask({"add": True})

    worker.stop()


def a_result(**stores: object) -> dict[str, object]:
    corpora = [{"corpus": "LoCoMo", "memories": 2760, "users": 5, "stores": stores}]
    return {"embedder": "words-8", "corpora": corpora}


def test_the_table_has_recall_times_and_how_many_times_ours() -> None:
    recall = {"@5": 0.5, "@10": 0.75}
    ours = {"recall": recall, "search": {"p50_ms": 4.0, "p95_ms": 6.0}}
    theirs = {"recall": recall, "search": {"p50_ms": 10.0, "p95_ms": 20.0}}

    told = peers_report.report(a_result(Recollect=ours, theirs=theirs)).splitlines()

    assert "LoCoMo: 2,760 memories, users: 5. Vectors: words-8." in told
    assert "| theirs | 0.5 | 0.75 | 10.0 | 20.0 | 2.5 |" in told


def test_the_table_names_who_was_not_measured() -> None:
    recall = {"@5": 0.5}
    ours = {"recall": recall, "search": {"p50_ms": 4.0, "p95_ms": 6.0}}
    tired = {"recall": recall, "failed": "enough"}

    told = peers_report.report(
        a_result(Recollect=ours, tired=tired, missing={"failed": "cannot be installed: no"})
    ).splitlines()

    assert "| tired | 0.5 | not measured: enough |  |  |" in told
    assert "| missing |  | not measured: cannot be installed: no |  |  |" in told


def test_only_its_own_section_of_the_page_is_replaced() -> None:
    page = f"# Measured\n\ntext\n\n{peers_report.TITLE}\n\nold\n\n## Costs\n\nmuch\n"

    told = peers_report.with_section(page, f"{peers_report.TITLE}\n\nnew")

    assert told == f"# Measured\n\ntext\n\n{peers_report.TITLE}\n\nnew\n\n## Costs\n\nmuch\n"


def test_a_page_without_the_section_gets_it_at_its_end() -> None:
    told = peers_report.with_section("# Measured\n\ntext\n", f"{peers_report.TITLE}\n\nnew")

    assert told == f"# Measured\n\ntext\n\n{peers_report.TITLE}\n\nnew\n"


def test_the_page_has_the_table_of_what_is_kept() -> None:
    kept = json.loads((RESULTS / "peers.json").read_text(encoding="utf-8"))

    assert peers_report.report(kept) in (RESULTS / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "arguments", [["--data", "nothing-here.json"], ["--sizes", "3"], ["--sizes"]]
)
def test_what_cannot_be_measured_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        peers.main(arguments)
