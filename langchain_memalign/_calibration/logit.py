"""A conditional logit with few weights, each drawn to where it starts, and its leave-one-out fits.

The probability of a value is proportional to the exponential of a weighted sum of its features.
Source: D. McFadden, Conditional logit analysis of qualitative choice behavior, in Frontiers in
Econometrics (1974), pages 105-142. For true and false it is logistic regression; with the logarithm
of the model's own probability as a feature it is temperature scaling.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import mul, sub

Weights = tuple[float, ...]
Features = tuple[tuple[float, ...], ...]
"""For each value of a case, its features."""

Matrix = list[list[float]]

_MOST_STEPS = 25
_HALVINGS = 20
_CLOSE = 1e-6


@dataclass(frozen=True)
class Prior:
    """Where a weight is drawn to, and the standard deviation that it has around it."""

    centre: float
    spread: float


@dataclass(frozen=True)
class Fit:
    """Fitted weights, and those of the fits without each of the cases.

    Attributes:
        weights: Of all cases.
        without: For each case, the weights fitted without it, by one Newton step from all.
    """

    weights: Weights
    without: tuple[Weights, ...]


def probabilities(weights: Weights, features: Features) -> list[float]:
    """The probability of each value of a case."""
    scores = [sum(map(mul, weights, row)) for row in features]
    top = max(scores)
    shares = [math.exp(score - top) for score in scores]
    total = sum(shares)
    return [share / total for share in shares]


def fit(cases: Sequence[Features], chosen: Sequence[int], priors: Sequence[Prior]) -> Fit:
    """Fit the weights by Newton's method, and approximate each leave-one-out fit.

    Args:
        cases: The features of each case.
        chosen: The number of the value that the expert gave, for each case.
        priors: For each weight, what it is drawn to.

    Source of the leave-one-out step: K. Rad and A. Maleki, A scalable estimate of the out-of-sample
    prediction error via approximate leave-one-out cross-validation, Journal of the Royal
    Statistical Society B 82 (2020), pages 965-996 (arXiv 1801.10243).
    """
    alike = Counter(zip(cases, chosen, strict=True))
    weights = tuple(prior.centre for prior in priors)
    here = _Bent.at(weights, alike, priors)
    for _ in range(_MOST_STEPS):
        step = _solved(here.bend, here.slope)
        size = 1.0
        tried, there = weights, here
        for _ in range(_HALVINGS):
            tried = tuple(w + size * s for w, s in zip(weights, step, strict=True))
            there = _Bent.at(tried, alike, priors)
            if there.loss <= here.loss:
                break
            size /= 2
        else:
            break
        gained = here.loss - there.loss
        weights, here = tried, there
        if gained < _CLOSE:
            break
    without = {
        kind: here.without(slope, bend, weights)
        for kind, (slope, bend) in zip(alike, here.each, strict=True)
    }
    return Fit(weights, tuple(without[kind] for kind in zip(cases, chosen, strict=True)))


@dataclass(frozen=True)
class _Bent:
    """The loss at some weights, its slope downwards, and how it bends there.

    Attributes:
        each: The slope and the bend of one case of each kind alone.
    """

    loss: float
    slope: list[float]
    bend: Matrix
    each: list[tuple[list[float], Matrix]]

    @classmethod
    def at(
        cls, weights: Weights, alike: Mapping[tuple[Features, int], int], priors: Sequence[Prior]
    ) -> _Bent:
        apart = [(p.centre - w) / p.spread for w, p in zip(weights, priors, strict=True)]
        loss = sum(a * a for a in apart) / 2
        slope = [a / p.spread for a, p in zip(apart, priors, strict=True)]
        bend = [[0.0] * len(priors) for _ in priors]
        for i, prior in enumerate(priors):
            bend[i][i] = 1 / prior.spread**2
        each = []
        for (features, choice), count in alike.items():
            shares = probabilities(weights, features)
            loss -= count * math.log(max(shares[choice], 1e-300))
            each.append(_alone(shares, features, choice))
            for i, (line, more) in enumerate(zip(bend, each[-1][1], strict=True)):
                slope[i] += count * each[-1][0][i]
                for j in range(i + 1):
                    line[j] += count * more[j]
        return cls(loss, slope, bend, each)

    def without(self, slope: list[float], bend: Matrix, weights: Weights) -> Weights:
        """The weights of the fit without the case of that slope and bend."""
        rest = [
            [a - b for a, b in zip(line, own, strict=True)]
            for line, own in zip(self.bend, bend, strict=True)
        ]
        step = _solved(rest, slope)
        return tuple(w - s for w, s in zip(weights, step, strict=True))


def _alone(shares: Sequence[float], features: Features, choice: int) -> tuple[list[float], Matrix]:
    """The slope and the bend of one case; of the bend, which is symmetric, the lower half."""
    size = len(features[0])
    bend = [[0.0] * size for _ in range(size)]
    mean = [sum(map(mul, shares, column)) for column in zip(*features, strict=True)]
    for share, row in zip(shares, features, strict=True):
        apart = list(map(sub, row, mean))
        for i, line in enumerate(bend):
            weighted = share * apart[i]
            for j in range(i + 1):
                line[j] += weighted * apart[j]
    return list(map(sub, features[choice], mean)), bend


def _solved(matrix: Matrix, right: Sequence[float]) -> list[float]:
    """The solution of a positive definite system, by Cholesky's method.

    Of the matrix, which is symmetric, only the lower half is read.
    """
    size = len(right)
    lower = [[0.0] * size for _ in range(size)]
    for i in range(size):
        for j in range(i + 1):
            rest = matrix[i][j] - sum(lower[i][k] * lower[j][k] for k in range(j))
            # The priors make it positive; rounding may not.
            lower[i][j] = math.sqrt(max(rest, 1e-12)) if i == j else rest / lower[j][j]
    forward = [0.0] * size
    for i in range(size):
        forward[i] = (right[i] - sum(lower[i][k] * forward[k] for k in range(i))) / lower[i][i]
    solution = [0.0] * size
    for i in reversed(range(size)):
        below = sum(lower[k][i] * solution[k] for k in range(i + 1, size))
        solution[i] = (forward[i] - below) / lower[i][i]
    return solution
