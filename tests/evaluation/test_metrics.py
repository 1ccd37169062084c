"""Metrics against published worked examples, and what they do with odd rows."""

from fractions import Fraction

import numpy as np
import pytest

from evaluation.examples import (
    AGRESTI_WINNER,
    BLOOD_PRESSURE,
    from_table,
)
from langchain_memalign import InvalidInputError
from langchain_memalign._values.types import ValueType
from langchain_memalign.evaluation.metrics import (
    abstention_rate,
    ccc,
    cohen_kappa,
    confusion_matrix,
    correct_overall,
    exact_match,
    linear_kappa,
    mae,
    metrics_for,
    quadratic_kappa,
    recall_of,
)
from langchain_memalign.evaluation.resampling import Resampling

NO_INTERVAL = Resampling(count=0)


def value_of(metric, expert, judge):
    return metric(expert, judge, resampling=NO_INTERVAL).value


def near(expected):
    return pytest.approx(float(expected), abs=1e-9)


def test_kappa_of_cohens_first_example_table():
    # Two readers of 50 grant proposals; https://en.wikipedia.org/wiki/Cohen%27s_kappa, 0.40.
    expert, judge = from_table([[20, 5], [10, 15]], ["yes", "no"])
    assert value_of(cohen_kappa, expert, judge) == near(Fraction(2, 5))
    assert value_of(exact_match, expert, judge) == near(Fraction(35, 50))


def test_kappa_of_two_annotators_of_sentiment():
    # https://scikit-learn.org/stable/modules/generated/sklearn.metrics.cohen_kappa_score.html
    first = ["negative", "positive", "negative", "neutral", "positive"]
    second = ["negative", "positive", "negative", "neutral", "negative"]
    assert value_of(cohen_kappa, first, second) == near(0.6875)


def test_mae_of_four_numbers():
    # https://scikit-learn.org/stable/modules/generated/sklearn.metrics.mean_absolute_error.html
    assert value_of(mae, [3, -0.5, 2, 7], [2.5, 0.0, 2, 8]) == near(0.5)


def test_kappas_of_two_film_critics():
    # A. Agresti and L. Winner, Chance 10 (1997), pages 10-14: kappa 0.389, linear weights 0.427.
    expert, judge = from_table(AGRESTI_WINNER, [1, 2, 3])
    assert value_of(cohen_kappa, expert, judge) == pytest.approx(0.389, abs=5e-4)
    assert value_of(linear_kappa, expert, judge) == pytest.approx(0.427, abs=5e-4)
    # The same by hand: margins 45, 32, 83 and 42, 30, 88 of 160; disagreements by distance.
    chance = {1: 45 * 30 + 32 * 42 + 32 * 88 + 83 * 30, 2: 45 * 88 + 83 * 42}
    apart = {1: 8 + 8 + 11 + 9, 2: 13 + 10}
    for metric, power in ((cohen_kappa, 0), (linear_kappa, 1), (quadratic_kappa, 2)):
        observed = sum(count * distance**power for distance, count in apart.items())
        expected = sum(count * distance**power for distance, count in chance.items())
        assert value_of(metric, expert, judge) == near(1 - Fraction(160 * observed, expected))


def test_ccc_of_blood_pressures():
    # https://www.statstodo.com/LinCCC.php: 30 pairs with means 120.00 and 120.77.
    expert, judge = BLOOD_PRESSURE
    x, y = [Fraction(v) for v in expert], [Fraction(v) for v in judge]
    mean_x, mean_y = sum(x) / 30, sum(y) / 30
    covariance = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / 30
    spread = sum((a - mean_x) ** 2 for a in x) / 30 + sum((b - mean_y) ** 2 for b in y) / 30
    exact = 2 * covariance / (spread + (mean_x - mean_y) ** 2)
    assert value_of(ccc, expert, judge) == near(exact)
    # From what the page prints: a correlation of 0.87, standard deviations of 9.27 and 9.34.
    printed = 2 * 0.87 * 9.27 * 9.34 / (9.27**2 + 9.34**2 + 0.77**2)
    assert value_of(ccc, expert, judge) == pytest.approx(printed, abs=5e-3)


