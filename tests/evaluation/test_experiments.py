"""Experiments over a judge whose answers follow from what it is shown."""

import json
import sys

import pytest
from fakes import HttpError

from evaluation.learner import bench, knows_what_it_is_shown, word, words
from langchain_memalign import InvalidInputError, ModelError
from langchain_memalign.evaluation.cost import Price
from langchain_memalign.evaluation.experiments import (
    ablation,
    alearning_curve,
    compare_models,
    cross_validate,
    learning_curve,
)
from langchain_memalign.evaluation.resampling import Resampling

FAST = Resampling(count=50)
TAUGHT, UNSEEN = words(*range(8)), words(*range(20, 26))


def curve(judge, **options):
    given = {"unseen": UNSEEN, "shards": (0, 2, 4), "repeats": 2, "resampling": FAST}
    return learning_curve(judge, TAUGHT, **{**given, **options})


def points(experiment, metric="exact_match"):
    return {(f.group.split, f.group.taught): f.estimates[metric].value for f in experiment.figures}


def test_a_learning_curve_grows_with_what_is_taught():
    found = curve(bench().judge)
    assert points(found) == {
        ("unseen", 0): 0.5,  # of six cases, three are good
        ("unseen", 2): 1.0,
        ("unseen", 4): 1.0,
        ("seen", 0): 0.5,
        ("seen", 2): 1.0,
        ("seen", 4): 1.0,
    }
    rows = {(f.group.split, f.group.taught): (f.rows, f.repeats) for f in found.figures}
    assert rows[("unseen", 0)] == (6, 1)
    assert rows[("unseen", 4)] == (12, 2)
    assert rows[("seen", 4)] == (8, 2)
    (last,) = [f for f in found.figures if (f.group.split, f.group.taught) == ("unseen", 4)]
    assert last.changes["exact_match"].value == 0.5


def test_an_experiment_leaves_the_judges_memory_alone():
    here = bench()
    here.judge.align(words(90))
    before = here.judge.episodes(), here.judge.principles()
    assert points(curve(here.judge))[("unseen", 0)] == 0.5  # it does not know of number 90
    assert (here.judge.episodes(), here.judge.principles()) == before


def test_each_text_is_embedded_once_for_all_cells():
    here = bench()
    curve(here.judge)
    assert len(here.embeddings.texts) == len(set(here.embeddings.texts))


def test_what_is_finished_is_not_run_again(tmp_path):
    here = bench()
    first = curve(here.judge, directory=tmp_path)
    calls = here.calls()
    told = []
    again = curve(
        here.judge, directory=tmp_path, progress=lambda done, total: told.append((done, total))
    )
    assert here.calls() == calls
    assert told == [(50, 50)]
    assert again.figures == first.figures

    more = curve(here.judge, directory=tmp_path, repeats=3)
    asked = len(here.model.titled("verdict")) - 50
    assert asked == 2 * 6 + 2 + 4  # only the third repeat
    assert len(more.rows) == 50 + asked


def test_progress_never_goes_back():
    told = []

    def slowly(done, total):
        sum(n for n in range(100))  # long enough for another thread to have its turn
        told.append((total, done))

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads take turns within a few instructions
    try:
        for _ in range(5):
            curve(
                bench().judge,
                unseen=words(*range(20, 60)),
                progress=slowly,
                resampling=Resampling(count=0),
            )
            done = [number for _, number in told]
            assert done == sorted(done)
            assert done[-1] == told[-1][0]
            told.clear()
    finally:
        sys.setswitchinterval(before)


def test_an_experiment_that_broke_off_goes_on_where_it_was(tmp_path):
    answers = 20

    def refuses_later(request):
        nonlocal answers
        answers -= request.title == "verdict"
        return HttpError(401) if answers < 0 else knows_what_it_is_shown(request)

    here = bench(refuses_later)
    with pytest.raises(ModelError):
        curve(here.judge, directory=tmp_path, concurrency=1)
    assert len(list(tmp_path.glob("*.jsonl"))) == 1  # the first cell has 14 judgements

    answers = 36  # exactly what is left
    assert points(curve(here.judge, directory=tmp_path)) == points(curve(bench().judge))


def test_another_judge_does_not_take_over_what_was_found(tmp_path):
    curve(bench().judge, directory=tmp_path)
    other = bench(k=1)
    curve(other.judge, directory=tmp_path)
    assert len(other.model.titled("verdict")) == 50


def test_a_torn_file_says_which_line(tmp_path):
    here = bench()
    curve(here.judge, directory=tmp_path)
    path = max(tmp_path.glob("*.jsonl"))
    path.write_text(path.read_text()[:-20])
    with pytest.raises(InvalidInputError, match=r"\.jsonl, line \d+: .* Remove the file"):
        curve(here.judge, directory=tmp_path)


