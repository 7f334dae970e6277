"""What whoever watches an import sees."""

import io
import itertools
import json
import sys
from pathlib import Path

import pytest

from recollect.entrypoints.cli.progress import watched
from recollect.entrypoints.cli.transcripts import Transcript
from recollect.usecases.transcripts import Conversation


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def transcript(tmp_path: Path) -> Transcript:
    path = tmp_path / "chat.jsonl"
    chats = ({"messages": [{"role": "user", "content": "a" * 10_000}]} for _ in range(100))
    path.write_text("".join(f"{json.dumps(chat)}\n" for chat in chats))
    return Transcript(path)


def test_a_terminal_shows_how_much_was_read_and_how_fast(
    transcript: Transcript, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    seconds = itertools.count()

    items = list(watched(transcript, "Importing", clock=lambda: float(next(seconds))))

    shown = terminal.getvalue().replace("\r", "\n").splitlines()
    assert len(items) == 100
    assert all(isinstance(item, Conversation) for item in items)
    assert "1.0 MB of 1.0 MB" in shown[-1]
    assert "100%" in shown[-1]
    assert any("0.5 MB of 1.0 MB" in line and "MB/s" in line for line in shown)


def test_nobody_who_does_not_watch_is_shown_anything(
    transcript: Transcript, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(list(watched(transcript, "Importing"))) == 100

    assert capsys.readouterr() == ("", "")
