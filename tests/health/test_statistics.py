"""Figures against published examples, and against judges whose errors are known."""

import math
import random

import pytest

from langchain_memalign import HealthReport
from langchain_memalign._health.comparing import worse_than
from langchain_memalign._health.pass_rate import corrected
from langchain_memalign._health.statistics import fisher, gap, mcnemar, slope
from langchain_memalign.schema import Rate, now

DRAWS = 500


def share(count, cases):
    return Rate(name="share", count=count, cases=cases, value=count / cases if cases else None)


def drawn(chance, cases, source):
    return share(sum(source.random() < chance for _ in range(cases)), cases)


@pytest.mark.parametrize(
    ("gained", "lost", "chance"),
    [(0, 0, 1), (1, 1, 1), (0, 6, 2 / 64), (6, 0, 2 / 64), (1, 8, 0.0390625)],
)
def test_mcnemar_is_the_sign_test_of_what_changed(gained, lost, chance):
    assert mcnemar(gained, lost) == pytest.approx(chance)


def test_fisher_on_the_lady_tasting_tea():
    assert fisher(share(3, 4), share(1, 4)) == pytest.approx(17 / 70)
    assert fisher(share(4, 4), share(0, 4)) == pytest.approx(1 / 70)
    assert fisher(share(0, 4), share(0, 4)) == pytest.approx(1)


def test_newcombe_on_his_own_example():
    found = gap(share(56, 70), share(48, 80))
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_a_gap_needs_cases_on_both_sides():
    assert gap(share(0, 0), share(1, 2)) is None


def test_a_slope_is_that_of_least_squares():
    lengths = [float(n) for n in range(12)]
    found = slope(lengths, [0.25 * n - 1 for n in lengths])
    assert (found.value, found.standard_error) == pytest.approx((0.25, 0), abs=1e-9)


def test_the_interval_of_a_slope_holds_also_where_errors_grow_with_the_length():
    source, covered = random.Random(7), 0
    for _ in range(DRAWS):
        lengths = [source.uniform(4, 12) for _ in range(40)]
        errors = [0.03 * x + source.gauss(0, 0.02 * x) for x in lengths]
        found = slope(lengths, errors)
        covered += found.low <= 0.03 <= found.high
    assert 0.92 <= covered / DRAWS <= 0.98


def test_no_slope_from_few_cases_or_one_length():
    assert slope([1.0, 2.0], [0.0, 1.0]) is None
    assert slope([3.0] * 20, [0.0, 1.0] * 10) is None


@pytest.mark.parametrize("truth", [0.05, 0.3, 0.7])
@pytest.mark.parametrize(("tpr", "tnr"), [(0.95, 0.6), (0.8, 0.9)])
def test_a_corrected_pass_rate_covers_the_truth(truth, tpr, tnr):
    source, covered, told = random.Random(11), 0, 0
    for _ in range(DRAWS):
        says_true = truth * tpr + (1 - truth) * (1 - tnr)
        found = corrected(
            drawn(says_true, 300, source), drawn(tpr, 60, source), drawn(tnr, 60, source)
        )
        told += found.value is not None
        covered += found.value is not None and found.low <= truth <= found.high
    assert told == DRAWS
    assert covered / DRAWS >= 0.93


def test_the_correction_is_that_of_rogan_and_gladen():
    found = corrected(share(70, 100), share(90, 100), share(60, 100))
    assert found.value == pytest.approx((0.7 + 0.6 - 1) / (0.9 + 0.6 - 1))
    assert found.low < found.value < found.high


@pytest.mark.parametrize(("tpr", "tnr"), [(0.97, 0.05), (0.5, 0.5), (0.2, 0.3)])
def test_of_a_judge_that_guesses_no_pass_rate_is_told(tpr, tnr):
    source = random.Random(13)
    told = sum(
        corrected(share(60, 100), drawn(tpr, 50, source), drawn(tnr, 50, source)).value is not None
        for _ in range(DRAWS)
    )
    assert told / DRAWS <= 0.05
    refused = corrected(share(60, 100), share(50, 50), share(0, 50))
    assert "add up to 1.00" in refused.why


def test_too_few_cases_tell_no_errors():
    assert "at least 5 of each" in corrected(share(1, 2), share(3, 4), share(50, 50)).why


def report(source, *, flips=0.1, tpr=0.9, tnr=0.7):
    told = {
        "flips": drawn(flips, 100, source),
        "flips_shuffled": drawn(flips, 100, source),
        "unscored": drawn(0.02, 100, source),
        "tpr": drawn(tpr, 60, source),
        "tnr": drawn(tnr, 40, source),
    }
    lengths = [source.uniform(4, 10) for _ in range(50)]
    told["length"] = slope(lengths, [source.gauss(0, 0.4) for _ in lengths])
    return HealthReport(judge="tone", said_by="digest", created_at=now(), cases=100, **told)


def test_a_judge_that_did_not_change_is_seldom_called_worse():
    source = random.Random(17)
    alarms = sum(bool(worse_than(report(source), report(source))) for _ in range(DRAWS))
    # Three standard errors above the nominal rate.
    assert alarms / DRAWS <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / DRAWS)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"flips": 0.5}, "flip more often"),
        ({"tpr": 0.4}, "passes fewer of the cases that should pass"),
        ({"tnr": 0.1}, "fails fewer of the cases that should fail"),
    ],
)
def test_a_judge_that_got_much_worse_is_told_to_be(change, said):
    source = random.Random(19)
    found = worse_than(report(source, **change), report(source))
    assert said in " ".join(found)
    assert worse_than(report(source), report(source, **change)) == ()
