"""The values of a judge as a row of levels, and when an expert agrees with one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from langchain_memalign._values.levels import is_coarse, levels_of
from langchain_memalign._values.types import ValueType
from langchain_memalign.schema import Value

_MOST_LEVELS = 11
_TOLERATED = 0.1


@dataclass(frozen=True)
class Levels:
    """The levels of a value type: its values, or 11 steps of a long scale.

    Attributes:
        value_type: Which values there are.
    """

    value_type: ValueType

    @cached_property
    def values(self) -> tuple[Value, ...]:
        """The value of each level, in the order of the value type."""
        return levels_of(self.value_type, _MOST_LEVELS)

    @cached_property
    def is_cut(self) -> bool:
        """Whether a level stands for several values."""
        return is_coarse(self.value_type, _MOST_LEVELS)

    @cached_property
    def places(self) -> tuple[float, ...] | None:
        """Where each level lies on a scale, from 0 to 1; None where there is no order."""
        if not self.value_type.is_ordered:
            return None
        return tuple(map(self.place, self.values))

    def place(self, value: Value) -> float:
        """Where a value lies on the scale, from 0 to 1."""
        low, high = self._ends
        return (float(value) - low) / (high - low)

    def level(self, value: Value) -> int | None:
        """The number of the level that a value is, or is nearest to; None for any other value."""
        if not self.is_cut:
            return self._numbers.get((type(value), value))
        if isinstance(value, bool | str):
            return None
        at = self.place(value)
        return round(at * (_MOST_LEVELS - 1)) if 0 <= at <= 1 else None

    def agree(self, one: Value, other: Value) -> bool:
        """Whether two values agree: they are one, or on a long scale near."""
        if not self.is_cut:
            return type(one) is type(other) and one == other
        return abs(self.place(one) - self.place(other)) <= _TOLERATED + 1e-9

    @cached_property
    def _numbers(self) -> dict[tuple[type, Value], int]:
        # 1 and True are equal, and two values.
        return {(type(value), value): number for number, value in enumerate(self.values)}

    @cached_property
    def _ends(self) -> tuple[float, float]:
        numbers = [float(label) for label in self.value_type.labels if isinstance(label, int)]
        if numbers:
            return min(numbers), max(numbers)
        return float(self.value_type.minimum), float(self.value_type.maximum)
