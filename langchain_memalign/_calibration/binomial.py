"""Exact statements about a share, from how often something happened."""

from __future__ import annotations

import math

from langchain_memalign.schema import Rate

_BISECTIONS = 60


def chance_of_at_least(count: int, cases: int, share: float) -> float:
    """How likely at least `count` of `cases` are, each with probability `share`."""
    if count <= 0:
        return 1.0
    if share <= 0 or count > cases:
        return 0.0
    if share >= 1:
        return 1.0
    if cases - count > count:
        return 1.0 - math.fsum(_chance(i, cases, share) for i in range(count))
    return math.fsum(_chance(i, cases, share) for i in range(count, cases + 1))


def lower_bound(count: int, cases: int, error: float) -> float:
    """The share that is exceeded, but for an error of this probability; 0 without cases.

    Source: C. Clopper and E. Pearson, The use of confidence or fiducial limits illustrated in the
    case of the binomial, Biometrika 26 (1934), pages 404-413.
    """
    if count <= 0:
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if chance_of_at_least(count, cases, middle) < error:
            low = middle
        else:
            high = middle
    return low


def rate(name: str, count: int, cases: int, *, confidence: float = 0.95) -> Rate:
    """A share with its two-sided exact interval."""
    if not cases:
        return Rate(name=name, count=0, cases=0)
    error = (1 - confidence) / 2
    return Rate(
        name=name,
        count=count,
        cases=cases,
        value=count / cases,
        low=lower_bound(count, cases, error),
        high=1 - lower_bound(cases - count, cases, error),
    )


def cases_needed(agreement: float, error: float) -> int:
    """How many cases must all agree for that agreement to be promised."""
    if agreement <= 0:
        return 1
    needed = max(1, math.ceil(math.log(error) / math.log(agreement) - 1e-9))
    # Whether so many are enough is decided by the very test that will be made.
    return needed if chance_of_at_least(needed, needed, agreement) <= error else needed + 1


def _chance(count: int, cases: int, share: float) -> float:
    ways = math.lgamma(cases + 1) - math.lgamma(count + 1) - math.lgamma(cases - count + 1)
    return math.exp(ways + count * math.log(share) + (cases - count) * math.log1p(-share))
