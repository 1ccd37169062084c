"""A judge's track record: what experts said of its answers, and what that makes of the next one.

The map from its answers to the experts' is fitted by `logit`, and is used only if it lowers the
log loss, each case left out of the fit, by more than that difference's standard error.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

from langchain_memalign._calibration.features import TRUSTED, features, priors, told_shares
from langchain_memalign._calibration.levels import Levels
from langchain_memalign._calibration.logit import Features, Fit, Weights, fit, probabilities
from langchain_memalign._values.levels import Aggregate, aggregated
from langchain_memalign._values.types import ValueType
from langchain_memalign.schema import JudgeRecord, Probabilities, Threshold, Value

_TRUST_WEIGHT = 5.0
_KIND_WEIGHT = 4.0
_LEAST_SHARE = 1e-6


@dataclass(frozen=True)
class TrackCase:
    """A case of the track record: the expert's value, and what the judge had said unseen."""

    value: Value
    said: Value
    record: JudgeRecord


@dataclass(frozen=True)
class Calibrated:
    """What is made of an answer.

    Attributes:
        value: The value that counts.
        probabilities: How likely each value is; None where nothing tells.
        confidence: The probability that the expert agrees with the value; None where nothing tells.
    """

    value: Value
    probabilities: Probabilities | None
    confidence: float | None


@dataclass(frozen=True)
class Evidence:
    """What the map gains: mean log losses in nats, and the standard error of their difference."""

    before: float
    after: float
    standard_error: float

    @property
    def gain(self) -> float:
        """How much the log loss falls."""
        return self.before - self.after

    @property
    def pays(self) -> bool:
        """Whether it falls by more than its standard error."""
        return self.gain > self.standard_error


@dataclass(frozen=True)
class Track:
    """The track record of one judge, with one model, prompt and value type.

    Attributes:
        value_type: The values that it may give.
        cases: The cases, one each, oldest first.
        unscored: On how many further cases it reached no verdict.
        promises: The thresholds that were asked for, kept.
    """

    value_type: ValueType
    cases: tuple[TrackCase, ...] = ()
    unscored: int = 0
    levels: Levels = field(init=False)
    promises: dict[object, Threshold] = field(default_factory=dict, compare=False, repr=False)
    least_cases: ClassVar[int] = 10
    """With fewer, no map is fitted: its gain could not be told from chance."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "levels", Levels(self.value_type))

    def says(self, said: Value, record: JudgeRecord) -> Calibrated:
        """What is made of a new answer."""
        if self.is_calibrated and self._fit is not None:
            return self._mapped(self._fit.weights, said, features(self.levels, said, record))
        return self._as_said(said, record, without=None)

    @cached_property
    def without_each(self) -> tuple[Calibrated, ...]:
        """What would be made of each case's answer if that case were not in the record."""
        if self.is_calibrated and self._fit is not None:
            return tuple(
                self._mapped(weights, case.said, row)
                for weights, case, row in zip(
                    self._fit.without, self.cases, self._rows, strict=True
                )
            )
        return tuple(self._as_said(c.said, c.record, without=c) for c in self.cases)

    @cached_property
    def is_calibrated(self) -> bool:
        """Whether the map is used."""
        return self.evidence is not None and self.evidence.pays

    @cached_property
    def evidence(self) -> Evidence | None:
        """What the map gains; None where there are too few cases to tell."""
        if self._fit is None:
            return None
        losses = []
        fitted = zip(self._fit.without, self._rows, strict=True)
        for (weights, row), case, chosen in zip(fitted, self.cases, self._chosen, strict=True):
            mapped = probabilities(weights, row)
            losses.append((self._loss_as_said(case, chosen), -_log(mapped[chosen])))
        count = len(losses)
        gains = [before - after for before, after in losses]
        gain = sum(gains) / count
        spread = sum((g - gain) ** 2 for g in gains) / (count - 1)
        before, after = (sum(column) / count for column in zip(*losses, strict=True))
        return Evidence(before, after, math.sqrt(spread / count))

    @cached_property
    def _fit(self) -> Fit | None:
        if len(self.cases) < self.least_cases:
            return None
        return fit(self._rows, self._chosen, priors(self.levels))

    @cached_property
    def _rows(self) -> list[Features]:
        return [features(self.levels, case.said, case.record) for case in self.cases]

    @cached_property
    def _chosen(self) -> list[int]:
        return [self.levels.level(case.value) or 0 for case in self.cases]

    @cached_property
    def _agreed(self) -> Counter[tuple[int | None, bool]]:
        """How often experts agreed, by the level that the judge had said."""
        return Counter(map(self._outcome, self.cases))

    @cached_property
    def _agreed_in_all(self) -> int:
        return sum(count for (_, agreed), count in self._agreed.items() if agreed)

    def _outcome(self, case: TrackCase) -> tuple[int | None, bool]:
        return self.levels.level(case.said), self.levels.agree(case.said, case.value)

    def _trust(self, without: TrackCase | None) -> float:
        """How often experts agree, whatever the judge says."""
        count, agreed = len(self.cases), self._agreed_in_all
        if without is not None:
            count, agreed = count - 1, agreed - self._outcome(without)[1]
        return (agreed + _TRUST_WEIGHT * TRUSTED) / (count + _TRUST_WEIGHT)

    def _trust_in(self, said: Value, without: TrackCase | None) -> float:
        """How often experts agree when the judge says this: the mean of a beta distribution."""
        level = self.levels.level(said)
        agreed, differed = self._agreed[level, True], self._agreed[level, False]
        if without is not None:
            own = self._outcome(without)[1]
            agreed, differed = agreed - own, differed - (not own)
        prior = _KIND_WEIGHT * self._trust(without)
        return (agreed + prior) / (agreed + differed + _KIND_WEIGHT)

    def _loss_as_said(self, case: TrackCase, chosen: int) -> float:
        told = told_shares(self.levels, case.record)
        if told is None:
            # The judge's value is what counts without the map, so it is taken for the likeliest.
            trust = max(self._trust(case), 1 / len(self.levels.values))
            others = (1 - trust) / (len(self.levels.values) - 1)
            return -_log(trust if self.levels.level(case.said) == chosen else others)
        return -_log(told[chosen])

    def _as_said(self, said: Value, record: JudgeRecord, without: TrackCase | None) -> Calibrated:
        if (told := record.probabilities) is not None:
            return Calibrated(said, told, self._agreeing(said, told))
        if not self.cases:
            return Calibrated(said, None, None)
        trust = self._trust_in(said, without)
        if self.value_type.kind != "boolean":
            return Calibrated(said, None, trust)
        return Calibrated(said, Probabilities(_both(said, trust)), trust)

    def _mapped(self, weights: Weights, said: Value, row: Features) -> Calibrated:
        found = probabilities(weights, row)
        shown = Probabilities(dict(zip(self.levels.values, found, strict=True)))
        way: Aggregate = "mean" if self.levels.is_cut else "mode"
        made = aggregated(shown, self.value_type, way, said=said)
        value = said if made is None else made
        return Calibrated(value, shown, self._agreeing(value, shown))

    def _agreeing(self, value: Value, found: Probabilities) -> float:
        return min(1.0, sum(p for other, p in found.items() if self.levels.agree(value, other)))


def _both(said: Value, trust: float) -> dict[Value, float]:
    true = trust if said is True else 1 - trust
    return {True: true, False: 1 - true}


def _log(share: float) -> float:
    return math.log(max(share, _LEAST_SHARE))
