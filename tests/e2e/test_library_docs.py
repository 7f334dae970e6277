"""What the README and docs/library.md show of the library is run here."""

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("page", ["README.md", "docs/library.md"])
def test_it_does_what_is_shown(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RECOLLECT_DATA")
    shown = re.findall(r"```pycon\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)
    names: dict[str, object] = {}
    test = doctest.DocTestParser().get_doctest("\n".join(shown), names, page, page, 0)
    said: list[str] = []

    result = doctest.DocTestRunner().run(test, out=said.append, clear_globs=False)

    test.globs["memory"].close()
    assert result.attempted > 1
    assert said == []
    assert (tmp_path / "memories.db").exists()
