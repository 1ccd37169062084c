"""Agreement between reviewers, against a published worked example."""

from fractions import Fraction
from itertools import permutations

import pytest

from evaluation.examples import KRIPPENDORFF_C
from langchain_memalign import InvalidInputError
from langchain_memalign.evaluation.inter_rater import krippendorff_alpha, reviewer_match

CASES = [
    {who: value for who, value in enumerate(unit) if value is not None}
    for unit in zip(*KRIPPENDORFF_C, strict=True)
]


@pytest.mark.parametrize(
    ("level", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_alpha_of_the_published_example(level, published):
    found = krippendorff_alpha(CASES, level=level)
    assert found.value == pytest.approx(published, abs=5e-4)
    assert found.n == 11  # the twelfth case has one reviewer only
    assert found.low < found.value < found.high


def by_definition(level):
    """Alpha of the example from all pairs of values, in fractions; section C of the publication."""
    units = [list(case.values()) for case in CASES if len(case) > 1]
    given = [value for unit in units for value in unit]

    def apart(one, other):
        if level == "nominal":
            return Fraction(one != other)
        if level == "interval":
            return Fraction(one - other) ** 2
        between = sum(min(one, other) <= value <= max(one, other) for value in given)
        return (between - Fraction(given.count(one) + given.count(other), 2)) ** 2

    def pairs(values):
        return sum((apart(one, other) for one, other in permutations(values, 2)), Fraction())

    observed = sum(pairs(unit) / (len(unit) - 1) for unit in units) / len(given)
    return 1 - observed / (pairs(given) / (len(given) * (len(given) - 1)))


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_alpha_of_the_published_example_to_the_last_digit(level):
    exact = by_definition(level)
    assert krippendorff_alpha(CASES, level=level).value == pytest.approx(float(exact), abs=1e-9)


def test_alpha_of_the_published_coincidences():
    # The matrix in the publication: diagonal 7, 10, 8, 4, 3; values given 9, 13, 10, 5, 3 times.
    chance = 9 * 8 + 13 * 12 + 10 * 9 + 5 * 4 + 3 * 2
    exact = Fraction(39 * (7 + 10 + 8 + 4 + 3) - chance, 40 * 39 - chance)
    assert exact == by_definition("nominal")


def test_labels_have_an_alpha_too_but_no_distances():
    named = [{who: "abcde"[value - 1] for who, value in case.items()} for case in CASES]
    assert krippendorff_alpha(named) == krippendorff_alpha(CASES)
    with pytest.raises(InvalidInputError, match="alpha, level interval: found 'a'"):
        krippendorff_alpha(named, level="interval")


def test_reviewers_match_pair_by_pair():
    cases = [{"ann": 1, "bob": 1, "eve": 2}, {"ann": 1, "bob": 2}, {"ann": 3}]
    found = reviewer_match(cases)
    assert found.value == pytest.approx((1 / 3 + 0) / 2, abs=1e-9)
    assert found.n == 2


@pytest.mark.parametrize("cases", [[], [{"ann": 1}], [{"ann": 1, "bob": 1}]])
def test_without_two_reviewers_or_two_values_there_is_no_alpha(cases):
    assert krippendorff_alpha(cases).value is None
    assert krippendorff_alpha(cases).note


def test_a_reviewer_who_gave_no_value_does_not_count():
    gaps = [dict(enumerate(unit)) for unit in zip(*KRIPPENDORFF_C, strict=True)]
    assert krippendorff_alpha(gaps) == krippendorff_alpha(CASES)
    assert reviewer_match(gaps) == reviewer_match(CASES)


def test_an_unknown_level_is_refused():
    with pytest.raises(InvalidInputError, match="level: found 'ratio'; expected one of nominal"):
        krippendorff_alpha(CASES, level="ratio")


def test_a_number_is_the_same_with_and_without_a_point():
    cases = [{"ann": 1, "bea": 1.0}, {"ann": 2.0, "bea": 2}]
    for level in ("nominal", "ordinal", "interval"):
        assert krippendorff_alpha(cases, level=level).value == 1.0
    assert reviewer_match(cases).value == 1.0


def test_what_is_no_value_is_refused():
    with pytest.raises(InvalidInputError, match="found nan as a value"):
        krippendorff_alpha([{"ann": 1.0, "bea": float("nan")}])
