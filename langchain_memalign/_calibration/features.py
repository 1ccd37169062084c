"""What of a judge's answer tells which value an expert will give."""

from __future__ import annotations

import math
from collections.abc import Sequence

from langchain_memalign._calibration.levels import Levels
from langchain_memalign._calibration.logit import Features, Prior
from langchain_memalign.schema import JudgeRecord, Value

TRUSTED = 0.8
"""How often a judge is taken to be right before anything is known of it."""

_LEAST = 1e-3
_FEW_NEAR = 3
# With more labels, one weight for each is more than a few cases can tell.
_MOST_BIASES = 4

_FAITH = Prior(1.0, 1.0)
_VOTE = Prior(0.0, 2.0)
_BIAS = Prior(0.0, 1.0)
_DISTANCE = Prior(0.0, 2.0)
_TILT = Prior(0.0, 2.0)
_MIDDLE = Prior(0.0, 1.0)


def priors(levels: Levels) -> list[Prior]:
    """What each weight is drawn to: the judge is right, and nothing else tells anything."""
    if levels.places is not None:
        return [_FAITH, _VOTE, _DISTANCE, _TILT, _MIDDLE]
    count = len(levels.values)
    return [_FAITH, _VOTE, *([_BIAS] * count if count <= _MOST_BIASES else [])]


def features(levels: Levels, said: Value, record: JudgeRecord) -> Features:
    """For each level, what speaks for it.

    How likely the judge's own answer makes it, as a logarithm; how many near past cases have it;
    and the level itself, for a judge that gives some values too often. On a scale: how far it is
    from the judge's value, from the scale's ends and from its middle, in steps and squares of
    them, so that the expert's values lie around a line through the judge's.

    Args:
        levels: The levels.
        said: What the judge said.
        record: What else is known of its answer.
    """
    faith = [math.log(share) for share in shares(levels, said, record)]
    votes = _votes(levels, record)
    places = levels.places
    if places is None:
        count = len(levels.values)
        biases = [[float(i == j) for j in range(count)] for i in range(count)]
        if count > _MOST_BIASES:
            biases = [[] for _ in range(count)]
        return tuple((f, v, *bias) for f, v, bias in zip(faith, votes, biases, strict=True))
    steps = len(places) - 1
    at, middle = steps * levels.place(said), steps / 2
    rows = zip(faith, votes, (steps * place for place in places), strict=True)
    return tuple((f, v, -((x - at) ** 2), x - middle, -((x - middle) ** 2)) for f, v, x in rows)


def shares(levels: Levels, said: Value, record: JudgeRecord) -> list[float]:
    """How likely the judge's own answer makes each level: as its model says, or by trust in it."""
    told = told_shares(levels, record)
    if told is not None:
        return told
    others = (1 - TRUSTED) / (len(levels.values) - 1)
    number = levels.level(said)
    return [TRUSTED if i == number else others for i in range(len(levels.values))]


def told_shares(levels: Levels, record: JudgeRecord) -> list[float] | None:
    """How likely the model thought each level; None where it does not tell."""
    if record.probabilities is None:
        return None
    found = [0.0] * len(levels.values)
    for value, share in record.probabilities.items():
        number = levels.level(value)
        if number is None:
            return None
        found[number] += share
    kept = [max(share, _LEAST) for share in found]
    return [share / sum(kept) for share in kept]


def _votes(levels: Levels, record: JudgeRecord) -> list[float]:
    votes = [0.0] * len(levels.values)
    for near in record.near:
        number = levels.level(near.value)
        if number is not None and near.similarity > 0:
            for i, weight in enumerate(_spread(levels, number)):
                votes[i] += near.similarity * weight
    return [vote / max(_FEW_NEAR, len(record.near)) for vote in votes]


def _spread(levels: Levels, number: int) -> Sequence[float]:
    if levels.places is None:
        return [float(i == number) for i in range(len(levels.values))]
    return [1 - abs(place - levels.places[number]) for place in levels.places]
