"""Agreement between reviewers, against a published worked example."""

from fractions import Fraction

import pytest

from evaluation.examples import KRIPPENDORFF_C
from langchain_memalign import InvalidInputError
from langchain_memalign.evaluation.reviewers import krippendorff_alpha, reviewer_match

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


def test_alpha_by_hand_to_the_last_digit():
    # Coincidences on the diagonal 7, 10, 8, 4, 3; values given 9, 13, 10, 5, 3 times, of 40.
    chance = 9 * 8 + 13 * 12 + 10 * 9 + 5 * 4 + 3 * 2
    exact = Fraction(39 * (7 + 10 + 8 + 4 + 3) - chance, 40 * 39 - chance)
    assert krippendorff_alpha(CASES).value == pytest.approx(float(exact), abs=1e-9)


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
