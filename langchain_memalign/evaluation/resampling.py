"""Estimates with bootstrap intervals, for statistics that take weighted rows; pure.

A bootstrap resample is a weight for each row: how often it was drawn. A statistic that takes a
matrix of weights (one resample a line) is then a few matrix products for all resamples at once,
the same resamples serve two judges (a paired comparison), and rows that belong together, such as
several runs over one case, are drawn together.

Why not a library: the metrics of scikit-learn take one vector of weights a call, SciPy's bootstrap
knows no rows that belong together, and neither has Lin's or Krippendorff's coefficient.

Source: B. Efron and R. Tibshirani, An Introduction to the Bootstrap, 1993, sections 13.3
(percentile interval) and 8 (resampling the units that are independent).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from statistics import NormalDist
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema import Record

Numbers: TypeAlias = NDArray[np.float64]
Statistic: TypeAlias = Callable[[Numbers], Numbers]
"""From weights (resamples x rows) to one value each; nan where it is not defined."""

LEVEL = 0.95
RESAMPLES = 2_000
# With fewer, the quantiles would describe the resamples that happen to be defined.
_LEAST_DEFINED = 0.9
# Differences that rounding leaves are none.
_EQUAL = 1e-9
# Of so many rows that differ all signs are tried, of more so many.
_ALL_SIGNS = 14
_SIGNS = 10_000
# At most this many weights at once: 64 MB.
_AT_ONCE = 8_000_000


class Resampling(Record):
    """How intervals are drawn.

    Attributes:
        count: Number of resamples; 0 for no interval.
        seed: Seeds them; the same seed gives the same interval.
        level: How often intervals of many such samples hold the true figure.
    """

    count: int = Field(default=RESAMPLES, ge=0)
    seed: int = Field(default=0, ge=0)
    level: float = Field(default=LEVEL, gt=0, lt=1)


class Estimate(Record):
    """A figure, its 95 % bootstrap interval, and what it rests on.

    Attributes:
        name: What was measured.
        value: The figure; None where it is not defined, and `note` says why.
        low: Lower end of the interval; None where there is no interval.
        high: Upper end.
        n: Rows that it counts.
        abstained: Rows that it leaves out because the judge abstained.
        note: Why a part is missing; else "".
    """

    name: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    abstained: int = 0
    note: str = ""

    def __str__(self) -> str:
        if self.value is None:
            return "-"
        if self.low is None or self.high is None:
            return f"{self.value:.2f}"
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


def estimate(
    name: str,
    statistic: Statistic,
    *,
    counted: Numbers,
    abstained: int = 0,
    undefined: str = "",
    is_proportion: bool = False,
    groups: Sequence[Hashable] | None = None,
    resampling: Resampling | None = None,
) -> Estimate:
    """Compute a statistic and its percentile bootstrap interval.

    There is no value without rows and where the statistic is not defined. There is no interval for
    one independent row, for rows so alike that all resamples give the same, and where the statistic
    is not defined in more than a tenth of the resamples (those where it is not are left out). A
    proportion of exactly 0 or 1 leaves nothing to resample: its interval is Wilson's (1927) with as
    many trials as there are independent rows that it counts.

    Args:
        name: What it is called.
        statistic: From weights to values.
        counted: For each weight that it takes, 1 if it counts that row, else 0.
        abstained: How many it leaves out because the judge abstained.
        undefined: Why, where the statistic turns out not to be defined.
        is_proportion: Whether it is a share of rows.
        groups: For each row, what it belongs to; rows of one group are drawn together.
        resampling: How the interval is drawn.
    """
    chosen = resampling or Resampling()
    known = {"name": name, "n": int(counted.sum()), "abstained": abstained}
    if not counted.any():
        return Estimate(**known, note="no rows to count")
    value = float(statistic(np.ones((1, len(counted))))[0])
    if np.isnan(value):
        return Estimate(**known, note=undefined or "not defined for these rows")
    known["value"] = value
    members = _members(groups, len(counted))
    independent = len(np.unique(members[counted > 0]))
    if not chosen.count:
        return Estimate(**known)
    if independent < 2:
        return Estimate(**known, note="no interval: one independent row")
    if is_proportion and value in (0.0, 1.0):
        z = NormalDist().inv_cdf((1 + chosen.level) / 2)
        edge = z**2 / (independent + z**2)
        low, high = (0.0, edge) if value == 0.0 else (1 - edge, 1.0)
        return Estimate(**known, low=low, high=high)
    drawn = _resampled(statistic, members, chosen)
    defined = drawn[~np.isnan(drawn)]
    if len(defined) < _LEAST_DEFINED * len(drawn):
        return Estimate(**known, note="no interval: not defined in too many resamples")
    tail = (1 - chosen.level) / 2
    low, high = (float(end) for end in np.quantile(defined, (tail, 1 - tail)))
    # What rounding leaves of equal figures is no interval.
    if math.isclose(low, high, rel_tol=_EQUAL):
        return Estimate(**known, note="no interval: the rows are all alike")
    return Estimate(**known, low=low, high=high)


def chance_of_loss(differences: Numbers, *, seed: int = 0) -> float:
    """How likely is so low a sum of differences, if each is as likely above 0 as below?

    A bootstrap of few rows that differ among many that do not is too sure of itself: three that are
    all below 0 have a chance of 1/8 here, but are missing from one resample of 25 only.

    Source: R. Fisher, The Design of Experiments, 1935, section 21: the randomisation test.

    Args:
        differences: One for each independent row.
        seed: Seeds the signs that are tried, where there are too many to try all.
    """
    moved = np.abs(differences[np.abs(differences) > _EQUAL])
    count = len(moved)
    if count <= _ALL_SIGNS:
        bits = np.arange(2**count)[:, None] >> np.arange(count) & 1
        extra = 0
    else:
        bits = np.random.default_rng(seed).integers(2, size=(_SIGNS, count))
        extra = 1  # what was observed is one of the possible outcomes
    lower = (2.0 * bits - 1.0) @ moved <= differences.sum() + _EQUAL
    return float((lower.sum() + extra) / (len(bits) + extra))


def _resampled(statistic: Statistic, members: NDArray[np.int64], resampling: Resampling) -> Numbers:
    independent = int(members.max()) + 1
    generator = np.random.default_rng(resampling.seed)
    at_once = max(1, _AT_ONCE // max(len(members), independent))
    parts = []
    for start in range(0, resampling.count, at_once):
        size = min(at_once, resampling.count - start)
        draws = generator.integers(independent, size=(size, independent))
        # One bin for each group of each resample.
        bins = (draws + independent * np.arange(size)[:, None]).ravel()
        times = np.bincount(bins, minlength=size * independent).reshape(size, independent)
        parts.append(statistic(times[:, members].astype(np.float64)))
    return np.concatenate(parts)


def _members(groups: Sequence[Hashable] | None, rows: int) -> NDArray[np.int64]:
    if groups is None:
        return np.arange(rows)
    if len(groups) != rows:
        raise InvalidInputError(
            f"groups: found {len(groups)} for {rows} rows; expected one for each row."
        )
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(group, len(numbers)) for group in groups], dtype=np.int64)


def ratio(above: Numbers, below: Numbers) -> Numbers:
    """Divide; nan where there is nothing to divide by."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below > 0, above / below, np.nan)
