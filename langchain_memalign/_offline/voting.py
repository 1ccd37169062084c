"""The vote of precedents on a case."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from langchain_memalign._offline.reading import Precedent
from langchain_memalign._values.types import ValueType
from langchain_memalign.schema import Value

# An episode that is this much less similar than the nearest weighs 1/e of it. Measured, k = 5, on
# seven labelled data sets: between 0.03 and 0.2 it makes no difference beyond chance.
_SPREAD = 0.1

# Whoever adds less than this share to the winning side has not decided it.
_CARRYING_SHARE = 0.1


@dataclass(frozen=True)
class Ballot:
    """One expert's word on one precedent, and the weight that it has."""

    precedent: Precedent
    value: Value
    remark: str
    weight: float


@dataclass(frozen=True)
class Outcome:
    """What a vote decided.

    Attributes:
        value: The value that won.
        manner: In words, what makes it the winner.
        carried_by: The ballots that decided it, nearest first.
        voters: How many precedents voted.
    """

    value: Value
    manner: str
    carried_by: tuple[Ballot, ...]
    voters: int


def vote(precedents: Sequence[Precedent], value_type: ValueType) -> Outcome | None:
    """Let precedents vote, the nearer ones with more weight.

    Labels: the value with the most weight. Whole numbers: the weighted median, which is always a
    value that an expert gave and does not shrink towards the middle of the scale as a mean does.
    Numbers: the weighted mean. Several experts of one precedent share its weight.

    Args:
        precedents: Those close enough to count, nearest first; at least one.
        value_type: The values at stake.

    Returns:
        The outcome, or None where two labels have the same weight.
    """
    ballots = _ballots(precedents)
    if value_type.kind == "number":
        manner = "this value is the weighted mean"
        return _outcome(_mean(ballots), manner, ballots, len(precedents))
    winner = _median(ballots) if value_type.is_ordered else _most(ballots)
    if winner is None:
        return None
    supporters = [ballot for ballot in ballots if ballot.value == winner]
    share = f"{_weigh(supporters) / _weigh(ballots):.0%} of the weight"
    median = "is the weighted median, and " if value_type.is_ordered else ""
    manner = f"this value {median}has {share}"
    return _outcome(winner, manner, supporters, len(precedents))


def _outcome(value: Value, manner: str, supporters: Sequence[Ballot], voters: int) -> Outcome:
    least = _CARRYING_SHARE * _weigh(supporters)
    return Outcome(value, manner, tuple(b for b in supporters if b.weight >= least), voters)


def _ballots(precedents: Sequence[Precedent]) -> list[Ballot]:
    return [
        Ballot(
            precedent,
            opinion.value,
            opinion.remark,
            math.exp((precedent.similarity - precedents[0].similarity) / _SPREAD)
            / len(precedent.opinions),
        )
        for precedent in precedents
        for opinion in precedent.opinions
    ]


def _weigh(ballots: Iterable[Ballot]) -> float:
    return math.fsum(ballot.weight for ballot in ballots)


def _most(ballots: Sequence[Ballot]) -> Value | None:
    weights = {
        value: _weigh(b for b in ballots if b.value == value)
        for value in dict.fromkeys(b.value for b in ballots)
    }
    winner, *others = sorted(weights, key=lambda value: -weights[value])
    # Two experts who contradict each other on the nearest case: neither is right by being first.
    if others and math.isclose(weights[winner], weights[others[0]]):
        return None
    return winner


def _median(ballots: Sequence[Ballot]) -> Value:
    ordered = sorted(ballots, key=lambda ballot: float(ballot.value))
    reached = list(accumulate(ballot.weight for ballot in ordered))
    # A rounding error must not lift an even split to the higher value.
    return ordered[bisect_left(reached, reached[-1] / 2 * (1 - 1e-9))].value


def _mean(ballots: Sequence[Ballot]) -> float:
    values = [float(ballot.value) for ballot in ballots]
    total = math.fsum(value * b.weight for value, b in zip(values, ballots, strict=True))
    # A rounding error must not leave the scale.
    return min(max(total / _weigh(ballots), min(values)), max(values))