def test_ccc_survives_large_numbers():
    expert, judge = BLOOD_PRESSURE
    far = ([v + 10**9 for v in expert], [v + 10**9 for v in judge])
    assert value_of(ccc, *far) == pytest.approx(value_of(ccc, expert, judge), abs=1e-6)


@pytest.mark.parametrize("size", [1e-9, 1e150])
def test_figures_do_not_depend_on_the_size_of_a_scale(size):
    expert, judge = BLOOD_PRESSURE
    sized = [v / 200 * size for v in expert], [v / 200 * size for v in judge]
    for metric in (ccc, linear_kappa, quadratic_kappa):
        assert value_of(metric, *sized) == near(value_of(metric, expert, judge))


def test_shares_errors_and_the_matrix_set_abstentions_apart():
    expert = [1, 1, 2, 3, 3]
    judge = [1, 2, None, 3, None]
    found = exact_match(expert, judge)
    assert (found.value, found.n, found.abstained) == (near(Fraction(2, 3)), 3, 2)
    assert value_of(correct_overall, expert, judge) == near(Fraction(2, 5))
    assert value_of(abstention_rate, expert, judge) == near(Fraction(2, 5))
    assert value_of(mae, expert, judge) == near(Fraction(1, 3))
    assert value_of(recall_of(1), expert, judge) == near(Fraction(1, 2))
    assert value_of(recall_of(3), expert, judge) == near(1)

    table = confusion_matrix(expert, judge)
    assert table.values == (1, 2, 3)
    assert table.counts == ((1, 1, 0), (0, 0, 0), (0, 0, 1))
    assert table.abstained == (0, 1, 1)


def test_the_matrix_lists_values_that_nobody_gave():
    scale = ValueType(kind="integer", minimum=1, maximum=3)
    assert confusion_matrix([1], [1], value_type=scale).values == (1, 2, 3)
    assert confusion_matrix([True], [None], value_type=ValueType.parse(bool)).abstained == (0, 1)


@pytest.mark.parametrize(
    ("metric", "expert", "judge", "value"),
    [
        (exact_match, [], [], None),
        (exact_match, [True], [None], None),
        (correct_overall, [True], [None], 0.0),
        (abstention_rate, [], [], None),
        (cohen_kappa, ["a", "a"], ["a", "a"], None),
        (cohen_kappa, ["a", "b"], ["a", "a"], 0.0),
        (quadratic_kappa, [3], [3], None),
        (ccc, [2, 2, 2], [2, 2, 2], None),
        (ccc, [0.1, 0.1, 0.1], [0.1, 0.1, 0.1], None),
        (ccc, [1, 2, 3], [2, 2, 2], 0.0),
        (ccc, [2, 2], [3, 3], 0.0),
        (mae, [4], [2], 2.0),
        (recall_of("b"), ["a"], ["a"], None),
    ],
)
def test_what_is_not_defined_is_none_with_a_note(metric, expert, judge, value):
    found = metric(expert, judge)
    assert found.value == value
    if value is None:
        assert found.note
        assert (found.low, str(found)) == (None, "-")


def test_a_long_scale_lists_only_what_was_given():
    scale = ValueType(kind="integer", minimum=0, maximum=1_000_000)
    assert confusion_matrix([7, 70], [7, 700], value_type=scale).values == (7, 70, 700)


def test_recall_rests_on_the_cases_of_its_class_alone():
    # Two of 40 cases are good: Wilson's interval for 2 of 2, not for 40 of 40.
    expert = [True] * 3 + [False] * 38
    found = recall_of(True)(expert, [True, True, None, *[False] * 38])
    assert (found.value, found.n, found.abstained) == (1.0, 2, 1)
    assert found.low == pytest.approx(0.3424, abs=1e-4)
    change = recall_of(True).change(expert, [False] * 41, [None, *[True] * 40])
    assert (change.value, change.n, change.abstained) == (1.0, 2, 1)


