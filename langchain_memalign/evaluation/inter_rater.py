"""How far experts agree with one another: the ceiling for a judge that learns from them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Literal, get_args

import numpy as np

from langchain_memalign._values.types import ValueType
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.evaluation.metrics import compared, plain, require_numbers
from langchain_memalign.evaluation.resampling import (
    Estimate,
    Numbers,
    Resampling,
    estimate,
    ratio,
)
from langchain_memalign.evaluation.trials import readable
from langchain_memalign.judge import FeedbackLike
from langchain_memalign.schema import Feedback, Value

Level = Literal["nominal", "ordinal", "interval"]


def krippendorff_alpha(
    cases: Sequence[Mapping[Hashable, Value | None]],
    *,
    level: Level = "nominal",
    resampling: Resampling | None = None,
) -> Estimate:
    """Agreement of any number of reviewers beyond chance; not all need to have seen every case.

    Cases with fewer than two reviewers say nothing and are left out; `n` counts the others. It is
    not defined where all reviewers used one and the same value. The interval resamples cases.

    Source: K. Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011
    (https://repository.upenn.edu/asc_papers/43).

    Args:
        cases: For each case, the value of each reviewer who saw it; None is no value.
        level: What makes two values differ more or less: nothing (`nominal`), how many were
            given between them (`ordinal`), their difference (`interval`).
        resampling: How the interval is drawn.

    Raises:
        InvalidInputError: Values other than numbers with a level other than `nominal`, or an
            unknown level.
    """
    if level not in get_args(Level):
        raise InvalidInputError(
            f"level: found {level!r}; expected one of {', '.join(get_args(Level))}."
        )
    usable = [given for case in cases if len(given := _given(case)) > 1]
    values = {compared(value): value for case in usable for value in case}
    if level != "nominal":
        require_numbers(values.values(), metric=f"alpha, level {level}")
        ordered = sorted(values.values(), key=float)
    else:
        ordered = list(values.values())
    places = {compared(value): place for place, value in enumerate(ordered)}
    # For each case, how often each ordered pair of values stands in it, by m - 1 for m reviewers.
    pairs = np.zeros((len(usable), len(ordered), len(ordered)))
    for number, case in enumerate(usable):
        times = np.bincount([places[compared(v)] for v in case], minlength=len(ordered))
        pairs[number] = (np.outer(times, times) - np.diag(times)) / (len(case) - 1)
    flat = pairs.reshape(len(usable), len(ordered) ** 2)

    def statistic(weights: Numbers) -> Numbers:
        met = (weights @ flat).reshape(-1, len(ordered), len(ordered))
        totals = met.sum(axis=2)
        apart = _distances(level, ordered, totals)
        observed = (met * apart).sum(axis=(1, 2))
        expected = np.einsum("ri,rj,rij->r", totals, totals, apart)
        return 1.0 - ratio(observed * (totals.sum(axis=1) - 1), expected)

    return estimate(
        "krippendorff_alpha",
        statistic,
        counted=np.ones(len(usable)),
        undefined="all reviewers used one and the same value",
        resampling=resampling,
    )


def reviewer_match(
    cases: Sequence[Mapping[Hashable, Value | None]], *, resampling: Resampling | None = None
) -> Estimate:
    """How often two reviewers of one case give the same value, every case weighing the same.

    This is what `exact_match` of a perfect judge would come to if each case were held against
    one reviewer drawn at random. Cases with fewer than two reviewers are left out.
    """
    shares = []
    for case in cases:
        given = [compared(value) for value in _given(case)]
        m = len(given)
        if m > 1:
            same = sum(given.count(value) - 1 for value in given)
            shares.append(same / (m * (m - 1)))
    share = np.array(shares, dtype=np.float64)
    return estimate(
        "reviewer_match",
        lambda weights: ratio(weights @ share, weights.sum(axis=1)),
        counted=np.ones(len(shares)),
        is_proportion=True,
        resampling=resampling,
    )


def reviewer_agreement(
    value_type: ValueType,
    words: Sequence[FeedbackLike],
    *,
    resampling: Resampling | None = None,
) -> Estimate:
    """How often two experts give one case the same value: the ceiling for a judge.

    Raises:
        InvalidInputError: One of the words cannot be used; says which.
    """
    return reviewer_match(_by_case(readable(value_type, words)[0]), resampling=resampling)


def reviewer_alpha(
    value_type: ValueType,
    words: Sequence[FeedbackLike],
    *,
    resampling: Resampling | None = None,
) -> Estimate:
    """Krippendorff's alpha of the experts, by distance where the values form a scale.

    Raises:
        InvalidInputError: One of the words cannot be used; says which.
    """
    return krippendorff_alpha(
        _by_case(readable(value_type, words)[0]),
        level="interval" if value_type.is_ordered else "nominal",
        resampling=resampling,
    )


def _by_case(words: Sequence[Feedback]) -> list[Mapping[Hashable, Value]]:
    cases: dict[str, dict[Hashable, Value]] = {}
    for number, word in enumerate(words):
        if word.value is not None:
            cases.setdefault(word.case.key, {})[word.reviewer or number] = word.value
    return list(cases.values())


def _given(case: Mapping[Hashable, Value | None]) -> list[Value]:
    return [plain(value) for value in case.values() if value is not None]


def _distances(level: Level, values: Sequence[Value], totals: Numbers) -> Numbers:
    """Squared distances between values, for each resample."""
    count = len(values)
    if level == "interval":
        at = np.array(values, dtype=np.float64)
        return np.broadcast_to((at[:, None] - at[None, :]) ** 2, (len(totals), count, count))
    if level == "ordinal":
        # Between the middles of two ranks lie all in between and half of each end.
        middle = np.cumsum(totals, axis=1) - totals / 2
        return np.asarray((middle[:, :, None] - middle[:, None, :]) ** 2)
    return np.broadcast_to(1.0 - np.eye(count), (len(totals), count, count))