def test_raw_rows_tell_what_was_judged_and_on_what_evidence(tmp_path):
    found = curve(bench().judge, directory=tmp_path)
    lines = [json.loads(t) for f in tmp_path.glob("*.jsonl") for t in f.read_text().splitlines()]
    rows = [line for line in lines if "expert" in line]
    assert len(rows) == len(found.rows)
    (row,) = [r for r in rows if r["id"] == "f21" and r["setting"]["taught"] == 0]
    assert (row["expert"], row["value"], row["split"]) == (False, True, "unseen")
    assert (row["reason"], row["usage"]["input_tokens"]) == ("Because.", 10)
    assert all(r["episode_ids"] for r in rows if r["setting"]["taught"])


async def test_the_async_twin_finds_the_same():
    here, there = bench(), bench()
    given = {"unseen": UNSEEN, "shards": (0, 3), "repeats": 1, "resampling": FAST}
    found = await alearning_curve(there.judge, TAUGHT, **given)
    assert found.figures == learning_curve(here.judge, TAUGHT, **given).figures


def test_an_ablation_shows_each_memory_and_teaches_each_part():
    here = bench()
    found = ablation(here.judge, TAUGHT, unseen=UNSEEN, resampling=FAST)
    assert {
        (f.group.teaching, f.group.shown): f.estimates["exact_match"].value for f in found.figures
    } == {
        ("both", "none"): 0.5,
        ("both", "semantic"): 1.0,
        ("both", "episodic"): 1.0,
        ("both", "both"): 1.0,
        # Without remarks there are no rules to learn.
        ("label", "semantic"): 0.5,
        ("label", "episodic"): 1.0,
        ("label", "both"): 1.0,
        ("text", "semantic"): 1.0,
        ("text", "episodic"): 1.0,
        ("text", "both"): 1.0,
    }
    assert len(here.model.titled("principles")) == 3, "trials of one training share it"


def test_models_are_compared_before_and_after():
    here = bench()
    judges = {"learns": here.judge, "cannot": here.judge_named("cannot", k=0, principle_tokens=1)}
    found = compare_models(judges, TAUGHT, unseen=UNSEEN, resampling=FAST)
    assert {
        (f.group.judge, f.group.taught): f.estimates["exact_match"].value for f in found.figures
    } == {("learns", 0): 0.5, ("learns", 8): 1.0, ("cannot", 0): 0.5, ("cannot", 8): 0.5}
    assert set(found.spent) == {"learns", "cannot"}

    with pytest.raises(InvalidInputError, match="found 2 of 2 value types"):
        compare_models(
            {**judges, "cannot": here.judge_named("x", value_type={"enum": ["a", "b"]})}, []
        )


def test_a_cross_validation_asks_every_case_once_of_a_judge_that_was_not_taught_it():
    here = bench()
    several = [*TAUGHT, word(3, reviewer="ann", value=True)]
    found = cross_validate(here.judge, several, folds=4, resampling=FAST)
    after = [row for row in found.rows if row.setting.taught]
    assert sorted(row.id for row in after) == sorted(w.id for w in several)
    assert {row.setting.fold for row in after if row.id == "f3"} == {
        row.setting.fold for row in after if row.id == "f3" and row.expert is True
    }, "all words on one case fall into one part"
    with pytest.raises(InvalidInputError, match="found 9 for 8 cases"):
        cross_validate(here.judge, TAUGHT, folds=9)


def test_without_unseen_cases_some_feedback_is_held_out():
    found = learning_curve(
        bench().judge, TAUGHT, shards=(9,), repeats=1, held_out=0.25, resampling=FAST
    )
    asked = {row.id: row.split for row in found.rows}
    assert sorted(asked.values()) == ["seen"] * 6 + ["unseen"] * 2


def test_what_is_taught_is_not_unseen():
    found = curve(bench().judge, unseen=[*UNSEEN, *TAUGHT[:2]])
    assert "2 unseen cases are also taught, and were left out." in found.notes
    with pytest.raises(InvalidInputError, match="no case with an expert's value"):
        curve(bench().judge, unseen=TAUGHT[:2])


def test_what_cannot_be_judged_is_an_abstention():
    found = curve(bench(lambda request: "no idea").judge, shards=(0,))
    (unseen,) = [f for f in found.figures if f.group.split == "unseen"]
    assert unseen.estimates["exact_match"].value is None
    assert unseen.estimates["exact_match"].abstained == 6
    assert unseen.estimates["abstention_rate"].value == 1.0


def test_a_value_off_the_scale_is_refused_by_position():
    with pytest.raises(InvalidInputError, match="feedback 8: value: found 'good'"):
        learning_curve(bench().judge, [*TAUGHT, word(9, value="good")], unseen=UNSEEN)


def test_calls_tokens_and_money_are_counted():
    here = bench()
    prices = {"scripted": Price(input=1.0, output=10.0)}
    (cost,) = curve(here.judge, shards=(0, 8), repeats=1, prices=prices).spent.values()
    assert (cost.model_calls, cost.input_tokens, cost.output_tokens) == (29, 290, 145)
    assert cost.dollars == pytest.approx((290 + 1450) / 1e6)
    (unknown,) = curve(here.judge, prices={}).spent.values()
    assert unknown.dollars is None
