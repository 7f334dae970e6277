"""The bundled embedder's own promises: its values, its memory, and what it needs."""

import shutil
import sys
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from recollect.adapters.local.embedder import (
    CHARACTERS_AT_ONCE,
    DIMENSIONS,
    PACKAGE,
    TOKENIZER,
    WEIGHTS,
    WEIGHTS_NAME,
    BundledEmbedder,
)
from recollect.domain.errors import UnavailableError

PUBLISHED = {
    "I moved to Lisbon in March.": [0.022195, -0.086544, 0.086838, -0.025453, -0.030529],
    "hello": [0.042573, 0.094998, -0.040496, -0.03202, 0.013004],
    "Ärger mit Größe: 漢字 \U0001f600": [-0.080827, 0.136623, 0.012386, -0.106882, 0.040104],
    "  spaces\tand\nlines  ": [-0.120654, -0.093811, 0.038178, 0.024085, -0.066231],
    "ALICE'S KEY m0-123 costs $4.50!": [0.102934, -0.066583, 0.021154, 0.074882, 0.117209],
    "I moved to Lisbon in March. " * 1000: [0.022202, -0.086544, 0.086836, -0.025448, -0.030531],
}
"""First numbers of what wordllama 0.4.0.post1 itself says, `embed([text], norm=True)`."""

MEBIBYTE = 1024 * 1024

Install = Callable[..., Path]


@pytest.fixture(scope="module")
def embedder() -> BundledEmbedder:
    return BundledEmbedder()


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return what installs a package with the real tokenizer and vectors that are all ones."""

    def install(name: str, *, rows: int) -> Path:
        folder = tmp_path / name
        for file in (WEIGHTS, TOKENIZER):
            (folder / file).parent.mkdir(parents=True)
        spec = find_spec(PACKAGE)
        assert spec is not None
        assert spec.submodule_search_locations is not None
        shutil.copy(Path(spec.submodule_search_locations[0]) / TOKENIZER, folder / TOKENIZER)
        save_vectors(folder, np.ones((rows, DIMENSIONS), dtype=np.float16))
        (folder / "__init__.py").write_text("raise AssertionError('imported')")
        return folder

    monkeypatch.syspath_prepend(tmp_path)
    return install


def save_vectors(folder: Path, vectors: np.ndarray) -> None:
    save_file({WEIGHTS_NAME: vectors}, folder / WEIGHTS)


@pytest.mark.parametrize("text", PUBLISHED)
def test_the_vectors_are_those_of_the_published_model(embedder: BundledEmbedder, text: str) -> None:
    [vector] = embedder.embed([text], "document")

    assert embedder.model == "wordllama-l2-supercat-256"
    np.testing.assert_allclose(vector[:5], PUBLISHED[text], atol=1e-5)


def test_the_package_is_never_imported(install: Install) -> None:
    install("explosive", rows=100)

    BundledEmbedder("explosive").embed(["hello"], "query")

    assert "explosive" not in sys.modules


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=8))
def test_any_texts_give_one_vector_each_of_length_one_or_zero(
    embedder: BundledEmbedder, texts: list[str]
) -> None:
    lengths = [np.linalg.norm(vector) for vector in embedder.embed(texts, "document")]

    assert lengths == pytest.approx([1 if text.strip() else 0 for text in texts], abs=1e-6)


def test_texts_beyond_one_group_keep_their_order(embedder: BundledEmbedder) -> None:
    longest = "Ada has a cat. " * (CHARACTERS_AT_ONCE // 10)
    texts = ["Turin", longest, "", "Plus", *["Minus " * 5000] * 5, "Turin"]

    together = embedder.embed(texts, "document")

    alone = [embedder.embed([text], "document")[0] for text in texts]
    np.testing.assert_array_equal(together, alone)


def test_memory_does_not_grow_with_the_longest_text(embedder: BundledEmbedder) -> None:
    texts = ["\U0001f600" * 8192, *["Ada has two cats."] * 1000]  # 32,769 tokens, then 6 each
    embedder.embed(["load"], "document")

    tracemalloc.start()
    try:
        embedder.embed(texts, "document")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 8 * MEBIBYTE


def test_the_files_are_read_with_the_first_text_and_only_then(install: Install) -> None:
    folder = install("lazy", rows=32000)
    embedder = BundledEmbedder("lazy")
    first_axis = np.zeros((32000, DIMENSIONS), dtype=np.float16)
    first_axis[:, 0] = 1
    save_vectors(folder, first_axis)

    [before] = embedder.embed(["hello"], "document")
    shutil.rmtree(folder)
    [after] = embedder.embed(["hello"], "document")

    np.testing.assert_array_equal(before, np.eye(DIMENSIONS)[0])
    np.testing.assert_array_equal(after, before)


def test_threads_that_come_first_together_get_the_same_vectors() -> None:
    embedder = BundledEmbedder()
    together = Barrier(8)

    def embed_first(_: int) -> np.ndarray:
        together.wait()
        return embedder.embed(["hello"], "document")[0]

    with ThreadPoolExecutor(8) as pool:
        vectors = list(pool.map(embed_first, range(8)))

    for vector in vectors:
        np.testing.assert_allclose(vector[:5], PUBLISHED["hello"], atol=1e-5)


def test_tokens_beyond_the_vocabulary_count_as_its_last(install: Install) -> None:
    install("small", rows=10)

    [vector] = BundledEmbedder("small").embed(["hello world"], "document")

    np.testing.assert_allclose(vector, np.full(DIMENSIONS, DIMENSIONS**-0.5), atol=1e-6)


def test_a_missing_package_is_one_line_that_says_what_to_do() -> None:
    with pytest.raises(UnavailableError) as caught:
        BundledEmbedder("no_such_package")

    told = str(caught.value)
    assert "\n" not in told
    for word in ("Linux x86-64", "Windows", "Apple silicon", "3.11 to 3.13"):
        assert word in told
    for setting in ("EMBEDDER=openai", "OPENAI_URL", "EMBEDDING_MODEL", "EMBEDDING_DIMENSIONS"):
        assert f"RECOLLECT_{setting}" in told


def test_a_package_without_the_files_is_not_the_right_one(install: Install) -> None:
    (install("other", rows=10) / WEIGHTS).unlink()

    with pytest.raises(UnavailableError, match=r"wordllama 0\.4\.0\.post1"):
        BundledEmbedder("other")
