"""Exact and approximate statements about shares and slopes, in plain Python."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

from langchain_memalign._calibration.binomial import chance_of_at_least
from langchain_memalign.schema import Gap, Rate, Slope

Z = NormalDist().inv_cdf(0.975)
"""Of a two-sided interval of 95 %."""

_LEAST_FOR_SLOPE = 10


def mcnemar(gained: int, lost: int) -> float:
    """How likely so uneven a change is, or one more uneven, where each way is as likely.

    Source: Q. McNemar, Note on the sampling error of the difference between correlated proportions
    or percentages, Psychometrika 12 (1947), pages 153-157; exact, by the binomial distribution.
    """
    count = gained + lost
    return min(1.0, 2 * chance_of_at_least(max(gained, lost), count, 0.5)) if count else 1.0


def fisher(more: Rate, less: Rate) -> float:
    """How likely so much higher a share is, or one higher still, where both are the same.

    Source: R. A. Fisher, Statistical methods for research workers, 5th edition (1934), section
    21.02; one-sided.
    """
    hits, total = more.count + less.count, more.cases + less.cases
    most = min(hits, more.cases)

    def ways(count: int) -> float:
        return _log_choose(more.cases, count) + _log_choose(less.cases, hits - count)

    all_ways = _log_choose(total, hits)
    chances = (
        math.exp(ways(count) - all_ways)
        for count in range(more.count, most + 1)
        if hits - count <= less.cases
    )
    return min(1.0, math.fsum(chances))


def gap(one: Rate, other: Rate) -> Gap | None:
    """The difference of two shares of different cases; None where one of them has none.

    Source: R. G. Newcombe, Interval estimation for the difference between independent proportions,
    Statistics in Medicine 17 (1998), pages 873-890, method 10.
    """
    if one.value is None or other.value is None:
        return None
    low, high = _wilson(one)
    other_low, other_high = _wilson(other)
    value = one.value - other.value
    return Gap(
        value=value,
        low=value - math.hypot(one.value - low, other_high - other.value),
        high=value + math.hypot(high - one.value, other.value - other_low),
    )


def slope(lengths: Sequence[float], errors: Sequence[float]) -> Slope | None:
    """The slope of errors on lengths; None for fewer than ten cases, or where all are alike.

    Least squares, with a standard error that holds where errors vary with the length (HC3), and
    Student's t. Sources: J. G. MacKinnon and H. White, Some heteroskedasticity-consistent
    covariance matrix estimators with improved finite sample properties, Journal of Econometrics 29
    (1985), pages 305-325; M. Abramowitz and I. Stegun, Handbook of mathematical functions (1964),
    26.7.5, for the quantile of t.
    """
    count = len(lengths)
    if count < _LEAST_FOR_SLOPE:
        return None
    centre, level = math.fsum(lengths) / count, math.fsum(errors) / count
    spread = math.fsum((x - centre) ** 2 for x in lengths)
    if spread < 1e-9:
        return None
    pairs = list(zip(lengths, errors, strict=True))
    value = math.fsum((x - centre) * (y - level) for x, y in pairs) / spread
    bent = 0.0
    for x, y in pairs:
        pull = 1 / count + (x - centre) ** 2 / spread
        left = y - level - value * (x - centre)
        # A point that alone holds the line has no error of its own.
        bent += ((x - centre) * left / max(1 - pull, 1e-9)) ** 2
    error = math.sqrt(bent) / spread
    wide = _student(count - 2) * error
    return Slope(
        value=value, low=value - wide, high=value + wide, standard_error=error, cases=count
    )


def steeper(now: Slope, before: Slope) -> float:
    """How likely so much steeper a slope is where both are equally steep; one-sided, normal."""
    error = math.hypot(now.standard_error, before.standard_error)
    change = abs(now.value) - abs(before.value)
    if error == 0:
        return 0.0 if change > 0 else 1.0
    return 1 - NormalDist().cdf(change / error)


def _student(freedom: int) -> float:
    """The 97.5 % quantile of Student's t."""
    first = (Z**3 + Z) / 4
    second = (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96
    third = (3 * Z**7 + 19 * Z**5 + 17 * Z**3 - 15 * Z) / 384
    return Z + first / freedom + second / freedom**2 + third / freedom**3


def _wilson(share: Rate) -> tuple[float, float]:
    count, value = share.cases, share.count / share.cases
    middle = (value + Z**2 / (2 * count)) / (1 + Z**2 / count)
    wide = Z * math.sqrt(value * (1 - value) / count + Z**2 / (4 * count**2)) / (1 + Z**2 / count)
    return middle - wide, middle + wide


def _log_choose(total: int, count: int) -> float:
    return math.lgamma(total + 1) - math.lgamma(count + 1) - math.lgamma(total - count + 1)
