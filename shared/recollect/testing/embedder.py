"""What every Embedder promises, whichever model is behind it: a fixture `embedder`."""

from concurrent.futures import ThreadPoolExecutor
from string import ascii_lowercase

import numpy as np
import pytest

from recollect.domain.memory import MAX_TEXT_BYTES
from recollect.ports.models import Embedder, EmbeddingTask

TEXTS = ["Ada lives in Turin.", "Ada has two cats.", "The cats are called Plus and Minus."]
BLANKS = ["", " ", "\n\t\u3000"]


@pytest.mark.parametrize("task", ["document", "query"])
@pytest.mark.parametrize(
    "text", [*TEXTS, "\U0001f600", "漢字かな", "\x00", "</s>", "a" * MAX_TEXT_BYTES]
)
def test_a_text_gives_a_vector_of_unit_length(
    embedder: Embedder, text: str, task: EmbeddingTask
) -> None:
    [vector] = embedder.embed([text], task)

    assert vector.dtype == np.float32
    assert vector.shape == (embedder.dimensions,)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)


def test_a_blank_text_gives_zeros_and_leaves_its_neighbours_alone(embedder: Embedder) -> None:
    first, *blanks, last = embedder.embed([TEXTS[0], *BLANKS, TEXTS[1]], "document")

    assert [vector.shape for vector in blanks] == [(embedder.dimensions,)] * len(BLANKS)
    assert not np.any(blanks)
    np.testing.assert_allclose([first, last], embedder.embed(TEXTS[:2], "document"), atol=1e-6)


def test_only_blank_texts_give_only_zeros(embedder: Embedder) -> None:
    assert not np.any(embedder.embed(BLANKS, "query"))


def test_no_texts_give_no_vectors(embedder: Embedder) -> None:
    assert embedder.embed([], "document") == []


def test_vectors_come_in_the_order_of_the_texts_however_many_they_are(embedder: Embedder) -> None:
    texts = [f"Ada likes the letter {letter}" for letter in ascii_lowercase]

    together = embedder.embed(texts, "document")

    alone = [embedder.embed([text], "document")[0] for text in texts]
    np.testing.assert_allclose(together, alone, atol=1e-6)
    assert len(np.unique(together, axis=0)) == len(texts)


def test_a_text_is_nearest_to_itself(embedder: Embedder) -> None:
    documents = np.array(embedder.embed(TEXTS, "document"))
    queries = np.array(embedder.embed(TEXTS, "query"))

    assert list(np.argmax(documents @ queries.T, axis=0)) == [0, 1, 2]


def test_the_vectors_belong_to_the_caller(embedder: Embedder) -> None:
    [before] = embedder.embed(TEXTS[:1], "document")
    kept = before.copy()

    before *= 0

    np.testing.assert_array_equal(embedder.embed(TEXTS[:1], "document"), [kept])


def test_threads_can_share_it(embedder: Embedder) -> None:
    expected = embedder.embed(TEXTS, "document")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: embedder.embed(TEXTS, "document"), range(32)))

    for vectors in answers:
        np.testing.assert_allclose(vectors, expected, atol=1e-6)


def test_the_model_is_named_with_its_dimension(embedder: Embedder) -> None:
    name, _, dimensions = embedder.model.rpartition("-")

    assert name
    assert int(dimensions) == embedder.dimensions
