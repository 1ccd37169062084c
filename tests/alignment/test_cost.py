"""What it costs, counted at 1,000 episodes: only what is new is embedded and asked about."""

import pytest
from fakes import feedback
from judge.bench import Bench

THOUSAND = 1000
CASE = {key: feedback(7)[key] for key in ("inputs", "outputs")}


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """A memory of 1,000 learned episodes, closed."""
    path = tmp_path_factory.mktemp("cost") / "memory"
    bench = Bench(location=path)
    report = bench.judge.align([feedback(i) for i in range(THOUSAND)])
    assert len(report.distilled) == THOUSAND
    bench.memory.close()
    return path


@pytest.fixture
def thousand(directory):
    """That memory opened anew, with fresh counters. Tests leave 1,000 episodes behind."""
    bench = Bench(location=directory)
    yield bench
    bench.memory.close()


def test_opening_a_directory_anew_makes_no_call_of_any_kind(thousand):
    assert len(thousand.judge.episodes()) == len(thousand.judge.principles()) == THOUSAND
    assert thousand.memory.judges() == ["tone"]
    assert thousand.calls() == (0, 0)


def test_an_unchanged_re_align_makes_no_call_of_any_kind(thousand):
    report = thousand.judge.align([feedback(i) for i in range(THOUSAND)])
    assert len(report.unchanged) == THOUSAND
    assert thousand.calls() == (0, 0)
    assert (report.model_calls, report.embedded) == (0, 0)


def test_judging_makes_one_embedding_call_and_one_model_call(thousand):
    for number in range(1, 4):
        thousand.judge.invoke(CASE)
        assert thousand.calls() == (number, number)
    assert len(thousand.embeddings.texts) == 3 * 2


async def test_judging_asynchronously_makes_one_embedding_call_and_one_model_call(thousand):
    await thousand.judge.ainvoke(CASE)
    assert thousand.calls() == (1, 1)


def test_adding_one_and_forgetting_it_embeds_only_what_is_new(thousand):
    word = feedback(THOUSAND)
    report = thousand.judge.align([word])
    # The case's two texts in one call, the new principle in another; one distilling call.
    assert sorted(thousand.embeddings.texts) == sorted(
        [word["inputs"], word["outputs"], f"Rule: {word['rationale']}"]
    )
    assert thousand.calls() == (1, 2)
    assert (report.embedded, report.model_calls) == (3, 1)

    forgotten = thousand.judge.forget(report.stored)
    assert len(forgotten.episodes_removed) == len(forgotten.principles_removed) == 1
    assert thousand.calls() == (1, 2)
    assert (forgotten.embedded, forgotten.model_calls) == (0, 0)


def test_adding_one_without_a_remark_embeds_its_two_texts_in_one_call(thousand):
    report = thousand.judge.align([feedback(THOUSAND, rationale=None)])
    assert (len(thousand.embeddings.texts), thousand.calls()) == (2, (1, 1))
    thousand.judge.forget(report.stored)


def test_text_that_occurs_twice_is_embedded_once(bench):
    same = {"inputs": "The same question?"}
    report = bench.judge.align([feedback(i, rationale=None, **same) for i in range(3)])
    assert bench.embeddings.texts.count(same["inputs"]) == 1
    assert report.embedded == 4


def test_judging_with_an_empty_memory_embeds_nothing(bench):
    bench.judge.invoke(CASE)
    assert bench.calls() == (1, 0)


def test_feedback_on_a_case_whose_words_only_changed_embeds_no_case(bench):
    bench.judge.align([feedback(1)])
    bench.embeddings.texts.clear()
    bench.judge.align([feedback(1, rationale="Other words.")])
    assert bench.embeddings.texts == ["Rule: Other words."]
