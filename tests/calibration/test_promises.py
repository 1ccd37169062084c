"""What is promised of a judge's agreement, and that it holds."""

import random

import pytest

from langchain_memalign import AtLeast, InvalidInputError
from langchain_memalign._calibration.agreement import agreement_of, promised
from langchain_memalign._calibration.binomial import chance_of_at_least, lower_bound, rate
from langchain_memalign._calibration.promise import threshold_of

from .simulated import LABELS, STARS, generous, habits, labels_right, overconfident, track


def test_bounds_are_exact():
    # The 95 % interval of 8 in 10, as Clopper and Pearson's method gives it.
    found = rate("share", 8, 10)
    assert found.low == pytest.approx(0.4439, abs=1e-4)
    assert found.high == pytest.approx(0.9748, abs=1e-4)
    assert lower_bound(59, 59, 0.05) == pytest.approx(0.05 ** (1 / 59))
    assert chance_of_at_least(3, 4, 0.5) == pytest.approx(5 / 16)
    assert lower_bound(0, 10, 0.05) == 0
    assert str(rate("share", 0, 0)) == "unknown (n = 0)"


def test_enough_agreeing_cases_make_a_promise():
    found = threshold_of([(0.97, True)] * 29, AtLeast(agreement=0.9))
    assert (found.value, found.coverage, found.needed) == (0.97, 1.0, 29)
    # And go as far down as it holds.
    doubtful = [(0.5, bool(n % 2)) for n in range(40)]
    both = threshold_of([*[(0.97, True)] * 29, *doubtful], AtLeast(agreement=0.9))
    assert 0.5 < both.value <= 0.97
    assert both.coverage == pytest.approx(29 / 69)


def test_with_few_labels_it_says_what_is_the_most_that_can_be_promised():
    found = threshold_of([(0.9, True)] * 20, AtLeast(agreement=0.9))
    assert (found.value, found.coverage) == (None, 0)
    assert found.most == pytest.approx(0.05 ** (1 / 20))
    assert "29 agreeing cases are needed" in str(found)
    assert "0.861, for every verdict" in str(found)
    nothing = threshold_of([], AtLeast(agreement=0.9))
    assert (nothing.most, nothing.cases) == (None, 0)


def test_cases_without_a_verdict_are_not_covered():
    found = threshold_of([(0.97, True)] * 30, AtLeast(agreement=0.9), unscored=30)
    assert found.coverage == 0.5


@pytest.mark.parametrize("options", [{"agreement": 1.0}, {"agreement": 0.9, "confidence": 0}])
def test_a_promise_of_certainty_is_refused(options):
    with pytest.raises(InvalidInputError):
        AtLeast(**options)


@pytest.mark.parametrize(
    ("draw", "value_type", "agreement"),
    [
        # Just below what is asked, whatever the judge says: the hardest to tell.
        (habits(0.78, 0.78), None, 0.8),
        (habits(0.97, 0.8), None, 0.9),
        (overconfident(2.0), None, 0.8),
        (labels_right(0.78), LABELS, 0.8),
        (generous, STARS, 0.8),
    ],
    ids=["just below", "lenient", "overconfident", "labels", "stars"],
)
def test_the_promise_holds(draw, value_type, agreement):
    """In 40 draws of 40 cases, 5 may break it: 2 are expected at most, 6 in one of 100 runs."""
    options = {} if value_type is None else {"value_type": value_type}
    rng = random.Random(99)
    new = [draw(rng) for _ in range(400)]
    broken = 0
    for seed in range(40):
        record = track(draw, 40, seed=seed, **options)
        found = promised(record, AtLeast(agreement=agreement))
        if found.value is None:
            continue
        said = [(record.says(one.said, one.record), one.value) for one in new]
        covered = [made.value == value for made, value in said if made.confidence >= found.value]
        broken += bool(covered) and sum(covered) / len(covered) < agreement
    assert broken <= 5


def test_agreement_comes_with_what_a_judge_that_knows_nothing_would_reach():
    record = track(habits(0.97, 0.25, share_true=0.7), 200)
    found = agreement_of(record, unasked=3, outdated=2)
    by_name = {one.name: one for one in found.by_value}
    assert by_name["TPR"].cases + by_name["TNR"].cases == found.agreement.cases == 200
    assert found.agreement.low < found.agreement.value < found.agreement.high
    assert found.always_yes.value == pytest.approx(0.7, abs=0.1)
    assert found.majority.value >= found.always_yes.value
    assert found.kappa is not None
    shown = str(found)
    for word in ("TPR", "TNR", "kappa", "always yes", "n = 200", "not asked unseen"):
        assert word in shown
    assert "<table>" in found._repr_html_()


def test_agreement_of_labels_and_of_nothing():
    found = agreement_of(track(labels_right(0.9), 60, value_type=LABELS))
    assert [one.name for one in found.by_value] == [f"recall of {v}" for v in LABELS.labels]
    assert found.always_yes is None
    empty = agreement_of(track(labels_right(0.9), 0, value_type=LABELS))
    assert (empty.agreement.value, empty.kappa) == (None, None)
    assert "unknown" in str(empty)
