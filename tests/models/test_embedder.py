import math

import numpy
import pytest
from colours import Call, run
from fakes import CountingEmbeddings, HttpError
from langchain_core.embeddings import Embeddings

from langchain_memalign import InvalidInputError, ModelError
from langchain_memalign._models import Embedder

from .asking import AT_ONCE


class Returning(Embeddings):
    """Gives back what it was made with, whatever the texts."""

    def __init__(self, vectors):
        self.vectors = vectors

    def embed_documents(self, texts):
        return self.vectors

    def embed_query(self, text):
        raise AssertionError("cases and queries are embedded alike, as documents")


def embed(embeddings, texts):
    return Call("model_calls.embed", Embedder(embeddings, "toy", retry=AT_ONCE), texts)


def test_all_texts_go_in_one_call(drive):
    embeddings = CountingEmbeddings()
    vectors = drive(embed(embeddings, ["a cat", "a dog", "a bird"]))
    assert (embeddings.calls, len(vectors)) == (1, 3)


def test_each_text_is_sent_once_and_answered_as_often_as_asked():
    embeddings = CountingEmbeddings()
    cat, dog, again = run(embed(embeddings, ["a cat", "a dog", "a cat"]))
    assert embeddings.texts == ["a cat", "a dog"]
    assert cat == again != dog


def test_the_order_is_that_of_the_texts():
    texts = [f"text {number}" for number in range(20)]
    alone = [run(embed(CountingEmbeddings(), [text]))[0] for text in texts]
    assert run(embed(CountingEmbeddings(), texts)) == alone


def test_nothing_to_embed_makes_no_call(drive):
    embeddings = CountingEmbeddings()
    assert drive(embed(embeddings, [])) == []
    assert embeddings.calls == 0


@pytest.mark.parametrize(
    "vector",
    [[3, 4], [3.0, -4.0], [1e-300, 1e-300], [1e200, 1e200], numpy.array([3, 4], numpy.float32)],
    ids=str,
)
def test_vectors_come_back_with_length_one(vector):
    (unit,) = run(embed(Returning([vector]), ["one"]))
    assert math.hypot(*unit) == pytest.approx(1)
    assert [type(number) for number in unit] == [float, float]
    assert unit[0] / unit[1] == pytest.approx(float(vector[0]) / float(vector[1]))


def test_a_text_in_which_the_model_finds_nothing_has_no_direction():
    assert run(embed(Returning([[0, 0]]), ["???"])) == [(0.0, 0.0)]


@pytest.mark.parametrize(
    ("vectors", "problem"),
    [
        (
            [[1.0, float("nan")]] * 2,
            "toy returned a vector that holds NaN or infinity",
        ),
        (
            [[1.0, float("inf")]] * 2,
            "toy returned a vector that holds NaN or infinity",
        ),
        ([[1.0]], r"toy returned 1 vectors of sizes \[1\] for 2 texts; expected one for each"),
        ([[1.0]] * 3, r"toy returned 3 vectors of sizes \[1\] for 2 texts"),
        ([[1.0], [1.0, 0.0]], r"toy returned 2 vectors of sizes \[1, 2\] for 2 texts"),
        ([], r"toy returned 0 vectors of sizes \[\] for 2 texts"),
        ([[], []], r"toy returned 2 vectors of sizes \[0\] for 2 texts"),
        (None, "toy returned something other than vectors"),
        ([None, None], "toy returned something other than vectors"),
        ([1.0, 2.0], "toy returned something other than vectors"),
        ([["a"], ["b"]], "toy returned something other than vectors"),
    ],
)
def test_what_is_not_usable_is_refused_and_says_what_was_expected(drive, vectors, problem):
    with pytest.raises(ModelError, match=problem) as caught:
        drive(embed(Returning(vectors), ["one", "two"]))
    assert "Check the embedding model." in str(caught.value)
    assert not caught.value.transient


def test_a_passing_failure_is_overcome(drive):
    failures = [HttpError(429), HttpError(503)]
    embeddings = CountingEmbeddings(fail=lambda text: failures.pop(0) if failures else None)
    assert len(drive(embed(embeddings, ["one"]))) == 1
    assert embeddings.calls == 3


@pytest.mark.parametrize(("status", "calls"), [(400, 1), (401, 1), (500, AT_ONCE.attempts)])
def test_a_failure_for_good_names_the_model_and_the_attempts(drive, status, calls):
    embeddings = CountingEmbeddings(fail=lambda text: HttpError(status))
    with pytest.raises(ModelError, match="embedding 2 texts with toy failed") as caught:
        drive(embed(embeddings, ["one", "two"]))
    assert (caught.value.status, caught.value.attempts) == (status, calls)
    assert embeddings.calls == calls


def test_our_own_errors_pass_as_they_are():
    embeddings = CountingEmbeddings(fail=lambda text: InvalidInputError("mine"))
    with pytest.raises(InvalidInputError, match="mine"):
        run(embed(embeddings, ["one"]))
