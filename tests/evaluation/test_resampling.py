"""Bootstrap intervals: their width, their coverage, and what is drawn together."""

import numpy as np
import pytest

from langchain_memalign.evaluation.metrics import (
    Metric,
    abstention_rate,
    ccc,
    cohen_kappa,
    correct_overall,
    exact_match,
    mae,
)
from langchain_memalign.evaluation.resampling import Resampling, chance_of_loss

RUNS, ROWS = 400, 80
FEW = 400  # resamples for each simulated study


def noisy_scores(rng):
    truth = rng.normal(size=ROWS)
    return truth, truth + rng.normal(size=ROWS)


def noisy_labels(rng):
    truth = rng.random(ROWS) < 0.5
    wrong = rng.random(ROWS) < 0.3
    return [bool(v) for v in truth], [bool(v) for v in truth ^ wrong]


SIMULATED = [
    # The true figures of these distributions: 1 - 0.3; 1 - 0.3 / 0.5; E|N(0, 1)|; and with
    # variances 1 and 2 and covariance 1, 2 / (1 + 2).
    (exact_match, noisy_labels, 0.7),
    (cohen_kappa, noisy_labels, 0.4),
    (mae, noisy_scores, float(np.sqrt(2 / np.pi))),
    (ccc, noisy_scores, 2 / 3),
]


@pytest.mark.parametrize(
    ("metric", "study", "truth"), SIMULATED, ids=lambda v: getattr(v, "name", "")
)
def test_intervals_cover_the_truth_as_often_as_they_say(metric: Metric, study, truth):
    rng = np.random.default_rng(1989)
    covered = 0
    for seed in range(RUNS):
        expert, judge = study(rng)
        found = metric(list(expert), list(judge), resampling=Resampling(count=FEW, seed=seed))
        covered += found.low <= truth <= found.high
    # The standard error of a share of 400 runs is 1.1 points, and a percentile interval of 80
    # rows is known to be a little short.
    assert 0.91 <= covered / RUNS <= 0.98


def test_a_paired_change_covers_the_truth_too():
    rng = np.random.default_rng(7)
    covered = 0
    for seed in range(RUNS):
        truth, before = noisy_labels(rng)
        mended = rng.random(ROWS) < 0.5
        after = [t if m else b for t, b, m in zip(truth, before, mended, strict=True)]
        sampling = Resampling(count=FEW, seed=seed)
        found = exact_match.change(truth, before, after, resampling=sampling)
        covered += found.low <= 0.15 <= found.high
    assert 0.91 <= covered / RUNS <= 0.98


def test_a_paired_change_is_told_from_noise_where_separate_intervals_overlap():
    expert = [True] * 100
    before = [True] * 60 + [False] * 40
    after = [True] * 68 + [False] * 32
    first, second = exact_match(expert, before), exact_match(expert, after)
    assert second.low < first.high
    change = exact_match.change(expert, before, after)
    assert change.value == pytest.approx(0.08)
    assert 0 < change.low < change.high < 0.15


def test_a_change_compares_what_both_scored_unless_abstaining_counts():
    expert = ["a"] * 4
    before, after = ["a", "b", None, None], ["a", "a", "a", "b"]
    change = exact_match.change(expert, before, after, groups=["w", "x", "y", "z"])
    assert (change.value, change.n, change.abstained) == (0.5, 2, 2)
    assert correct_overall.change(expert, before, after).value == 0.5
    assert abstention_rate.change(expert, before, after).value == -0.5


def test_rows_of_one_case_are_drawn_together():
    # Ten runs over the same 20 cases tell no more than one run.
    expert = [True] * 200
    judge = ([True] * 14 + [False] * 6) * 10
    cases = [case for _ in range(10) for case in range(20)]
    apart, together = exact_match(expert, judge), exact_match(expert, judge, groups=cases)
    once = exact_match(expert[:20], judge[:20])
    assert together.high - together.low == pytest.approx(once.high - once.low)
    assert together.high - together.low > 2.5 * (apart.high - apart.low)


def test_the_same_seed_gives_the_same_interval():
    expert, judge = map(list, noisy_scores(np.random.default_rng(3)))
    one = mae(expert, judge, resampling=Resampling(seed=1))
    assert mae(expert, judge, resampling=Resampling(seed=1)) == one
    assert mae(expert, judge, resampling=Resampling(seed=2)) != one


def test_all_right_is_not_certainty():
    # Wilson's interval for 20 of 20.
    found = exact_match([True] * 20, [True] * 20)
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(0.8389, abs=1e-4)
    assert abstention_rate([True] * 20, [True] * 20).high == pytest.approx(0.1611, abs=1e-4)


def test_runs_that_scored_one_and_the_same_case_tell_of_one_case():
    # Three runs over ten cases, of which each scored the first alone.
    judge, cases = ([True] + [None] * 9) * 3, [*range(10)] * 3
    found = exact_match([True] * 30, judge, groups=cases)
    assert (found.value, found.n, found.low) == (1.0, 3, None)
    assert found.note == "no interval: one independent row"


@pytest.mark.parametrize(
    ("differences", "chance"),
    [
        ([], 1),
        ([0, 0], 1),
        ([0.1 + 0.2 - 0.3], 1),
        ([-1, -1, -1, *[0] * 20], 1 / 8),
        ([-1, -1, 1, 1], 11 / 16),
        ([-3, 1], 1 / 2),  # -4 and -2, of -4, -2, 2 and 4
        ([1, 1], 1),
    ],
)
def test_the_chance_of_a_loss_by_hand(differences, chance):
    assert chance_of_loss(np.array(differences, dtype=float)) == pytest.approx(chance)


def test_the_chance_of_a_loss_is_right_where_nothing_changed():
    rng = np.random.default_rng(4)
    for rows in (8, 40):  # all signs, and some
        said = [chance_of_loss(rng.choice([-1, 0, 1], size=rows)) < 0.05 for _ in range(400)]
        assert sum(said) / len(said) <= 0.07
    lost = [chance_of_loss(rng.choice([-1, 0, 1], p=[0.6, 0.2, 0.2], size=40)) for _ in range(50)]
    assert sum(chance < 0.05 for chance in lost) > 35


def test_one_row_has_no_interval():
    found = mae([5], [3])
    assert (found.value, found.low, found.note) == (2.0, None, "no interval: one independent row")


def test_a_figure_that_few_resamples_define_has_no_interval():
    # A class that stands in one row of ten is missing from a third of the resamples.
    found = cohen_kappa(["a"] * 9 + ["b"], ["a"] * 9 + ["b"])
    assert (found.value, found.low) == (1.0, None)
    assert "too many resamples" in found.note
