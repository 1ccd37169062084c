"""An embedding model that fails: for one text, for all of them, for a while, for good."""

import pytest
from fakes import CountingEmbeddings, HttpError, feedback, one_rule_a_record

from langchain_memalign import ModelError

OUTAGES = [HttpError(503), ConnectionError("refused"), HttpError(400)]


def broken(failure):
    return CountingEmbeddings(fail=lambda text: failure)


def test_one_text_that_cannot_be_embedded_fails_only_its_record(make_bench):
    poison = HttpError(400)
    embeddings = CountingEmbeddings(fail=lambda text: poison if "poison" in text else None)
    bench = make_bench(embeddings=embeddings)
    words = [feedback(i) for i in range(6)]
    report = bench.judge.align([*words, feedback(6, outputs="poison", rationale="The bad one.")])
    assert [p.episode_id for p in report.pending] == [bench.id_of("The bad one.")]
    assert "could not be embedded" in report.pending[0].reason
    assert bench.remarks(status="pending") == ["The bad one."]
    # What its expert said is a rule all the same, or waits for the record; it is never doubled.
    embeddings._fail = None
    bench.judge.align([])
    assert sorted(bench.texts()) == sorted(f"Rule: {remark}" for remark in bench.remarks())


@pytest.mark.parametrize("failure", OUTAGES)
def test_while_all_embedding_fails_everything_stays_pending_and_the_next_alignment_finishes(
    make_bench, failure
):
    outage = [failure]
    embeddings = CountingEmbeddings(fail=lambda text: outage[0] if outage else None)
    bench = make_bench(embeddings=embeddings)
    report = bench.judge.align([feedback(i) for i in range(4)])
    assert len(report.pending) == 4
    assert (report.distilled, bench.texts()) == ((), [])
    assert bench.remarks(status="pending") == [f"Remark {i}." for i in range(4)]
    outage.clear()
    report = bench.judge.align([])
    assert (len(report.distilled), report.pending) == (4, ())
    assert len(bench.texts()) == 4


def test_an_outage_that_passes_is_not_noticed(make_bench):
    outage = [HttpError(503), HttpError(429)]
    embeddings = CountingEmbeddings(fail=lambda text: outage.pop() if outage else None)
    bench = make_bench(embeddings=embeddings)
    report = bench.judge.align([feedback(1)])
    assert (len(report.distilled), report.pending) == (1, ())


def test_refused_access_to_the_embeddings_raises_and_the_feedback_is_stored(make_bench):
    bench = make_bench(embeddings=broken(HttpError(401)))
    with pytest.raises(ModelError, match="API key"):
        bench.judge.align([feedback(1)])
    assert bench.remarks(status="pending") == ["Remark 1."]


def test_refused_access_while_embedding_principles_raises_and_loses_nothing(make_bench):
    embeddings = CountingEmbeddings(
        fail=lambda text: HttpError(403) if text.startswith("Rule:") else None
    )
    bench = make_bench(embeddings=embeddings)
    with pytest.raises(ModelError, match="403"):
        bench.judge.align([feedback(1)])
    assert bench.remarks(status="pending") == ["Remark 1."]
    assert bench.texts() == []


def test_principles_that_cannot_be_embedded_leave_their_sources_pending(make_bench):
    outage = [HttpError(400)]
    embeddings = CountingEmbeddings(
        fail=lambda text: outage[0] if outage and text.startswith("Rule:") else None
    )
    bench = make_bench(embeddings=embeddings)
    report = bench.judge.align([feedback(1), feedback(2)])
    assert (len(report.pending), bench.texts()) == (2, [])
    assert "principles could not be embedded" in report.pending[0].reason
    outage.clear()
    embeddings.texts.clear()
    bench.judge.align([])
    assert len(bench.texts()) == 2
    # The cases were embedded the first time.
    assert sorted(embeddings.texts) == ["Rule: Remark 1.", "Rule: Remark 2."]


def test_a_case_is_found_although_learning_from_it_failed(make_bench):
    bench = make_bench(lambda request: HttpError(400))
    bench.judge.align([feedback(1)])
    (found,) = bench.judge.recall({"inputs": feedback(1)["inputs"]}).episodes
    assert (found.episode.status, found.episode.rationale) == ("pending", "Remark 1.")


def test_an_outage_over_the_principle_budget_leaves_everything_pending(make_bench):
    outage = []
    embeddings = CountingEmbeddings(fail=lambda text: outage[0] if outage else None)
    bench = make_bench(embeddings=embeddings)
    for number in range(5):
        bench.judge.add_principle(f"Long rule {number}: " + "very " * 2000)
    outage.append(HttpError(503))
    report = bench.judge.align([feedback(1)])
    assert (len(report.pending), report.distilled) == (1, ())
    outage.clear()
    assert len(bench.judge.align([]).distilled) == 1


@pytest.mark.parametrize("silent", ["inputs", "outputs"])
def test_a_text_in_which_the_embeddings_find_nothing_is_learned_all_the_same(make_bench, silent):
    bench = make_bench()
    bench.judge.align([feedback(1, **{silent: "?!"}), feedback(2, inputs="...", outputs="?!")])
    assert len(bench.judge.episodes(status="distilled")) == 2
    assert len(bench.texts()) == 2
    assert bench.judge.align([]).model_calls == 0


def test_a_principle_in_which_the_embeddings_find_nothing_is_learned_all_the_same(make_bench):
    class Deaf(CountingEmbeddings):
        def embed_documents(self, texts):
            vectors = zip(texts, super().embed_documents(texts), strict=True)
            return [[0.0] * self.size if text == "太冷" else vector for text, vector in vectors]

    bench = make_bench(
        lambda request: {"principles": [{"text": "太冷", "sources": ["R1"]}]}, embeddings=Deaf()
    )
    bench.judge.align([feedback(1)])
    bench.judge.add_principle("!!")
    assert bench.texts() == ["太冷", "!!"]


@pytest.mark.parametrize("vector", [[], [float("nan")] * 64, [1.0] * 3])
def test_unusable_vectors_leave_their_records_pending(make_bench, vector):
    class Odd(CountingEmbeddings):
        def embed_documents(self, texts):
            good = super().embed_documents(texts)
            return [vector if "poison" in t else v for t, v in zip(texts, good, strict=True)]

    bench = make_bench(one_rule_a_record, embeddings=Odd())
    bench.judge.align([feedback(1)])
    report = bench.judge.align([feedback(2), feedback(3, outputs="poison")])
    assert [p.episode_id for p in report.pending] == [bench.id_of("Remark 3.")]
    assert bench.remarks(status="distilled") == ["Remark 1.", "Remark 2."]
