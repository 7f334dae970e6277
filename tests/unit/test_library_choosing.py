"""Several configurations in one process, which is what the library needs of the bootstrap."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from recollect import bootstrap
from recollect.bootstrap import models
from recollect.bootstrap.configuration import later, settings

HERE = "http://127.0.0.1:9"


def test_what_is_chosen_ends_with_the_block(tmp_path: Path) -> None:
    before = bootstrap.local_store()

    with bootstrap.choosing(edition="local", data=tmp_path / "chosen.db"):
        inside = bootstrap.local_store()
        assert bootstrap.local_store() is inside

    assert inside.path == tmp_path / "chosen.db"
    assert bootstrap.local_store() is before


def test_it_ends_also_where_the_block_fails() -> None:
    before = settings()

    with pytest.raises(ZeroDivisionError), bootstrap.choosing(edition="aws"):
        raise ZeroDivisionError

    assert settings() is before


def test_other_threads_go_on_with_what_they_have(tmp_path: Path) -> None:
    before = settings()

    with (
        bootstrap.choosing(edition="local", data=tmp_path / "chosen.db"),
        ThreadPoolExecutor(1) as threads,
    ):
        elsewhere = threads.submit(settings).result()

    assert elsewhere is before


def test_the_file_of_a_command_is_that_of_all_threads(tmp_path: Path) -> None:
    before = settings()

    with ThreadPoolExecutor(1) as threads:
        with bootstrap.local_edition(tmp_path / "recollect.db") as store:
            elsewhere = threads.submit(bootstrap.local_store).result()
        afterwards = threads.submit(settings).result()

    assert elsewhere is store
    assert afterwards is before


def test_what_is_built_later_is_built_of_what_was_chosen() -> None:
    with bootstrap.choosing(edition="local", openai_url=HERE):
        url = later(lambda: settings().openai_url)

    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(url).result() == HERE
    assert settings().openai_url != HERE


def test_the_embedder_may_be_elsewhere_than_the_language_model() -> None:
    shared = {"embedder": "openai", "embedding_model": "letters", "embedding_dimensions": 2}
    both = {**shared, "language_model": "openai", "chat_model": "parrot"}

    with bootstrap.choosing(edition="local", openai_url=HERE, embedding_url=f"{HERE}/e", **both):
        embedder, model = models.embedder(), models.language_model()

    assert str(embedder._client.base_url) == f"{HERE}/e/"  # type: ignore[attr-defined]  # noqa: SLF001
    assert str(model._client.base_url) == HERE  # type: ignore[attr-defined]  # noqa: SLF001


def test_what_was_built_is_closed_by_who_asked_for_it() -> None:
    openai = {"embedder": "openai", "embedding_model": "letters", "embedding_dimensions": 2}
    with bootstrap.choosing(edition="local", openai_url=HERE, **openai) as closing:
        embedder = models.embedder()

    closing.close()

    with pytest.raises(RuntimeError, match="closed"):
        embedder.embed(["I like tea."], "document")
