"""How well episodes are found, measured without a model."""

import importlib
import math

import pytest
from evaluation.learner import bench, words
from pages import ROOT

from langchain_memalign import Feedback, InvalidInputError
from langchain_memalign.evaluation.resampling import Resampling

FAST = Resampling(count=20)
KINDS = {"alpha": True, "bravo": True, "charlie": False, "delta": False}


@pytest.fixture
def recall(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("recall_quality")


def said(topic, tone, number):
    """All inputs share a topic; what is good lies in the tone of the outputs alone."""
    return Feedback(
        inputs=f"Tell me about {topic}.",
        outputs=f"{tone} {tone} {tone} {number}",
        value=KINDS[tone],
    )


EPISODES = [said("tea", tone, number) for tone in KINDS for number in range(3)]


def test_what_differs_in_outputs_is_found_by_outputs_not_by_inputs(recall):
    here = bench()
    found = {
        (q.by, q.how): q.vote.value
        for q in recall.recall_quality(here.judge, EPISODES, k=2, resampling=FAST)
    }
    assert len(found) == 8
    assert found["outputs", "dense"] == found["outputs", "hybrid"] == found["both", "dense"] == 1.0
    assert found["inputs", "dense"] < 0.75
    assert here.model.requests == []


def test_shares_and_the_nearest_are_told_apart(recall):
    # Of one word on each case, the others say the opposite.
    episodes = [said("tea", "alpha", 1), said("tea", "alpha", 2), said("tea", "charlie", 1)]
    unseen = [said("tea", "alpha", 3)]
    found = recall.recall_quality(bench().judge, episodes, unseen=unseen, k=3, resampling=FAST)
    (dense,) = [q for q in found if (q.by, q.how) == ("outputs", "dense")]
    assert (dense.vote.value, dense.nearest.value) == (1.0, 1.0)
    assert dense.share.value == pytest.approx(2 / 3)


def test_without_values_there_is_nothing_to_measure(recall):
    silent = [word.model_copy(update={"value": None}) for word in words(1, 2)]
    with pytest.raises(InvalidInputError, match="found 0 episodes"):
        recall.recall_quality(bench().judge, silent)


def test_bm25_prefers_rare_words(recall):
    # By hand: three texts of mean length 2; "tea" stands in two of them, "rare" in one.
    scores = recall.bm25(["rare tea"], ["rare tea", "tea tea", "milk sugar"])[0]
    tea = math.log(1 + 1.5 / 2.5)
    rare = math.log(1 + 2.5 / 1.5)
    assert scores[0] == pytest.approx(tea + rare, abs=1e-9)
    assert scores[1] == pytest.approx(tea * 2 * 2.2 / 3.2, abs=1e-9)
    assert scores[2] == 0


def test_a_number_of_episodes_is_whole(recall):
    with pytest.raises(InvalidInputError, match="k: found '5'"):
        recall.recall_quality(bench().judge, EPISODES, k="5")