def test_true_one_and_its_text_are_three_values():
    assert value_of(exact_match, [True, 1, "1"], [1, "1", True]) == 0.0


def test_a_number_is_the_same_with_and_without_a_point():
    assert value_of(exact_match, [1, 2, 3], [1.0, 2.0, 2.5]) == near(Fraction(2, 3))
    assert value_of(cohen_kappa, [1, 2], [1.0, 2.0]) == near(1)
    assert value_of(recall_of(2), [1, 2.0], [2, 2]) == near(1)
    assert confusion_matrix([1, 2], [1.0, 2.0]).counts == ((1, 0), (0, 1))
    assert value_of(exact_match, [1.0, 0.0], [True, False]) == 0.0


def test_values_of_numpy_are_values():
    numbers = np.array([1, 2, 4])
    assert value_of(exact_match, numbers, np.array([1.0, 2.0, 3.0])) == near(Fraction(2, 3))
    assert value_of(quadratic_kappa, numbers, numbers) == near(1)
    assert value_of(ccc, numbers, [1, 2, 4]) == near(1)
    assert value_of(recall_of(True), np.array([True, False]), [True, True]) == near(1)


@pytest.mark.parametrize("odd", [float("nan"), np.float64("nan"), {"score": 1}, [1]])
def test_what_is_no_value_is_refused_not_counted_as_wrong(odd):
    for metric in (exact_match, correct_overall, abstention_rate, mae):
        with pytest.raises(InvalidInputError, match=r"as a value; expected .* Give None"):
            metric([1, 2], [odd, 2])
        with pytest.raises(InvalidInputError, match="as a value"):
            metric([1, odd], [1, 2])


def test_a_judge_without_a_fault_has_no_interval_of_rounding():
    expert, _ = BLOOD_PRESSURE
    for metric in (ccc, cohen_kappa, quadratic_kappa, mae):
        found = metric(expert, expert)
        assert (found.low, found.high) == (None, None)
        assert "all alike" in found.note


def test_rows_that_do_not_fit_are_refused():
    with pytest.raises(InvalidInputError, match="2 values of experts and 1 of the judge"):
        exact_match([1, 2], [1])
    with pytest.raises(InvalidInputError, match="found 'good'; expected numbers"):
        mae(["good"], [1])
    with pytest.raises(InvalidInputError, match="found True; expected numbers"):
        quadratic_kappa([1], [True])
    for odd, found in ((float("inf"), "inf"), (10**5000, "a huge whole")):
        with pytest.raises(InvalidInputError, match=f"mae: found {found}"):
            mae([odd], [1])
    with pytest.raises(InvalidInputError, match="without an expert's value"):
        exact_match([None], [1])
    with pytest.raises(InvalidInputError, match="found 1 for 2 rows"):
        exact_match([1, 2], [1, 2], groups=["a"])


@pytest.mark.parametrize(
    ("declared", "names"),
    [
        (bool, {"exact_match", "cohen_kappa", "recall of True", "recall of False"}),
        ({"enum": ["a", "b"]}, {"exact_match", "cohen_kappa", "recall of a", "recall of b"}),
        ({"enum": [1, 3]}, {"exact_match", "cohen_kappa", "quadratic_kappa", "ccc", "mae"}),
        (
            {"type": "integer", "minimum": 1, "maximum": 5},
            {"exact_match", "cohen_kappa", "quadratic_kappa", "ccc", "mae"},
        ),
        ({"type": "number", "minimum": 0, "maximum": 1}, {"exact_match", "ccc", "mae"}),
    ],
)
def test_each_kind_of_value_has_its_metrics(declared, names):
    found = {metric.name for metric in metrics_for(ValueType.parse(declared))}
    assert found == names | {"correct_overall", "abstention_rate"}
