"""The values that probabilities are told of, and the one value that is made of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from langchain_memalign._values.types import ValueType
from langchain_memalign.schema import Value

Aggregate: TypeAlias = Literal["mode", "mean"]
"""Which value of several probable ones is the verdict's."""

# So many equal steps divide most scales that people write, from 0 to 1, 10 or 100, into round ones.
_COARSE, _FINE = 6, 11


class SteppedType(ValueType):
    """A scale of which only some numbers are asked for, so that each can have a probability.

    What else is given on the scale is a value, too.

    Attributes:
        steps: The numbers that are asked for.
    """

    steps: tuple[int | float, ...]

    @property
    def json_schema(self) -> dict[str, Any]:
        """The JSON schema of one value."""
        return {"type": self.kind, "enum": list(self.steps)}

    def describe(self) -> str:
        """The values in words, for a prompt or a message."""
        return f"one of {', '.join(f'{step:.6g}' for step in self.steps)}"


def levels_of(value_type: ValueType, most: int) -> tuple[Value, ...]:
    """The values, in the order of their scale; on a scale of more than `most`, as many as fit.

    Those of a long scale are evenly spaced, its ends among them, whole where its values are.
    """
    match value_type.kind:
        case "boolean":
            return True, False
        case "choice":
            labels = value_type.labels
            return tuple(sorted(labels, key=float) if value_type.is_ordered else labels)
    low, high = value_type.minimum, value_type.maximum
    whole = value_type.kind == "integer"
    if whole and high - low < most:
        return tuple(range(int(low), int(high) + 1))
    count = _FINE if most >= _FINE else _COARSE
    spaced = [low + (high - low) * i / (count - 1) for i in range(count)]
    return tuple(dict.fromkeys(map(_rounded, spaced))) if whole else tuple(map(_written, spaced))


def is_coarse(value_type: ValueType, most: int) -> bool:
    """Whether there are values between `levels_of` the same."""
    if value_type.kind == "integer":
        return value_type.maximum - value_type.minimum >= most
    return value_type.kind == "number"


def stepped(value_type: ValueType, most: int) -> ValueType:
    """The type of what a chat model is asked for, so that at most about so many values are."""
    if not is_coarse(value_type, most):
        return value_type
    return SteppedType(**value_type.model_dump(), steps=levels_of(value_type, most))


def aggregated(
    probabilities: Mapping[Value, float],
    value_type: ValueType,
    aggregate: Aggregate,
    *,
    said: Value | None = None,
) -> Value | None:
    """The value that probabilities make.

    The mean is the better guess of an expert's rating than the mode (Wang, Zhang and Choi 2025,
    https://arxiv.org/abs/2503.03064); of labels there is none.

    Args:
        probabilities: How likely each value is.
        value_type: What the value may be; the mean is brought to the nearest of them.
        aggregate: Which value: the most likely one, or the expected one.
        said: What the model itself chose; it decides where several are as likely.

    Returns:
        The value; None where several are the most likely, and the model chose none of them.
    """
    if aggregate == "mode":
        highest = max(probabilities.values())
        likeliest = [value for value, p in probabilities.items() if math.isclose(p, highest)]
        if len(likeliest) == 1:
            return likeliest[0]
        return said if said in likeliest else None
    mean = math.fsum(float(value) * p for value, p in probabilities.items())
    if value_type.kind == "number":
        return _written(min(max(mean, value_type.minimum), value_type.maximum))
    if value_type.kind == "integer":
        return _rounded(mean)
    # Of two labels as near the likelier one.
    return min(probabilities, key=lambda v: (abs(float(v) - mean), -probabilities[v]))


def _rounded(number: float) -> int:
    return math.floor(number + 0.5)


def _written(number: float) -> float:
    """A number without what computing it left in its last digits."""
    return float(f"{number:.12g}")
